"""Checks of single fields of untrusted JSON, and the collector of what they find."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from shared.domain.errors import Violation
from shared.domain.identifiers import guid
from shared.domain.times import parse_rfc3339, rfc3339

type Check = Callable[["Checker", str, object], Any]

_OPAQUE = re.compile(r"[A-Za-z0-9-]{1,64}")
_PARAMETERS_OF_THE_HOST = frozenset({"code", "clientid"})
MAX_TEXT = 512


def pointer_token(key: str) -> str:
    """Escape one reference token of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def pointer_to(parent: str, name: str) -> str:
    """Point to a member whose name a caller chose: shortened, without what is invisible or changes how a text reads."""
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name[:64])
    return f"{parent}/{pointer_token(shown)}"


def unknown_parameters(params: Mapping[str, str], known: Collection[str]) -> list[Violation]:
    """
    Name what is in a query and not read: `?statuss=failed` would list everything, `?dry_run=true` would erase.

    The Functions host's own (the key and its name, in any case) are left to it.
    """
    names = sorted(name for name in params if name not in known and name.lower() not in _PARAMETERS_OF_THE_HOST)
    return [Violation(pointer_to("", name), "is not a known query parameter") for name in names]


class Checker:
    """Collects violations while fields are read. Details never repeat the value that was sent."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def add(self, pointer: str, detail: str) -> None:
        """Note one violation."""
        self.violations.append(Violation(pointer, detail))

    def an_object(
        self, pointer: str, value: object, known: set[str], *, never_empty: bool = False
    ) -> Mapping[str, Any]:
        """Give the members of an object; notes unknown fields, and emptiness where it is not allowed."""
        if not isinstance(value, dict):
            self.add(pointer, "must be a JSON object")
            return {}
        for key in sorted(value.keys() - known):
            self.add(pointer_to(pointer, key), "is not a known field")
        if never_empty and not value:
            self.add(pointer, "must not be empty")
        return value

    def field(self, members: Mapping[str, Any], parent: str, name: str, check: Check, default: object) -> Any:  # noqa: ANN401
        """Read one member with its check; the default if it is absent."""
        return check(self, f"{parent}/{name}", members[name]) if name in members else default


def named_beside_sign_in(members: object, name: str, principal: str | None) -> list[Violation]:
    """Say that a body must not name who calls where the platform's sign-in does (TRUST_PLATFORM_IDENTITY)."""
    if principal is None or not isinstance(members, dict) or name not in members:
        return []
    return [Violation(f"/{name}", "is not allowed: the platform's sign-in says who is calling")]


def choice(*values: str) -> Check:
    """Make a check for one of some words."""

    def check(found: Checker, pointer: str, value: object) -> str | None:
        if isinstance(value, str) and value in values:
            return value
        found.add(pointer, f"must be {' or '.join(values)}")
        return None

    return check


def flag(found: Checker, pointer: str, value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        found.add(pointer, "must be true or false")
    return value is True


def guid_text(found: Checker, pointer: str, value: object) -> str | None:
    """Read a UUID (RFC 9562), any version; lower case."""
    read = guid(value)
    if read is None:
        found.add(pointer, "must be a UUID")
    return read


def opaque_id(found: Checker, pointer: str, value: object) -> str | None:
    """Read an opaque id: 1 to 64 letters, digits and dashes."""
    if isinstance(value, str) and _OPAQUE.fullmatch(value):
        return value
    found.add(pointer, "must be 1 to 64 letters, digits or dashes")
    return None


def time_text(found: Checker, pointer: str, value: object) -> str | None:
    """Read an RFC 3339 time and give it in UTC."""
    try:
        if isinstance(value, str):
            return rfc3339(parse_rfc3339(value))
    except (ValueError, OverflowError):
        pass  # the same violation as for any other value that is no time
    found.add(pointer, "must be an RFC 3339 time such as 2026-11-24T09:00:00Z")
    return None


def guid_list(found: Checker, pointer: str, value: object, *, limit: int, may_be_empty: bool = False) -> list[str]:
    """Read a list of UUIDs; sorted, in lower case, each once."""
    items = _list(found, pointer, value, limit, may_be_empty)
    return sorted({read for index, item in enumerate(items) if (read := guid_text(found, f"{pointer}/{index}", item))})


def text_list(found: Checker, pointer: str, value: object, *, limit: int) -> list[str]:
    """Read a list of texts that are not empty."""
    items = _list(found, pointer, value, limit, may_be_empty=False)
    return [text for index, item in enumerate(items) if (text := _text(found, f"{pointer}/{index}", item))]


def text_map(found: Checker, pointer: str, value: object) -> dict[str, str]:
    """Read an object of texts that is not empty; its keys are not repeated in violations."""
    if not isinstance(value, dict) or not value:
        found.add(pointer, "must be an object with at least one key")
        return {}
    if not all(isinstance(text, str) for text in value.values()) or "" in value:
        found.add(pointer, "must map keys to texts")
    return dict(sorted(value.items()))


def _list(found: Checker, pointer: str, value: object, limit: int, may_be_empty: bool) -> list[object]:
    if not isinstance(value, list) or (not value and not may_be_empty):
        found.add(pointer, "must be a list" if may_be_empty else "must be a list that is not empty")
        return []
    if len(value) > limit:
        found.add(pointer, f"must have at most {limit} entries")
        return []
    return value


def _text(found: Checker, pointer: str, value: object) -> str | None:
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT:
        return value
    found.add(pointer, f"must be a text of 1 to {MAX_TEXT} characters")
    return None
