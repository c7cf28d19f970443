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

from local.custom_vision.control import EmulatorControl
from local.demo.package import pictures_in
from local.demo.scenes import FEWEST_IMAGES, SUBJECT, SUBJECT_KEY
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
    assert run.output.count("[ok]") >= 5
    assert len(pictures_in(tmp_path / "run/package")) == FEWEST_IMAGES
    receipt = json.loads((tmp_path / "run/receipt.json").read_bytes())
    assert (receipt["request_status"], receipt["stores"]["images"]["verified"]) == ("completed", True)
    assert [word for word in ("AccountKey", "sig=", TRAINING_KEY, "Traceback") if word in run.output] == []


def test_somebody_elses_picture_that_gets_lost_fails_the_run(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        run.read_until("4. Erasure")
        control = EmulatorControl(f"http://127.0.0.1:{run.ports[3]}")
        project = control.truth()["projects"][0]
        other = next(row["id"] for row in project["workspace"]["images"] if row["metadata"].get(SUBJECT_KEY) != SUBJECT)
        control.delete_images(project["id"], [other])
        assert run.ended() == 1, run.output
        assert run.nothing_listens()
    assert other in run.output.partition("[FAIL]")[2]
    assert "A CHECK FAILED" in run.output


def test_a_plan_that_is_not_the_one_expected_fails_the_run(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        run.read_until("2. Access")
        control = EmulatorControl(f"http://127.0.0.1:{run.ports[3]}")
        for project in control.truth()["projects"]:
            rows = project["workspace"]["images"]
            control.delete_images(
                project["id"], [row["id"] for row in rows if row["metadata"].get(SUBJECT_KEY) == SUBJECT]
            )
        assert run.ended() == 1, run.output
        assert run.nothing_listens()
    assert f"demo: The plan does not name exactly the pictures of {SUBJECT}." in run.output


@pytest.mark.parametrize(("number", "moment"), [(signal.SIGINT, "Filling"), (signal.SIGTERM, "2. Access")])
def test_a_run_that_is_stopped_leaves_nothing(tmp_path: Path, number: signal.Signals, moment: str) -> None:
    with demo(tmp_path) as run:
        run.read_until(moment)
        run.process.send_signal(number)
        assert run.ended() == 130, run.output
        assert run.nothing_listens()
    assert "Stopped. Everything that was started has ended." in run.output
    assert "Traceback" not in run.output


def test_a_run_that_is_killed_takes_its_pieces_along(tmp_path: Path) -> None:
    with demo(tmp_path) as run:
        run.read_until("2. Access")
        run.process.kill()
        assert wait_until(run.nothing_listens, seconds=60)
