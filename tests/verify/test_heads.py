"""The timer of the daily heads: what it writes, what it repeats, and what it never takes back."""

import json
from datetime import timedelta
from typing import Any

import pytest

from request_function.audit import write_heads
from shared.domain.audit import lasting_digest
from shared.domain.canonical import digest
from shared.ports import StoredBlob
from tests.fakes import StoppingBlobStore, WorldStopped
from tests.verify.ledgers import DAY, Ledger, request_id

ONE, TWO, THREE = (request_id(number) for number in (1, 2, 3))


def heads(ledger: Ledger, name: str | None) -> dict[str, Any]:
    assert name is not None
    value: dict[str, Any] = json.loads(ledger.read(name))["heads"]
    return value


def test_a_file_names_every_request_with_its_head() -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    ledger.finished(TWO)
    found = heads(ledger, ledger.audit())
    record = ledger.services().ledger.read(ONE).record
    assert found.keys() == {ONE, TWO}
    assert (found[ONE]["head"], found[ONE]["final"]) == (record.history_head, False)
    assert found[TWO]["final"] is True
    assert found[TWO]["record"] == lasting_digest(ledger.read(f"{TWO}/record.json"))
    assert found[TWO]["receipt"] == digest(ledger.read(f"{TWO}/receipt.json"))


def test_a_file_is_written_even_if_there_is_no_request() -> None:
    ledger = Ledger()
    assert heads(ledger, ledger.audit()) == {}


def test_the_file_of_the_next_day_follows_and_repeats_what_has_ended_without_reading_it_again() -> None:
    ledger = Ledger()
    ledger.finished(ONE)
    first = ledger.audit()
    ledger.blobs.put(f"{ONE}/record.json", b"changed")
    ledger.accepted(TWO)
    second = ledger.audit(days=1)
    assert (first, second) == ("audit/2026-11-24.json", "audit/2026-11-25.json")
    assert heads(ledger, second)[ONE] == heads(ledger, first)[ONE]
    assert heads(ledger, second).keys() == {ONE, TWO}


def test_an_open_request_moves_on_from_file_to_file() -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    before = heads(ledger, ledger.audit())[ONE]
    ledger.moved_on(ONE)
    after = heads(ledger, ledger.audit(days=1))[ONE]
    assert (before["status"], after["status"]) == ("pending", "planning")
    assert before["head"] != after["head"]


def test_a_record_that_was_rewritten_does_not_get_its_new_head_into_the_file() -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    before = heads(ledger, ledger.audit())[ONE]
    ledger.blobs.delete(f"{ONE}/record.json")
    ledger.clock.advance(DAY)
    ledger.accepted(ONE)
    assert heads(ledger, ledger.audit())[ONE] == before


@pytest.mark.parametrize("days", [0, 1])
def test_a_record_that_was_removed_stays_named(days: int) -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    before = heads(ledger, ledger.audit())
    for name in [name for name in ledger.names() if ONE in name]:
        ledger.blobs.delete(name)
    assert heads(ledger, ledger.audit(days=days)) == before


def test_a_second_run_on_a_day_extends_the_file_and_keeps_what_it_follows() -> None:
    ledger = Ledger()
    ledger.finished(ONE)
    ledger.audit()
    second = ledger.audit(days=1)
    before = json.loads(ledger.read(str(second)))
    ledger.finished(TWO)
    assert ledger.audit() == second
    after = json.loads(ledger.read(str(second)))
    assert after["previous"] == before["previous"] is not None
    assert after["heads"].items() > before["heads"].items()
    assert ledger.names("audit/") == ["audit/2026-11-24.json", "audit/2026-11-25.json"]


def test_nothing_is_written_before_the_newest_day() -> None:
    ledger = Ledger()
    ledger.audit(days=2)
    newest = ledger.read("audit/2026-11-26.json")
    assert ledger.audit(days=-1) is None
    assert ledger.names("audit/") == ["audit/2026-11-26.json"]
    assert ledger.read("audit/2026-11-26.json") == newest


