"""What an export consists of: its units, what the frozen plan says of them, and what its hash covers."""

import hashlib
from typing import Any

import pytest

from export_function.plan import (
    IterationInventory,
    PlanBuilder,
    ProjectInventory,
    found_counts,
    planned_unit_ids,
    sources_of,
    units_of,
)
from shared.domain.resources import Iteration
from shared.domain.work import PlannedItem, WorkUnit
from shared.predictions import PredictionPages

P1, P2 = (f"00000000-0000-4000-8000-00000000010{digit}" for digit in range(2))
I1, I2 = (f"00000000-0000-4000-8000-00000000020{digit}" for digit in range(2))
A, B, C, D, E = (f"00000000-0000-4000-8000-00000000030{digit}" for digit in range(5))
HOST = "one.example"
TOKEN = {"continuation": "t"}
FIRST = IterationInventory(iteration_id=I1, image_ids=(C, A, B), with_bytes=frozenset({C}), service_count=3)
UNTRAINED = IterationInventory(iteration_id=I2, name="second", publish_name="live")
PAGES = (
    PredictionPages(iteration_id=None, tokens=(None, TOKEN), prediction_ids=(E, D)),
    PredictionPages(iteration_id=I1, tokens=(None,), prediction_ids=()),
)
USUAL: dict[str, Any] = {
    "resource": HOST,
    "project_id": P1,
    "name": "Reception",
    "image_ids": (B, A),
    "service_count": 2,
    "stable": True,
    "looked_at": 3,
    "iterations": (FIRST, UNTRAINED),
    "predictions": PAGES,
}


def inventory(**changes: Any) -> ProjectInventory:
    return ProjectInventory(**USUAL | changes)


def numbered(found: ProjectInventory, first: int = 1) -> list[WorkUnit]:
    """Give a project's units as they are saved."""
    return [
        WorkUnit(
            kind=unit.kind,
            number=number,
            resource=unit.resource,
            project_id=unit.project_id,
            items=unit.items,
            details=unit.details,
        )
        for number, unit in enumerate(units_of(found), first)
    ]


def plan_of(*found: ProjectInventory, extra: tuple[str, ...] = (), fingerprint: str | None = None) -> dict[str, Any]:
    builder, first = PlanBuilder(), 1
    for one in found:
        units = numbered(one, first)
        builder.add(one, units, fingerprint)
        first += len(units)
    return builder.plan("request", "now", extra)


def test_a_project_has_units_for_its_own_data_its_iterations_and_its_items() -> None:
    assert [(unit.kind, unit.item_ids, unit.details) for unit in units_of(inventory())] == [
        ("project", [], {}),
        ("images", [A, B], {}),
        ("iteration", [], {"iteration_id": I1}),
        ("iteration_images", [A, B, C], {"iteration_id": I1, "with_bytes": [C]}),
        ("iteration", [], {"iteration_id": I2}),
        ("predictions", [E, D], {"query": None, "tokens": [None, TOKEN]}),
        ("predictions", [], {"query": I1, "tokens": [None]}),
    ]


def test_an_empty_project_has_a_unit_of_its_own_data_all_the_same() -> None:
    empty = inventory(image_ids=(), iterations=(), predictions=())
    assert [unit.kind for unit in units_of(empty)] == ["project"]


def test_for_one_person_the_unit_of_an_iteration_knows_the_images_it_may_speak_of() -> None:
    narrowed = {
        unit.details["iteration_id"]: unit for unit in units_of(inventory(narrowed=True)) if unit.kind == "iteration"
    }
    assert {key: unit.item_ids for key, unit in narrowed.items()} == {I1: [A, B, C], I2: []}


def test_for_one_person_units_know_which_tags_a_guess_may_name() -> None:
    named = [unit for unit in units_of(inventory(named_tags=(E, D))) if "named_tags" in unit.details]
    assert [unit.kind for unit in named] == ["iteration", "iteration", "predictions", "predictions"]
    assert {tuple(unit.details["named_tags"]) for unit in named} == {(E, D)}
    assert all(
        unit.details["named_tags"] == [] for unit in units_of(inventory(named_tags=())) if unit.kind == "iteration"
    )


def test_what_was_found_and_not_meant_is_named_by_the_project() -> None:
    gap = {"store": "iterations", "id": I1, "code": "not_asked"}
    project, *others = units_of(inventory(left_out=(gap,)))
    assert project.details == {"gaps": [gap]}
    assert not any("gaps" in unit.details for unit in others)


