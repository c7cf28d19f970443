"""A record that was changed, rewritten or removed is found, by its history, its receipt or a file of heads."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verify.damage import (
    BEFORE_ANY_FILE,
    CANCELLED,
    ENDED,
    OPEN,
    UNSIGNED,
    WHOLE,
    Damage,
    changed_at,
    each_entry,
    edited,
    filled,
    problems,
    rehashed,
    spoil,
)
from tests.verify.ledgers import Ledger


def lasting(content: bytes) -> object:
    """Give what a record says for good: a blank more or less, and the time of its last writing, are nothing of it."""
    try:
        return json.loads(content) | {"updated_time": None}
    except ValueError:
        return None


@given(place=st.integers(0, 10**6), by=st.integers(1, 255))
@pytest.mark.parametrize("request_", [ENDED, UNSIGNED, CANCELLED])
def test_one_changed_byte_of_an_ended_record_is_found(request_: str, place: int, by: int) -> None:
    name = f"{request_}/record.json"
    content = changed_at(WHOLE.read(name), place, by)
    with Damage(WHOLE, name, content) as found:
        assert any(name in problem for problem in found) or lasting(content) == lasting(WHOLE.read(name))


@pytest.mark.parametrize("ledger", [WHOLE, BEFORE_ANY_FILE], ids=["three files", "no file"])
@pytest.mark.parametrize("request_", [OPEN, ENDED])
@pytest.mark.parametrize("field", ["time", "status", "phase", "reason", "previous", "hash"])
def test_one_changed_field_of_an_entry_is_found(ledger: Ledger, request_: str, field: str) -> None:
    name = f"{request_}/record.json"
    for content in each_entry(ledger.read(name), lambda history, at: spoil(history[at], field)):
        with Damage(ledger, name, content) as found:
            assert any(name in problem and "history" in problem for problem in found)


@pytest.mark.parametrize("ledger", [WHOLE, BEFORE_ANY_FILE], ids=["three files", "no file"])
def test_an_entry_that_was_removed_is_found(ledger: Ledger) -> None:
    name = f"{ENDED}/record.json"
    for content in each_entry(ledger.read(name), lambda history, at: history.pop(at)):
        with Damage(ledger, name, content) as found:
            assert any(name in problem for problem in found)


@pytest.mark.parametrize("request_", [OPEN, ENDED])
def test_a_history_that_was_rewritten_as_a_whole_contradicts_a_file(request_: str) -> None:
    def rewrite(record: dict[str, Any]) -> None:
        record["history"][0]["time"] = record["received_time"] = "2026-11-24T08:00:00.000Z"
        rehashed(record)

    name = f"{request_}/record.json"
    with Damage(WHOLE, name, edited(WHOLE.read(name), rewrite)) as found:
        assert f"{name}: its history is not the one that an audit file names" in found


def test_an_ended_record_that_was_rewritten_as_a_whole_contradicts_its_receipt_even_before_a_file() -> None:
    def rewrite(record: dict[str, Any]) -> None:
        record["history"][0]["time"] = record["received_time"] = "2026-11-24T08:00:00.000Z"
        rehashed(record)

    name = f"{ENDED}/record.json"
    with Damage(BEFORE_ANY_FILE, name, edited(BEFORE_ANY_FILE.read(name), rewrite)) as found:
        assert any("received_time" in problem for problem in found)
        assert any("history_head" in problem for problem in found)


@pytest.mark.parametrize("field", ["request_status", "reason", "phase"])
def test_a_status_that_the_history_does_not_end_with_is_found(field: str) -> None:
    name = f"{OPEN}/record.json"
    value = "failed" if field == "request_status" else "blocked"
    with Damage(BEFORE_ANY_FILE, name, edited(BEFORE_ANY_FILE.read(name), lambda r: r.update({field: value}))) as found:
        assert found


def test_a_time_of_receipt_that_the_history_does_not_begin_with_is_found() -> None:
    name = f"{OPEN}/record.json"
    other = "2026-11-24T09:00:00.001Z"
    with Damage(
        BEFORE_ANY_FILE, name, edited(BEFORE_ANY_FILE.read(name), lambda r: r.update(received_time=other))
    ) as found:
        assert f"{name}: its time of receipt is not the one that its history begins with" in found


@pytest.mark.parametrize("field", ["counts", "drift", "requested_by", "dry_run", "regulation", "plan_hash", "retry_of"])
def test_a_fact_that_the_receipt_does_not_repeat_is_found_before_a_file(field: str) -> None:
    name = f"{ENDED}/record.json"
    other = {"counts": {}, "drift": 7, "dry_run": True}.get(field, "other")
    with Damage(BEFORE_ANY_FILE, name, edited(BEFORE_ANY_FILE.read(name), lambda r: r.update({field: other}))) as found:
        assert any("receipt.json: says another" in problem for problem in found)


@pytest.mark.parametrize("request_", [OPEN, ENDED, UNSIGNED, CANCELLED])
def test_a_record_that_was_removed_is_found(request_: str) -> None:
    name = f"{request_}/record.json"
    with Damage(WHOLE, name, None) as found:
        assert found == [f"{name}: is gone, though an audit file names it"]


def test_a_request_of_which_everything_was_removed_is_found() -> None:
    ledger = filled()
    for name in [name for name in ledger.names() if ENDED in name]:
        ledger.blobs.delete(name)
    assert problems(ledger) == [f"{ENDED}/record.json: is gone, though an audit file names it"]


def test_an_ended_record_that_was_removed_is_found_before_a_file_by_the_index() -> None:
    name = f"{ENDED}/record.json"
    with Damage(BEFORE_ANY_FILE, name, None) as found:
        assert found == [f"{name}: is gone, though the index lists it"]


def test_a_record_in_the_place_of_another_is_found() -> None:
    name = f"{OPEN}/record.json"
    with Damage(BEFORE_ANY_FILE, name, BEFORE_ANY_FILE.read(f"{ENDED}/record.json")) as found:
        assert f"{name}: is the record of another request" in found


@pytest.mark.parametrize("request_", [OPEN, ENDED])
def test_an_index_entry_that_was_removed_is_found(request_: str) -> None:
    (name,) = [name for name in WHOLE.names("_index/") if request_ in name]
    with Damage(WHOLE, name, None) as found:
        assert found == [f"{request_}/record.json: the index does not list it any more"]


def test_an_index_entry_that_can_be_of_no_request_is_found() -> None:
    ledger = filled()
    ledger.blobs.put("_index/000000000000001_what-is-this", b"")
    assert any("can be the id of no request" in problem for problem in problems(ledger))
