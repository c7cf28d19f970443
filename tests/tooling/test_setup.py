"""The set-up on machines that lack something. It runs in a copy of the project, with a PATH of chosen programs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("bash", "cat", "cksum", "dirname", "flock", "ln", "mkdir", "rm", "sed", "touch", "env")
FAILING = "#!/bin/sh\nexit 127\n"
RECORDING_UV = """#!/bin/sh
echo "uv $*" >> "$RECORD"
if [ "$1" = venv ]; then mkdir -p .venv/bin && ln -s "$REAL_PYTHON" .venv/bin/python; fi
"""
RECORDING_NPM = """#!/bin/sh
echo "npm $*" >> "$RECORD"
if [ "$1" = ci ]; then mkdir -p node_modules/azurite/dist/src && touch node_modules/azurite/dist/src/azurite.js; fi
"""


class Machine:
    """A copy of what the set-up reads, in a folder with spaces, and a PATH with nothing but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.project, self.bin, self.home = folder / "a project", folder / "bin", folder / "home"
        self.record = folder / "record"
        for path in (self.project / "local/azurite", self.bin, self.home):
            path.mkdir(parents=True)
        for name in ("local/setup.sh", "local/azurite/package.json", "local/azurite/package-lock.json"):
            shutil.copy(ROOT / name, self.project / name)
        for name in ("requirements.txt", "requirements-dev.txt"):
            shutil.copy(ROOT / name, self.project / name)
        for name in NEEDED:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        self.record.touch()

    def program(self, name: str, text: str, folder: Path | None = None) -> Path:
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def set_up(self, part: str) -> subprocess.CompletedProcess[str]:
        environ = {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "RECORD": str(self.record),
            "REAL_PYTHON": sys.executable,
        }
        command = [str(self.project / "local/setup.sh"), part]
        return subprocess.run(
            command,
            cwd="/",
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self, program: str) -> list[str]:
        return [line for line in self.record.read_text().splitlines() if line.startswith(f"{program} ")]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_without_python_and_uv_one_sentence_says_what_to_install(machine: Machine) -> None:
    result = machine.set_up("python")
    assert result.returncode == 1
    assert result.stderr.startswith("setup: Python 3.13 is missing, and there is no uv to bring it")
    assert result.stderr.count("\n") == 1


def test_without_npm_one_sentence_says_what_to_install(machine: Machine) -> None:
    result = machine.set_up("azurite")
    assert result.returncode == 1
    assert result.stderr.startswith("setup: npm is missing")
    assert result.stderr.count("\n") == 1


def test_shims_that_do_not_run_count_as_missing(machine: Machine) -> None:
    for name in ("python3.13", "python3", "uv"):
        machine.program(name, FAILING)
    result = machine.set_up("python")
    assert result.returncode == 1
    assert "Python 3.13 is missing" in result.stderr


def test_a_python_on_path_that_runs_is_taken(machine: Machine) -> None:
    machine.program("uv", RECORDING_UV)
    machine.program("python3.13", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    assert machine.set_up("python").returncode == 0
    assert machine.calls("uv")[1] == f"uv venv --quiet --python {sys.executable} .venv"


def test_the_python_of_pyenv_is_found_by_its_place(machine: Machine) -> None:
    machine.program("uv", RECORDING_UV)
    machine.program("python3.13", FAILING)
    place = machine.home / ".pyenv/versions/3.13.9/bin"
    python = machine.program("python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', place)
    assert machine.set_up("python").returncode == 0
    assert machine.calls("uv")[1] == f"uv venv --quiet --python {python} .venv"


def test_where_no_python_runs_uv_brings_one(machine: Machine) -> None:
    machine.program("uv", RECORDING_UV)
    result = machine.set_up("python")
    assert result.returncode == 0
    assert "uv downloads one" in result.stdout
    assert machine.calls("uv")[1] == "uv venv --quiet --python 3.13 .venv"


def test_a_second_set_up_does_and_says_nothing(machine: Machine) -> None:
    machine.program("uv", RECORDING_UV)
    machine.program("npm", RECORDING_NPM)
    first = [machine.set_up(part) for part in ("python", "azurite")]
    assert all("Installing" in result.stdout for result in first)
    before = machine.record.read_text()
    second = [machine.set_up(part) for part in ("python", "azurite")]
    assert [(result.returncode, result.stdout, result.stderr) for result in second] == [(0, "", "")] * 2
    assert machine.record.read_text() == before


@pytest.mark.parametrize(
    ("part", "program", "file"),
    [
        ("python", "uv", "requirements.txt"),
        ("python", "uv", "requirements-dev.txt"),
        ("azurite", "npm", "local/azurite/package-lock.json"),
    ],
)
def test_changed_requirements_are_installed_again(machine: Machine, part: str, program: str, file: str) -> None:
    machine.program("uv", RECORDING_UV)
    machine.program("npm", RECORDING_NPM)
    machine.set_up(part)
    before = len(machine.calls(program))
    with (machine.project / file).open("a") as changed:
        changed.write("\n")
    assert machine.set_up(part).returncode == 0
    assert len(machine.calls(program)) > before


def test_the_uv_that_was_installed_here_is_used_again(machine: Machine) -> None:
    machine.program("uv", RECORDING_UV, machine.project / ".local/uv/bin")
    machine.program("python3.13", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    result = machine.set_up("python")
    assert (result.returncode, "Installing uv" in result.stdout) == (0, False)
    assert machine.calls("uv")[1] == f"uv venv --quiet --python {sys.executable} .venv"


def test_an_environment_whose_python_is_gone_is_made_anew(machine: Machine) -> None:
    machine.program("uv", RECORDING_UV)
    machine.set_up("python")
    python = machine.project / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python")
    assert machine.set_up("python").returncode == 0
    assert python.readlink() == Path(sys.executable)


def test_a_home_that_cannot_be_written_to_is_not_needed(machine: Machine) -> None:
    machine.program("npm", RECORDING_NPM.replace('"npm $*"', '"npm $npm_config_cache"'))
    machine.home = machine.home / "missing"
    assert machine.set_up("azurite").returncode == 0
    assert machine.calls("npm")[-1] == f"npm {machine.project}/.local/npm-cache"


def test_a_failed_installation_is_tried_again(machine: Machine) -> None:
    machine.program("npm", '#!/bin/sh\n[ "$1" != ci ] || { echo "no network" >&2; exit 1; }\n')
    failed = machine.set_up("azurite")
    assert failed.returncode == 1
    assert failed.stderr == "no network\nsetup: npm could not install Azurite (see above).\n"
    machine.program("npm", RECORDING_NPM)
    assert machine.set_up("azurite").returncode == 0
    assert machine.calls("npm")[-1].startswith("npm ci ")
