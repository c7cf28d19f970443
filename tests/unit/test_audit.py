"""The daily files of heads: their form, their chain, and when a head moves on."""

import json
from dataclasses import replace
from datetime import date

import pytest

from shared.domain.audit import (
    AuditFile,
    Head,
    StoredFile,
    UnreadableAudit,
    file_problems,
    head_of,
    lasting_digest,
    may_follow,
    read_record,
    sha256_of,
)
from shared.domain.canonical import digest, readable
from shared.domain.record import GENESIS, HistoryEntry, RequestRecord
from shared.domain.subject_request import RequestStatus
from tests.unit.domain.records import ID, later, new_record

OTHER = "11111111-2222-4333-8444-555555555555"
MONDAY, TUESDAY, WEDNESDAY = (date(2026, 11, day) for day in (23, 24, 25))
OPEN = Head(head="sha256:" + "a" * 64, status="planning", final=False)
ENDED = Head(head="sha256:" + "b" * 64, status="completed", final=True, record="sha256:r", receipt="sha256:q")


def stored(audit: AuditFile) -> StoredFile:
    return StoredFile.read(audit.name, audit.to_bytes())


def following(before: StoredFile, day: date, heads: dict[str, Head]) -> StoredFile:
    previous = {"name": before.name, "sha256": sha256_of(before.content)}
    return stored(AuditFile(day=day, previous=previous, heads=heads))


FIRST = stored(AuditFile(day=MONDAY, previous=None, heads={ID: OPEN, OTHER: ENDED}))
SECOND = following(FIRST, TUESDAY, {ID: OPEN, OTHER: ENDED})


def stored_record(record: RequestRecord) -> bytes:
    return readable(record.to_json())


def moved_on(record: RequestRecord) -> RequestRecord:
    return record.evolve(later(5), status=RequestStatus.PLANNING, phase="planning")


def ended(record: RequestRecord) -> RequestRecord:
    return record.evolve(later(9), status=RequestStatus.COMPLETED, phase=None)


def test_a_file_is_read_as_it_was_written() -> None:
    assert AuditFile.from_bytes(FIRST.content) == FIRST.audit
    assert FIRST.name == "audit/2026-11-23.json"


def test_a_file_has_the_form_that_is_documented() -> None:
    value = json.loads(SECOND.content)
    assert value["date"] == "2026-11-24"
    assert value["previous"] == {"name": FIRST.name, "sha256": sha256_of(FIRST.content)}
    assert value["heads"][ID].items() >= {"head": OPEN.head, "status": "planning", "final": False}.items()


def file_with(**changes: object) -> bytes:
    return json.dumps(json.loads(SECOND.content) | changes).encode()


BAD_FILES = [
    *(b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000),
    file_with(date="tomorrow"),
    file_with(previous="audit/2026-11-23.json"),
    file_with(previous={"name": "audit/2026-11-23.json"}),
    file_with(heads=[]),
    file_with(heads={"nobody": {"head": "sha256:a", "status": "pending", "final": False}}),
    file_with(heads={ID: {"head": ["sha256:a"], "status": "pending", "final": False}}),
    file_with(heads={ID: {"head": "sha256:a"}}),
    file_with(heads={ID: {"head": "sha256:a", "status": "pending", "final": False, "more": 1}}),
]


@pytest.mark.parametrize("content", BAD_FILES)
def test_what_is_no_file_of_heads_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableAudit):
        AuditFile.from_bytes(content)


def test_an_open_request_has_its_head_and_no_digests_since_its_record_still_changes() -> None:
    record = new_record()
    head = head_of(record, stored_record(record), None)
    assert head == Head(head=record.history_head, status="pending", final=False)


def test_an_ended_request_has_the_digests_of_record_and_receipt() -> None:
    record = ended(new_record())
    head = head_of(record, stored_record(record), b"receipt")
    assert (head.final, head.record, head.receipt) == (True, lasting_digest(stored_record(record)), digest(b"receipt"))


def test_of_an_ended_record_all_is_for_good_but_its_last_writing_and_until_when_its_package_stays() -> None:
    record = ended(new_record(notes={"options": {}}))
    prolonged = record.evolve(later(60), notes={**record.notes, "kept_since": "2026-11-25T09:00:00.000Z"})
    others = [replace(record, drift=1), replace(record, notes={}), replace(record, level="items")]
    lasting, *different = (lasting_digest(stored_record(one)) for one in (record, *others))
    assert lasting_digest(stored_record(prolonged)) == lasting
    assert lasting not in different


def test_a_head_moves_on_with_its_record() -> None:
    before = new_record()
    known = head_of(before, stored_record(before), None)
    assert may_follow(None, before)
    assert may_follow(known, before)
    assert may_follow(known, ended(moved_on(before)))


