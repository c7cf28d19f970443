"""Untrusted bytes to a JSON value, strictly: what two parsers could read differently is refused."""

from __future__ import annotations

import json
from typing import Any

from shared.domain.errors import InvalidRequest, Violation

MAX_BODY_BYTES = 1024 * 1024
MAX_DEPTH = 32


def parse_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """
    Read UTF-8 JSON; duplicate keys, NaN, numbers out of range, unpaired surrogates and deep nesting are refused.

    Raises `InvalidRequest` with the pointer "" and a sentence that repeats nothing of the body.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig"), object_pairs_hook=_no_duplicates, parse_constant=_refuse, parse_int=_int
        )
    except (ValueError, RecursionError) as error:
        raise InvalidRequest([Violation("", _why(error))]) from None
    _check(value, MAX_DEPTH)
    return value


class _Refused(ValueError):
    pass


def _why(error: Exception) -> str:
    if isinstance(error, _Refused):
        return str(error)
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply"
    return "the body is not valid UTF-8" if isinstance(error, UnicodeDecodeError) else "the body is not valid JSON"


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("an object names the same field twice")
    return members


def _refuse(_: str) -> Any:  # noqa: ANN401 - never returns
    raise _Refused("NaN and Infinity are not JSON")


def _int(text: str) -> int:
    if len(text) > 20:
        raise _Refused("a number is too large")
    return int(text)


def _check(value: Any, depth: int) -> None:  # noqa: ANN401 - any JSON value
    if depth == 0:
        raise InvalidRequest([Violation("", "the JSON is nested too deeply")])
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise InvalidRequest([Violation("", "a number is too large")])
    elif isinstance(value, dict):
        for key, member in value.items():
            _check_text(key)
            _check(member, depth - 1)
    elif isinstance(value, list):
        for element in value:
            _check(element, depth - 1)


def _check_text(text: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidRequest([Violation("", "a text holds an unpaired surrogate")])
