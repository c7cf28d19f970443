"""`python -m local.stack`: Azurite, the Custom Vision emulator and the Functions host, until Ctrl-C or SIGTERM.

Each start begins empty: the emulator forgets with its process, so a ledger of its earlier projects would only mislead.
The data of the last run stays in .local/stack until the next one.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from local.azurite.command import AzuriteMissingError
from local.azurite.server import Azurite, AzuriteStartError, running_azurite
from local.demo.photographs import FILL_PROBLEMS, fill
from local.demo.scenes import ImagesSettingError, images_wanted
from local.launch import PortInUseError, python_module, require_free, say
from local.pieces import (
    DEFAULT_HOST_PORT,
    ROOT,
    Ports,
    PortSettingError,
    data_folder,
    emulator_environment,
    host_environment,
    ports_from,
    training_key,
)
from local.processes import stop
from local.sockets import listens

START_LIMIT_SECONDS = 60.0
STOP_LIMIT_SECONDS = 40.0
"""Longer than the host's own limit for what still runs (LOCAL_HOST_DRAIN_SECONDS, 30)."""
POLL_SECONDS = 0.1


class PieceFailedError(RuntimeError):
    """A piece of the stack ended or did not start; the text names it."""


PROBLEMS = (
    AzuriteMissingError,
    AzuriteStartError,
    ImagesSettingError,
    PieceFailedError,
    PortInUseError,
    PortSettingError,
)


@dataclass(frozen=True)
class Piece:
    """A child process of the stack."""

    name: str
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise PieceFailedError if the piece has ended."""
        if (code := self.process.poll()) is not None:
            raise PieceFailedError(f"{self.name} has ended with exit code {code}.")


def main() -> int:
    """Run the stack; return 0 when it was told to stop, 1 with one sentence when it could not run or a piece died."""
    parser = argparse.ArgumentParser(prog="python -m local.stack", description="The whole local stack.")
    parser.add_argument("--port", default=str(DEFAULT_HOST_PORT), help="where the Functions host listens")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        run(ports_from(os.environ, arguments.port), os.environ, stop)
    except PROBLEMS as problem:
        print(f"stack: {problem}", file=sys.stderr)
        return 1
    say("Everything has stopped.")
    return 0


def run(ports: Ports, environ: Mapping[str, str], stop: threading.Event) -> None:
    """Start the pieces in order, say where they are, watch them until `stop` is set, and stop them in reverse order."""
    require_free(ports.named())
    data = empty_folder(data_folder(environ, "stack"))
    say("Starting Azurite ...")
    with contextlib.ExitStack() as stack:
        azurite = stack.enter_context(_azurite(data, ports.azurite))
        emulator_settings = emulator_environment(environ, ports, azurite_listens=True)
        pieces = [stack.enter_context(_piece("The Custom Vision emulator", ["emulator"], emulator_settings))]
        if not _wait_for(ports.emulator, pieces[0], stop):
            return
        if not _filled(pieces[0], ports, environ, stop):
            return
        host = ["host", "--port", str(ports.host)]
        pieces.append(stack.enter_context(_piece("The Functions host", host, host_environment(environ, ports))))
        if not _wait_for(ports.host, pieces[1], stop):
            return
        say(where_things_are(ports, data))
        _watch(azurite, pieces, stop)
        say("Stopping the host, the emulator and Azurite ...")


def empty_folder(path: Path) -> Path:
    """Return `path` as an empty folder, whatever it held."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def where_things_are(ports: Ports, data: Path) -> str:
    """Return what to tell the person: every address and the first request."""
    storage = ", ".join(f"{name} http://127.0.0.1:{port}" for name, port in ports.azurite.items())
    return f"""
Functions host      http://127.0.0.1:{ports.host}/api
Custom Vision       http://127.0.0.1:{ports.emulator}   (what it holds: /__truth)
Azurite             {storage}
Data of this run    {data}

A first request, which exports every project with its pictures:

  curl -i http://127.0.0.1:{ports.host}/api/exports -H 'Content-Type: application/json' \\
       -d '{{"scope": {{"projects": "all"}}, "options": {{"package": "none"}}}}'

Ctrl-C stops everything.
"""


def _azurite(data: Path, ports: Mapping[str, int]) -> contextlib.AbstractContextManager[Azurite]:
    return running_azurite(data, blob_port=ports["blob"], queue_port=ports["queue"], table_port=ports["table"])


@contextlib.contextmanager
def _piece(name: str, arguments: list[str], environ: Mapping[str, str]) -> Iterator[Piece]:
    """Run a piece for the length of the block. It gets no Ctrl-C from the terminal: the stack stops it in its turn."""
    process = subprocess.Popen(
        python_module("local.launch", *arguments),
        cwd=ROOT,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        process_group=0,
    )
    try:
        yield Piece(name, process)
    finally:
        stop(process, STOP_LIMIT_SECONDS)


def _wait_for(port: int, piece: Piece, stop: threading.Event) -> bool:
    """Return True when `piece` listens, False when told to stop first."""
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while not listens(port):
        piece.check()
        if time.monotonic() > deadline:
            raise PieceFailedError(f"{piece.name} did not listen on port {port} in {START_LIMIT_SECONDS:.0f} seconds.")
        if stop.wait(POLL_SECONDS):
            return False
    return not stop.is_set()


def _filled(emulator: Piece, ports: Ports, environ: Mapping[str, str], stop: threading.Event) -> bool:
    """Return True when the emulator holds the demo's projects, False when told to stop first.

    A filling that is still at work then ends by itself, since the emulator's end is the end of its calls.
    """
    images = images_wanted(environ)
    say(f"Filling the emulator with the demo's {images} photographs ...")
    worker = ThreadPoolExecutor(1)
    filling = worker.submit(fill, f"http://127.0.0.1:{ports.emulator}", training_key(environ), images)
    worker.shutdown(wait=False)
    while not filling.done():
        if stop.wait(POLL_SECONDS):
            return False
        emulator.check()
    try:
        filling.result()
    except FILL_PROBLEMS as problem:
        emulator.check()
        raise PieceFailedError(f"The emulator could not be filled: {problem}") from problem
    return True


def _watch(azurite: Azurite, pieces: list[Piece], stop: threading.Event) -> None:
    while not stop.wait(POLL_SECONDS):
        if (code := azurite.exit_code()) is not None:
            raise PieceFailedError(f"Azurite has ended with exit code {code}.")
        for piece in pieces:
            piece.check()


if __name__ == "__main__":
    sys.exit(main())
