"""The emulator behind a real socket: HTTP/1.1 with kept connections, one send per answer, faults down to the reset."""

import contextlib
import email.utils
import logging
import socket
import struct
import sys
import threading
import uuid
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from local.custom_vision.azure_blobs import AzureBlobs
from local.custom_vision.blobs import MemoryBlobs
from local.custom_vision.emulator import PREDICTION_KEY, TRAINING_KEY, Emulator, Outcome
from local.custom_vision.wire import Answer, Request, error_answer
from local.custom_vision.world import World

HOST = "127.0.0.1"
_LOG = logging.getLogger(__name__)
_POLL_SECONDS = 0.02
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: closing sends RST


class EmulatorServer(ThreadingHTTPServer):
    """The socket of one emulator. `serve_forever` runs it, `stop` ends it with all its connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self, port: int, emulator: Emulator) -> None:
        super().__init__((HOST, port), _Handler)
        self.emulator = emulator
        self.url = f"http://{HOST}:{self.server_port}"
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own signature
        """Remember the connection, so that `stop` can end it."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - socketserver's own signature
        """Forget the connection and close it."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own signature
        """A client that goes away in the middle is no news; everything else is logged."""
        if not isinstance(sys.exception(), ConnectionError):
            _LOG.exception("a connection failed")

    def stop(self) -> None:
        """Stop serving, drop the connections that clients keep open, let go of the storage."""
        self.shutdown()
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()
        self.emulator.store.close()


class RunningEmulator:
    """An emulator that serves in this process: where it is, its key, its state."""

    def __init__(self, server: EmulatorServer) -> None:
        self.emulator = server.emulator
        self.url = server.url
        self.key = server.emulator.training_key
        self.prediction_key = server.emulator.prediction_key
        self.world = server.emulator.world


def make_server(
    port: int = 0,
    storage: str | None = None,
    training_key: str = TRAINING_KEY,
    prediction_key: str = PREDICTION_KEY,
    public_url: str | None = None,
    seed: int | None = None,
) -> EmulatorServer:
    """A bound server that does not serve yet. `storage`: connection string, None = blobs in memory.

    `public_url` stands in links instead of the server's own URL. `seed` fixes ids and shuffled orders,
    which otherwise differ from run to run (two emulators may share an account then).
    """
    store = AzureBlobs(storage) if storage else MemoryBlobs()
    server = EmulatorServer(port, Emulator(World(seed), store, training_key, prediction_key))
    if isinstance(store, MemoryBlobs):
        store.serve_at(public_url or server.url)
    return server


@contextlib.contextmanager
def running_emulator(port: int = 0, storage: str | None = None, **options: Any) -> Iterator[RunningEmulator]:  # noqa: ANN401
    """An emulator in a daemon thread, ready at once, gone at the end of the block; options: those of `make_server`."""
    server = make_server(port, storage, **options)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), name="emulator", daemon=True)
    thread.start()
    try:
        yield RunningEmulator(server)
    finally:
        server.stop()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 0

    def handle_any(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self._body(headers)
        server = cast(EmulatorServer, self.server)
        try:
            outcome = server.emulator.handle(Request(self.command, self.path, headers, body))
        except Exception:  # noqa: BLE001 - the last stop before the socket: logged, and answered as a 500
            _LOG.exception("the emulator itself failed")
            outcome = Outcome(error_answer(500, "ErrorUnknown", "The emulator itself failed, see its log."))
        self._send(outcome)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - names of http.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: ANN401 - http.server's own signature
        """Nothing: request lines carry signatures and personal values."""

    def _body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue  # trailers
        return b"".join(parts)

    def _send(self, outcome: Outcome) -> None:
        if outcome.answer is None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self.close_connection = True
            # Closed here, not shut down: an orderly shutdown before it would hide the reset.
            self.connection.close()
            return
        body = b"" if self.command == "HEAD" else outcome.answer.body
        if outcome.keep_bytes is not None:
            body, self.close_connection = body[: outcome.keep_bytes], True
        self.connection.sendall(_head(outcome.answer) + body)


def _head(answer: Answer) -> bytes:
    request_id = str(uuid.uuid4())
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}", f"Date: {email.utils.formatdate(usegmt=True)}"]
    if answer.status not in (204, 304):
        lines.append(f"Content-Length: {len(answer.body)}")
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    lines += [
        f"Request-Id: {request_id}",
        f"apim-request-id: {request_id}",
        "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload",
        "X-Content-Type-Options: nosniff",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus else "Unknown"
