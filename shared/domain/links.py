"""Links of the service are bearer secrets: nothing that is exported may carry one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from shared.domain.canonical import canonical
from shared.domain.identifiers import guid

REMOVED = "[link removed]"
_LINK_KEY = re.compile(r"ur[il]s?$", re.IGNORECASE)
_SIGNED = re.compile(r"(?:[?&]|%3f|%26)sig(?:=|%3d)", re.IGNORECASE)
_SERVICE_HOST = re.compile(
    r"https?(?:://|%3a%2f%2f)[^/\s]*\.(?:blob|queue|file|table|dfs)\.(?:core\.[a-z.]+|storage\.azure\.net)",
    re.IGNORECASE,
)


def without_links(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """
    Give a JSON value without links: keys that end in `Uri` or `Url` are dropped, whatever their case and depth.

    Values of `metadata` are the customer's own and keep their keys. Any text with a signature (`?sig=`) or with the
    address of a storage service is replaced as a whole, wherever it stands: as a key too, and then each key of an
    object by a text of its own, so that no value is lost.
    """
    if isinstance(value, dict):
        return _renamed({key: _member(key, member) for key, member in value.items() if not _LINK_KEY.search(key)})
    if isinstance(value, list):
        return [without_links(element) for element in value]
    return _text(value)


def identity(row: Mapping[str, Any]) -> str:
    """Give what tells a row from others in two readings: its id in lower case, or all but its links if it has none."""
    return guid(row.get("id")) or canonical(without_links(dict(row))).decode()


def _member(key: str, member: Any) -> Any:  # noqa: ANN401 - any JSON value
    if key == "metadata" and isinstance(member, dict):
        return _renamed({name: without_links(text) for name, text in member.items()})
    return without_links(member)


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    """Replace keys that are links, in the order of their texts: two reads of one row must give the same."""
    links = sorted(key for key in row if not key.isalnum() and _text(key) != key)  # the API's own names cost nothing
    names = dict(zip(links, (name for name in _names() if name not in row), strict=False))
    return {names.get(key, key): member for key, member in row.items()} if links else row


def _names() -> Iterator[str]:
    """Give the names of removed keys, without end."""
    yield REMOVED
    yield from (f"{REMOVED} {number}" for number in count(2))


def _text(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and (_SIGNED.search(value) or _SERVICE_HOST.search(value)):
        return REMOVED
    return value