@pytest.mark.parametrize(
    ("changes", "nothing"),
    [
        ({}, True),
        ({"named_tags": None}, False),
        ({"image_ids": (A,)}, False),
        ({"iterations": (FIRST,)}, False),
        ({"predictions": PAGES}, False),
        ({"left_out": ({"code": "not_asked"},)}, False),
        ({"refused": ({"code": "refused"},)}, False),
    ],
)
def test_a_project_that_holds_nothing_of_a_person_is_told_from_one_of_which_something_is_said(
    changes: dict[str, Any], nothing: bool
) -> None:
    empty = {"named_tags": (), "image_ids": (), "iterations": (), "predictions": ()}
    assert inventory(**empty | changes).holds_nothing == nothing


def test_every_unit_says_where_it_belongs_and_waits_for_its_number() -> None:
    assert {(unit.resource, unit.project_id, unit.number) for unit in units_of(inventory())} == {(HOST, P1, 1)}


def test_items_are_cut_into_units_of_at_most_256_and_bytes_are_asked_for_where_they_are() -> None:
    many = [f"{number:05d}" for number in range(300)]
    held = IterationInventory(iteration_id=I1, image_ids=many, with_bytes=frozenset(many[255:257]))
    units = list(units_of(inventory(image_ids=many, iterations=(held,), predictions=())))
    assert [(unit.kind, len(unit.items)) for unit in units] == [
        ("project", 0),
        ("images", 256),
        ("images", 44),
        ("iteration", 0),
        ("iteration_images", 256),
        ("iteration_images", 44),
    ]
    assert [unit.details["with_bytes"] for unit in units[4:]] == [["00255"], ["00256"]]


def test_each_image_counts_once_where_its_bytes_are() -> None:
    assert inventory().distinct_images == 3
    assert inventory(image_ids=(), iterations=(FIRST, FIRST)).distinct_images == 2


@pytest.mark.parametrize(
    ("workspace", "iteration", "stable"),
    [(True, True, True), (False, True, False), (True, False, False), (False, False, False)],
)
def test_a_project_stood_still_where_every_list_of_it_did(workspace: bool, iteration: bool, stable: bool) -> None:
    lists = (UNTRAINED, IterationInventory(iteration_id=I1, stable=iteration))
    assert inventory(stable=workspace, iterations=lists).all_stable == stable


def test_what_is_not_said_of_a_list_is_that_it_holds_nothing_and_stood_still() -> None:
    assert (UNTRAINED.image_ids, UNTRAINED.with_bytes, UNTRAINED.service_count, UNTRAINED.stable) == (
        (),
        (),
        None,
        True,
    )


@pytest.mark.parametrize("publish_name", [None, "live"])
def test_an_iteration_whose_images_are_not_read_is_named_as_the_service_lists_it(publish_name: str | None) -> None:
    listed = Iteration.from_row({"id": I2, "name": "second", "publishName": publish_name})
    expected = IterationInventory(iteration_id=I2, name="second", publish_name=publish_name)
    assert IterationInventory.of(listed) == expected


REFUSED = {"store": "predictions", "id": P1, "code": "refused"}


def test_the_plan_says_all_that_was_found_of_a_project() -> None:
    found = inventory(refused=(REFUSED,), tag_count=4)
    assert plan_of(found, extra=("account-00008",), fingerprint="print") | {"plan_hash": None} == {
        "subject_request_id": "request",
        "plan_hash": None,
        "planned_time": "now",
        "projects": [
            {
                "id": P1,
                "name": "Reception",
                "resource": HOST,
                "counts": {"images": 3, "predictions": 2, "iterations": 2, "tags": 4},
                "service_count": 2,
                "stable": True,
                "looked_at": 3,
                "refused": [REFUSED],
                "iterations": [
                    {"id": I1, "name": None, "publish_name": None, "holds": 3, "action": "keep"},
                    {"id": I2, "name": "second", "publish_name": "live", "holds": 0, "action": "keep"},
                ],
                "sources": sources_of(found),
                "units": [
                    "project-00001",
                    "images-00002",
                    "iteration-00003",
                    "iteration_images-00004",
                    "iteration-00005",
                    "predictions-00006",
                    "predictions-00007",
                ],
                "runs": [
                    {"unit": "images-00002", "source": None, "first": A},
                    {"unit": "iteration_images-00004", "source": I1, "first": A},
                ],
                "fingerprint": "print",
            }
        ],
        "residuals": [],
        "extra_units": ["account-00008"],
        "unread": [],
    }


def test_a_plan_without_more_says_so() -> None:
    plan = plan_of(inventory())
    assert (plan["extra_units"], plan["projects"][0]["fingerprint"]) == ([], None)


