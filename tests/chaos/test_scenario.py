"""The same seed asks for the same; another seed for something else. The schedule comes due a known number of times."""

from datetime import UTC, datetime, timedelta

import pytest

from export_function.scheduled import latest_due_time
from shared.domain.identifiers import id_of_scheduled_run
from shared.domain.times import rfc3339
from tests.chaos.scenario import farewell, waves
from tests.chaos.schedule import Schedule


def test_a_seed_makes_the_same_requests_again() -> None:
    assert waves(7, 60) == waves(7, 60)
    assert waves(7, 60) != waves(8, 60)
    assert farewell(7, "account") == farewell(7, "account")


def test_more_kills_make_more_waves_and_no_two_are_alike() -> None:
    some = waves(7, 61)
    assert len(some) == 4
    ids = [ask.request_id for wave in [*some, farewell(7, "account")] for ask in wave.asks]
    words = [word for wave in some for album in wave.albums for word in album.words]
    words += [name for wave in some for name in wave.accounts]
    assert len(set(ids)) == len(ids)
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    "start", ["2026-11-24T09:10:31+00:00", "2026-11-24T09:58:59+00:00", "2026-12-31T23:58:00+00:00"]
)
def test_a_schedule_is_due_at_once_then_each_minute_and_then_no_more(start: str) -> None:
    now = datetime.fromisoformat(start).replace(tzinfo=UTC)
    schedule = Schedule.beginning(now, 4)
    due = {rfc3339(latest_due_time(schedule.text, now + timedelta(seconds=20 * step))) for step in range(90)}
    assert sorted(due)[0] <= rfc3339(now)
    assert {id_of_scheduled_run(schedule.text, one) for one in due} == set(schedule.request_ids)
    assert len(set(schedule.request_ids)) == 4
