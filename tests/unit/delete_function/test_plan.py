"""What an erasure will do: what happens to iterations, which units there are and when, and what is counted."""

from collections.abc import Callable
from typing import Any

import pytest

from delete_function.plan import (
    PHASES,
    ProjectTarget,
    is_empty,
    planned_of,
    planned_phases,
    planned_unit_ids,
)
from shared.domain.planned import found_counts
from shared.domain.receipt import looked_at
from shared.domain.work import PlannedItem, WorkUnit
from tests.unit.delete_function.targets import (
    ACCOUNT,
    HOST,
    ITERATIONS,
    LEFT,
    OTHER,
    P1,
    P2,
    PLAIN,
    PUBLISHED,
    RESIDUALS,
    USUAL,
    A,
    B,
    C,
    D,
    E,
    F,
    packaged,
    packaged_plan,
    plan_of,
    target,
    whole,
)


def kinds(of: ProjectTarget) -> list[tuple[str, list[str]]]:
    return [(unit.kind, unit.item_ids) for unit in of.units()]


@pytest.mark.parametrize("wanted", ["keep", "unpublish", "delete"])
def test_only_iterations_that_hold_a_planned_image_get_what_was_asked_for(wanted: str) -> None:
    asked = target(trained_iterations=wanted)
    assert [asked.action(one) for one in ITERATIONS] == [wanted, wanted, "keep", "keep"]


def test_iterations_are_kept_unless_it_was_asked_otherwise() -> None:
    assert {target().action(one) for one in ITERATIONS} == {"keep"}


def test_an_iteration_that_no_longer_holds_a_planned_image_is_kept() -> None:
    asked = target(trained_iterations="delete", held_by={PUBLISHED: frozenset()})
    assert {asked.action(one) for one in ITERATIONS} == {"keep"}


def test_what_an_earlier_request_left_undone_is_done_whatever_the_iteration_holds_now() -> None:
    asked = target(trained_iterations="delete", held_by={}, iterations_left=frozenset({LEFT}))
    assert [asked.action(one) for one in ITERATIONS] == ["keep", "keep", "keep", "delete"]


def test_all_iterations_of_a_whole_project_are_deleted() -> None:
    assert {whole().action(one) for one in ITERATIONS} == {"delete"}


@pytest.mark.parametrize(
    ("wanted", "to_unpublish", "to_delete"),
    [
        ("keep", [], []),
        ("unpublish", [PUBLISHED, PLAIN], []),
        ("delete", [PUBLISHED, PLAIN], [PUBLISHED, PLAIN]),
    ],
)
def test_iterations_concerned_are_unpublished_published_yet_or_not_and_only_those_to_delete_deleted(
    wanted: str, to_unpublish: list[str], to_delete: list[str]
) -> None:
    asked = target(trained_iterations=wanted)
    assert asked.iterations_to_unpublish() == to_unpublish
    assert asked.iterations_to_delete() == to_delete


def test_iterations_are_taken_in_the_order_of_their_ids() -> None:
    backwards = target(
        trained_iterations="delete", iterations=ITERATIONS[::-1], held_by={one.id: frozenset({A}) for one in ITERATIONS}
    )
    assert backwards.iterations_to_unpublish() == [PUBLISHED, PLAIN, OTHER, LEFT]
    assert backwards.iterations_to_delete() == [PUBLISHED, PLAIN, OTHER, LEFT]


def test_an_erasure_of_items_has_a_unit_for_each_kind_in_the_order_of_the_phases() -> None:
    assert kinds(target(trained_iterations="delete")) == [
        ("unpublish", [PUBLISHED, PLAIN]),
        ("predictions", [D, E]),
        ("images", [A, B]),
        ("iterations", [PUBLISHED, PLAIN]),
        ("tags", [F]),
        ("conflicting", [C]),
    ]


def test_what_there_is_nothing_of_has_no_unit() -> None:
    nothing = target(images=(), conflicting=(), prediction_ids=(), tag_ids=())
    assert kinds(nothing) == []


def test_a_whole_project_has_a_unit_for_each_kind_even_where_nothing_was_found_and_one_for_itself() -> None:
    assert kinds(whole(iterations=(), images=(), prediction_ids=(), tag_ids=())) == [
        ("unpublish", []),
        ("predictions", []),
        ("images", []),
        ("iterations", []),
        ("tags", []),
        ("projects", [P1]),
    ]


