"""When a timer runs: NCRONTAB expressions and time spans. Pure; all times are UTC.

The rules are those of the NCrontab library that the host uses (its CrontabField sources): six fields, seconds first;
day and day of week must both match; ranges given backwards are swapped; names may be shortened; Sunday is 0, 7 is none.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from local.functions_host.timespan import is_timespan, parse_timespan

_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_SEARCH_YEARS = 30  # long enough for 29 February on a given day of week


class InvalidSchedule(ValueError):
    """The text is neither an NCRONTAB expression nor a time span; the message is for a person."""


class Schedule(Protocol):
    """Something that knows when to run next."""

    def next_after(self, moment: datetime) -> datetime:
        """The first time to run strictly after the given UTC moment."""

    def runs_within_a_minute(self) -> bool:
        """Whether two runs can be less than a minute apart (such timers are not monitored)."""


@dataclass(frozen=True)
class _Field:
    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> frozenset[int]:
        values: set[int] = set()
        for part in text.split(","):
            values.update(self._part(part))
        return frozenset(values)

    def _part(self, part: str) -> range:
        body, slash, step = part.partition("/")
        if slash and not step.isdecimal():
            raise InvalidSchedule(f"'{part}' has no valid step in the field {self.name}")
        if body == "*":
            first, last = self.least, self.most
        elif "-" in body:
            first, last = sorted(self._value(end) for end in body.split("-", 1))
        else:
            first = self._value(body)
            last = self.most if slash else first
        return range(first, last + 1, max(int(step or 1), 1))

    def _value(self, text: str) -> int:
        named = [index for index, name in enumerate(self.names) if text and name.startswith(text.lower())]
        if not text.isdecimal() and not named:
            raise InvalidSchedule(f"'{text}' is not a value of the field {self.name}")
        value = int(text) if text.isdecimal() else named[0] + self.least
        if not self.least <= value <= self.most:
            raise InvalidSchedule(f"{value} is outside {self.least} to {self.most} in the field {self.name}")
        return value


_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _DAYS),
)


@dataclass(frozen=True)
class CronSchedule:
    """An NCRONTAB expression, as the sets of values that match."""

    seconds: frozenset[int]
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]

    def next_after(self, moment: datetime) -> datetime:
        """The first matching second after the moment; `datetime.max` (UTC) when no day ever matches."""
        start = moment.replace(microsecond=0) + timedelta(seconds=1)
        day = start.replace(hour=0, minute=0, second=0)
        for _ in range(366 * _SEARCH_YEARS):
            if self._day_matches(day):
                found = self._first_time(day, start)
                if found is not None:
                    return found
            day += timedelta(days=1)
        return datetime.max.replace(tzinfo=UTC)

    def runs_within_a_minute(self) -> bool:
        """More than one matching second in a minute, or the last of one minute just before the first of the next."""
        if len(self.seconds) > 1:
            return True
        first = self.next_after(datetime(2024, 1, 1, tzinfo=UTC))
        return self.next_after(first) - first < timedelta(minutes=1)

    def _day_matches(self, day: datetime) -> bool:
        weekday = (day.weekday() + 1) % 7
        return day.month in self.months and day.day in self.days and weekday in self.weekdays

    def _first_time(self, day: datetime, start: datetime) -> datetime | None:
        for hour in sorted(self.hours):
            if day.replace(hour=hour, minute=59, second=59) < start:
                continue
            for minute in sorted(self.minutes):
                for second in sorted(self.seconds):
                    candidate = day.replace(hour=hour, minute=minute, second=second)
                    if candidate >= start:
                        return candidate
        return None


@dataclass(frozen=True)
class IntervalSchedule:
    """A constant time span between runs, counted from the last one."""

    interval: timedelta

    def next_after(self, moment: datetime) -> datetime:
        """The moment plus the interval."""
        return moment + self.interval

    def runs_within_a_minute(self) -> bool:
        """Whether the interval is shorter than a minute."""
        return self.interval < timedelta(minutes=1)


def parse_schedule(text: str) -> Schedule:
    """Six NCRONTAB fields, five (the seconds are then 0), or a time span `hh:mm:ss`; raises InvalidSchedule."""
    fields = text.split()
    if len(fields) == 1 and is_timespan(text):
        return _interval(text)
    if len(fields) == 5:
        fields = ["0", *fields]
    if len(fields) != 6:
        raise InvalidSchedule(f"it has {len(fields)} fields, not six (or five, without seconds)")
    return CronSchedule(*(field.parse(part) for field, part in zip(_FIELDS, fields, strict=True)))


def _interval(text: str) -> IntervalSchedule:
    try:
        interval = parse_timespan(text)
    except ValueError as error:
        raise InvalidSchedule(str(error)) from error
    if interval <= timedelta(0):
        raise InvalidSchedule("a time span must be longer than nothing")
    return IntervalSchedule(interval)
