"""A receipt, a signature or a file of heads that was changed or removed is found."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.record import GENESIS
from tests.verify.damage import (
    BEFORE_ANY_FILE,
    DAYS,
    ENDED,
    OPEN,
    UNSIGNED,
    WHOLE,
    Damage,
    changed_at,
    edited,
    filled,
    problems,
    rehashed,
)
from tests.verify.ledgers import Ledger


@given(place=st.integers(0, 10**6), by=st.integers(1, 255))
@pytest.mark.parametrize("blob", [f"{ENDED}/receipt.json", f"{UNSIGNED}/receipt.json"])
def test_one_changed_byte_of_a_receipt_is_found(blob: str, place: int, by: int) -> None:
    with Damage(WHOLE, blob, changed_at(WHOLE.read(blob), place, by)) as found:
        assert any(blob in problem for problem in found)


@given(place=st.integers(0, 10**6), by=st.integers(1, 255))
def test_one_changed_byte_of_a_signed_receipt_is_found_before_a_file(place: int, by: int) -> None:
    content = BEFORE_ANY_FILE.read(f"{ENDED}/receipt.json")
    with Damage(BEFORE_ANY_FILE, f"{ENDED}/receipt.json", changed_at(content, place, by)) as found:
        assert found


@pytest.mark.parametrize("at", [-1, None], ids=["the final entry's", "nobody's"])
def test_a_receipt_with_a_head_that_is_not_before_the_final_entry_is_found(at: int | None) -> None:
    name, history = f"{UNSIGNED}/receipt.json", json.loads(BEFORE_ANY_FILE.read(f"{UNSIGNED}/record.json"))["history"]
    head = GENESIS if at is None else history[at]["hash"]
    content = edited(BEFORE_ANY_FILE.read(name), lambda receipt: receipt.update(history_head=head))
    with Damage(BEFORE_ANY_FILE, name, content) as found:
        assert found == [f"{name}: its history_head is not in the record's history before the final entry"]


@pytest.mark.parametrize("blob", ["receipt.json", "receipt.jws"])
@pytest.mark.parametrize("ledger", [WHOLE, BEFORE_ANY_FILE], ids=["three files", "no file"])
def test_a_receipt_or_signature_that_was_removed_is_found(ledger: Ledger, blob: str) -> None:
    with Damage(ledger, f"{ENDED}/{blob}", None) as found:
        assert len(found) == 1
        assert found[0].startswith(f"{ENDED}/{blob}: is ")


@pytest.mark.parametrize("content", [b"", b"a.b.c", b"nothing", b"a.b"])
def test_a_signature_of_something_else_is_found(content: bytes) -> None:
    with Damage(WHOLE, f"{ENDED}/receipt.jws", content) as found:
        assert found == [f"{ENDED}/receipt.jws: signs other bytes than receipt.json"]


def test_a_signature_beside_an_unsigned_receipt_is_found() -> None:
    ledger = filled()
    ledger.blobs.put(f"{UNSIGNED}/receipt.jws", ledger.read(f"{ENDED}/receipt.jws"))
    assert any("says that it is not signed" in problem for problem in problems(ledger))


@given(place=st.integers(0, 10**6), by=st.integers(1, 255))
@pytest.mark.parametrize("name", DAYS[:2])
def test_one_changed_byte_of_a_file_that_another_follows_is_found(name: str, place: int, by: int) -> None:
    with Damage(WHOLE, name, changed_at(WHOLE.read(name), place, by)) as found:
        assert any(name in problem for problem in found)


@pytest.mark.parametrize("name", DAYS[:2])
def test_a_file_that_another_follows_is_missed(name: str) -> None:
    with Damage(WHOLE, name, None) as found:
        assert any(name in problem for problem in found)


def test_a_newest_file_that_no_longer_names_a_request_is_found() -> None:
    with Damage(WHOLE, DAYS[2], edited(WHOLE.read(DAYS[2]), lambda file: file["heads"].pop(ENDED))) as found:
        assert found == [f"{DAYS[2]}: no longer names request {ENDED}, which {DAYS[1]} names"]


def test_a_newest_file_with_another_head_is_found() -> None:
    with Damage(WHOLE, DAYS[2], edited(WHOLE.read(DAYS[2]), lambda f: f["heads"][OPEN].update(head=GENESIS))) as found:
        assert found == [f"{OPEN}/record.json: its history is not the one that an audit file names"]


def test_a_record_and_the_newest_file_rewritten_together_contradict_the_file_before() -> None:
    ledger = filled()

    def rewrite(record: dict[str, Any]) -> None:
        record["history"][0]["time"] = record["received_time"] = "2026-11-24T09:00:00.001Z"
        rehashed(record)

    content = edited(ledger.read(f"{OPEN}/record.json"), rewrite)
    head = json.loads(content)["history"][-1]["hash"]
    ledger.blobs.put(f"{OPEN}/record.json", content)
    ledger.blobs.put(DAYS[2], edited(ledger.read(DAYS[2]), lambda file: file["heads"][OPEN].update(head=head)))
    assert f"{OPEN}/record.json: its history is not the one that an audit file names" in problems(ledger)


def test_an_unreadable_newest_file_is_found() -> None:
    with Damage(WHOLE, DAYS[2], b"{") as found:
        assert f"{DAYS[2]}: cannot be read any more" in found


def test_something_else_among_the_files_is_found() -> None:
    ledger = filled()
    ledger.blobs.put("audit/notes.txt", b"")
    assert "audit/notes.txt: is not a file of heads" in problems(ledger)


def test_that_the_newest_file_is_gone_cannot_be_seen() -> None:
    with Damage(WHOLE, DAYS[2], None) as found:
        assert found == []
