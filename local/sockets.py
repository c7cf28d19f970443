"""What listens on the loopback address."""

import socket
from collections.abc import Iterable


def listens(port: int) -> bool:
    """Return whether something accepts connections on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def ports_in_use(ports: Iterable[int]) -> list[int]:
    """Return those of `ports` that cannot be listened on, in the order given."""
    return [port for port in ports if not _free(port)]


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
