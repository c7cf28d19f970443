"""
How the storage ends and comes back: in good order, or killed.

Azurite writes down what it has acknowledged every five seconds, and a killed one forgets the rest, which Azure never
does. So writes are held before a kill until everything that was acknowledged is on disk; reads are cut off by it.
"""

from __future__ import annotations

import os
import signal
import time
import uuid
from pathlib import Path

from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite.server import Azurite
from tests.chaos.wire import Gate

LONGEST_STOP_SECONDS = 10.0
LONGEST_SAVE_SECONDS = 60.0


def stop(azurite: Azurite) -> None:
    """End it with SIGTERM; fails where it must be killed after all, and may have lost something."""
    began = time.monotonic()
    azurite.stop()
    took = time.monotonic() - began
    assert took < LONGEST_STOP_SECONDS, "the storage did not stop in time and may have lost what it had acknowledged"


def kill(azurite: Azurite, data: Path, gate: Gate) -> None:
    """End it with SIGKILL, while nothing that it has acknowledged is in its memory only."""
    with gate.closed():
        _wait_until_saved(azurite, data)
        os.kill(azurite.pid, signal.SIGKILL)
        azurite.stop()


def _wait_until_saved(azurite: Azurite, data: Path) -> None:
    """Write something last of all, and wait for it in the files: they are saved whole."""
    last, began = f"last-{uuid.uuid4().hex}", time.time()
    with (
        BlobServiceClient.from_connection_string(azurite.connection_string()) as blobs,
        QueueServiceClient.from_connection_string(azurite.connection_string()) as queues,
        blobs.create_container(last) as container,
        queues.create_queue(last) as queue,
    ):
        container.upload_blob(last, last.encode())
        queue.send_message(last)
        deadline = time.monotonic() + LONGEST_SAVE_SECONDS
        while not all(_is_saved(data, service, last, began) for service in ("blob", "queue")):
            assert time.monotonic() < deadline, "the storage does not save what it has acknowledged"
            time.sleep(0.05)
        queues.delete_queue(last)
        blobs.delete_container(last)


def _is_saved(data: Path, service: str, last: str, began: float) -> bool:
    rows, extents = data / f"__azurite_db_{service}__.json", data / f"__azurite_db_{service}_extent__.json"
    return last in rows.read_text() and extents.stat().st_mtime > began
