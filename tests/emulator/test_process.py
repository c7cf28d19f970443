"""The emulator as a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from azure.storage.blob import BlobServiceClient

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import running_emulator
from tests.conftest import Storage
from tests.emulator.conftest import ROOT

COMMAND = [sys.executable, "-m", "local.custom_vision"]


@contextmanager
def _process(**environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    settings = os.environ | {"EMULATOR_PORT": "0"} | environment
    with subprocess.Popen(COMMAND, cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.mark.azurite
def test_pictures_lie_in_the_account_that_the_environment_names(storage: Storage) -> None:
    with _process(EMULATOR_STORAGE=storage.service_connection) as (_, line):
        control = EmulatorControl(line.rpartition(" ")[2])
        try:
            project = control.seed("Pets", 1)["project"]
            with BlobServiceClient.from_connection_string(storage.service_connection) as service:
                container = service.get_container_client(f"i-{project.replace('-', '')}")
                assert len(list(container.list_blob_names())) == 2
        finally:
            control.reset()


def test_nothing_of_a_request_is_said_aloud(capfd: pytest.CaptureFixture[str]) -> None:
    with _process() as (process, line):
        url = line.rpartition(" ")[2] + "/customvision/v3.3/training/projects"
        for key in ("emulator-training-key", "private-key"):
            requests.post(f"{url}?name=private-name", headers={"Training-Key": key}, timeout=10)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.read() == ""
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("port", ["x", "99999", "-1", "1.5"])
def test_a_port_that_is_none_is_one_sentence(port: str) -> None:
    result = subprocess.run(
        COMMAND, cwd=ROOT, env=os.environ | {"EMULATOR_PORT": port}, capture_output=True, text=True, check=False
    )
    said = "The Custom Vision emulator cannot start: EMULATOR_PORT must be a port of 0 to 65535\n"
    assert (result.returncode, result.stderr) == (1, said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_stops_on_a_signal(number: signal.Signals) -> None:
    with _process(EMULATOR_TRAINING_KEY="secret") as (process, line):
        prefix, _, url = line.rpartition(" ")
        assert prefix == "Custom Vision emulator is listening at"
        with requests.Session() as session:  # its connection is still open when the signal comes
            path = f"{url}/customvision/v3.3/training/projects"
            assert session.get(path, headers={"Training-Key": "secret"}, timeout=10).json() == []
            process.send_signal(number)
            assert process.wait(10) == 0


def test_a_taken_port_is_one_clear_sentence_and_exit_code_1() -> None:
    with running_emulator() as other:
        settings = os.environ | {"EMULATOR_PORT": other.url.rpartition(":")[2]}
        done = subprocess.run(COMMAND, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The Custom Vision emulator cannot start:")
    assert len(done.stderr.splitlines()) == 1


def test_help_names_every_setting() -> None:
    done = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    for name in ("PORT", "STORAGE", "TRAINING_KEY", "PREDICTION_KEY", "PUBLIC_URL"):
        assert f"EMULATOR_{name}" in done.stdout


def test_an_emulator_in_process_is_there_at_once_and_gone_at_the_end() -> None:
    with running_emulator() as emulator:
        url = emulator.url
        assert requests.get(f"{url}/__control", timeout=10).status_code == 200
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/__control", timeout=10)
