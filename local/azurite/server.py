"""Azurite as a child process: started, waited for, stopped, and never left behind."""

import contextlib
import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT, SERVICES, connection_string
from local.azurite.command import (
    HERE,
    Certificate,
    azurite_arguments,
    azurite_environment,
    azurite_script,
    node_binary,
)
from local.processes import stop

START_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 15.0
LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at https?://127\.0\.0\.1:(\d+)")


class AzuriteStartError(RuntimeError):
    """Azurite did not start; the text ends with its last lines."""


class Azurite:
    """One running Azurite. `ports` by service (blob, queue, table) stay the same over a restart."""

    def __init__(
        self,
        ports: Mapping[str, int],
        accounts: Mapping[str, str],
        location: Path | None,
        certificate: Certificate | None,
    ) -> None:
        self.ports = dict(ports)
        self.accounts = dict(accounts)
        self._location = location
        self._certificate = certificate
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        """Return the process id of the running server."""
        if self._process is None:
            raise RuntimeError("Azurite is not running.")
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return None while the server runs, else its exit code (negative: the signal that ended it)."""
        return 0 if self._process is None else self._process.poll()

    def connection_string(self, account: str = APP_ACCOUNT) -> str:
        """Return the connection string of one of the server's accounts; an unknown one is a KeyError."""
        scheme = "https" if self._certificate else "http"
        return connection_string(account, self.accounts[account], self.ports, scheme=scheme)

    def start(self) -> None:
        """Start the server and return when all three services listen.

        Raises:
            AzuriteStartError: it ended or said nothing for START_LIMIT_SECONDS.
            AzuriteMissingError: its packages are not installed.
        """
        process = _spawn(self.ports, self.accounts, self._location, self._certificate)
        self._process = process
        output = _output(process)
        limit = threading.Timer(START_LIMIT_SECONDS, process.kill)
        limit.start()
        try:
            self.ports = _wait_for_ports(output)
        except BaseException:
            self.stop()
            output.close()
            raise
        finally:
            limit.cancel()
        # Azurite would stop at a full pipe.
        threading.Thread(target=_drain, args=(output,), daemon=True).start()

    def stop(self) -> None:
        """Stop the server with SIGTERM (data at a location is saved), after STOP_LIMIT_SECONDS with SIGKILL."""
        process, self._process = self._process, None
        if process is None:
            return
        stop(process, STOP_LIMIT_SECONDS)
        if process.stdin is not None:
            process.stdin.close()

    def restart(self) -> None:
        """Stop and start on the same ports. Only with a location is the data still there."""
        self.stop()
        self.start()


@contextlib.contextmanager
def running_azurite(
    location: Path | None = None,
    accounts: Mapping[str, str] | None = None,
    *,
    blob_port: int = 0,
    queue_port: int = 0,
    table_port: int = 0,
    cert: Certificate | None = None,
) -> Iterator[Azurite]:
    """Run Azurite for the length of the block, on loopback.

    Args:
        location: folder of the data, which outlives the process; None keeps everything in memory.
        accounts: account name to base64 key; None gives the two accounts of the local stack.
        blob_port: like queue_port and table_port 0 for a free one.
        cert: speak HTTPS with it and take Entra ID tokens.

    The server stops with the block, and also when this process dies in any way.
    """
    ports = {"blob": blob_port, "queue": queue_port, "table": table_port}
    server = Azurite(ports, ACCOUNT_KEYS if accounts is None else accounts, location, cert)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _spawn(
    ports: Mapping[str, int], accounts: Mapping[str, str], location: Path | None, certificate: Certificate | None
) -> subprocess.Popen[str]:
    watcher = str(HERE / "stop_with_parent.cjs")
    command = [node_binary(), "--require", watcher, str(azurite_script())]
    return subprocess.Popen(
        [*command, *azurite_arguments(ports, location, certificate)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=azurite_environment(os.environ, accounts, certificate),
        # A Ctrl-C in the terminal reaches the owner, who stops its Azurite last.
        process_group=0,
    )


def _output(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdout is None:
        raise RuntimeError("Azurite was started without a pipe.")
    return process.stdout


def _drain(output: IO[str]) -> None:
    with output:
        deque(output, maxlen=0)


def _wait_for_ports(output: IO[str]) -> dict[str, int]:
    """Read until all services listen. The exit code says nothing: an unknown option makes Azurite exit 0."""
    ports: dict[str, int] = {}
    seen: deque[str] = deque(maxlen=5)
    for line in output:
        seen.append(line)
        if found := LISTENING.match(line):
            ports[found[1].lower()] = int(found[2])
        if len(ports) == len(SERVICES):
            return ports
    raise AzuriteStartError("Azurite did not start: " + " ".join("".join(seen).split()))
