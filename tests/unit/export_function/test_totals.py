"""What an export comes to is the sum of what its units did, with what its end found to be missing or erased."""

from typing import Any

import pytest

from export_function.totals import Totals
from export_function.unit_work import failure, gap
from shared.domain.record import MAX_FAILURES
from shared.domain.work import UnitOutcome

A, B = "00000000-0000-4000-8000-000000000300", "00000000-0000-4000-8000-000000000301"


def failed(item_id: str, store: str = "images") -> dict[str, Any]:
    return failure(store, item_id, "refused", None, "GetImages")


def outcome(**facts: Any) -> UnitOutcome:
    return UnitOutcome(**{"unit_id": "images-00001", "counts": {}} | facts)


def vanished(item_id: str, store: str = "iterations", code: str = "vanished") -> dict[str, Any]:
    return gap(store, item_id, code, "it is gone")


def test_counts_gaps_and_failures_of_units_add_up() -> None:
    totals = Totals(counts={"images": {"found": 3}})
    totals.add(outcome(counts={"images": {"written": 1}}, gaps=[vanished(A, "images")]))
    totals.add(outcome(counts={"images": {"written": 1, "failed": 1}}, failures=[failed(B)]))
    assert totals.counts == {"images": {"found": 3, "written": 2, "failed": 1}}
    assert totals.gaps == [vanished(A, "images")]
    assert totals.failures == [failed(B)]
    assert totals.erased_items == 0


@pytest.mark.parametrize(
    ("first", "second", "named"),
    [
        pytest.param(vanished(A), vanished(A), 1, id="an iteration that two units name as deleted"),
        pytest.param(vanished(A), vanished(B), 2, id="two iterations"),
        pytest.param(vanished(A, "images"), vanished(A, "images"), 2, id="of another store, which no two units share"),
        pytest.param(
            vanished(A, code="refused"), vanished(A, code="refused"), 2, id="what is refused, each list of it"
        ),
    ],
)
def test_an_iteration_that_is_deleted_meanwhile_is_named_once(
    first: dict[str, Any], second: dict[str, Any], named: int
) -> None:
    totals = Totals()
    totals.add(outcome(gaps=[first]))
    totals.add(outcome(gaps=[second]))
    assert totals.gaps == [first, second][:named]


def test_what_the_end_misses_is_counted_and_named_as_gap_and_failure() -> None:
    totals = Totals(counts={"images": {"written": 2}})
    totals.miss(vanished(A, "images"), failed(A), written=-1, failed=1)
    assert totals.counts == {"images": {"written": 1, "failed": 1}}
    assert (totals.gaps, totals.failures) == ([vanished(A, "images")], [failed(A)])


def test_what_an_erasure_took_away_is_in_no_count_and_counts_as_erased() -> None:
    totals = Totals(counts={"images": {"found": 2, "written": 2}})
    totals.erase("images", found=-1, written=-1)
    totals.erase("images", found=-1)
    assert totals.counts == {"images": {"found": 0, "written": 1}}
    assert totals.erased_items == 2


def test_no_more_failures_are_kept_than_a_record_holds_the_first_ones() -> None:
    many = [failed(f"{number:05}") for number in range(MAX_FAILURES + 2)]
    totals = Totals()
    totals.add(outcome(failures=many[:1]))
    totals.add(outcome(failures=many[1:]))
    totals.miss(vanished(A, "images"), failed(A), failed=1)
    totals.add(outcome(failures=[failed(B)]))
    assert totals.failures == many[:MAX_FAILURES]
    assert totals.counts["images"]["failed"] == 1