def test_iterations_and_tags_of_a_project_without_units_are_neither_counted_nor_named() -> None:
    builder = PlanBuilder()
    builder.add(inventory(tag_count=4), [])
    (project,) = builder.projects
    assert (project["counts"]["iterations"], project["counts"]["tags"], project["iterations"]) == (0, 0, [])


def test_a_list_that_moved_makes_its_project_unstable() -> None:
    assert [project["stable"] for project in plan_of(inventory(stable=False), inventory())["projects"]] == [False, True]


def test_runs_of_one_person_are_those_of_images_only() -> None:
    (project,) = plan_of(inventory(narrowed=True))["projects"]
    assert [run["unit"] for run in project["runs"]] == ["images-00002", "iteration_images-00004"]


def test_sources_say_what_each_list_held_and_what_the_service_counted() -> None:
    assert sources_of(inventory()) == [
        {"iteration_id": None, "planned": 2, "counted": 2, "newest": None},
        {"iteration_id": I1, "planned": 3, "counted": 3},
        {"iteration_id": I2, "planned": 0, "counted": None},
    ]


@pytest.mark.parametrize(
    ("refused", "counted"),
    [
        ({"store": "images", "id": P1}, None),
        ({"store": "images", "id": I1}, 2),
        ({"store": "predictions", "id": P1}, 2),
    ],
)
def test_a_workspace_that_was_refused_has_no_count_to_compare_with(
    refused: dict[str, str], counted: int | None
) -> None:
    assert sources_of(inventory(refused=(REFUSED, refused)))[0]["counted"] == counted


def test_units_are_found_by_their_phase() -> None:
    plan = plan_of(inventory(predictions=()), inventory(project_id=P2, iterations=(), predictions=()), extra=EXTRA)
    assert planned_unit_ids(plan, "data") == [
        "project-00001",
        "images-00002",
        "iteration-00003",
        "iteration_images-00004",
        "iteration-00005",
        "project-00006",
        "images-00007",
        "account-00008",
    ]
    assert planned_unit_ids(plan, "derived") == ["derived-00009"]
    assert planned_unit_ids(plan, "zip") == ["zip-00010"]
    assert planned_unit_ids(plan, "images") == []


EXTRA = ("account-00008", "derived-00009", "zip-00010")


def test_a_plan_of_before_there_were_further_units_can_still_be_read() -> None:
    plan = plan_of(inventory(image_ids=(), iterations=(), predictions=()))
    del plan["extra_units"]
    assert planned_unit_ids(plan, "data") == ["project-00001"]


def test_what_was_found_is_counted_over_all_projects() -> None:
    assert found_counts(plan_of(inventory(), inventory(project_id=P2))) == {
        "projects": {"found": 2},
        "images": {"found": 6},
        "predictions": {"found": 4},
        "iterations": {"found": 4},
    }


def hash_of(*found: ProjectInventory) -> str:
    return str(plan_of(*found)["plan_hash"])


@pytest.mark.parametrize(
    "changes",
    [
        {"project_id": P2},
        {"image_ids": (A,)},
        {"image_ids": (A, B, C)},
        {"iterations": (FIRST,)},
        {"iterations": (IterationInventory(iteration_id=I1, image_ids=(A, B)), UNTRAINED)},
        {"predictions": PAGES[1:]},
        {"image_ids": (A, B, D, E), "predictions": ()},
    ],
)
def test_another_id_is_another_plan(changes: dict[str, Any]) -> None:
    assert hash_of(inventory(**changes)) != hash_of(inventory())


def test_names_and_orders_do_not_make_another_plan() -> None:
    assert hash_of(inventory(name="renamed", image_ids=(A, B))) == hash_of(inventory())


def test_the_hash_is_taken_of_lines_that_a_reader_can_write_down() -> None:
    lines = [P1, " workspace", *_ids(A, B), f" {I1}", *_ids(A, B, C), f" {I2}", " predictions", *_ids(D, E)]
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert hash_of(inventory()) == f"sha256:{expected}"


def _ids(*ids: str) -> list[str]:
    return [f"  {item}" for item in ids]


def test_a_unit_without_images_begins_no_run() -> None:
    builder = PlanBuilder()
    one = WorkUnit(kind="images", number=1, resource=HOST, project_id=P1)
    held = WorkUnit(kind="iteration", number=2, resource=HOST, project_id=P1, items=(PlannedItem(item_id=A),))
    builder.add(inventory(), [one, held])
    assert builder.projects[0]["runs"] == []
