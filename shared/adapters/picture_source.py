"""
Reads pictures from the links that Custom Vision gives: SAS links to its own blobs, good for about a day.

The links come from an answer and are not trusted: https only (http to this machine), no redirects, no cookies, and
nothing of ours is sent along, above all not the training key. A link never appears in an error.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import cast
from urllib.parse import SplitResult

import requests
from urllib3 import HTTPConnectionPool, Timeout

from shared.adapters.http_exchange import (
    FOREIGN_ERRORS,
    HEAD,
    NoAuth,
    StraightSession,
    Timeouts,
    is_permitted,
    split_address,
    translated,
)
from shared.adapters.lean_connections import LeanAnswer
from shared.adapters.streams import announced_length, body_stream
from shared.domain.errors import ConfigurationError, GdprError, ServiceUnavailable, SourceRefusal, Throttled
from shared.domain.retry import wished_delay
from shared.ports import SourceFacts

_PLAIN = {"Accept-Encoding": "identity"}
_HEAD_ONLY = {"range": f"bytes=0-{HEAD - 1}"}
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:.]+")
_HOSTS = 16
_TOTAL = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")
_REASONS = {403: "link_expired", 404: "source_absent", 410: "source_absent", 412: "source_changed"}


class HttpPictureSource:
    """Implements `shared.ports.PictureSource`; safe to share among threads. Nothing is retried here."""

    def __init__(self, session: StraightSession, timeouts: Timeouts | None = None) -> None:
        self._session = session
        self._timeouts = timeouts or Timeouts()
        self._waits = Timeout(connect=self._timeouts.connect, read=self._timeouts.read)
        self._sockets = lru_cache(_HOSTS)(self._find_sockets)

    def probe(self, link: str) -> SourceFacts:
        """Read the first 512 bytes and the facts, with one ranged GET. An empty blob has size 0."""
        answer = self._probed(link)
        status, headers = answer.status, answer.headers
        if is_empty(status, headers):
            return SourceFacts(b"", 0, headers.get("ETag"), None)
        refuse_unless_delivered("ProbePicture", status, headers, expected=(200, 206))
        size = _size(status, headers)
        if len(answer.data) < min(size, HEAD):
            raise SourceRefusal("truncated", status=status)
        return SourceFacts(answer.data[:size][:HEAD], size, headers.get("ETag"), md5_of_whole(status, headers))

    def stream(self, link: str, *, expected_size: int | None = None) -> AbstractContextManager[Iterator[bytes]]:
        """
        Read the bytes in chunks of at most 256 KiB.

        Errors: when entered `SourceRefusal` (also "source_changed" if the length is not `expected_size`) and
        `TransientError`; while reading `SourceRefusal("truncated")` and `OutcomeUnknown`.
        """
        return body_stream("ReadPicture", lambda: self._open(link), expected_size=expected_size)

    def _open(self, link: str) -> requests.Response:
        response = self._get("ReadPicture", link, _PLAIN)
        try:
            refuse_unless_delivered("ReadPicture", response.status_code, response.headers, expected=(200,))
        except GdprError:
            response.close()
            raise
        return response

    def _probed(self, link: str) -> LeanAnswer:
        """Ask for the head on the session's lean connections, past the session: it is once per picture."""
        address = split_address(link)
        if address is None or not is_permitted(address) or not _is_plain_host(address):
            raise SourceRefusal("refused")
        target = f"{address.path or '/'}?{address.query}" if address.query else address.path or "/"
        try:
            pool, wanted = self._sockets(address.scheme, address.netloc), {"host": address.netloc, **_HEAD_ONLY}
            answer = pool.urlopen("GET", target, headers=wanted, timeout=self._waits, redirect=False, retries=False)
        except FOREIGN_ERRORS as error:
            problem = translated("ProbePicture", error)
        else:
            return cast("LeanAnswer", answer)
        raise problem

    def _find_sockets(self, scheme: str, host: str) -> HTTPConnectionPool:
        """Give sockets for a host, with the session's certificates; this machine is not reached through proxies."""
        url = f"{scheme}://{host}/"
        around = self._session.merge_environment_settings(url, {}, True, None, None)
        return self._session.heads.pool(url, around["verify"], around["proxies"] if scheme == "https" else {})

    def _get(self, operation: str, link: str, headers: Mapping[str, str]) -> requests.Response:
        address = split_address(link)
        if address is None or not is_permitted(address):
            raise SourceRefusal("refused")
        try:
            return self._session.get(
                link,
                headers=headers,
                auth=NoAuth(),
                timeout=self._timeouts.pair,
                allow_redirects=False,
                stream=True,
            )
        except FOREIGN_ERRORS as error:
            problem: GdprError = translated(operation, error)
        raise SourceRefusal("refused") if isinstance(problem, ConfigurationError) else problem


def is_empty(status: int, headers: Mapping[str, str]) -> bool:
    """Tell a blob of zero bytes, of which no range can be read, from a real refusal."""
    total = _TOTAL.fullmatch(headers.get("Content-Range", ""))
    if status == 416:
        return total is None or total[1] == "0"
    return status == 412 and total is not None and total[1] == "0"


def refuse_unless_delivered(
    operation: str, status: int, headers: Mapping[str, str], *, expected: tuple[int, ...]
) -> None:
    """Raise what the status of a storage answer means, unless it is one that brings the bytes."""
    if status in expected:
        return
    if status in (408, 429) or status >= 500:
        delay = wished_delay(headers.get("Retry-After"), "", None)  # storage sends seconds
        kind = Throttled if status == 429 else ServiceUnavailable
        raise kind(operation, status=status, retry_after=delay, request_id=headers.get("x-ms-request-id"))
    raise SourceRefusal(_REASONS.get(status, "refused"), status=status)


def md5_of_whole(status: int, headers: Mapping[str, str]) -> bytes | None:
    """Give the MD5 of the whole blob if the store has one; `Content-MD5` of a part is that of the part."""
    text = headers.get("x-ms-blob-content-md5") or (headers.get("Content-MD5") if status == 200 else None)
    try:
        digest = b64decode(text or "", validate=True)
    except ValueError:
        return None
    return digest if len(digest) == 16 else None


def _size(status: int, headers: Mapping[str, str]) -> int:
    """Give the size of the whole blob in bytes."""
    if status == 206:
        total = _TOTAL.fullmatch(headers.get("Content-Range", ""))
        size = int(total[1]) if total else None
    else:
        size = announced_length(headers)
    if size is None:
        raise SourceRefusal("refused", status=status)
    return size


def _is_plain_host(address: SplitResult) -> bool:
    """Tell a host that a request can name from one that no resolver takes, and from one with a user before it."""
    return bool(_HOST.fullmatch(address.hostname or "")) and address.username is None
