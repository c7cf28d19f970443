"""Planning an erasure: find one person's images, freeze them as units. Reads only."""

from __future__ import annotations

from typing import Any

from delete_function.plan import PlanBuilder
from shared.domain.subject_request import ImageSelector, SubjectRequest
from shared.domain.times import rfc3339
from shared.inventory import Finder, resolve_projects
from shared.services import Services


def make_plan(services: Services, request_id: str, request: SubjectRequest) -> bool:
    """
    Read the projects and freeze the plan; False if a list did not stand still: an incomplete inventory erases nothing.

    A plan that stands is left as it is. Raises `CannotFulfil`.
    """
    if services.ledger.plan(request_id) is not None:
        return True
    builder, number = PlanBuilder(request.options["trained_iterations"] or "keep"), 1
    finder = Finder(request.images or ImageSelector(), services.settings.ledger_hash_key or "")
    for resolved in resolve_projects(services, request.projects):
        finding = finder.find(services.resource(resolved.resource), resolved)
        if not finding.stable:
            return False
        units = []
        for unit in builder.units_of(finding, number):
            units.append(services.ledger.save_page(request_id, unit))
            number = units[-1].number + 1
        builder.add(finding, [unit.unit_id for unit in units])
    plan = builder.plan(request_id, rfc3339(services.now()), finder.tracker.unmatched)
    services.ledger.save_plan(request_id, plan)
    return True


def frozen_plan(services: Services, request_id: str) -> dict[str, Any]:
    """Read the plan that stands."""
    plan = services.ledger.plan(request_id)
    if plan is None:
        raise ValueError("a request beyond planning has no plan")
    return plan
