"""NCRONTAB and time spans: when a timer runs."""

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.schedule import InvalidSchedule, parse_schedule


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "now", "expected"),
    [
        ("0 */5 * * * *", "2026-11-24T10:02:30", "2026-11-24T10:05:00"),
        ("0 */5 * * * *", "2026-11-24T10:05:00", "2026-11-24T10:10:00"),  # strictly after
        ("* * * * * *", "2026-11-24T10:02:30.7", "2026-11-24T10:02:31"),
        ("5/15 * * * * *", "2026-11-24T10:02:21", "2026-11-24T10:02:35"),  # 5, 20, 35, 50
        ("0 0 9-17 * * MON-FRI", "2026-11-27T17:00:00", "2026-11-30T09:00:00"),
        ("0 0 0 1 JAN *", "2026-11-24T10:00:00", "2027-01-01T00:00:00"),
        ("0 0 0 * january,MARCH *", "2026-11-24T10:00:00", "2027-01-01T00:00:00"),
        ("0 0 0 * * 0", "2026-11-24T10:00:00", "2026-11-29T00:00:00"),  # Sunday is 0
        ("30 9 * * *", "2026-11-24T10:00:00", "2026-11-25T09:30:00"),  # five fields: seconds are 0
        ("0 30 22-20 * * *", "2026-11-24T10:00:00", "2026-11-24T20:30:00"),  # a range backwards is swapped
        ("0 0 0 29 2 *", "2026-11-24T10:00:00", "2028-02-29T00:00:00"),
        ("0 0 0 13 * Fri", "2026-11-24T10:00:00", "2027-08-13T00:00:00"),  # the day and the day of week
        ("00:00:30", "2026-11-24T10:00:00", "2026-11-24T10:00:30"),
        ("1.00:00:00", "2026-11-24T10:00:00", "2026-11-25T10:00:00"),
    ],
)
def test_a_schedule_gives_the_next_time_to_run(schedule: str, now: str, expected: str) -> None:
    assert parse_schedule(schedule).next_after(moment(now)) == moment(expected)


def test_day_and_day_of_week_must_both_match_unlike_in_unix_cron() -> None:
    now = moment("2026-11-24T10:00:00")
    ours = parse_schedule("0 0 0 13 * FRI").next_after(now)
    unix = croniter("0 0 13 * FRI", now).get_next(datetime)
    assert (ours.day, ours.weekday()) == (13, 4)
    assert unix < ours


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 0 * * 7",  # Sunday is 0, and only 0
        "0 0 0 ? * *",
        "0 0 0 L * *",
        "0 0 0 * * MON#1",
        "60 * * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 * 13 *",
        "* * * *",
        "* * * * * * *",
        "0 */x * * * *",
        "0 ,5 * * * *",
        "0 0 0 * * foo",
        "24:00:00",  # would be 24 days
        "00:00:00",
        "",
    ],
)
def test_what_the_host_would_not_take_is_refused(schedule: str) -> None:
    with pytest.raises(InvalidSchedule):
        parse_schedule(schedule)


def test_a_schedule_that_can_never_match_runs_at_the_end_of_time() -> None:
    assert parse_schedule("0 0 0 31 2 *").next_after(moment("2026-11-24T10:00:00")).year == 9999


@pytest.mark.parametrize(
    ("schedule", "within"),
    [("* * * * * *", True), ("0,30 * * * * *", True), ("0 * * * * *", False), ("00:00:59", True), ("00:01:00", False)],
)
def test_only_schedules_of_a_minute_or_more_are_monitored(schedule: str, within: bool) -> None:
    assert parse_schedule(schedule).runs_within_a_minute() is within


MINUTES = st.integers(0, 59)
STARTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(second=MINUTES, minute=MINUTES, hour=st.integers(0, 23), day=st.integers(1, 28), start=STARTS)
def test_where_the_rules_agree_another_implementation_gives_the_same(
    second: int, minute: int, hour: int, day: int, start: datetime
) -> None:
    ours = parse_schedule(f"{second} {minute} {hour} {day} * *").next_after(start)
    theirs = croniter(f"{minute} {hour} {day} * * {second}", start).get_next(datetime)
    assert ours == theirs


@given(start=STARTS, step=st.integers(1, 59))
def test_the_next_time_is_always_later_and_on_a_whole_second(start: datetime, step: int) -> None:
    following = parse_schedule(f"*/{step} * * * * *").next_after(start)
    assert timedelta(0) < following - start <= timedelta(seconds=60)
    assert following.microsecond == 0
