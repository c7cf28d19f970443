from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.times import due_time, parse_rfc3339, rfc3339

NINE = datetime(2026, 11, 24, 9, tzinfo=UTC)
SPAN = st.integers(0, 100 * 365 * 24 * 3600 * 1000)
MOMENTS = SPAN.map(lambda milliseconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds))


@pytest.mark.parametrize(
    ("received", "due"),
    [
        (datetime(2026, 11, 24, 9, tzinfo=UTC), datetime(2026, 12, 24, 9, tzinfo=UTC)),
        (datetime(2026, 12, 31, 9, tzinfo=UTC), datetime(2027, 1, 31, 9, tzinfo=UTC)),
        (datetime(2027, 1, 31, 9, tzinfo=UTC), datetime(2027, 2, 28, 9, tzinfo=UTC)),
        (datetime(2028, 1, 30, 9, tzinfo=UTC), datetime(2028, 2, 29, 9, tzinfo=UTC)),
        (datetime(2027, 3, 31, 9, tzinfo=UTC), datetime(2027, 4, 30, 9, tzinfo=UTC)),
        (datetime(2027, 2, 28, 9, tzinfo=UTC), datetime(2027, 3, 28, 9, tzinfo=UTC)),
        (
            datetime(2027, 10, 31, 23, 59, 59, 999000, tzinfo=UTC),
            datetime(2027, 11, 30, 23, 59, 59, 999000, tzinfo=UTC),
        ),
    ],
)
def test_gdpr_gives_one_calendar_month(received: datetime, due: datetime) -> None:
    assert due_time(received, "gdpr") == due


def test_ccpa_gives_45_days() -> None:
    assert due_time(NINE, "ccpa") - NINE == timedelta(days=45)


@given(MOMENTS)
def test_a_month_is_28_to_31_days_at_the_same_time_of_day(received: datetime) -> None:
    due = due_time(received, "gdpr")
    assert 28 <= (due - received).days <= 31
    assert due.timetz() == received.timetz()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NINE, "2026-11-24T09:00:00.000Z"),
        (NINE.replace(microsecond=1999), "2026-11-24T09:00:00.001Z"),
        (datetime(2026, 11, 24, 10, tzinfo=timezone(timedelta(hours=1))), "2026-11-24T09:00:00.000Z"),
    ],
)
def test_times_are_written_in_utc_with_milliseconds(moment: datetime, text: str) -> None:
    assert rfc3339(moment) == text


def test_a_time_without_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="without zone"):
        rfc3339(datetime(2026, 11, 24, 9))  # noqa: DTZ001 - that is the point


@pytest.mark.parametrize(
    "text",
    ["2026-11-24T09:00:00Z", "2026-11-24t09:00:00z", "2026-11-24 09:00:00Z", "2026-11-24T10:30:00+01:30"],
)
def test_every_form_of_rfc3339_is_read(text: str) -> None:
    assert parse_rfc3339(text) == NINE


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-24",
        "2026-11-24T09:00Z",
        "2026-11-24T09:00:00",
        "20261124T090000Z",
        "2026-W48-2T09:00:00Z",
        "2026-13-01T09:00:00Z",
        "2027-02-29T09:00:00Z",
        "2026-11-24T25:00:00Z",
        "2026-11-24T09:00:00.Z",
        "2026-11-24T09:00:00+0100",
        "2026-11-24T09:00:00Z\n",
        " 2026-11-24T09:00:00Z",
        "٢٠٢٦-11-24T09:00:00Z",
    ],
)
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any ValueError is the promise
        parse_rfc3339(text)


@given(MOMENTS, st.integers(0, 999))
def test_a_written_time_is_read_back_to_the_millisecond(moment: datetime, more: int) -> None:
    assert parse_rfc3339(rfc3339(moment + timedelta(microseconds=more))) == moment
