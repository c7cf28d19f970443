"""What a timer remembers between runs, and what that means at a start. Pure."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.functions_host.schedule import Schedule


@dataclass(frozen=True)
class TimerStatus:
    """The status kept for a monitored timer; `last` is None before the first run. Times are UTC."""

    last: datetime | None
    next: datetime
    last_updated: datetime

    def to_json(self) -> dict[str, str]:
        """The host's form: `Last`, `Next`, `LastUpdated` in ISO 8601, a run that never was as year 1."""
        return {
            "Last": _written(self.last or _NEVER),
            "Next": _written(self.next),
            "LastUpdated": _written(self.last_updated),
        }


_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def _written(moment: datetime) -> str:
    return moment.isoformat()


def parse_status(text: bytes) -> TimerStatus | None:
    """Read a stored status; None if it is not one (it is then written anew)."""
    try:
        stored = json.loads(text)
        last, following, updated = (_read(stored[name]) for name in ("Last", "Next", "LastUpdated"))
    except (ValueError, KeyError, TypeError):
        return None
    return TimerStatus(None if last.year == 1 else last, following, updated)


def _read(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_past_due(status: TimerStatus, schedule: Schedule, now: datetime) -> bool:
    """Whether a run was missed: the recorded `Next` is past and belongs to this schedule (not to a changed one)."""
    return _belongs_to(status, schedule) and status.next < now


def is_waiting(status: TimerStatus, schedule: Schedule, now: datetime) -> bool:
    """Whether the recorded `Next` belongs to this schedule and is still to come."""
    return _belongs_to(status, schedule) and status.next >= now


def _belongs_to(status: TimerStatus, schedule: Schedule) -> bool:
    return status.next == schedule.next_after(status.last or status.last_updated)


def after_run(schedule: Schedule, started: datetime) -> TimerStatus:
    """The status once a run that started then is over: the next one is counted from the start."""
    return TimerStatus(started, schedule.next_after(started), started)


def before_first_run(schedule: Schedule, now: datetime) -> TimerStatus:
    """The status of a timer that has not run yet, or whose schedule is new."""
    return TimerStatus(None, schedule.next_after(now), now)


def trigger_json(status: TimerStatus | None, *, past_due: bool) -> str:
    """What the function gets."""
    value: dict[str, Any] = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_json() if status is not None else None,
        "IsPastDue": past_due,
    }
    return json.dumps(value)
