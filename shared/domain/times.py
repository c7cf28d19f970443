"""Times: RFC 3339 in UTC, and when a request is due."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
CCPA_DAYS = 45


def rfc3339(moment: datetime) -> str:
    """Write an aware time in UTC with milliseconds, such as `2026-11-24T09:00:00.000Z`."""
    if moment.tzinfo is None:
        raise ValueError("a time without zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """Read an RFC 3339 time; ValueError for anything else, a missing zone included."""
    if not _RFC3339.fullmatch(text):
        raise ValueError("not an RFC 3339 time")
    return datetime.fromisoformat(text.replace("z", "Z")).astimezone(UTC)


def due_time(received: datetime, regulation: str) -> datetime:
    """
    Say until when a request must be fulfilled.

    `gdpr`: one calendar month (Art. 12(3); the last day of a shorter month), `ccpa`: 45 days (section 1798.130).
    """
    if regulation == "ccpa":
        return received + timedelta(days=CCPA_DAYS)
    return _one_month_later(received)


def _one_month_later(moment: datetime) -> datetime:
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(moment.day, calendar.monthrange(year, month)[1]))
