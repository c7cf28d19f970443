"""A server on a real socket that answers what a test says, byte for byte, and remembers what it was asked."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedReader

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Asked:
    """One request as it came in."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer; `announced` lies about the length, `then` is what happens to the connection."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    announced: int | None = None
    then: str = "keep"  # keep | close | reset

    def wire(self) -> bytes:
        length = len(self.body) if self.announced is None else self.announced
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in self.headers.items())]
        if length >= 0:
            lines.append(f"Content-Length: {length}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


RESET = Reply(then="reset-at-once")
HANG_UP = Reply(then="close-at-once")
SILENCE = Reply(then="silence")


class ScriptedServer:
    """Answers with the replies in turn, the last one again and again; or by a function of the request."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: list[Reply] = [Reply()]
        self.answer: Callable[[Asked], Reply] | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._closing = threading.Event()
        self.connections: list[socket.socket] = []
        self._serving: list[threading.Thread] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def script(self, *replies: Reply) -> None:
        self.replies, self.answer = list(replies), None
        self.asked.clear()

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # closed by the test's end
            self.connections.append(connection)
            self._serving.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            self._serving[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                while (asked := _read(stream)) is not None and self._reply(connection, asked):
                    continue
        except OSError:
            return  # the client hung up, or the test ended

    def _reply(self, connection: socket.socket, asked: Asked) -> bool:
        """Answer and tell whether the connection goes on."""
        self.asked.append(asked)
        reply = self.answer(asked) if self.answer else self._next()
        if reply.then == "silence":
            self._closing.wait()
        if not reply.then.endswith("at-once"):
            connection.sendall(reply.wire())
        if reply.then.startswith("reset"):
            # Linger zero makes the close a reset instead of an orderly end.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return reply.then == "keep"

    def _next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]

    def wait_until_closed(self) -> None:
        """Wait until this side has closed the connection that was made last."""
        self._serving[-1].join()

    def close(self) -> None:
        self._closing.set()
        for connection in [self._listener, *self.connections]:
            with suppress(OSError):  # already gone
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _read(stream: BufferedReader) -> Asked | None:
    first = stream.readline()
    if not first:
        return None
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Asked(method, target, headers, body)


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    try:
        yield server
    finally:
        server.close()