def test_a_whole_project_has_one_unit_of_each_kind_and_lists_its_images_as_evidence() -> None:
    many = tuple(PlannedItem(item_id=f"{number:05d}") for number in range(300))
    units = list(whole(images=many, prediction_ids=[item.item_id for item in many]).units())
    assert [(unit.kind, len(unit.items)) for unit in units] == [
        ("unpublish", 3),
        ("predictions", 300),
        ("images", 0),
        ("listed_images", 256),
        ("listed_images", 44),
        ("iterations", 4),
        ("tags", 1),
        ("projects", 1),
    ]


def test_items_are_cut_into_units_of_at_most_256() -> None:
    many = tuple(PlannedItem(item_id=f"{number:05d}") for number in range(300))
    units = target(images=many, conflicting=many, prediction_ids=[item.item_id for item in many]).units()
    assert [(unit.kind, len(unit.items)) for unit in units] == [
        ("predictions", 256),
        ("predictions", 44),
        ("images", 256),
        ("images", 44),
        ("tags", 1),
        ("conflicting", 256),
        ("conflicting", 44),
    ]


@pytest.mark.parametrize("make", [target, whole])
def test_every_unit_says_where_it_belongs_and_waits_for_its_number(make: Callable[[], ProjectTarget]) -> None:
    units = list(make().units())
    assert units
    assert {(unit.resource, unit.project_id, unit.number) for unit in units} == {(HOST, P1, 1)}


def test_units_of_a_whole_project_say_so_and_others_do_not() -> None:
    assert all(unit.details == {"whole": True} for unit in whole().units())
    assert all(unit.details == {} for unit in target().units() if unit.kind != "images")


def test_units_of_images_know_the_iterations_there_were_so_that_a_later_one_is_noticed() -> None:
    (images,) = (unit for unit in target(iterations=ITERATIONS[::-1]).units() if unit.kind == "images")
    assert images.details == {"iterations": [PUBLISHED, PLAIN, OTHER, LEFT]}


def test_images_keep_the_hash_of_the_row_that_was_seen() -> None:
    (images,) = (unit for unit in target().units() if unit.kind == "images")
    assert [(item.item_id, item.row_hash) for item in images.items] == [(A, "a"), (B, "b")]


def test_the_plan_says_all_that_will_happen_to_a_project() -> None:
    (project,) = plan_of(target(trained_iterations="unpublish"))["projects"]
    expected = {
        "id": P1,
        "name": "Reception",
        "resource": HOST,
        "whole": False,
        "counts": {"images": 2, "predictions": 2, "iterations": 0, "tags": 1},
        "looked_at": 7,
        "conflicting": 1,
        "exported_from": [PLAIN],
        "customer_storage": False,
        "units": ["unpublish-00001", "predictions-00002", "images-00003", "tags-00004"],
        "conflicting_pages": ["conflicting-00005"],
        "listed_pages": [],
    }
    assert project | expected == project


def test_the_plan_says_what_holds_the_tags_that_were_selected_by() -> None:
    (project,) = plan_of(target(selected_tags={F: ("", PLAIN)}))["projects"]
    assert project["selected_tags"] == {F: ["", PLAIN]}


def test_the_plan_says_what_will_happen_to_each_iteration() -> None:
    (project,) = plan_of(target(trained_iterations="unpublish"))["projects"]
    assert project["iterations"] == [
        {
            "id": one.id,
            "name": one.name,
            "publish_name": one.publish_name,
            "holds": {PUBLISHED: 2, PLAIN: 1}.get(one.id, 0),
            "action": "unpublish" if one.id in (PUBLISHED, PLAIN) else "keep",
        }
        for one in ITERATIONS
    ]


def test_a_plan_says_whose_it_is_when_it_was_made_and_what_will_remain() -> None:
    assert plan_of() | {"plan_hash": None} == {
        "subject_request_id": "request",
        "plan_hash": None,
        "planned_time": "now",
        "projects": [],
        "selectors_without_match": 2,
        "residuals": RESIDUALS,
        "account": None,
        "kept_selector": None,
        "kept_exports": {},
        "out_of_reach": [],
    }


