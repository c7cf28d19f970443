"""What the checking commands say is heard: their verdict, and their complaints."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from local.demo.evidence import (
    Command,
    audit_command,
    complaints_in,
    outcome,
    package_command,
    receipt_command,
    shown_path,
    verdict_in,
)
from local.pieces import ROOT


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("       facts\n       more facts\nThe package is whole.\n", "The package is whole."),
        ("Erasure: completed\n\nWhat remains:\n  this\n\nSigned with the key k.\n", "Signed with the key k."),
        (
            "1 file(s) of heads.\n\nEverything fits together.\nWhat this cannot see: much.\n",
            "Everything fits together.",
        ),
        ("", "(it said nothing)"),
    ],
)
def test_the_verdict_is_found_in_what_each_command_says(said: str, verdict: str) -> None:
    assert verdict_in(said) == verdict


def test_complaints_are_the_lines_marked_as_such_else_all() -> None:
    assert complaints_in("       a fact\nWRONG  a: b\nWRONG  c: d\n\n2 thing(s) wrong.\n") == [
        "WRONG  a: b",
        "WRONG  c: d",
    ]
    assert complaints_in("NOT PROVEN. It was changed.\n") == ["NOT PROVEN. It was changed."]
    assert complaints_in("verify-audit: the ledger cannot be read\n") == ["verify-audit: the ledger cannot be read"]
    assert complaints_in("") == ["it ended without a word"]


def empty_package(folder: Path) -> Command:
    return package_command(folder, "The package")


def unsigned_receipt(folder: Path) -> Command:
    receipt, keys = folder / "receipt.json", folder / "keys.json"
    receipt.write_text("{}")
    keys.write_text(json.dumps({"keys": []}))
    return receipt_command(receipt, keys)


def ledger_out_of_reach(_: Path) -> Command:
    return audit_command("no connection string")


@pytest.mark.parametrize("command", [empty_package, unsigned_receipt, ledger_out_of_reach])
def test_a_command_that_finds_something_wrong_is_a_failed_check(
    tmp_path: Path, command: Callable[[Path], Command]
) -> None:
    _, finding = outcome(command(tmp_path))
    assert not finding.holds
    assert finding.problems


def test_paths_are_shown_as_a_person_in_the_projects_folder_types_them() -> None:
    assert shown_path(ROOT / ".local/run") == ".local/run"
    assert shown_path(Path("/elsewhere/run")) == "/elsewhere/run"
    assert package_command(ROOT / "my package", "It").typed == "make verify-package DIR='my package'"