def test_an_unreadable_file_of_today_is_left_as_evidence_and_followed_tomorrow() -> None:
    ledger = Ledger()
    ledger.finished(ONE)
    name = str(ledger.audit())
    ledger.blobs.put(name, b"{")
    assert ledger.audit() is None
    assert ledger.read(name) == b"{"
    tomorrow = str(ledger.audit(days=1))
    assert json.loads(ledger.read(tomorrow))["previous"]["name"] == name
    assert heads(ledger, tomorrow).keys() == {ONE}


def test_index_entries_without_a_request_are_passed_over() -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    ledger.blobs.put(f"_index/000000000000001_{THREE}", b"", metadata={"state": "open"})
    ledger.blobs.put("_index/000000000000001_what-is-this", b"", metadata={"state": "open"})
    assert heads(ledger, ledger.audit()).keys() == {ONE}


@pytest.mark.parametrize("again", ["audit/2026-11-24.json", "audit/2026-11-25.json"])
def test_of_two_runs_at_the_same_instant_one_file_stands(again: str) -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    ledger.audit()
    if again != "audit/2026-11-24.json":
        ledger.clock.advance(DAY)
    racing = _RacingStore(ledger.blobs, again)
    assert write_heads(ledger.services(racing)) == again
    assert ledger.read(again) == racing.winner


def test_a_run_that_dies_leaves_no_half_file() -> None:
    ledger = Ledger()
    ledger.accepted(ONE)
    with pytest.raises(WorldStopped):
        write_heads(ledger.services(StoppingBlobStore(ledger.blobs, stop_after=0)))
    assert ledger.names("audit/") == []
    assert heads(ledger, ledger.audit()).keys() == {ONE}


class _RacingStore(StoppingBlobStore):
    """A container into which another run writes the file just before this run does."""

    def __init__(self, inner: Any, name: str) -> None:
        super().__init__(inner, stop_after=10**9)
        self._name = name
        self._blobs = inner
        self.winner = b""

    def _write(self, write: Any) -> Any:
        self.winner = b"written by the other run"
        self._blobs.put(self._name, self.winner)
        return super()._write(write)


class SlowBlobStore(StoppingBlobStore):
    """Each read takes some seconds."""

    def __init__(self, ledger: Ledger, seconds: float, stop_after: int = 10**9) -> None:
        super().__init__(ledger.blobs, stop_after=stop_after)
        self._ledger, self._seconds = ledger, seconds

    def read(self, name: str) -> StoredBlob | None:
        """Read, and let the time pass."""
        self._ledger.clock.advance(self._seconds)
        return super().read(name)


def test_a_run_on_a_large_ledger_writes_what_it_has_read_and_ends_in_time() -> None:
    ledger = Ledger()
    ids = [request_id(number) for number in range(1, 41)]
    for one in ids:
        ledger.accepted(one)
    began, runs = ledger.clock.now(), 0
    while runs == 0 or heads(ledger, ledger.names("audit/")[-1]).keys() != set(ids):
        before = ledger.clock.now()
        write_heads(ledger.services(SlowBlobStore(ledger, 25)))
        assert ledger.clock.now() - before < timedelta(minutes=10)
        runs += 1
        assert runs < 10
    assert runs > 1
    assert ledger.clock.now() - began < timedelta(hours=10)


def test_a_run_that_is_killed_keeps_what_it_has_written() -> None:
    ledger = Ledger()
    for number in range(1, 11):
        ledger.accepted(request_id(number))
    with pytest.raises(WorldStopped):
        write_heads(ledger.services(SlowBlobStore(ledger, 25, stop_after=2)))
    kept = heads(ledger, ledger.names("audit/")[-1])
    assert 0 < len(kept) < 10
    assert heads(ledger, ledger.audit()).keys() == {request_id(number) for number in range(1, 11)}