def test_the_plan_of_a_whole_project_counts_its_iterations_and_keeps_the_evidence_apart() -> None:
    (project,) = plan_of(whole())["projects"]
    assert (project["whole"], project["customer_storage"]) == (True, True)
    assert project["counts"] == {"images": 2, "predictions": 2, "iterations": 4, "tags": 1}
    assert project["listed_pages"] == ["listed_images-00004"]
    assert project["conflicting_pages"] == []
    assert [unit_id[:-6] for unit_id in project["units"]] == [
        "unpublish",
        "predictions",
        "images",
        "iterations",
        "tags",
        "projects",
    ]


def test_units_of_all_phases_can_be_found_in_the_plan() -> None:
    plan = plan_of(target(trained_iterations="delete"), whole(project_id=P2))
    assert [phase for phase in PHASES if planned_unit_ids(plan, phase)] == [
        "unpublish",
        "predictions",
        "images",
        "iterations",
        "tags",
        "projects",
    ]
    assert planned_unit_ids(plan, "images") == ["images-00003", "images-00009"]
    assert planned_unit_ids(plan, "projects") == ["projects-00013"]
    assert planned_unit_ids(plan, "conflicting") == planned_unit_ids(plan, "account") == []


def test_the_unit_of_an_account_belongs_to_no_project() -> None:
    plan = plan_of(whole(), account=ACCOUNT)
    assert planned_unit_ids(plan, "account") == ["account-00009"]
    assert planned_phases(plan)[-1] == "account"
    assert plan["account"] == ACCOUNT


@pytest.mark.parametrize(
    ("changes", "phases"),
    [
        ({}, ["predictions", "images", "own_exports", "tags"]),
        ({"images": ()}, ["predictions", "own_exports", "tags"]),
        ({"prediction_ids": ()}, ["images", "own_exports", "tags"]),
        ({"images": (), "prediction_ids": ()}, ["tags"]),
        ({"images": (), "prediction_ids": (), "tag_ids": ()}, []),
    ],
)
def test_packages_are_gone_through_where_pictures_go_right_after_them(
    changes: dict[str, Any], phases: list[str]
) -> None:
    plan = plan_of(target(**changes))
    assert planned_phases(plan) == phases
    assert is_empty(plan) == (not phases)


def test_images_that_only_conflict_are_nothing_to_erase() -> None:
    assert is_empty(plan_of(target(images=(), prediction_ids=(), tag_ids=())))


def test_what_was_found_is_counted_by_store_over_all_projects() -> None:
    plan = plan_of(target(), whole(project_id=P2))
    assert found_counts(plan) == {
        "predictions": {"found": 4},
        "images": {"found": 4, "conflicting": 1},
        "iterations": {"found": 4},
        "tags": {"found": 2},
        "projects": {"found": 1},
        "account": {"found": 0},
    }
    assert found_counts(plan_of(account=ACCOUNT))["account"] == {"found": 1}


def test_what_was_looked_at_is_counted_over_all_projects() -> None:
    plan = plan_of(target(), whole(project_id=P2, looked_at=5, iterations=ITERATIONS[:1]))
    assert looked_at(plan) == {"projects": 2, "iterations": 5, "images": 12}


def unit(kind: str, project_id: str | None) -> WorkUnit:
    return WorkUnit(kind=kind, number=1, resource=HOST, project_id=project_id)


def test_how_much_was_planned_of_a_kind_is_that_of_the_units_own_project() -> None:
    plan = plan_of(target(), whole(project_id=P2, images=USUAL["images"][:1]))
    assert [planned_of(plan, unit("images", project)) for project in (P1, P2, None)] == [2, 1, 0]
    assert planned_of(plan, unit("projects", P2)) == 0


def test_what_only_packages_hold_belongs_to_its_project() -> None:
    (project,) = packaged_plan(target(tag_ids=()), packaged())["projects"]
    assert project["counts"] == {"images": 3, "predictions": 3, "iterations": 0, "tags": 0}
    assert project["units"] == [
        "predictions-00001",
        "images-00002",
        "predictions-00004",
        "images-00005",
    ]
    assert project["name"] == "Reception"


def test_a_project_that_only_packages_know_is_planned_without_a_name() -> None:
    known, gone = packaged_plan(target(), packaged(project_id=P2))["projects"]
    assert (known["id"], gone["id"], gone["name"], gone["iterations"]) == (P1, P2, None, [])
    assert gone["counts"] == {"images": 1, "predictions": 1, "iterations": 0, "tags": 0}
    assert known["counts"]["images"] == 2
