"""How numbers, sizes and times are shown to people. Pure."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from export_function.derived.markup import Safe, element, foreign

_UNITS = ("bytes", "KB", "MB", "GB", "TB")
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]  # no locale


def number(value: int) -> str:
    """Give a whole number with thin spaces between thousands, which no language mistakes for a decimal sign."""
    return f"{value:,}".replace(",", "\u202f")


def percent(fraction: object) -> str:
    """Give a fraction in per cent with one decimal; a dash for anything but a number."""
    value = finite(fraction)
    return "–" if value is None else f"{value * 100:.1f}\u202f%"


def finite(value: object) -> float | None:
    """Give a number that the API has given as a float; None for anything else, and for what no float can hold."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def size(count: int) -> str:
    """Give a number of bytes in the unit that suits (powers of 1,000)."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f}\u202f{_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f}\u202f{_UNITS[unit]}"


def moment(text: object) -> Safe:
    """Give a time of the API as `<time>`, in words, UTC; what is no time is shown as it is."""
    when = parsed(text)
    if when is None:
        return foreign("–" if text in (None, "") else str(text))
    words = f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M} UTC"
    return element("time", words, datetime=f"{when:%Y-%m-%dT%H:%M:%SZ}")


def parsed(text: object) -> datetime | None:
    """Read a time of the API, with or without `Z` (both are UTC) and with up to seven decimals; None if it is none."""
    if not isinstance(text, str):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
