"""`make start`: the whole stack as processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.tooling.conftest import alive, free_ports, wait_until

ROOT = Path(__file__).resolve().parents[2]
PORT_SETTINGS = ("AZURITE_BLOB_PORT", "AZURITE_QUEUE_PORT", "AZURITE_TABLE_PORT", "EMULATOR_PORT")


class Stack:
    """A stack that is up, with its processes."""

    def __init__(self, process: subprocess.Popen[str], host_url: str) -> None:
        self.process = process
        self.host_url = host_url
        # Azurite, the emulator, the host: in the order of their start.
        text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        self.pieces = [int(pid) for pid in text.split()]

    def ended(self) -> bool:
        """Return whether no piece runs any more."""
        return not any(alive(pid) for pid in self.pieces)


@contextmanager
def stack(data: Path) -> Iterator[Stack]:
    *ports, host = free_ports(5)
    environ = os.environ | dict(zip(PORT_SETTINGS, map(str, ports), strict=True))
    environ |= {"LOCAL_DATA": str(data), "DEMO_IMAGES": "60"}
    command = [sys.executable, "-m", "local.stack", "--port", str(host)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            seen = []
            for line in process.stdout:
                seen.append(line)
                if "Ctrl-C stops everything" in line:
                    break
            assert process.poll() is None, "".join(seen)
            yield Stack(process, f"http://127.0.0.1:{host}")
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_stop_the_stack_ends_with_success_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with stack(tmp_path) as running:
        assert requests.get(f"{running.host_url}/api/health", timeout=30).status_code == 200
        assert len(running.pieces) == 3
        running.process.send_signal(number)
        output, _ = running.process.communicate(timeout=60)
        assert running.process.returncode == 0, output
        assert running.ended()


@pytest.mark.parametrize(
    ("index", "name"), [(0, "Azurite"), (1, "The Custom Vision emulator"), (2, "The Functions host")]
)
def test_a_piece_that_dies_ends_the_stack_by_name(tmp_path: Path, index: int, name: str) -> None:
    with stack(tmp_path) as running:
        os.kill(running.pieces[index], signal.SIGKILL)
        output, _ = running.process.communicate(timeout=60)
        assert running.process.returncode == 1
        assert f"stack: {name} has ended with exit code -9.\n" in output
        assert running.ended()


def test_a_stack_that_is_killed_takes_its_pieces_along(tmp_path: Path) -> None:
    with stack(tmp_path) as running:
        running.process.kill()
        assert wait_until(running.ended, seconds=60)
