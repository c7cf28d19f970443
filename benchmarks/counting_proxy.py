"""
A proxy that notes when which HTTP call passed, for services that do not count by themselves.

It runs its event loop in a thread, takes nothing away from a call and adds nothing to it; storage signatures hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

_CHUNK = 256 * 1024
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A call: `at` in seconds of the monotonic clock, when its head was here whole; `target` with its query."""

    at: float
    method: str
    target: str


class CallReader:
    """Finds the calls in what a client sends over one connection."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._body = 0

    def read(self, data: bytes) -> Iterator[tuple[str, str]]:
        """Give method and target of each call whose head ends here; ValueError for a body without a length."""
        self._head += data
        while self._head:
            passed = min(self._body, len(self._head))
            del self._head[:passed]
            self._body -= passed
            end = self._head.find(_HEAD_END)
            if self._body or end < 0:
                return
            first, *lines = bytes(self._head[:end]).decode("latin-1").split("\r\n")
            del self._head[: end + len(_HEAD_END)]
            self._body = _body_length(lines)
            method, target, _ = first.split(" ", 2)
            yield method, target


class CountingProxy:
    """Passes the calls to 127.0.0.1:`target` on."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._seen: list[Seen] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def seen(self) -> list[Seen]:
        """Give all calls since `clear`, in the order in which they came."""
        return list(self._seen)

    def clear(self) -> None:
        """Forget the calls so far."""
        self._seen.clear()

    async def serve(self) -> asyncio.Server:
        """Listen on a free port."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=256)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def _connected(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            service, calls = await asyncio.open_connection("127.0.0.1", self._target)
            await asyncio.gather(self._counted(client, calls), _passed(service, answers))

    async def _counted(self, client: asyncio.StreamReader, calls: asyncio.StreamWriter) -> None:
        reader = CallReader()
        with contextlib.closing(calls):
            while data := await client.read(_CHUNK):
                now = time.monotonic()
                self._seen += [Seen(now, method, target) for method, target in reader.read(data)]
                calls.write(data)
                await calls.drain()


@contextlib.contextmanager
def counting_proxy(target: int) -> Iterator[CountingProxy]:
    """Run a proxy before a port of this machine for the length of the block."""
    proxy, loop, ready = CountingProxy(target), asyncio.new_event_loop(), threading.Event()

    async def run() -> None:
        server = await proxy.serve()
        ready.set()
        with contextlib.suppress(asyncio.CancelledError):
            await server.serve_forever()

    serving = loop.create_task(run())
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,), name="counting proxy", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(serving.cancel)
        thread.join()
        loop.close()


async def _passed(service: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
    with contextlib.closing(answers):
        while data := await service.read(_CHUNK):
            answers.write(data)
            await answers.drain()


def _body_length(lines: list[str]) -> int:
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if "transfer-encoding" in headers:
        raise ValueError("a call without the length of its body cannot be followed")
    return int(headers.get("content-length") or 0)
