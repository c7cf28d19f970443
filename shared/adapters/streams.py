"""Bodies that are too large to hold: read in chunks, closed in the end, counted against their announced length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import urllib3.exceptions
from requests import Response

from shared.adapters.http_exchange import FOREIGN_ERRORS, reasons, translated
from shared.domain.errors import GdprError, SourceRefusal

CHUNK = 256 * 1024


@contextmanager
def body_stream(
    operation: str, open_response: Callable[[], Response], *, expected_size: int | None = None
) -> Iterator[Iterator[bytes]]:
    """
    Open a response and give its body in chunks of at most 256 KiB.

    Errors: what `open_response` raises; `SourceRefusal("source_changed")` if the length is not `expected_size`,
    `SourceRefusal("refused")` if nothing would show that the end is missing; while reading
    `SourceRefusal("truncated")` if fewer bytes come than announced, and `OutcomeUnknown`.
    """
    response = open_response()
    with response:
        announced = announced_length(response.headers)
        if None not in (announced, expected_size) and announced != expected_size:
            raise SourceRefusal("source_changed", status=response.status_code)
        if expected_size is None and not _shows_its_end(response):
            raise SourceRefusal("refused", status=response.status_code)
        yield _counted(operation, response, announced if announced is not None else expected_size)


def announced_length(headers: Mapping[str, str]) -> int | None:
    """Give the number of bytes that the body will have; None if nothing was said, or not about the bytes as read."""
    text = headers.get("Content-Length", "")
    encoded = headers.get("Content-Encoding", "identity") != "identity"
    return int(text) if text.isascii() and text.isdigit() and not encoded else None


def _shows_its_end(response: Response) -> bool:
    """Tell whether a missing end would be noticed: by a length, or by the last chunk's mark."""
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers


def _counted(operation: str, response: Response, length: int | None) -> Iterator[bytes]:
    seen = 0
    for chunk in chunks(operation, response, CHUNK):
        seen += len(chunk)
        yield chunk
    if length is not None and seen != length:
        raise SourceRefusal("truncated" if seen < length else "source_changed", status=response.status_code)


def chunks(operation: str, response: Response, size: int) -> Iterator[bytes]:
    """Give the body in chunks of `size` bytes, foreign errors translated."""
    parts = response.iter_content(size)
    while (chunk := _next(operation, parts)) is not None:
        yield chunk


def _next(operation: str, parts: Iterator[bytes]) -> bytes | None:
    try:
        return next(parts, None)
    except FOREIGN_ERRORS as error:
        problem = broken_off(operation, error)
    raise problem


def broken_off(operation: str, error: BaseException) -> GdprError:
    """Tell an end that came too early from a connection that broke."""
    if any(isinstance(reason, urllib3.exceptions.IncompleteRead) for reason in reasons(error)):
        return SourceRefusal("truncated")
    return translated(operation, error)
