"""The hash of a plan can be taken again of the plan and its pages, and is another one as soon as they are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from delete_function.plan import PlanBuilder, ProjectTarget
from shared.domain.plan_hash import PageAbsent, hash_again
from shared.domain.work import PlannedItem, WorkUnit
from tests.unit.delete_function.targets import P2, A, B, C, F, packaged, target, whole

ACCOUNT_ID = (
    "/subscriptions/5ab5c411-0000-4000-a000-000000000001/resourceGroups/g/providers/Microsoft.CognitiveServices"
)


@dataclass
class Pages:
    """The units of a plan, as they would be saved."""

    units: dict[str, WorkUnit] = field(default_factory=dict)

    def save(self, units: Iterable[WorkUnit]) -> list[str]:
        saved = [replace(unit, number=number) for number, unit in enumerate(units, len(self.units) + 1)]
        self.units |= {unit.unit_id: unit for unit in saved}
        return [unit.unit_id for unit in saved]

    def read(self, unit_ids: Sequence[str]) -> list[WorkUnit]:
        return [self.units[unit_id] for unit_id in unit_ids if unit_id in self.units]


def planned(
    pages: Pages, *targets: ProjectTarget, also: Sequence[ProjectTarget] = (), name: str = ""
) -> dict[str, Any]:
    builder = PlanBuilder()
    for one in targets:
        builder.add(one, pages.save(one.units()))
    for one in also:
        builder.add_packaged(one, pages.save(one.units()))
    account = None
    if name:
        path = f"{ACCOUNT_ID}/accounts/{name}"
        unit = WorkUnit(kind="account", number=1, resource="", project_id=None, details={"account": path})
        account = {"name": name, "unit": pages.save([unit])[0]}
    return builder.plan("request", "now", selectors_without_match=0, residuals=[], account=account)


MANY = tuple(PlannedItem(item_id=f"00000000-0000-4000-8000-{number:012d}") for number in range(600))
PLANS: dict[str, dict[str, Any]] = {
    "items": {"targets": [target(trained_iterations="delete"), target(project_id=P2, images=MANY)]},
    "whole": {"targets": [whole(images=MANY), whole(project_id=P2, images=())]},
    "account": {"targets": [whole()], "name": "an-account"},
    "packaged": {"targets": [target(), target(project_id=P2)], "also": [packaged(), packaged(project_id=P2)]},
    "packaged of a project that is gone": {"targets": [target()], "also": [packaged(project_id=P2), packaged()]},
}


def made(case: str) -> tuple[dict[str, Any], Pages]:
    pages, parts = Pages(), dict(PLANS[case])
    return planned(pages, *parts.pop("targets"), **parts), pages


@pytest.mark.parametrize("case", PLANS)
def test_it_is_the_same_as_long_as_nothing_was_changed(case: str) -> None:
    plan, pages = made(case)
    if plan["account"]:
        plan["account"]["name"] = None
    for project in plan["projects"]:
        project["name"] = None
    assert hash_again(plan, pages.read) == plan["plan_hash"]


HASHED = ("images", "predictions", "tags", "listed_images")


@pytest.mark.parametrize("case", PLANS)
def test_another_item_on_a_page_makes_another_one(case: str) -> None:
    plan, pages = made(case)
    whole_project = any(project["whole"] for project in plan["projects"])
    for unit_id, unit in list(pages.units.items()):
        if unit.items and unit.kind in HASHED and not (whole_project and unit.kind == "images"):
            other = replace(unit, items=(*unit.items[:-1], PlannedItem(item_id="ffffffff-0000-4000-8000-000000000000")))
            pages.units[unit_id] = other
            assert hash_again(plan, pages.read) != plan["plan_hash"], unit_id
            pages.units[unit_id] = unit


@pytest.mark.parametrize("case", PLANS)
def test_a_page_that_is_gone_or_in_the_place_of_another_is_told(case: str) -> None:
    plan, pages = made(case)
    for unit_id, unit in list(pages.units.items()):
        if unit.kind in ("unpublish", "iterations", "projects", "conflicting") or (
            unit.kind == "images" and not unit.items
        ):
            continue
        del pages.units[unit_id]
        with pytest.raises(PageAbsent):
            hash_again(plan, pages.read)
        pages.units[unit_id] = replace(unit, number=99)
        with pytest.raises(PageAbsent):
            hash_again(plan, pages.read)
        pages.units[unit_id] = unit


@pytest.mark.parametrize("change", [{"id": P2}, {"whole": True}, {"iterations": []}])
def test_another_head_makes_another_one(change: dict[str, Any]) -> None:
    plan, pages = made("items")
    plan["projects"][0] |= change
    assert hash_again(plan, pages.read) != plan["plan_hash"]


def test_another_account_makes_another_one_and_what_is_none_is_told() -> None:
    plan, pages = made("account")
    unit_id = plan["account"]["unit"]
    pages.units[unit_id] = replace(pages.units[unit_id], details={"account": f"{ACCOUNT_ID}/accounts/another"})
    assert hash_again(plan, pages.read) != plan["plan_hash"]
    pages.units[unit_id] = replace(pages.units[unit_id], details={"account": "nothing"})
    with pytest.raises(PageAbsent):
        hash_again(plan, pages.read)


def test_a_page_more_than_the_plan_names_is_told() -> None:
    plan, pages = made("items")
    more = next(unit for unit in pages.units.values() if unit.kind == "images")
    with pytest.raises(PageAbsent):
        hash_again(plan, lambda unit_ids: [*pages.read(unit_ids), more])


def test_what_packages_hold_counts_by_its_own_pages() -> None:
    plan, pages = made("packaged")
    assert [len(project["packaged_units"]) for project in plan["projects"]] == [2, 2]
    plan["projects"][0]["packaged_units"] = []
    assert hash_again(plan, pages.read) != plan["plan_hash"]


def test_a_plan_of_before_that_does_not_tell_its_packaged_pages_has_none() -> None:
    plan, pages = made("items")
    for project in plan["projects"]:
        del project["packaged_units"]
    assert hash_again(plan, pages.read) == plan["plan_hash"]


def test_projects_that_are_gone_take_their_turn_before_those_that_are_there() -> None:
    builder = PlanBuilder()
    for project_id in (A, B):
        builder.add(target(project_id=project_id), [])
    assert [builder.place_of_packaged(project_id) for project_id in (A, B, C)] == [0, 1, -1]


def test_a_plan_names_the_tags_that_go_and_the_pages_of_what_packages_hold() -> None:
    pages = Pages()
    plan = planned(pages, target(), whole(project_id=P2), also=[packaged(), packaged()])
    assert [project["going_tags"] for project in plan["projects"]] == [[F], []]
    assert [len(project["packaged_units"]) for project in plan["projects"]] == [4, 0]
