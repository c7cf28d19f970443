"""The web server: uvicorn on one loopback socket, its signals left to the host."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from local.functions_host.settings import SettingsError
from local.functions_host.web_app import WebApp

_ADDRESS = "127.0.0.1"


def open_socket(port: int) -> socket.socket:
    """Bind the port on loopback (0: any free one); SettingsError if it cannot be had."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_ADDRESS, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise SettingsError(f"Port {port} of {_ADDRESS} cannot be used: {error}.") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that the socket answers at."""
    return f"http://{_ADDRESS}:{listener.getsockname()[1]}"


class Server(uvicorn.Server):
    """A uvicorn server that says when it is ready and leaves signals alone."""

    def __init__(self, app: WebApp) -> None:
        config = uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            h11_max_incomplete_event_size=65_536,
            timeout_graceful_shutdown=1,
        )
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, then set `ready`."""
        await super().startup(sockets)
        self.ready.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The host handles SIGTERM and SIGINT itself: it drains first."""
        yield
