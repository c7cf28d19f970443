"""The endpoint's sockets: asyncio, kept connections, a wait per call if wanted, and counts of what was asked."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import cast
from urllib.parse import unquote

from benchmarks.blob_endpoint.bad_copies import BadCopies
from benchmarks.blob_endpoint.calls import Answer, Call, answer_to, refused_answer
from benchmarks.blob_endpoint.store import BlobStore, Refused

CONTROL = "/__"
_IDS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBERS = re.compile(r"\d+")
_HEAD_END = b"\r\n\r\n"
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass
class Endpoint:
    """
    The state of one endpoint.

    `latency` is the wait before each answer, in seconds; `bad` says which copies are late or refused; `calls` counts
    "account operation", `kinds` the same by kind of blob; `peak` is the largest number of connections at one time.
    """

    store: BlobStore = field(default_factory=BlobStore)
    latency: float = 0.0
    bad: BadCopies = field(default_factory=BadCopies)
    calls: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    open: int = 0
    peak: int = 0

    def handle(self, call: Call) -> Answer:
        """Answer and count a call of a client."""
        operation = call.operation
        self.calls[f"{call.account} {operation}"] += 1
        self.kinds[f"{call.account} {operation} {kind_of(call)}"] += 1
        refused = self.bad.refusal(call.blob) if operation == "CopyBlobFromURL" else None
        return refused_answer(refused) if refused else answer_to(self.store, call)

    def wait(self, call: Call) -> float:
        """Give the seconds until the answer of a call is sent."""
        return self.latency + (self.bad.wait(call.blob) if call.operation == "CopyBlobFromURL" else 0.0)

    def control(self, target: str, body: bytes) -> Answer:
        """Answer a call of the bench, which is not counted: counts, reset, set, bad, names/… and peek/… by path."""
        route, _, rest = target.removeprefix(CONTROL).partition("/")
        match route:
            case "peek":
                return self._peek(unquote(rest))
            case "names":
                return self._names(unquote(rest))
            case "reset":
                self.calls.clear()
                self.kinds.clear()
                self.peak = self.open
            case "set":
                self.latency = float(json.loads(body)["latency_ms"]) / 1000
            case "bad":
                self.bad = BadCopies(**json.loads(body))
        state = {"calls": dict(self.calls), "connections": self.peak, "open": self.open, "kinds": dict(self.kinds)}
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(state).encode())

    def _peek(self, path: str) -> Answer:
        account, container, name = path.split("/", 2)
        try:
            return Answer(200, {}, bytes(self.store.blob(account, container, name).content))
        except Refused as refused:
            return Answer(refused.status)

    def _names(self, path: str) -> Answer:
        account, container, prefix = path.split("/", 2)
        found = [name for name, _ in self.store.container(account, container).listed(prefix, "")]
        return Answer(200, {"Content-Type": "application/json"}, json.dumps(found).encode())


class Connection(asyncio.Protocol):
    """One client's connection. Clients send a call and wait for its answer; a second one meanwhile is kept waiting."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._transport = cast("asyncio.Transport", transport)
        self._endpoint.open += 1
        self._endpoint.peak = max(self._endpoint.peak, self._endpoint.open)

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no longer."""
        self._endpoint.open -= 1

    def data_received(self, data: bytes) -> None:
        """Answer every call that is here whole."""
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            method, target, headers = parse_head(bytes(self._buffer[:end]))
            start = end + len(_HEAD_END)
            stop = start + int(headers.get("content-length") or 0)
            if len(self._buffer) < stop:
                return
            body = bytes(self._buffer[start:stop])
            del self._buffer[:stop]
            self._answer(method, target, headers, body)

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> None:
        if target.startswith(CONTROL):
            self._send(method, self._endpoint.control(target, body))
            return
        call = Call.of(method, target, headers, body)
        answer = self._endpoint.handle(call)
        if wait := self._endpoint.wait(call):
            asyncio.get_running_loop().call_later(wait, self._send, method, answer)
        else:
            self._send(method, answer)

    def _send(self, method: str, answer: Answer) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head_of(answer) + (b"" if method == "HEAD" else bytes(answer.body)))


def kind_of(call: Call) -> str:
    """Name the kind of a call's blob, or of its listing: the name without ids and numbers."""
    return _NUMBERS.sub("N", _IDS.sub("{id}", call.blob or call.query.get("prefix", "")))


def parse_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    """Give method, target and headers (names in lower case) of a request."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return method, target, {name.lower(): value.strip() for name, _, value in pairs}


def head_of(answer: Answer) -> bytes:
    """Give the head of an answer."""
    lines = [f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '-')}", f"Content-Length: {len(answer.body)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += ["x-ms-request-id: bench", "x-ms-version: 2026-06-06"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def serve(endpoint: Endpoint, port: int = 0) -> asyncio.Server:
    """Listen on 127.0.0.1 and give the server; its first socket knows the port."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(endpoint), "127.0.0.1", port, backlog=256)
