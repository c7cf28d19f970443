"""Time spans in the notation of .NET, as host.json and timer schedules write them. Pure."""

import re
from datetime import timedelta

_SPAN = re.compile(r"(?:(?P<days>\d+)\.)?(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:\.(?P<f>\d{1,7}))?)?")


def is_timespan(text: str) -> bool:
    """Whether the text has the form of a time span (its numbers may still be out of range)."""
    return _SPAN.fullmatch(text.strip()) is not None


def parse_timespan(text: str) -> timedelta:
    """`hh:mm:ss`, with optional days before (`1.00:00:00`) and fractions of a second behind.

    Raises ValueError with one sentence for anything else; hours end at 23 (in .NET `24:00:00` is 24 days).
    """
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is not a time span like 00:00:30")
    hours, minutes, seconds = int(found["h"]), int(found["m"]), int(found["s"] or 0)
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"'{text}' is not a time span: hours end at 23, minutes and seconds at 59")
    fraction = int((found["f"] or "0").ljust(7, "0")) / 10_000_000
    return timedelta(days=int(found["days"] or 0), hours=hours, minutes=minutes, seconds=seconds + fraction)
