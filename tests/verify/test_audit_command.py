"""`make verify-audit`: what is whole is not called wrong; what it tells, and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.verify_audit.__main__ import main, summary, tell
from local.verify_audit.checking import Audit, check
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_settings import StorageSettings
from shared.domain.receipt import receipt_of
from shared.domain.record import RequestRecord
from shared.finishing import finish
from shared.ledger import RequestLedger
from tests.conftest import Storage
from tests.verify.damage import (
    BEFORE_ANY_FILE,
    DAYS,
    ENDED,
    OPEN,
    SIGNING,
    WHOLE,
    filled,
    problems,
)
from tests.verify.ledgers import COMPLETED, Ledger, request_id

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("ledger", [WHOLE, BEFORE_ANY_FILE, Ledger()], ids=["three files", "no file", "empty"])
def test_a_ledger_that_nobody_touched_is_whole(ledger: Ledger) -> None:
    assert problems(ledger) == []


def test_a_ledger_that_has_moved_on_since_the_newest_file_is_whole() -> None:
    ledger = filled(audits=1)
    current = ledger.moved_on(OPEN)
    assert problems(ledger) == []
    finish(ledger.services(), current, COMPLETED)
    assert problems(ledger) == []
    ledger.audit(days=1)
    assert problems(ledger) == []


def test_a_package_that_is_kept_longer_leaves_its_ended_record_whole() -> None:
    ledger = filled()
    current = ledger.services().ledger.read(ENDED)
    notes = {**current.record.notes, "kept_since": "2026-12-01T00:00:00.000Z"}
    ledger.services().ledger.write(current, current.record.evolve(ledger.clock.now(), notes=notes))
    assert problems(ledger) == []


def test_a_receipt_that_stood_before_a_last_change_of_the_record_is_whole() -> None:
    ledger = Ledger(SIGNING)
    current = ledger.accepted(OPEN)
    ledger.services().ledger.keep_receipt(OPEN, _receipt(ledger, current.record))
    moved = ledger.moved_on(OPEN)
    finish(ledger.services(), moved, COMPLETED)
    assert problems(ledger) == []


def test_a_request_that_is_being_accepted_is_counted_and_not_called_wrong() -> None:
    ledger, audit = filled(), Audit()
    ledger.blobs.put(f"_index/000000000000001_{request_id(9)}", b"", metadata={"type": "erasure", "state": "open"})
    assert list(check(ledger.services().ledger, audit)) == []
    assert audit.being_accepted == 1
    assert "1 index entries have no record" in " ".join(summary(audit))


def test_it_says_how_much_was_looked_at() -> None:
    ledger, audit = filled(), Audit()
    ledger.accepted(request_id(7))
    assert list(check(ledger.services().ledger, audit)) == []
    assert (audit.files, audit.requests, audit.unnamed) == ([*DAYS], 5, 1)


def test_problems_are_told_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    ledger = filled()
    ledger.blobs.delete(f"{ENDED}/record.json")
    assert tell(ledger.services().ledger, "c") == 1
    told = capsys.readouterr().out
    assert f"WRONG  {ENDED}/record.json: is gone" in told
    assert "1 thing(s) wrong." in told


def test_what_cannot_be_seen_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(WHOLE.services().ledger, "c") == 0
    told = capsys.readouterr().out
    assert "Everything fits together." in told
    assert "the newest file of heads itself is gone" in told


def test_a_place_without_any_ledger_is_not_called_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(Ledger().services().ledger, "my-requests") == 2
    told = capsys.readouterr()
    assert (told.out, "my-requests holds no request" in told.err) == ("", True)


def test_an_argument_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["receipt.json"]) == 2
    assert "usage: make verify-audit" in capsys.readouterr().err


def run(**settings: str) -> subprocess.CompletedProcess[str]:
    environ = os.environ | settings
    return subprocess.run(
        [sys.executable, "-m", "local.verify_audit"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.azurite
def test_the_command_reads_the_storage_that_the_environment_names(storage: Storage) -> None:
    settings = {"AzureWebJobsStorage": storage.connection, "REQUESTS_CONTAINER": storage.name("requests")}
    connection = StorageConnection(StorageSettings.from_mapping(settings, "AzureWebJobsStorage"))
    blobs = AzureBlobStore(connection.blobs(), settings["REQUESTS_CONTAINER"])
    for entry in WHOLE.blobs.entries(with_metadata=True):
        blobs.create(entry.name, WHOLE.read(entry.name), metadata=dict(entry.metadata))
    misspelt = run(**settings | {"REQUESTS_CONTAINER": storage.name("requests") + "x"})
    assert (misspelt.returncode, misspelt.stdout) == (2, "")
    whole = run(**settings)
    assert (whole.returncode, "3 file(s) of heads" in whole.stdout) == (0, True), whole.stderr
    RequestLedger(blobs).blobs.delete(f"{OPEN}/record.json")
    damaged = run(**settings)
    assert (damaged.returncode, f"WRONG  {OPEN}/record.json: is gone" in damaged.stdout) == (1, True)
    connection.close()


def test_storage_that_cannot_be_read_is_neither_whole_nor_wrong() -> None:
    result = run(AzureWebJobsStorage="nonsense")
    assert result.returncode == 2
    assert "AzureWebJobsStorage" in result.stderr
    assert "nonsense" not in result.stderr


def _receipt(ledger: Ledger, record: RequestRecord) -> dict[str, Any]:
    return receipt_of(record, COMPLETED, ledger.clock.now(), signed=True)
