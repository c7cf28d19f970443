"""What is to be erased of a project, as tests of plans and their hash take it."""

from typing import Any

from delete_function.plan import PlanBuilder, ProjectTarget
from shared.domain.resources import Iteration
from shared.domain.work import PlannedItem

P1, P2 = (f"00000000-0000-4000-8000-00000000010{digit}" for digit in range(2))
PUBLISHED, PLAIN, OTHER, LEFT = (f"00000000-0000-4000-8000-00000000020{digit}" for digit in range(4))
A, B, C, D, E, F = (f"00000000-0000-4000-8000-00000000030{digit}" for digit in range(6))
HOST = "one.example"
RESIDUALS = ["trained_model_learned_from_items"]


def iteration(iteration_id: str, publish_name: str | None = None) -> Iteration:
    return Iteration.from_row({"id": iteration_id, "name": f"name of {iteration_id[-3:]}", "publishName": publish_name})


ITERATIONS = (iteration(PUBLISHED, "live"), iteration(PLAIN), iteration(OTHER, "other"), iteration(LEFT, "left"))
USUAL: dict[str, Any] = {
    "resource": HOST,
    "project_id": P1,
    "name": "Reception",
    "whole": False,
    "iterations": ITERATIONS,
    "images": (PlannedItem(item_id=B, row_hash="b"), PlannedItem(item_id=A, row_hash="a")),
    "conflicting": (PlannedItem(item_id=C, row_hash="c"),),
    "held_by": {PUBLISHED: frozenset({A, B}), PLAIN: frozenset({A})},
    "prediction_ids": (E, D),
    "tag_ids": (F,),
    "looked_at": 7,
    "exported_from": (PLAIN,),
}


def target(**changes: Any) -> ProjectTarget:
    return ProjectTarget(**USUAL | changes)


def whole(**changes: Any) -> ProjectTarget:
    return target(**{"whole": True, "conflicting": (), "held_by": {}, "customer_storage": True} | changes)


def numbered(of: ProjectTarget, first: int = 1) -> list[str]:
    """Give the ids under which a target's units are saved."""
    return [f"{unit.kind}-{number:05d}" for number, unit in enumerate(of.units(), first)]


def plan_of(*targets: ProjectTarget, account: dict[str, Any] | None = None) -> dict[str, Any]:
    builder, first = PlanBuilder(), 1
    for one in targets:
        ids = numbered(one, first)
        builder.add(one, ids)
        first += len(ids)
    return builder.plan("request", "now", selectors_without_match=2, residuals=RESIDUALS, account=account)


ACCOUNT = {"name": "an-account", "unit": "account-00009"}


def packaged_plan(*targets: ProjectTarget) -> dict[str, Any]:
    """Give the plan where the first target is in the service, and the others in packages of this app only."""
    builder, first = PlanBuilder(), 1
    for one in targets:
        ids = numbered(one, first)
        (builder.add if one is targets[0] else builder.add_packaged)(one, ids)
        first += len(ids)
    return builder.plan("request", "now", selectors_without_match=2, residuals=RESIDUALS)


def packaged(**changes: Any) -> ProjectTarget:
    items = {"images": (PlannedItem(item_id=C),), "prediction_ids": (F,)}
    usual = {"resource": HOST, "project_id": P1, "name": None, "whole": False}
    return ProjectTarget(**usual | items | changes)
