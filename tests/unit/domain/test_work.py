"""Work units, their messages, outcomes and tally: any order and any repetition give the same."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.errors import InvalidRequest
from shared.domain.id_set import IdSet
from shared.domain.work import (
    UNIT_SIZE,
    PlannedItem,
    PlannedItems,
    Tally,
    UnitOutcome,
    WorkMessage,
    WorkUnit,
    add_counts,
    kind_of,
    number_of,
    partition,
)

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
GUIDS = st.uuids().map(str)
KINDS = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12)
COUNTS = st.dictionaries(
    st.sampled_from(["images", "tags"]), st.dictionaries(st.sampled_from(["found", "deleted"]), st.integers(0, 300))
)
ITEMS = st.lists(
    st.builds(lambda item, hashed: PlannedItem(item_id=item, row_hash=hashed), GUIDS, st.none() | st.text())
)
UNITS = st.builds(
    lambda kind, number, items: WorkUnit(kind=kind, number=number, resource="h", project_id=ID, items=tuple(items)),
    KINDS,
    st.integers(1, 99_999),
    ITEMS,
)
OUTCOMES = st.builds(
    lambda number, counts, failed: UnitOutcome(
        unit_id=f"images-{number:05d}", counts=counts, failures=[{"id": ID, "code": "x"}] if failed else []
    ),
    st.integers(1, 4),
    COUNTS,
    st.booleans(),
)


@given(st.sets(st.integers(0, 5000), max_size=1200), st.integers(1, 300))
def test_every_planned_item_lands_in_exactly_one_unit(numbers: set[int], size: int) -> None:
    items = [PlannedItem(item_id=f"{number:05d}") for number in numbers]
    runs = list(partition([*items, *items[:5]], size))
    assert [item.item_id for run in runs for item in run] == sorted(item.item_id for item in items)
    assert all(0 < len(run) <= size for run in runs)
    assert len(runs) == -(-len(items) // size)


def test_a_unit_has_at_most_256_items() -> None:
    assert UNIT_SIZE == 256
    assert [len(run) for run in partition(PlannedItem(item_id=f"{n:03d}") for n in range(600))] == [256, 256, 88]


@given(st.dictionaries(st.uuids().map(str), st.binary(min_size=16, max_size=16), max_size=20), st.booleans())
def test_many_items_are_given_as_they_were_planned(hashes: dict[str, bytes], hashed: bool) -> None:
    many = PlannedItems(IdSet(hashes), b"".join(hashes[item] for item in sorted(hashes)) if hashed else b"")
    expected = [PlannedItem(item_id=item, row_hash=hashes[item].hex() if hashed else None) for item in sorted(hashes)]
    assert list(many) == expected
    assert len(many) == len(expected)
    assert all(item in many for item in expected)
    assert list(partition(many, 3)) == list(partition(expected[::-1], 3))


def test_some_hashes_of_many_items_are_none() -> None:
    with pytest.raises(ValueError, match="each item has a hash"):
        PlannedItems(IdSet(["a", "b"]), bytes(16))


def test_nothing_to_do_is_no_unit() -> None:
    assert list(partition([])) == []


@given(st.permutations([PlannedItem(item_id=f"{n}") for n in range(9)]))
def test_the_order_of_the_inventory_does_not_matter(items: list[PlannedItem]) -> None:
    assert list(partition(items, 4)) == list(partition(sorted(items, key=lambda item: item.item_id), 4))


@given(UNITS)
def test_a_unit_is_read_back_from_its_page(unit: WorkUnit) -> None:
    assert WorkUnit.from_page(unit.to_page()) == unit
    assert (kind_of(unit.unit_id), number_of(unit.unit_id)) == (unit.kind, unit.number)


@given(UNITS)
def test_a_page_is_a_header_and_one_line_per_item(unit: WorkUnit) -> None:
    header, *rows = unit.to_page().splitlines()
    assert json.loads(header)["kind"] == unit.kind
    assert [json.loads(row)["item_id"] for row in rows] == unit.item_ids


def test_a_row_hash_with_line_breaks_of_unicode_does_not_break_a_page() -> None:
    unit = WorkUnit(kind="a", number=1, resource="h", project_id=None, items=(PlannedItem(item_id="\u2028\x85"),))
    assert WorkUnit.from_page(unit.to_page()) == unit


@given(OUTCOMES)
def test_an_outcome_survives_storage(outcome: UnitOutcome) -> None:
    read = UnitOutcome.from_json(json.loads(json.dumps(outcome.to_json())))
    assert read.to_json() == outcome.to_json()
    assert (read.failed, Tally.line(read)) == (bool(outcome.failures), Tally.line(outcome))


def tally_of(outcomes: list[UnitOutcome]) -> Tally:
    return Tally.read(b"".join(Tally.line(outcome) for outcome in outcomes))


@given(st.lists(OUTCOMES, unique_by=lambda outcome: outcome.unit_id), st.data())
def test_a_tally_is_the_same_in_any_order_and_with_any_repetition(
    outcomes: list[UnitOutcome], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(outcomes), max_size=6)) if outcomes else []
    shuffled = data.draw(st.permutations([*outcomes, *again]))
    assert tally_of(list(shuffled)) == tally_of(outcomes)


@given(st.lists(OUTCOMES, unique_by=lambda outcome: outcome.unit_id, max_size=4))
def test_a_tally_adds_up_what_the_units_counted(outcomes: list[UnitOutcome]) -> None:
    tally = tally_of(outcomes)
    assert tally.units == {outcome.unit_id for outcome in outcomes}
    assert tally.failed_units == {outcome.unit_id for outcome in outcomes if outcome.failures}
    deleted = sum(outcome.counts.get("images", {}).get("deleted", 0) for outcome in outcomes)
    assert tally.counts.get("images", {}).get("deleted", 0) == deleted


def test_a_line_that_was_cut_short_counts_for_nothing() -> None:
    lines = Tally.line(UnitOutcome(unit_id="images-00001", counts={}))
    cut = Tally.line(UnitOutcome(unit_id="images-00002", counts={}))[:-1]
    assert Tally.read(lines + cut).units == {"images-00001"}
    assert Tally.read(b"").units == frozenset()


@given(COUNTS, COUNTS)
def test_counts_are_added_without_touching_either(one: Any, other: Any) -> None:
    before = json.dumps([one, other])
    total = add_counts(one, other)
    assert json.dumps([one, other]) == before
    assert add_counts(other, one) == total
    words = [(store, word) for table in (one, other) for store in table for word in table[store]]
    assert all(total[s][w] == one.get(s, {}).get(w, 0) + other.get(s, {}).get(w, 0) for s, w in words)


MESSAGES = st.builds(
    lambda request_id, unit_id, attempt, round_, poisoned: WorkMessage(
        request_id=request_id,
        unit_id=unit_id,
        attempt=attempt,
        round=round_ if unit_id else 1,
        poisoned=poisoned,
    ),
    GUIDS,
    st.none() | st.just("images-00007"),
    st.integers(1, 99),
    st.integers(1, 9),
    st.integers(0, 4),
)


@given(MESSAGES)
def test_a_message_is_read_back(message: WorkMessage) -> None:
    assert WorkMessage.from_json(json.loads(json.dumps(message.to_json()))) == message


@given(MESSAGES)
def test_no_field_of_a_message_would_overwrite_queue_metadata(message: WorkMessage) -> None:
    metadata = {
        "id",
        "dequeuecount",
        "insertiontime",
        "expirationtime",
        "nextvisibletime",
        "popreceipt",
        "queuetrigger",
    }
    assert not {name.lower().replace("_", "") for name in message.to_json()} & metadata


def test_another_attempt_and_another_sending_are_counted() -> None:
    message = WorkMessage(request_id=ID, unit_id="images-00001", round=2)
    assert message.again() == WorkMessage(request_id=ID, unit_id="images-00001", round=2, attempt=2)
    assert message.poisoned_again().poisoned == 1


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        (None, "/subject_request_id"),
        ([], "/subject_request_id"),
        ({}, "/subject_request_id"),
        ({"subject_request_id": "x"}, "/subject_request_id"),
        ({"subject_request_id": ID, "unit_id": 1}, "/unit_id"),
        ({"subject_request_id": ID, "unit_id": "../record"}, "/unit_id"),
        ({"subject_request_id": ID, "unit_id": "images-1"}, "/unit_id"),
        ({"subject_request_id": ID, "unit_id": "images-٠٠٠٠١"}, "/unit_id"),
        ({"subject_request_id": ID, "unit_id": "images-00001\n"}, "/unit_id"),
        ({"subject_request_id": ID, "attempt": "1"}, "/attempt"),
        ({"subject_request_id": ID, "attempt": True}, "/attempt"),
        ({"subject_request_id": ID, "round": -1}, "/attempt"),
        ({"subject_request_id": ID, "poisoned": 1e9}, "/attempt"),
        ({"subject_request_id": ID, "poisoned": None}, "/attempt"),
        ({"subject_request_id": ID, "resent": "4"}, "/attempt"),
        ({"subject_request_id": ID, "attempt": 10**9}, "/attempt"),
    ],
)
def test_what_is_no_message_is_refused(value: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        WorkMessage.from_json(value)
    assert [violation.pointer for violation in refused.value.violations] == [pointer]
