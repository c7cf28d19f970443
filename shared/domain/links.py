"""Links of the service are bearer secrets: nothing that is exported may carry one."""

from __future__ import annotations

import re
from typing import Any

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
    address of a storage service is replaced as a whole, wherever it stands: in a key of `metadata` too.
    """
    if isinstance(value, dict):
        return {key: _member(key, member) for key, member in value.items() if not _LINK_KEY.search(key)}
    if isinstance(value, list):
        return [without_links(element) for element in value]
    return _text(value)


def _member(key: str, member: Any) -> Any:  # noqa: ANN401 - any JSON value
    if key == "metadata" and isinstance(member, dict):
        return {_text(name): without_links(text) for name, text in member.items()}
    return without_links(member)


def _text(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str) and (_SIGNED.search(value) or _SERVICE_HOST.search(value)):
        return REMOVED
    return value
