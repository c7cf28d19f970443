"""Planning an export: read what there is, freeze it as units."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from export_function.plan import PlanBuilder, ProjectInventory
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.inventory import Finder, ResolvedProject, list_images, resolve_projects
from shared.services import Services

UNSTABLE_PATIENCE = timedelta(hours=1)


def make_plan(services: Services, request_id: str, request: SubjectRequest, *, settle_for_unstable: bool) -> bool:
    """
    Read the projects and freeze the plan; False if a list did not stand still and nothing was frozen.

    With `settle_for_unstable` a moving list is frozen as it is, and the manifest names it. Raises `CannotFulfil`.
    """
    if services.ledger.plan(request_id) is not None:
        return True
    builder, number = PlanBuilder(), 1
    finder = Finder(request.images, "") if request.images else None
    for resolved in resolve_projects(services, request.projects):
        inventory, looked_at = _inventory(services, resolved, finder)
        if not inventory.stable and not settle_for_unstable:
            return False
        units = []
        for unit in builder.units_of(inventory, number):
            units.append(services.ledger.save_page(request_id, unit))
            number = units[-1].number + 1
        builder.add(inventory, [unit.unit_id for unit in units], looked_at)
    services.ledger.save_plan(request_id, builder.plan(request_id, rfc3339(services.now())))
    return True


def frozen_plan(services: Services, request_id: str) -> dict[str, Any]:
    """Read the plan that stands."""
    plan: Mapping[str, Any] | None = services.ledger.plan(request_id)
    return dict(plan or {"projects": [], "plan_hash": None})


def _inventory(services: Services, resolved: ResolvedProject, finder: Finder | None) -> tuple[ProjectInventory, int]:
    client, project = services.resource(resolved.resource), resolved.project
    if finder is None:
        listed = list_images(client, project.id)
        return _of(resolved, listed.ids, listed.service_count, listed.stable), len(listed.ids)
    found = finder.find(client, resolved)
    ids = {item.item_id for item in found.items}
    return _of(resolved, ids, len(ids), found.stable), found.looked_at


def _of(resolved: ResolvedProject, ids: set[str], count: int, stable: bool) -> ProjectInventory:
    return ProjectInventory(
        resource=resolved.resource,
        project_id=resolved.project.id,
        name=resolved.project.name,
        image_ids=sorted(ids),
        service_count=count,
        stable=stable,
    )
