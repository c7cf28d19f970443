"""The commands of the project, as a person meets them."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from local.azurite.server import Azurite
from tests.tooling.conftest import alive, free_ports, wait_until

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE)
WANTED = {"run", "start", "azurite", "emulator", "host", "test", "lint", "format", "bench", "clean", "help"}

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not on PATH")


def make(*arguments: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run make from elsewhere, as a person would, without the make that may run these tests."""
    return subprocess.run(
        ["make", "-C", str(ROOT), *arguments],
        cwd="/",
        env=clean_environment() | (environ or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}


@contextmanager
def azurite_by_make(data: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `make azurite`; give make's process and the process id of Azurite once it listens."""
    ports = free_ports(3)
    names = ("AZURITE_BLOB_PORT", "AZURITE_QUEUE_PORT", "AZURITE_TABLE_PORT")
    environ = clean_environment() | {"LOCAL_DATA": str(data)} | dict(zip(names, map(str, ports), strict=True))
    with subprocess.Popen(
        ["env", "--default-signal=INT", "make", "-C", str(ROOT), "azurite"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            assert any("Table service is successfully listening" in line for line in process.stdout)
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            # Between its last line and its first answer Azurite does not mind signals yet.
            assert requests.get(f"http://127.0.0.1:{ports[0]}/", timeout=10).status_code >= 400
            yield process, int(children[0])
        finally:
            process.terminate()


def test_make_alone_lists_every_target_with_a_line() -> None:
    listed = re.findall(r"^  make ([a-z-]+) +\S.+$", make().stdout, re.MULTILINE)
    assert listed == TARGETS
    assert set(listed) >= WANTED


def test_every_target_is_documented() -> None:
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not written yet")
    text = readme.read_text()
    assert [target for target in TARGETS if f"make {target}" not in text] == []


def test_every_target_is_phony() -> None:
    listed = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    assert sorted(listed[1].split()) == sorted(TARGETS)


def test_a_run_of_no_test_is_a_failure() -> None:
    assert make("test", "ARGS=tests/tooling/test_make.py -k nothing_has_this_name").returncode != 0


def test_a_check_that_does_not_hold_fails_make_which_names_the_commands_own_code(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text("{}")
    (tmp_path / "keys.json").write_text('{"keys": []}')
    result = make("verify-receipt", f"FILE={tmp_path}/receipt.json", f"KEYS={tmp_path}/keys.json")
    assert "NOT PROVEN" in result.stdout
    assert (result.returncode, "Error 1" in result.stderr) == (2, True)
    result = make("verify-receipt", f"FILE={tmp_path}/nowhere.json", f"KEYS={tmp_path}/keys.json")
    assert (result.returncode, "Error 2" in result.stderr) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_piece_ends_with_make(number: signal.Signals, tmp_path: Path) -> None:
    with azurite_by_make(tmp_path) as (process, pid):
        process.send_signal(number)
        assert wait_until(lambda: not alive(pid)), f"Azurite still runs after {number.name} to make"
        assert wait_until(lambda: process.poll() is not None), f"make still runs after {number.name}"


def test_a_piece_that_is_stopped_itself_ends_make_with_success(tmp_path: Path) -> None:
    with azurite_by_make(tmp_path) as (process, pid):
        os.kill(pid, signal.SIGTERM)
        assert process.wait(15) == 0


@pytest.mark.parametrize("target", ["azurite", "start"])
def test_a_port_in_use_is_one_sentence_that_names_it(target: str, azurite: Azurite) -> None:
    port = azurite.ports["blob"]
    result = make(target, environ={"AZURITE_BLOB_PORT": str(port)})
    assert result.returncode != 0
    assert f"Port {port} is in use, and Azurite's blob service needs it" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("port", ["99999", "x", "", "1 2"])
def test_a_port_that_is_none_is_one_sentence(port: str) -> None:
    result = make("host", f"PORT={port}")
    assert result.returncode == 2
    assert result.stderr.startswith("host: PORT must be a port of 1 to 65535.")


NO_NUMBERS = [
    ("fuzz", "CASES=x", "CASES must be a whole number from 1 on"),
    ("chaos", "SEED=x", "SEED must be random or a whole number from 0 on"),
    ("chaos", "KILLS=-1", "KILLS must be a whole number from 1 on"),
    ("bench", "ARGS=--images 0", "--images: must be a whole number from 1 on"),
    ("bench", "ARGS=--scale nan", "--scale: must be a number above 0"),
]


@pytest.mark.parametrize(("target", "variable", "sentence"), NO_NUMBERS)
def test_a_number_that_is_none_is_one_sentence_that_names_it(target: str, variable: str, sentence: str) -> None:
    result = make(target, variable)
    assert result.returncode == 2
    assert sentence in result.stdout + result.stderr
    assert "Traceback" not in result.stdout + result.stderr