def test_a_head_does_not_follow_a_record_with_another_history() -> None:
    known = head_of(moved_on(new_record()), b"", None)
    rewritten = new_record(received_time=later(1)).evolve(later(6), status=RequestStatus.FAILED, reason="blocked")
    assert not may_follow(known, rewritten)
    assert not may_follow(known, new_record())


def test_a_head_does_not_follow_a_broken_chain_or_an_empty_one() -> None:
    record = moved_on(new_record())
    broken = replace(record, history=(record.history[0], replace(record.history[1], status="completed")))
    assert not may_follow(None, broken)
    assert not may_follow(None, replace(record, history=()))
    assert not may_follow(None, None)


def test_what_has_ended_never_moves_on() -> None:
    record = ended(new_record())
    assert not may_follow(head_of(record, stored_record(record), None), record)


def record_with(**changes: object) -> bytes:
    return json.dumps(new_record().to_json() | changes).encode()


BAD_RECORDS = [
    *(b"", b"null", b"[]", b"{}", b'"x"', b"\xff"),
    record_with(request_status="finished"),
    record_with(received_time=7),
    record_with(drift=float("nan")),
    record_with(reason="\ud800"),
    record_with(history=[{"time": "t"}]),
    record_with(history=None),
]


@pytest.mark.parametrize("content", BAD_RECORDS)
def test_what_is_no_record_is_none(content: bytes) -> None:
    assert read_record(content) is None


def test_a_record_is_read_as_it_was_written() -> None:
    assert read_record(readable(ended(new_record()).to_json())) == ended(new_record())


def test_a_chain_of_files_is_whole() -> None:
    assert file_problems(FIRST, None) == []
    assert file_problems(SECOND, FIRST) == []


@pytest.mark.parametrize("day", [WEDNESDAY, date(2027, 2, 1)])
def test_days_without_a_file_are_no_gap(day: date) -> None:
    assert file_problems(following(FIRST, day, {ID: OPEN, OTHER: ENDED}), FIRST) == []


def problem(file: StoredFile, before: StoredFile | None) -> str:
    (found,) = file_problems(file, before)
    return found


def test_a_file_that_was_changed_contradicts_the_next_one() -> None:
    changed = StoredFile.read(FIRST.name, FIRST.content.replace(b"planning", b"plannine"))
    assert problem(SECOND, changed) == f"{FIRST.name}: has changed since {SECOND.name} was written"


def test_a_file_that_was_changed_beyond_reading_contradicts_the_next_one_too() -> None:
    broken = StoredFile.read(FIRST.name, FIRST.content[:-5])
    assert "cannot be read" in problem(broken, None)
    assert "has changed" in problem(SECOND, broken)


def test_the_first_file_is_missed() -> None:
    assert "is gone" in problem(SECOND, None)


def test_a_file_in_the_middle_is_missed() -> None:
    third = following(SECOND, WEDNESDAY, {ID: OPEN, OTHER: ENDED})
    assert SECOND.name in problem(third, FIRST)


def test_a_second_first_file_is_a_problem() -> None:
    alone = stored(AuditFile(day=TUESDAY, previous=None, heads={ID: OPEN, OTHER: ENDED}))
    assert "says that it is the first" in problem(alone, FIRST)


def test_a_file_under_another_name_is_a_problem() -> None:
    assert "another day" in problem(StoredFile.read("audit/2026-11-22.json", FIRST.content), None)
    assert "is not a file of heads" in problem(StoredFile.read("audit/copy.json", FIRST.content), None)


def test_a_request_that_is_no_longer_named_is_missed() -> None:
    assert OTHER in problem(following(FIRST, TUESDAY, {ID: OPEN}), FIRST)


@pytest.mark.parametrize(
    "change", [{"head": "sha256:c"}, {"final": False}, {"status": "failed"}, {"record": None}, {"receipt": "sha256:x"}]
)
def test_a_request_that_has_ended_cannot_be_told_otherwise(change: dict[str, object]) -> None:
    other = replace(ENDED, **change)  # type: ignore[arg-type]
    assert OTHER in problem(following(FIRST, TUESDAY, {ID: OPEN, OTHER: other}), FIRST)


def test_an_entry_hashes_everything_that_it_says() -> None:
    facts = {"time": "t", "status": "s", "phase": "p", "reason": "r"}
    hashes = {HistoryEntry.after(GENESIS, **facts).hash}
    for name in facts:
        hashes.add(HistoryEntry.after(GENESIS, **facts | {name: "other"}).hash)
    hashes.add(HistoryEntry.after("sha256:1", **facts).hash)
    assert len(hashes) == len(facts) + 2
