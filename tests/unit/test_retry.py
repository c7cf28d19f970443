from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import OutcomeUnknown, ServiceUnavailable, StorageUnavailable, Throttled, TransientError
from shared.domain.retry import (
    IN_PROCESS_SECONDS,
    IN_PROCESS_TRIES,
    RETRY_AFTER_CEILING_SECONDS,
    in_process_delay,
    redelivery_delay,
    wished_delay,
)

NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "text", "expected"),
    [
        ("17", "", 17.0),
        (" 17 ", "", 17.0),
        ("0", "", 0.0),
        ("1.5", "", 1.5),
        ("Tue, 24 Nov 2026 09:00:30 GMT", "", 30.0),
        ("Tue, 24 Nov 2026 09:00:30 -0000", "", 30.0),  # no zone known: UTC
        ("Tue, 24 Nov 2026 08:00:00 GMT", "", 0.0),  # a date that has passed
        ("17", "Please retry after 3 seconds.", 17.0),  # the header comes first
        (None, "Please retry after 1 second. To increase your rate limit switch to a paid tier.", 1.0),
        (None, "RETRY AFTER 17 SECONDS", 17.0),
        (None, "retry after 2 minutes", 120.0),
        ("soon", "retry after 4 seconds", 4.0),
        ("-5", "", None),
        ("nan", "", None),
        ("inf", "", None),
        ("", "", None),
        (None, "retry after a while", None),
        (None, "", None),
    ],
)
def test_the_wished_delay_is_read_from_header_or_text(header: str | None, text: str, expected: float | None) -> None:
    assert wished_delay(header, text, NOW) == expected


def test_a_date_without_a_clock_says_nothing() -> None:
    assert wished_delay("Tue, 24 Nov 2026 09:00:30 GMT", "retry after 5 seconds", None) == 5.0


@given(st.text(max_size=40))
def test_no_header_breaks_the_reading(header: str) -> None:
    delay = wished_delay(header, header, NOW)
    assert delay is None or delay >= 0


@pytest.mark.parametrize(
    ("error", "attempt", "waited", "repeatable", "expected"),
    [
        (ServiceUnavailable("GetTags"), 1, 0.0, True, 1.0),
        (ServiceUnavailable("GetTags"), 2, 1.0, True, 2.0),
        (ServiceUnavailable("GetTags"), 3, 3.0, True, None),  # three tries are enough
        (ServiceUnavailable("DeleteTag", status=500), 1, 0.0, False, 1.0),  # answered: a delete may be sent again
        (Throttled("GetTags", retry_after=4), 1, 0.0, True, 4.0),
        (Throttled("GetTags", retry_after=0), 1, 0.0, True, 1.0),  # no wish is a reason to hammer
        (Throttled("GetTags", retry_after=7), 1, 0.0, True, None),  # longer than the time there is
        (Throttled("GetTags", retry_after=4), 2, 4.0, True, None),
        (OutcomeUnknown("GetTags"), 1, 0.0, True, 1.0),
        (OutcomeUnknown("DeleteTag"), 1, 0.0, False, None),  # it may have been done: the caller looks first
    ],
)
def test_waiting_in_process(
    error: TransientError, attempt: int, waited: float, repeatable: bool, expected: float | None
) -> None:
    assert in_process_delay(error, attempt=attempt, waited=waited, repeatable=repeatable, jitter=1.0) == expected


@given(st.lists(st.tuples(st.floats(0, 1), st.none() | st.floats(0, 10)), min_size=5, max_size=5))
def test_tries_and_waiting_in_process_are_bounded_whatever_the_service_says(
    answers: list[tuple[float, float | None]],
) -> None:
    waited, tries = 0.0, 0
    for jitter, wish in answers:
        tries += 1
        error = Throttled("GetTags", retry_after=wish)
        delay = in_process_delay(error, attempt=tries, waited=waited, repeatable=True, jitter=jitter)
        if delay is None:
            break
        assert delay >= (wish or 0)
        waited += delay
    assert tries <= IN_PROCESS_TRIES
    assert waited <= IN_PROCESS_SECONDS


def delays(error: TransientError) -> list[float]:
    given_out: list[float] = []
    while (delay := redelivery_delay(len(given_out) + 1, error)) is not None:
        given_out.append(delay)
    return given_out


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_fault_of_one_call_is_given_up_after_six_redeliveries_and_two_minutes(status: int) -> None:
    assert delays(ServiceUnavailable("GetTags", status=status)) == [2, 4, 8, 16, 32, 64]


def test_half_an_answer_is_a_fault_of_one_call() -> None:
    assert delays(OutcomeUnknown("GetTags", status=200)) == [2, 4, 8, 16, 32, 64]


@pytest.mark.parametrize(
    "error",
    [
        Throttled("GetTags", status=429),
        ServiceUnavailable("GetTags", status=503),
        ServiceUnavailable("GetTags"),
        OutcomeUnknown("DeleteImages"),
        StorageUnavailable("put blob", status=500),
    ],
    ids=lambda error: f"{type(error).__name__}-{error.status}",
)
def test_an_outage_is_given_up_after_about_an_hour(error: TransientError) -> None:
    assert delays(error)[:10] == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert 3600 <= sum(delays(error)) <= 3900


@pytest.mark.parametrize(
    ("wish", "expected"),
    [(10, [10, 10, 10, 16]), (400, [400, 400, 400, 400]), (3600, [3600]), (86400, [RETRY_AFTER_CEILING_SECONDS])],
)
def test_work_never_comes_back_sooner_than_the_service_wishes_up_to_an_hour(wish: float, expected: list[float]) -> None:
    assert delays(Throttled("GetTags", retry_after=wish))[:4] == expected


@given(st.integers(1, 10_000), st.none() | st.floats(0, 1e9))
def test_redelivery_delays_stay_within_bounds(attempt: int, wish: float | None) -> None:
    delay = redelivery_delay(attempt, Throttled("GetTags", retry_after=wish))
    assert delay is None or min(wish or 0, RETRY_AFTER_CEILING_SECONDS) <= delay <= RETRY_AFTER_CEILING_SECONDS
