"""What a timer remembers, and what that means at the next start."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from local.functions_host.backoff import PollingBackoff
from local.functions_host.schedule import parse_schedule
from local.functions_host.timer_status import (
    TimerStatus,
    after_run,
    before_first_run,
    is_past_due,
    is_waiting,
    parse_status,
    trigger_json,
)

HOURLY = parse_schedule("0 0 * * * *")
DAILY = parse_schedule("0 0 0 * * *")
TEN = datetime(2026, 11, 24, 10, tzinfo=UTC)


# The second is that of a timer which has never run: its first run can be missed too.
@pytest.mark.parametrize("status", [after_run(HOURLY, TEN), before_first_run(HOURLY, TEN)])
def test_a_missed_run_is_past_due_once_its_time_is_past(status: TimerStatus) -> None:
    before = TEN + timedelta(minutes=59)
    assert is_waiting(status, HOURLY, before)
    assert not is_past_due(status, HOURLY, before)
    assert is_past_due(status, HOURLY, TEN + timedelta(hours=5))


def test_a_changed_schedule_does_not_count_as_missed() -> None:
    status = after_run(HOURLY, TEN)
    assert not is_past_due(status, DAILY, TEN + timedelta(days=2))
    assert not is_waiting(status, DAILY, TEN)


def test_the_next_run_is_counted_from_the_start_of_the_last() -> None:
    assert after_run(HOURLY, TEN + timedelta(minutes=3)).next == TEN + timedelta(hours=1)


def test_a_status_survives_being_stored() -> None:
    for status in (after_run(HOURLY, TEN), before_first_run(HOURLY, TEN)):
        assert parse_status(json.dumps(status.to_json()).encode()) == status


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"Last": 1, "Next": 2, "LastUpdated": 3}'])
def test_a_status_that_is_none_is_ignored(text: bytes) -> None:
    assert parse_status(text) is None


def test_an_unmonitored_timer_is_given_no_status() -> None:
    assert '"ScheduleStatus": null' in trigger_json(None, past_due=False)


def test_polling_starts_at_a_tenth_of_a_second_and_doubles_up_to_its_maximum() -> None:
    backoff = PollingBackoff(1.0, lambda: 0.5)
    assert [round(backoff.next_seconds(), 3) for _ in range(6)] == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    backoff.reset()
    assert backoff.next_seconds() == 0.1


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 0.16), (1.0, 0.24)])
def test_polling_varies_by_a_fifth_either_way(chance: float, expected: float) -> None:
    backoff = PollingBackoff(1.0, lambda: chance)
    backoff.next_seconds()
    assert backoff.next_seconds() == pytest.approx(expected)
