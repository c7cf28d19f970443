import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.record import GENESIS, RequestRecord, chain_is_whole
from shared.domain.subject_request import FINAL, RequestStatus, RequestType
from tests.unit.domain.records import later, new_record

STATUSES = st.sampled_from([status for status in RequestStatus if status not in FINAL])
CHANGES = st.lists(st.tuples(STATUSES, st.none() | st.sampled_from(["planning", "images"])), max_size=8)


def evolved(changes: list[tuple[RequestStatus, str | None]]) -> RequestRecord:
    record = new_record()
    for minute, (status, phase) in enumerate(changes):
        record = record.evolve(later(minute), status=status, phase=phase)
    return record


def test_a_new_record_has_its_first_entry() -> None:
    record = new_record()
    assert [(entry.status, entry.previous) for entry in record.history] == [("pending", GENESIS)]
    assert record.history_head == record.history[0].hash


@given(CHANGES)
def test_every_history_is_a_whole_chain_that_ends_at_the_head(changes: list[tuple[RequestStatus, str | None]]) -> None:
    record = evolved(changes)
    assert chain_is_whole(record.history)
    assert record.history_head == record.history[-1].hash
    assert (record.history[-1].status, record.history[-1].phase) == (record.status.value, record.phase)


@given(CHANGES.filter(lambda changes: len(changes) > 1), st.data())
def test_a_history_that_was_tampered_with_is_found_out(
    changes: list[tuple[RequestStatus, str | None]], data: st.DataObject
) -> None:
    history = list(evolved(changes).history)
    at = data.draw(st.integers(0, len(history) - 1))
    forged = data.draw(st.sampled_from(["time", "status", "phase", "reason", "previous", "hash"]))
    history[at] = replace(history[at], **{forged: "forged"})
    assert not chain_is_whole(history)


@given(CHANGES, st.data())
def test_a_history_with_an_entry_taken_out_of_it_is_found_out(
    changes: list[tuple[RequestStatus, str | None]], data: st.DataObject
) -> None:
    history = list(evolved([*changes, (RequestStatus.VERIFYING, "end"), (RequestStatus.IN_PROGRESS, "x")]).history)
    del history[data.draw(st.integers(0, len(history) - 2))]
    assert not chain_is_whole(history)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": RequestStatus.PLANNING},
        {"phase": "images"},
        {"reason": "drift"},
    ],
)
def test_a_change_of_status_phase_or_reason_is_history(changes: dict[str, object]) -> None:
    assert len(new_record().evolve(later(1), **changes).history) == 2


def test_counters_and_notes_are_no_history() -> None:
    record = new_record().evolve(later(1), resent=2, notes={"a": 1}, counts={"images": {"found": 1}})
    assert len(record.history) == 1
    assert record.updated_time == later(1)


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("changes", [{"status": RequestStatus.PLANNING}, {"phase": "x"}, {"reason": "drift"}])
def test_a_final_status_never_changes(status: RequestStatus, changes: dict[str, object]) -> None:
    final = new_record().evolve(later(1), status=status, reason="blocked")
    with pytest.raises(ValueError, match="final"):
        final.evolve(later(2), **changes)


@pytest.mark.parametrize("one", sorted(FINAL))
@pytest.mark.parametrize("other", sorted(FINAL))
def test_one_final_status_does_not_become_another(one: RequestStatus, other: RequestStatus) -> None:
    final = new_record().evolve(later(1), status=one)
    if one is other:
        assert final.evolve(later(2), status=other).status is one
    else:
        with pytest.raises(ValueError, match="final"):
            final.evolve(later(2), status=other)


def test_the_final_words_are_those_of_the_contract() -> None:
    assert {status.value for status in FINAL} == {"completed", "partially_completed", "failed", "cancelled", "rejected"}
    assert {status.value for status in RequestStatus} - {status.value for status in FINAL} == {
        "pending",
        "planning",
        "exporting",
        "awaiting_approval",
        "in_progress",
        "verifying",
        "cancelling",
    }


def test_a_record_is_not_changed_in_place() -> None:
    before = new_record()
    before.evolve(later(1), status=RequestStatus.PLANNING)
    assert before == new_record()


def test_a_phase_begins_with_fresh_counters() -> None:
    record = new_record(resent=3, round=4, phase_units=9).in_phase(later(5), "images", phase_units=2)
    assert (record.phase, record.phase_time, record.phase_units, record.round, record.resent) == (
        "images",
        later(5),
        2,
        1,
        0,
    )


@given(CHANGES, st.sampled_from(RequestType), st.booleans())
def test_a_record_survives_storage(
    changes: list[tuple[RequestStatus, str | None]], type_: RequestType, dry_run: bool
) -> None:
    record = replace(
        evolved(changes),
        subject_request_type=type_,
        dry_run=dry_run,
        phase_time=later(3),
        requested_by={"id": "a", "verified": False},
        counts={"images": {"found": 1}},
        failures=({"store": "images", "id": None},),
        notes={"options": {"keep_exports": []}},
    )
    assert RequestRecord.from_json(json.loads(json.dumps(record.to_json()))) == record
