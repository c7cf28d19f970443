"""The workflows of the repository's host: nothing runs there that can change by itself, or that may write."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def read(path: Path) -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    return workflow


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [(f"{path.name} {name}", job) for path in WORKFLOWS for name, job in read(path)["jobs"].items()]


JOBS = pytest.mark.parametrize("job", [job for _, job in jobs()], ids=[name for name, _ in jobs()])


def commands() -> list[str]:
    return [step["run"] for _, job in jobs() for step in job["steps"] if "run" in step]


def test_a_change_is_tested_and_its_packages_are_audited() -> None:
    assert {".ci/run", "make audit-dependencies"} <= set(commands())


def test_every_command_of_a_workflow_is_there() -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    scripts = [ROOT / command for command in commands() if not command.startswith("make ")]
    assert [script for script in scripts if not os.access(script, os.X_OK)] == []
    called = [line for script in scripts for line in script.read_text().splitlines()] + commands()
    made = {found for line in called for found in re.findall(r"^make ([a-z-]+)", line)}
    assert {"lint", "test", "audit-dependencies"} <= made <= targets


@JOBS
def test_every_action_is_named_by_its_commit(job: dict[str, Any]) -> None:
    used = [step["uses"] for step in job["steps"] if "uses" in step]
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_commit_says_which_version_it_is(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert [line for line in lines if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_the_code_and_nothing_else(path: Path) -> None:
    assert read(path)["permissions"] == {"contents": "read"}


@JOBS
def test_a_job_ends_after_a_time_and_keeps_no_credentials(job: dict[str, Any]) -> None:
    assert 0 < job["timeout-minutes"] <= 60
    assert "permissions" not in job
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"]["persist-credentials"] for step in checkouts] == [False]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_newer_run_takes_the_place_of_an_older_one(path: Path) -> None:
    assert read(path)["concurrency"]["cancel-in-progress"] is True


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_puts_what_others_wrote_into_a_shell_or_reads_a_secret(path: Path) -> None:
    assert "pull_request_target" not in path.read_text()
    assert "secrets." not in path.read_text()
    assert not [command for command in commands() if "${{" in command]


def test_the_workflow_uses_the_python_of_the_project() -> None:
    wanted = (ROOT / ".python-version").read_text().strip()
    used = {
        s["with"]["python-version"] for _, job in jobs() for s in job["steps"] if "setup-python@" in s.get("uses", "")
    }
    assert used == {wanted}
