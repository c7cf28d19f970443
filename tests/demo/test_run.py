"""The demo as a person runs it: a process, with fewer pictures."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.demo.evidence import outcome, receipt_command
from local.demo.package import pictures_in
from local.demo.scenes import FEWEST_IMAGES
from local.demo.story import APPROVER
from local.pieces import TRAINING_KEY
from local.sockets import ports_in_use
from tests.tooling.conftest import free_ports, wait_until

ROOT = Path(__file__).resolve().parents[2]
PORT_SETTINGS = ("AZURITE_BLOB_PORT", "AZURITE_QUEUE_PORT", "AZURITE_TABLE_PORT", "EMULATOR_PORT")

pytestmark = pytest.mark.acceptance


class Run:
    """A running demo and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str], ports: list[int]) -> None:
        self.process = process
        self.ports = ports
        self.output = ""

    def read_until(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"{text!r} was never said:\n{self.output}")

    def ended(self) -> int:
        rest, _ = self.process.communicate(timeout=180)
        self.output += rest
        return self.process.returncode

    def nothing_listens(self) -> bool:
        return ports_in_use(self.ports) == []


@contextmanager
def demo(data: Path) -> Iterator[Run]:
    *ports, host = free_ports(5)
    named = dict(zip(PORT_SETTINGS, map(str, ports), strict=True))
    command = [sys.executable, "-m", "local.demo", "--images", str(FEWEST_IMAGES), "--port", str(host)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | named | {"LOCAL_DATA": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield Run(process, [*ports, host])
        finally:
            process.kill()


def test_a_run_does_the_main_job_and_proves_it(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        assert run.ended() == 0, run.output
        assert run.nothing_listens()
    assert "[FAIL]" not in run.output
    assert run.output.count("[ok]") >= 8
    assert "Every check holds." in run.output
    assert [word for word in ("AccountKey", "sig=", "PRIVATE", TRAINING_KEY, "Traceback") if word in run.output] == []
    what_it_leaves_proves_the_rest(tmp_path / "run")


def what_it_leaves_proves_the_rest(folder: Path) -> None:
    assert len(pictures_in(folder / "package")) == FEWEST_IMAGES
    assert (folder / "package/index.html").is_file()
    receipt = json.loads((folder / "receipt.json").read_bytes())
    assert (receipt["request_status"], receipt["stores"]["images"]["verified"]) == ("completed", True)
    assert receipt["approved_by"] == {"id": APPROVER, "verified": False}
    command = receipt_command(folder / "receipt.json", folder / "keys.json")
    assert outcome(command)[1].holds
    (folder / "receipt.json").write_text(json.dumps(receipt))  # the same, in other bytes
    assert not outcome(command)[1].holds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path) as run:
        run.read_until("Filling")
        assert not run.nothing_listens()
        run.process.send_signal(number)
        assert run.ended() == 130, run.output
        assert run.nothing_listens()
    assert "Stopped. Everything that was started has ended." in run.output
    assert "Traceback" not in run.output


def test_a_run_that_is_killed_takes_its_pieces_along(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        run.read_until("Filling")
        assert not run.nothing_listens()
        run.process.kill()
        assert wait_until(run.nothing_listens, seconds=60)
