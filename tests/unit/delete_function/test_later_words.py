"""Words that come later than a unit's first outcome: in further rounds, by the last look, where a unit never began."""

import pytest

from delete_function.result import Words
from shared.domain.work import UnitOutcome, WorkUnit
from tests.unit.delete_function.test_words import P1, A, B, C, counts, failed, outcome, words_of


def arrived(unit_id: str, *items: str) -> UnitOutcome:
    return outcome(unit_id, {}, {"deleted_again": [A], "arrived_after_plan": items})


def test_what_a_further_round_found_to_have_arrived_is_counted_and_a_planned_thing_keeps_its_word() -> None:
    words = words_of(outcome("tags-00001", {"tags": {"deleted": 1}}, {"deleted": [A]}))
    words.add_arrivals(arrived("tags-00001", A, B, C))
    assert counts(words, "tags") == {"deleted": 1, "arrived_after_plan": 2}
    assert words.word_of["tags", B] == "arrived_after_plan"


@pytest.mark.parametrize("nothing", [arrived("tags-00001"), outcome("tags-00001", {}), outcome("tags-00001", {}, {})])
def test_a_further_round_in_which_nothing_had_arrived_counts_nothing(nothing: UnitOutcome) -> None:
    words = Words()
    words.add_arrivals(nothing)
    assert counts(words, "tags") == {}


def test_what_is_left_of_a_unit_that_never_began_is_told_as_not_attempted() -> None:
    words = words_of(outcome("images-00001", {"images": {"deleted": 1}}, {"deleted": [A]}))
    words.settle({"images-00001": [A], "images-00002": [B]}, "still_present")
    assert {entry["id"]: entry["code"] for entry in words.failures} == {A: "still_present", B: "not_attempted"}


@pytest.mark.parametrize("unpublished_before", [True, False])
def test_an_iteration_that_is_gone_all_the_same_is_not_called_unpublished(unpublished_before: bool) -> None:
    before = outcome("unpublish-00001", {"iterations": {"unpublished": 1}}, {"unpublished": [A]})
    words = words_of(*([before] if unpublished_before else []), failed("iterations-00002", A))
    words.settle({}, "still_present")
    assert counts(words, "iterations") == {"already_absent": 1}


def test_a_project_that_stands_for_its_images_is_no_thing_of_another_store() -> None:
    words = words_of(failed("images-00001", P1, stands_for={P1: 5}))
    assert (counts(words), counts(words, "iterations")) == ({"failed": 5}, {})


def test_an_account_that_was_never_reached_has_failed() -> None:
    words = Words()
    words.leave_undone(WorkUnit(kind="account", number=1, resource="", project_id=None), 0)
    assert counts(words, "account") == {"failed": 1}
    assert [(entry["store"], entry["code"]) for entry in words.failures] == [("account", "not_attempted")]
