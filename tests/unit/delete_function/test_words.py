"""Which planned thing ended with which word, where there is more than ids of images: whole projects, publications."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from delete_function.result import Words
from shared.domain.record import MAX_FAILURES
from shared.domain.work import PlannedItem, UnitOutcome, WorkUnit

P1, P2 = (f"00000000-0000-4000-8000-00000000010{digit}" for digit in range(2))
A, B, C = (f"00000000-0000-4000-8000-00000000030{digit}" for digit in range(3))
NO_WORDS = {"deleted": 0, "already_absent": 0, "no_longer_matching": 0, "failed": 0}


def outcome(
    unit_id: str,
    counts: Mapping[str, Mapping[str, int]],
    ids: Mapping[str, Sequence[str]] | None = None,
    **more: Any,
) -> UnitOutcome:
    details = {name: more.pop(name) for name in ("started", "learned", "stands_for", "disputed") if name in more}
    named = {} if ids is None else {"ids": ids}
    counted = {store: dict(words) for store, words in counts.items()}
    return UnitOutcome(unit_id=unit_id, counts=counted, details=named | details, **more)


def whole_project(unit_id: str, **words: int) -> UnitOutcome:
    """Give the outcome of a unit that deleted all images of a project: they are counted, not written down."""
    return outcome(unit_id, {"images": words})


def failed(unit_id: str, *items: str, **more: Any) -> UnitOutcome:
    entries = [
        {"store": "images", "id": item, "code": "refused", "operation": "unit", "status": None} for item in items
    ]
    number = sum(more.get("stands_for", {}).get(item, 1) for item in items)
    return outcome(unit_id, {"images": {"failed": number}}, {"failed": items}, failures=entries, **more)


def words_of(*outcomes: UnitOutcome) -> Words:
    words = Words()
    for one in outcomes:
        words.add(one)
    return words


def counts(words: Words, store: str = "images") -> dict[str, int]:
    return {word: number for word, number in words.counts(store).items() if number}


def test_images_of_whole_projects_are_counted_without_being_written_down() -> None:
    words = words_of(
        whole_project("images-00001", deleted=10, already_absent=2), whole_project("images-00002", deleted=5)
    )
    assert words.counts("images") == NO_WORDS | {"deleted": 15, "already_absent": 2}
    assert not words.word_of


def test_what_is_written_down_is_not_counted_again() -> None:
    words = words_of(outcome("images-00001", {"images": {"deleted": 5}}, {"deleted": [A, B]}))
    assert counts(words) == {"deleted": 5}


def test_words_of_an_outcome_that_counts_nothing_are_counted_by_their_ids() -> None:
    words = words_of(outcome("predictions-00001", {}, {"deleted": [A], "arrived_after_plan": [B, C]}))
    assert counts(words, "predictions") == {"deleted": 1, "arrived_after_plan": 2}
    assert counts(words) == {}


def test_a_unit_that_had_nothing_to_unpublish_says_nothing_of_publications() -> None:
    words = words_of(outcome("unpublish-00001", {"iterations": {"unpublished": 0}}, {}))
    assert words.counts("iterations") == NO_WORDS


def test_publications_are_told_among_the_iterations() -> None:
    words = words_of(
        outcome("unpublish-00001", {"iterations": {"unpublished": 1}}, {"unpublished": [A]}),
        outcome("iterations-00002", {"iterations": {"deleted": 1}}, {"deleted": [B]}),
    )
    assert counts(words, "iterations") == {"unpublished": 1, "deleted": 1}


def test_all_images_of_a_project_have_failed_where_one_is_left() -> None:
    words = words_of(whole_project("images-00001", deleted=10, already_absent=2))
    words.settle({"images-00001": [P1]}, "still_present")
    assert counts(words) == {"failed": 10, "already_absent": 2}
    assert words.failures == [
        {"store": "images", "id": P1, "code": "still_present", "operation": "verification", "status": None}
    ]


def test_what_is_left_in_one_project_says_nothing_of_another() -> None:
    words = words_of(whole_project("images-00001", deleted=10), whole_project("images-00002", deleted=5))
    words.settle({"images-00002": [P2]}, "still_present")
    assert counts(words) == {"deleted": 10, "failed": 5}


def test_where_images_are_left_in_two_projects_those_of_both_have_failed() -> None:
    words = words_of(whole_project("images-00001", deleted=10), whole_project("images-00002", deleted=5))
    words.settle({"images-00001": [P1], "images-00002": [P2]}, "still_present")
    assert counts(words) == {"failed": 15}
    assert [entry["id"] for entry in words.failures] == [P1, P2]


def test_images_that_came_after_all_were_found_gone_are_one_failure() -> None:
    words = words_of(whole_project("images-00001", deleted=0, already_absent=3))
    words.settle({"images-00001": [P1]}, "still_present")
    assert counts(words) == {"already_absent": 3, "failed": 1}


def test_the_id_of_a_project_stands_for_its_images_where_its_unit_was_given_up() -> None:
    words = words_of(failed("images-00001", P1, stands_for={P1: 40}), failed("images-00002", P2, stands_for={P2: 2}))
    assert counts(words) == {"failed": 42}
    words.settle({"images-00002": [P2]}, "still_present")
    assert counts(words) == {"already_absent": 40, "failed": 2}


def test_a_unit_that_was_given_up_and_did_its_work_all_the_same_deleted_what_it_saw() -> None:
    words = words_of(failed("images-00001", A, B, started=[A]))
    words.settle({}, "still_present")
    assert counts(words) == {"deleted": 1, "already_absent": 1}
    assert words.failures == []


def test_a_publication_that_is_gone_all_the_same_was_taken_back_not_deleted() -> None:
    entries = [{"store": "iterations", "id": A, "code": "blocked", "operation": "unit", "status": 403}]
    given_up = outcome(
        "unpublish-00001", {"iterations": {"failed": 2}}, {"failed": [A, B]}, failures=entries, started=[A]
    )
    words = words_of(given_up)
    words.settle({}, "still_present")
    assert counts(words, "iterations") == {"unpublished": 1, "already_unpublished": 1}


def test_an_item_that_is_left_has_failed_once_and_under_the_code_of_the_look() -> None:
    words = words_of(outcome("images-00001", {"images": {"deleted": 2}}, {"deleted": [A, B]}))
    words.settle({"images-00001": [B]}, "verify_deadline")
    words.settle({"images-00001": [B]}, "verify_deadline")
    assert counts(words) == {"deleted": 1, "failed": 1}
    assert [(entry["id"], entry["code"]) for entry in words.failures] == [(B, "verify_deadline")]


def test_what_is_left_of_a_unit_that_never_began_has_failed() -> None:
    words = Words()
    words.settle({"images-00009": [A]}, "verify_deadline")
    assert counts(words) == {"failed": 1}


def test_what_two_runs_saw_differently_was_erased_if_it_is_gone_after_all() -> None:
    words = words_of(
        outcome(
            "images-00001", {"images": {"no_longer_matching": 3}}, {"no_longer_matching": [A, B, C]}, disputed=[A, B]
        )
    )
    words.gone_after_all([A, C])
    assert set(words.having("deleted")) == {A}
    assert counts(words) == {"deleted": 1, "no_longer_matching": 2}


def test_a_failure_that_names_no_planned_item_stays_named() -> None:
    entry = {"store": "account", "id": None, "code": "account_not_empty", "operation": "x", "status": None}
    words = words_of(outcome("account-00001", {"account": {"failed": 1}}, {"failed": ["account"]}, failures=[entry]))
    words.settle({}, "still_present")
    assert words.failures == [entry]


def test_at_most_a_hundred_failures_are_named_and_all_are_counted() -> None:
    many = [f"{number:05d}" for number in range(70)]
    more = [f"{number:05d}" for number in range(70, 140)]
    words = words_of(failed("images-00001", *many), failed("images-00002", *more))
    assert [entry["id"] for entry in words.failures] == [*many, *more][:MAX_FAILURES]
    words.settle({"images-00001": many, "images-00002": more}, "still_present")
    assert counts(words) == {"failed": 140}
    assert len(words.failures) == MAX_FAILURES


def test_named_failures_of_the_last_look_are_a_hundred_at_most() -> None:
    many = [f"{number:05d}" for number in range(140)]
    words = words_of(outcome("images-00001", {"images": {"deleted": 140}}, {"deleted": many}))
    words.settle({"images-00001": many}, "still_present")
    assert [entry["id"] for entry in words.failures] == many[:MAX_FAILURES]


def test_iterations_that_learned_and_calls_of_the_service_are_kept() -> None:
    words = words_of(
        outcome("images-00001", {}, {}, learned=[A], request_ids=["r1"]),
        outcome("images-00002", {}, {}, learned=[B], request_ids=["r2"]),
        outcome("images-00003", {}),
    )
    assert words.learned == {A, B}
    assert words.request_ids == ["r1", "r2"]


def test_ids_are_found_by_their_word_in_any_store() -> None:
    words = words_of(
        outcome("images-00001", {}, {"deleted": [A], "already_absent": [B]}),
        outcome("predictions-00002", {}, {"deleted": [C]}),
    )
    assert set(words.having("deleted")) == {A, C}
    assert set(words.having("deleted", "already_absent")) == {A, B, C}
    assert not words.having()


def unit(kind: str, *items: str, project: str | None = P1) -> WorkUnit:
    planned = tuple(PlannedItem(item_id=item) for item in items)
    return WorkUnit(kind=kind, number=9, resource="h", project_id=project, items=planned)


def test_items_whose_unit_never_began_have_failed() -> None:
    words = Words()
    words.leave_undone(unit("tags", A, B), 2)
    assert counts(words, "tags") == {"failed": 2}
    assert words.failures == [
        {"store": "tags", "id": item, "code": "not_attempted", "operation": "verification", "status": None}
        for item in (A, B)
    ]


def test_all_images_of_a_project_whose_unit_never_began_have_failed() -> None:
    words = Words()
    words.leave_undone(unit("images"), 40)
    assert counts(words) == {"failed": 40}
    assert [(entry["id"], entry["code"]) for entry in words.failures] == [(P1, "not_attempted")]


@pytest.mark.parametrize("nothing", [unit("tags"), unit("predictions"), unit("images", project=None)])
def test_a_unit_that_never_began_and_was_planned_for_nothing_is_no_failure(nothing: WorkUnit) -> None:
    words = Words()
    words.leave_undone(nothing, 0)
    assert (dict(words.word_of), words.stands_for, words.failures) == ({}, {}, [])


@pytest.mark.parametrize("word", ["unpublished", "already_unpublished"])
def test_an_iteration_that_was_unpublished_and_whose_deletion_never_began_has_failed(word: str) -> None:
    words = words_of(outcome("unpublish-00001", {"iterations": {word: 1}}, {word: [A]}))
    words.leave_undone(unit("iterations", A), 1)
    assert counts(words, "iterations") == {"failed": 1}


@pytest.mark.parametrize("word", ["deleted", "already_absent", "no_longer_matching", "failed"])
def test_what_already_has_its_word_keeps_it(word: str) -> None:
    words = words_of(outcome("images-00001", {"images": {word: 1}}, {word: [A]}))
    words.leave_undone(unit("images", A), 1)
    assert counts(words) == {word: 1}
    assert words.failures == []


def test_a_store_is_told_apart_from_another_with_the_same_ids() -> None:
    words = words_of(outcome("images-00001", {"images": {"deleted": 1}}, {"deleted": [A]}))
    words.leave_undone(unit("predictions", A), 1)
    assert (counts(words), counts(words, "predictions")) == ({"deleted": 1}, {"failed": 1})


def test_things_that_were_never_begun_are_all_counted_and_a_hundred_of_them_named() -> None:
    many = [f"{number:05d}" for number in range(140)]
    words = Words()
    words.leave_undone(unit("images", *many), 140)
    assert counts(words) == {"failed": 140}
    assert [entry["id"] for entry in words.failures] == many[:MAX_FAILURES]
