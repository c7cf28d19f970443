"""Between app and Azurite: every storage call passes here, may be repeated, swallowed, refused, or end the host."""

import http.client
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT, connection_string
from local.azurite.server import Azurite

HOP_HEADERS = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"})
NOT_PASSED_ON = frozenset({"connection", "host"})
WRITES = frozenset({"PUT", "POST", "DELETE", "PATCH"})


XML = [("Content-Type", "application/xml")]
MESSAGE_PUT = b"""<?xml version="1.0" encoding="utf-8"?><QueueMessagesList><QueueMessage>
<MessageId>5ab3f5b2-1111-4000-8000-000000000001</MessageId><PopReceipt>AgAAAAMAAAA=</PopReceipt>
<InsertionTime>Tue, 24 Nov 2026 09:00:00 GMT</InsertionTime>
<ExpirationTime>Tue, 01 Dec 2026 09:00:00 GMT</ExpirationTime>
<TimeNextVisible>Tue, 24 Nov 2026 09:00:00 GMT</TimeNextVisible></QueueMessage></QueueMessagesList>"""


class Fate(Enum):
    """What becomes of a call."""

    PASS = "pass"
    TWICE = "twice"
    SWALLOW = "swallow"
    """A message is said to be on its queue, and is not."""
    UNANSWERED = "unanswered"
    """It is done, and the connection ends without an answer."""
    CONFLICT = "conflict"
    UNMET = "unmet"
    """It is not done: somebody on the way answers 409 or 412, without a code of the service."""


@dataclass(frozen=True)
class StorageCall:
    """One call: method, path with query, body; `number` counts the writes of this proxy from 1."""

    service: str
    method: str
    target: str
    body: bytes
    number: int

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.method in WRITES

    @property
    def takes_messages(self) -> bool:
        """Whether it takes messages off a queue, for a while; looking at them (`peekonly`) does not."""
        path, _, query = self.target.partition("?")
        return self.method == "GET" and path.endswith("/messages") and "peekonly" not in query

    def puts_message(self, *queues: str) -> bool:
        """Whether it puts a message on one of these queues."""
        path = self.target.split("?")[0]
        return self.method == "POST" and any(path.endswith(f"/{queue}/messages") for queue in queues)


@dataclass
class StorageProxy:
    """
    Blob and queue service; `before` and `after` run around each call, `decide` says what becomes of it.

    `ended` comes last, also of a call that failed on its way.
    """

    before: Callable[[StorageCall], None] = lambda _: None
    decide: Callable[[StorageCall], Fate] = lambda _: Fate.PASS
    after: Callable[[StorageCall], None] = lambda _: None
    ended: Callable[[StorageCall], None] = lambda _: None
    ports: dict[str, int] = field(default_factory=dict)
    writes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connection_string(self, account: str) -> str:
        """The connection string of an account (they share one key) by way of this proxy."""
        return connection_string(account, ACCOUNT_KEYS[APP_ACCOUNT], self.ports)

    def number(self, method: str) -> int:
        """The number of the call among the writes so far."""
        with self._lock:
            self.writes += method in WRITES
            return self.writes

    def clear(self) -> None:
        """Let everything pass again."""
        self.before = self.after = self.ended = lambda _: None
        self.decide = lambda _: Fate.PASS


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, proxy: StorageProxy, service: str, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy, self.service, self.upstream = proxy, service, upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Hosts are killed in the middle of calls here: that is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle_any(self) -> None:
        server = cast(_Server, self.server)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        call = StorageCall(server.service, self.command, self.path, body, server.proxy.number(self.command))
        try:
            server.proxy.before(call)
            self._carry_out(server.proxy, call, body)
        finally:
            server.proxy.ended(call)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815 - names of http.server

    def _carry_out(self, proxy: StorageProxy, call: StorageCall, body: bytes) -> None:
        fate = proxy.decide(call)
        if fate in (Fate.CONFLICT, Fate.UNMET):
            self._answer(409 if fate is Fate.CONFLICT else 412, [], b"")
            return
        status, headers, content = (201, XML, MESSAGE_PUT) if fate is Fate.SWALLOW else self._forward(body)
        if fate is Fate.TWICE:
            status, headers, content = self._forward(body)
        proxy.after(call)
        if fate is Fate.UNANSWERED:
            self.close_connection = True
            return
        self._answer(status, headers, content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = http.client.HTTPConnection("127.0.0.1", cast(_Server, self.server).upstream, timeout=60)
        try:
            # Azurite takes a copy's source for its own by the Host, which must not be the proxy's.
            headers = {
                name: value for name, value in self.headers.items() if name.lower() not in ("connection", "host")
            }
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        announced = next((value for name, value in headers if name.lower() == "content-length"), "0")
        for name, value in headers:
            if name.lower() not in HOP_HEADERS:
                self.send_header(name, value)
        self.send_header("Content-Length", announced if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def storage_proxy(azurite: Azurite) -> Iterator[StorageProxy]:
    """Run a proxy before Azurite's blob and queue services, on free ports."""
    proxy = StorageProxy()
    with ExitStack() as running:
        for service in ("blob", "queue"):
            server = _Server(proxy, service, azurite.ports[service])
            proxy.ports[service] = server.server_port
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            running.callback(server.server_close)
            running.callback(server.shutdown)
        yield proxy
