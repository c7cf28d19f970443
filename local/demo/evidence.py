"""What anybody can check of a run with the project's own commands: package, receipt, audit of the ledger."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from azure.storage.blob import ContainerClient

from local.demo.app import App, UnexpectedAnswerError
from local.demo.proof import Finding
from local.pieces import ROOT, STORAGE_SETTINGS

AUDIT_FUNCTION = "/admin/functions/audit_heads"
LEDGER = "gdpr-requests"
_AUDIT_LIMIT_SECONDS = 30.0
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Command:
    """A command that checks something: what a person types, the module behind it, the claim that it decides about.

    `environment`: what is set for it besides this process's own.
    """

    typed: str
    module: str
    arguments: tuple[str, ...]
    claim: str
    environment: Mapping[str, str] = field(default_factory=dict)


def package_command(folder: Path, what: str) -> Command:
    """Return the check of a package in a folder, unpacked and as zips."""
    typed = f"make verify-package DIR={shlex.quote(shown_path(folder))}"
    return Command(
        typed, "local.verify_package", (str(folder.resolve()),), f"{what} is what its manifest says (verify-package)."
    )


def receipt_command(receipt: Path, keys: Path) -> Command:
    """Return the check of a receipt that has its signature beside it."""
    files = shlex.quote(shown_path(receipt)), shlex.quote(shown_path(keys))
    typed = "make verify-receipt FILE={} KEYS={}".format(*files)
    claim = "The receipt is signed, unchanged, and fits together (verify-receipt)."
    return Command(typed, "local.verify_receipt", (str(receipt.resolve()), str(keys.resolve())), claim)


def audit_command(storage: str) -> Command:
    """Return the check of the ledger in a storage account against its daily files of heads."""
    environment = {**dict.fromkeys(STORAGE_SETTINGS, storage), "REQUESTS_CONTAINER": LEDGER}
    claim = "The ledger is as its file of heads says (verify-audit)."
    return Command("make verify-audit", "local.verify_audit", (), claim, environment)


def outcome(command: Command) -> tuple[str, Finding]:
    """Run a command; the line of its verdict, and what it found."""
    ran = subprocess.run(
        [sys.executable, "-m", command.module, *command.arguments],
        cwd=ROOT,
        env=os.environ | command.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    said = ran.stdout if ran.stdout.strip() else ran.stderr
    return verdict_in(said), Finding(command.claim, [] if ran.returncode == 0 else complaints_in(said))


def verdict_in(said: str) -> str:
    """Return the verdict in what a checking command says: the first line after its last gap, else the last line."""
    _, gap, rest = said.strip().rpartition("\n\n")
    lines = rest.splitlines() or ["(it said nothing)"]
    return lines[0] if gap else lines[-1]


def complaints_in(said: str) -> list[str]:
    """Return the lines that name what is wrong; all of them where none is marked."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return [line for line in lines if line.startswith(("WRONG", "NOT"))] or lines or ["it ended without a word"]


def keep_receipt(app: App, request_id: str, folder: Path) -> tuple[Path, Path]:
    """Write a request's receipt, its signature beside it, and the public keys into `folder`; receipt and keys."""
    path, receipt, keys = f"/api/requests/{request_id}/receipt", folder / "receipt.json", folder / "keys.json"
    receipt.write_bytes(app.raw(path))
    receipt.with_suffix(".jws").write_bytes(app.raw(path, accept="application/jose"))
    keys.write_bytes(app.raw("/api/keys"))
    return receipt, keys


def wait_for_heads(storage: str, request_ids: Collection[str]) -> str:
    """Wait until a file of heads names all these requests; its name.

    Raises:
        UnexpectedAnswerError: none does so in time.
    """
    deadline = time.monotonic() + _AUDIT_LIMIT_SECONDS
    with ContainerClient.from_connection_string(storage, LEDGER) as container:
        while time.monotonic() < deadline:
            names = sorted(container.list_blob_names(name_starts_with="audit/"))
            if names and set(request_ids) <= _heads(container, names[-1]):
                return str(names[-1])
            time.sleep(_POLL_SECONDS)
    raise UnexpectedAnswerError("The file of heads was not written in time.")


def shown_path(path: Path) -> str:
    """Return a path as a person in the project's folder would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _heads(container: ContainerClient, name: str) -> set[str]:
    return set(json.loads(container.download_blob(name).readall())["heads"])
