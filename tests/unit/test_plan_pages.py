"""Pages of a plan are saved beside each other, under numbers that nobody else has."""

from dataclasses import replace

import pytest

from shared.domain.work import PlannedItem, WorkUnit
from shared.ledger import RequestLedger
from shared.plan_pages import save_pages
from tests.fakes import InMemoryBlobStore
from tests.unit.test_reading_ahead import MeetingBlobStore

REQUEST = "0f8fad5b-d9cb-469f-a165-70867728950e"


def unit(name: str) -> WorkUnit:
    items = (PlannedItem(item_id=name),)
    return WorkUnit(kind="images", number=1, resource="host", project_id=None, items=items)


def units(count: int, of: str = "unit") -> list[WorkUnit]:
    return [unit(f"{of} {number:03d}") for number in range(count)]


def test_units_keep_their_order_and_are_found_under_their_numbers() -> None:
    ledger = RequestLedger(InMemoryBlobStore())
    saved = list(save_pages(ledger, REQUEST, units(30), 5))
    assert [one.number for one in saved] == list(range(5, 35))
    assert [one.item_ids for one in saved] == [one.item_ids for one in units(30)]
    assert list(ledger.units(REQUEST, [one.unit_id for one in saved])) == saved


@pytest.mark.parametrize("left", [range(1, 8), (1, 2, 3, 5, 6, 9), (2, 4), (12,)])
def test_pages_that_another_planner_has_left_stay_as_they_are(left: range | tuple[int, ...]) -> None:
    store = InMemoryBlobStore()
    ledger = RequestLedger(store)
    before = [ledger.save_page(REQUEST, replace(unit("left"), number=number)) for number in left]
    saved = list(save_pages(ledger, REQUEST, units(20), 1))
    numbers = [one.number for one in saved]
    assert len(set(numbers)) == 20
    assert not set(numbers) & set(left)
    assert [ledger.unit(REQUEST, one.unit_id) for one in (*before, *saved)] == [*before, *saved]


def test_pages_are_written_beside_each_other() -> None:
    store = MeetingBlobStore(writes=lambda name: name.endswith(("/00002.jsonl", "/00003.jsonl")))
    list(save_pages(RequestLedger(store), REQUEST, units(4), 1))
    assert store.met


def test_no_unit_is_no_page() -> None:
    store = InMemoryBlobStore()
    assert not list(save_pages(RequestLedger(store), REQUEST, [], 1))
    assert not list(store.entries())
