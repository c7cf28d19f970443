"""Route templates of ASP.NET, as HTTP triggers use them: parsing and matching. Pure.

`{id}`, `{id?}`, `{id=default}`, `{*rest}`, each with constraints (`{id:guid}`); matching ignores case.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

_NUMBER = r"[+-]?\d+"
_DECIMAL = r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?"
_GUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}"
_PARAMETER = re.compile(r"(?P<star>\*{0,2})(?P<name>[A-Za-z_][\w-]*)(?P<rest>.*)", re.DOTALL)


class InvalidRoute(ValueError):
    """A template that the host would not take; the message is for a person."""


@dataclass(frozen=True)
class _Parameter:
    name: str
    optional: bool
    catch_all: bool
    default: str | None
    constraints: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class RouteTemplate:
    """A parsed template. `text` is the template as written, without leading slash."""

    text: str
    pattern: re.Pattern[str]
    parameters: tuple[_Parameter, ...]

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The route values of an undecoded path (decoded, but for slashes), or None if it does not match."""
        found = self.pattern.fullmatch(raw_path.strip("/"))
        if found is None:
            return None
        values: dict[str, str] = {}
        for index, parameter in enumerate(self.parameters):
            value = _decoded(found[f"p{index}"]) or parameter.default
            if value is None:
                continue
            if not all(_satisfies(value, name, argument) for name, argument in parameter.constraints):
                return None
            values[parameter.name] = value
        return values


def parse_route(text: str) -> RouteTemplate:
    """Parse a template; raises InvalidRoute for broken braces, unknown constraints, repeated parameters."""
    parameters: list[_Parameter] = []
    pattern = ""
    for position, segment in enumerate(_segments(text)):
        pattern += _segment_pattern(segment, parameters, first=position == 0)
    names = [parameter.name.lower() for parameter in parameters]
    if len(set(names)) != len(names):
        raise InvalidRoute("a parameter appears twice")
    return RouteTemplate(text, re.compile(pattern, re.IGNORECASE | re.DOTALL), tuple(parameters))


def _segments(text: str) -> list[list[tuple[str, str]]]:
    """Split at slashes outside braces into segments of ('text', …) and ('parameter', …) pieces."""
    segments: list[list[tuple[str, str]]] = [[]]
    position = 0
    while position < len(text):
        if text[position] == "/":
            segments.append([])
            position += 1
        elif text[position] == "{":
            end = _closing_brace(text, position)
            inner = text[position + 1 : end].replace("{{", "{").replace("}}", "}")
            segments[-1].append(("parameter", inner))
            position = end + 1
        else:
            end = next((at for at in range(position, len(text)) if text[at] in "/{"), len(text))
            segments[-1].append(("text", text[position:end]))
            position = end
    return segments


def _closing_brace(text: str, start: int) -> int:
    position = start + 1
    while position < len(text):
        if text[position : position + 2] in ("{{", "}}"):
            position += 2
        elif text[position] == "}":
            return position
        else:
            position += 1
    raise InvalidRoute("a brace is not closed")


def _segment_pattern(segment: list[tuple[str, str]], parameters: list[_Parameter], *, first: bool) -> str:
    slash = "" if first else "/"
    if len(segment) == 1 and segment[0][0] == "parameter":
        parameter = _parameter(segment[0][1])
        parameters.append(parameter)
        group = f"(?P<p{len(parameters) - 1}>{'.*' if parameter.catch_all else '[^/]+'})"
        missing_allowed = parameter.optional or parameter.catch_all or parameter.default is not None
        return f"(?:{slash}{group})?" if missing_allowed else slash + group
    pattern = slash
    for kind, piece in segment:
        if kind == "text":
            pattern += re.escape(piece)
        else:
            parameters.append(_parameter(piece))
            pattern += f"(?P<p{len(parameters) - 1}>[^/]+?)"
    return pattern


def _parameter(inner: str) -> _Parameter:
    found = _PARAMETER.fullmatch(inner.strip())
    if found is None:
        raise InvalidRoute(f"'{inner}' is not a route parameter")
    rest, default = found["rest"], None
    if not rest.startswith(":") and rest.startswith("="):
        rest, default = "", rest[1:]
    constraints, default_behind, optional = _constraints(rest)
    default = default if default is not None else default_behind
    return _Parameter(found["name"], optional, bool(found["star"]), default, constraints)


def _constraints(rest: str) -> tuple[tuple[tuple[str, str], ...], str | None, bool]:
    constraints: list[tuple[str, str]] = []
    while rest.startswith(":"):
        found = re.match(r":(\w+)(?:\((.*?)\)(?=$|[:=?]))?", rest, re.DOTALL)
        if found is None or found[1].lower() not in _CONSTRAINTS:
            raise InvalidRoute(f"'{rest[1:]}' is not a known constraint")
        constraints.append(_checked(found[1].lower(), found[2] or ""))
        rest = rest[found.end() :]
    if rest.startswith("="):
        return tuple(constraints), rest[1:], False
    if rest not in ("", "?"):
        raise InvalidRoute(f"'{rest}' is not understood")
    return tuple(constraints), None, rest == "?"


def _checked(name: str, argument: str) -> tuple[str, str]:
    try:
        _satisfies("0", name, argument)
    except (ValueError, re.PatternError) as error:
        raise InvalidRoute(f"'{argument}' does not fit the constraint {name}") from error
    return name, argument


def _decoded(value: str | None) -> str | None:
    # An encoded slash stays encoded: decoded, it would look like two segments.
    if not value:
        return None
    return "%2F".join(unquote(part) for part in re.split("%2[fF]", value))


def _satisfies(value: str, name: str, argument: str) -> bool:
    return _CONSTRAINTS[name](value, argument)


def _matches(pattern: str) -> Callable[[str, str], bool]:
    return lambda value, _: re.fullmatch(pattern, value) is not None


def _whole_number(bits: int) -> Callable[[str, str], bool]:
    limit = 2 ** (bits - 1)
    return lambda value, _: re.fullmatch(_NUMBER, value) is not None and -limit <= int(value) < limit


def _is_datetime(value: str, _: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _length(value: str, argument: str) -> bool:
    least, _, most = argument.partition(",")
    return int(least) <= len(value) <= int(most or least)


def _in_range(value: str, argument: str) -> bool:
    least, _, most = argument.partition(",")
    return re.fullmatch(_NUMBER, value) is not None and int(least) <= int(value) <= int(most)


_CONSTRAINTS: Mapping[str, Callable[[str, str], bool]] = {
    "int": _whole_number(32),
    "long": _whole_number(64),
    "bool": _matches("(?i:true|false)"),
    "guid": _matches(_GUID),
    "alpha": _matches("[A-Za-z]*"),
    "datetime": _is_datetime,
    "decimal": _matches(_DECIMAL),
    "double": _matches(_DECIMAL),
    "float": _matches(_DECIMAL),
    "length": _length,
    "minlength": lambda value, argument: len(value) >= int(argument),
    "maxlength": lambda value, argument: len(value) <= int(argument),
    "min": lambda value, argument: re.fullmatch(_NUMBER, value) is not None and int(value) >= int(argument),
    "max": lambda value, argument: re.fullmatch(_NUMBER, value) is not None and int(value) <= int(argument),
    "range": _in_range,
    "regex": lambda value, argument: re.search(argument, value, re.IGNORECASE) is not None,
}
