"""Iterations that were planned to go, and stay: the pictures they were to go for turned out to be somebody else's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.domain.plan_hash import IMAGES
from shared.domain.selection import in_batches
from shared.domain.work import UNIT_SIZE, WorkUnit, kind_of
from shared.services import Services


def staying_iterations(services: Services, request_id: str, unit: WorkUnit) -> set[str]:
    """
    Give those of a unit's iterations that hold none of the person's images, now that these have been judged again.

    An iteration stays if as many of the images that no longer match are in its own copy as the plan had counted
    there. It is asked for them (GetImagesByIds); nothing is asked where every image matched.
    """
    project = _project(services, request_id, unit)
    spared = sorted(_spared(services, request_id, project))
    planned = {one["id"]: one["holds"] for one in project["iterations"] if one["id"] in set(unit.item_ids)}
    return {
        iteration_id
        for iteration_id, holds in planned.items()
        if 0 < holds <= len(spared) and _held(services, unit, iteration_id, spared) >= holds
    }


def _project(services: Services, request_id: str, unit: WorkUnit) -> Mapping[str, Any]:
    plan = services.ledger.plan(request_id) or {"projects": []}
    nothing: dict[str, Any] = {"iterations": [], "units": []}
    return next((project for project in plan["projects"] if project["id"] == unit.project_id), nothing)


def _spared(services: Services, request_id: str, project: Mapping[str, Any]) -> Iterator[str]:
    units = [unit_id for unit_id in project["units"] if kind_of(unit_id) == IMAGES]
    for outcome in services.ledger.outcomes(request_id, units):
        yield from outcome.details.get("ids", {}).get("no_longer_matching", ())


def _held(services: Services, unit: WorkUnit, iteration_id: str, ids: Sequence[str]) -> int:
    client, project_id = services.resource(unit.resource), unit.project_id or ""
    batches = in_batches(ids, UNIT_SIZE)
    return sum(len(client.get_images_by_ids(project_id, batch, iteration_id=iteration_id)) for batch in batches)
