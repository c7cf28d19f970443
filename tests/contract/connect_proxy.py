"""A proxy that makes tunnels (CONNECT), as a company's network has it, and remembers where they led."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class ConnectProxy:
    """A running proxy; `tunnels` are "host:port"."""

    url: str = ""
    tunnels: list[str] = field(default_factory=list)


@contextmanager
def connect_proxy() -> Iterator[ConnectProxy]:
    proxy, sockets = ConnectProxy(), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        threading.Thread(target=_accept, args=(listener, proxy, sockets), daemon=True).start()
        yield proxy
        for one in [listener, *sockets]:
            with suppress(OSError):  # already gone
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _accept(listener: socket.socket, proxy: ConnectProxy, sockets: list[socket.socket]) -> None:
    with suppress(OSError):  # closed by the test's end
        while True:
            client, _ = listener.accept()
            sockets.append(client)
            threading.Thread(target=_tunnel, args=(client, proxy, sockets), daemon=True).start()


def _tunnel(client: socket.socket, proxy: ConnectProxy, sockets: list[socket.socket]) -> None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += client.recv(1)
    place = head.split(b" ")[1].decode()
    proxy.tunnels.append(place)
    host, _, port = place.rpartition(":")
    server = socket.create_connection((host, int(port)))
    sockets.append(server)
    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=_pump, args=(server, client), daemon=True).start()
    _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # one of the two hung up
        while received := source.recv(65536):
            target.sendall(received)
        target.shutdown(socket.SHUT_WR)
