"""
Connections for urllib3 that send a request in one write and let `httptools` (a parser in C) read its answer.

For the two exchanges that an export makes once per picture, and the small calls to the ledger. `http.client` puts a
request together line by line and reads its answer's headers as those of a mail; both were most of such a call's CPU
time. All else stays urllib3's: pools, TLS, proxies, timeouts, retries, and the errors.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from http.client import RemoteDisconnected
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import IncompleteRead, ProtocolError

if TYPE_CHECKING:
    from requests import PreparedRequest

LARGEST_HEAD = 65536
"""Bytes of an answer's status line and headers, with those of the 1xx answers before it."""
_CHUNK = 4096
"""Most answers are smaller. A buffer of 64 KiB is cut to what came, and the rest of it was left as a hole."""
_SENT_WITH_THE_HEAD = 65536
_PLAIN = ("accept-encoding: identity", "user-agent: custom-vision-gdpr")


class Headers(Mapping[str, str]):
    """Headers of an answer, to be asked for in any case; given in lower case. Of a repeated one all values."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


class LeanAnswer:
    """
    An answer that has been read; to urllib3, whose pools hand it through, a response that has no more to give.

    `data`: its body, as it was sent; of a connection with `most_bytes` perhaps only the beginning.
    """

    __slots__ = ("_connection", "_pool", "data", "headers", "length_remaining", "retries", "status", "version_string")

    def __init__(self, status: int, headers: Headers, data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data
        # What urllib3 sets or logs of each response.
        self.version_string = "HTTP/1.1"
        self.length_remaining = 0
        self.retries: Any = None

    def get_redirect_location(self) -> bool:
        """Follow no redirects."""
        return False

    def drain_conn(self) -> None:
        """Leave nothing on the connection, for the next request: that is so already."""


class AnswerReader:
    """Reads the answers of one connection, one after the other; the parser calls it back."""

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._status = self._head_bytes = self._body_bytes = 0
        self._has_head = self._is_whole = self._keeps_alive = False

    def answer(self, connection: socket.socket, most_bytes: int | None) -> tuple[LeanAnswer, bool]:
        """
        Read the next answer, and say whether the connection can be used again.

        Raises ProtocolError, RemoteDisconnected or IncompleteRead, and what the socket raises. Once it has said no, or
        raised, it is of no use any more.
        """
        self._headers, self._body = {}, []
        self._status = self._head_bytes = self._body_bytes = 0
        self._has_head = self._is_whole = self._keeps_alive = False
        while not self._is_enough(most_bytes):
            received = connection.recv(_CHUNK)
            if not received:
                self._end(may_lack=most_bytes is not None)
                break
            self._feed(received)
        return LeanAnswer(self._status, Headers(self._headers), b"".join(self._body)), self._keeps_alive

    def on_message_begin(self) -> None:
        """Do not use a connection again on which more comes than was asked for."""
        self._keeps_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what follows a body (trailers) counts for nothing."""
        if self._has_head:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1").strip()
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Note the status. Of an interim answer (1xx) nothing counts: another one follows it."""
        if not self._has_head:
            self._status = self._parser.get_status_code()
            self._has_head = self._status >= 200

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        if not self._is_whole:
            self._body.append(body)
            self._body_bytes += len(body)

    def on_message_complete(self) -> None:
        """Note the end of the answer, unless that was an interim one."""
        if not self._has_head:
            self._headers = {}
        elif not self._is_whole:
            self._is_whole, self._keeps_alive = True, self._parser.should_keep_alive()

    def _is_enough(self, most_bytes: int | None) -> bool:
        if most_bytes is None or self._is_whole or not self._has_head:
            return self._is_whole
        return self._status >= 300 or self._body_bytes >= most_bytes

    def _feed(self, received: bytes) -> None:
        if not self._has_head:
            self._head_bytes += len(received)
        try:
            self._parser.feed_data(received)
        except (HttpParserError, HttpParserUpgrade):
            raise ProtocolError("the answer is not HTTP") from None
        if not self._has_head and self._head_bytes > LARGEST_HEAD:
            raise ProtocolError("the answer's head has no end")

    def _end(self, *, may_lack: bool) -> None:
        """Take the end of the connection as that of the answer, where it may be that."""
        if not self._has_head:
            raise ProtocolError("no whole head") if self._head_bytes else RemoteDisconnected("no answer")
        has_length = "content-length" in self._headers or "transfer-encoding" in self._headers
        if has_length and not may_lack:
            raise IncompleteRead(self._body_bytes, int(self._headers.get("content-length", 0)) - self._body_bytes)


class _Lean(HTTPConnection):
    """
    The two halves of an exchange in urllib3's connections, written anew.

    `most_bytes`: how much of a body is wanted. The rest is not read, nor of a refusal what has not come with its head;
    such a connection is not used again. None: all, and an answer that ends early is an error.
    """

    most_bytes: int | None = None
    _reading: AnswerReader

    def connect(self) -> None:
        """Connect as urllib3 does."""
        super().connect()
        self._reading = AnswerReader()

    def request(  # type: ignore[override]
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, **_: object
    ) -> None:
        """Send a request; `headers` name the host, and the length of a body. No redirects, chunks or decoding."""
        if self.sock is None:
            self.connect()
        head, rest = head_of(method, url, headers or {}), body or b""
        if len(rest) <= _SENT_WITH_THE_HEAD:
            self.sock.sendall(head + rest)
        else:
            self.sock.sendall(head)
            self.sock.sendall(rest)

    def getresponse(self) -> LeanAnswer:  # type: ignore[override]
        """Read the answer."""
        if self.sock.gettimeout() != self.timeout:
            self.sock.settimeout(self.timeout)
        answer, is_kept = self._reading.answer(self.sock, self.most_bytes)
        if not is_kept:
            self.close()
        return answer


class LeanConnection(_Lean):
    """HTTP."""


class LeanTlsConnection(_Lean, HTTPSConnection):
    """HTTPS."""


def head_of(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    """Give the head of a request; ValueError if one of its parts would not stay on its line."""
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), *_PLAIN, "", ""]
    head = "\r\n".join(lines)
    breaks = len(lines) - 1
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head or target.count(" "):
        raise ValueError("a header or a target has a line break in it")
    return head.encode("latin-1")


class LeanAdapter(HTTPAdapter):
    """Keeps pools of lean connections, as `requests` keeps its own: by host, with its certificates and proxies."""

    def __init__(self, *, hosts: int, pool_size: int, most_bytes: int | None = None) -> None:
        self._pools = _pools_with(most_bytes)
        super().__init__(pool_connections=hosts, pool_maxsize=pool_size, max_retries=0)

    def pool(self, url: str, verify: bool | str | None, proxies: Mapping[str, str] | None) -> HTTPConnectionPool:
        """Give the pool for a URL's host; certificates and proxies as `requests` takes them from the environment."""
        target, trusted = cast("PreparedRequest", SimpleNamespace(url=url)), True if verify is None else verify
        pool = self.get_connection_with_tls_context(target, trusted, proxies=dict(proxies or {}))
        return cast("HTTPConnectionPool", pool)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - whatever `requests` gives
        """See `HTTPAdapter`."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **options: Any) -> ProxyManager:  # noqa: ANN401 - the same
        """See `HTTPAdapter`."""
        manager = super().proxy_manager_for(proxy, **options)
        cast("PoolManager", manager).pool_classes_by_scheme = self._pools
        return cast("ProxyManager", manager)


def _pools_with(most_bytes: int | None) -> dict[str, type[HTTPConnectionPool]]:
    """Make the classes of pools whose connections read so much."""
    plain = type("LeanConnection", (LeanConnection,), {"most_bytes": most_bytes})
    secure = type("LeanTlsConnection", (LeanTlsConnection,), {"most_bytes": most_bytes})
    return {
        "http": type("LeanPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("LeanTlsPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }
