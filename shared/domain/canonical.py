"""One spelling of a JSON value, and digests over it."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any


def canonical(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """
    Write a JSON value in the one form that digests are taken of: sorted keys, no blanks, UTF-8.

    Half a surrogate pair, which UTF-8 has no bytes for, is written as JSON's own escape, as whoever sent it must have.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode(errors="backslashreplace")


def readable(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Write a JSON value for people: indented, keys in the order given, a line break at the end."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace") + b"\n"


def digest(content: bytes) -> str:
    """Give `sha256:` and the hex digest."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def keyed_digest(key: str, content: bytes) -> str:
    """Give an HMAC-SHA-256 in hex: equal for equal content, and of no use to guess it without the key."""
    return hmac.new(key.encode(), content, hashlib.sha256).hexdigest()
