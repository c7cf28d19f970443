"""JSON as the .NET host reads and writes it (Newtonsoft): indented, dates and floats in its own spelling. Pure."""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,7})\d*)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_DEEPEST = 64  # the default of Newtonsoft's reader
_TOO_DEEP = "the JSON is nested too deeply"
_ESCAPED = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_CONTROL = re.compile('["\\\\\x00-\x1f\x85\u2028\u2029]')


@dataclass(frozen=True)
class _Date:
    """A string that was taken for a date: what was written, and what .NET makes of it."""

    original: str
    moment: datetime
    fraction: str
    zone: str


def parse(text: str) -> object:
    """Parse JSON; strings that look like ISO date-times become dates. Raises ValueError, also beyond 64 levels."""
    try:
        return _with_dates(json.loads(text, parse_constant=_refuse_constant), 0)
    except RecursionError as error:
        raise ValueError(_TOO_DEEP) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _with_dates(value: object, level: int) -> object:
    if level > _DEEPEST:
        raise ValueError(_TOO_DEEP)
    if isinstance(value, dict):
        return {name: _with_dates(inner, level + 1) for name, inner in value.items()}
    if isinstance(value, list):
        return [_with_dates(inner, level + 1) for inner in value]
    return _date_or_text(value) if isinstance(value, str) else value


def _date_or_text(text: str) -> str | _Date:
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    zone = found[3] or ""
    try:
        moment = datetime.fromisoformat(found[1] + zone)
        # A time with an offset becomes local time, and the host's local time is UTC.
        moment = moment.astimezone(UTC) if zone else moment
    except (ValueError, OverflowError):
        return text
    return _Date(text, moment.replace(tzinfo=None), (found[2] or "").rstrip("0"), zone)


def write(value: object, level: int = 0) -> str:
    """The value as JSON with an indent of two and line feeds."""
    if isinstance(value, dict):
        members = [f"{_quoted(name)}: {write(inner, level + 1)}" for name, inner in value.items()]
        return _block("{", members, "}", level)
    if isinstance(value, list):
        return _block("[", [write(inner, level + 1) for inner in value], "]", level)
    if isinstance(value, (str, _Date)):
        return _quoted(value if isinstance(value, str) else _iso(value))
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return _float(value, with_point=True) if isinstance(value, float) else str(value)


def as_text(value: object) -> str:
    """A single value as .NET turns it into text: `True`, dates without zone, numbers as they are."""
    if isinstance(value, _Date):
        return value.moment.strftime("%m/%d/%Y %H:%M:%S")
    if isinstance(value, float):
        return _float(value, with_point=False)
    return str(value)


def original_text(value: object) -> str:
    """A single value as text, a date in its original spelling; None is empty."""
    if isinstance(value, _Date):
        return value.original
    return "" if value is None else as_text(value)


def _block(opening: str, members: list[str], closing: str, level: int) -> str:
    if not members:
        return opening + closing
    inner = ",\n".join("  " * (level + 1) + member for member in members)
    return f"{opening}\n{inner}\n{'  ' * level}{closing}"


def _iso(date: _Date) -> str:
    fraction = f".{date.fraction}" if date.fraction else ""
    zone = "" if not date.zone else "Z" if date.zone == "Z" else "+00:00"
    return date.moment.isoformat() + fraction + zone


def _quoted(text: str) -> str:
    return '"' + _CONTROL.sub(lambda found: _ESCAPED.get(found[0], f"\\u{ord(found[0]):04x}"), text) + '"'


def _float(number: float, *, with_point: bool) -> str:
    if not -1e15 < number < 1e15 or 0 < abs(number) < 1e-4:
        mantissa, _, exponent = f"{number!r}".lower().partition("e")
        if exponent:
            digits = exponent.lstrip("+-").zfill(2)
            return f"{mantissa.removesuffix('.0')}E{'-' if exponent.startswith('-') else '+'}{digits}"
    text = repr(number)
    return text if with_point else text.removesuffix(".0")
