"""
Lists that moved while an export ran: what came meanwhile is read too, in a further round of units.

Only lists whose count has changed are read again, at most twice; what still differs then is named in the manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from export_function.plan import ITERATION_IMAGES, IterationInventory, ProjectInventory, units_of
from export_function.planning import Planner
from shared.domain.errors import ResourceAbsent, ServiceRefusal
from shared.domain.record import RequestRecord
from shared.domain.resources import Project
from shared.domain.subject_request import SubjectRequest
from shared.domain.work import number_of
from shared.inventory import ResolvedProject
from shared.services import Services

MOST_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class CaughtUp:
    """What came to one project while the export ran: its units, saved, and how many images and iterations."""

    project_id: str
    unit_ids: list[str]
    counts: dict[str, int]


def catch_up(
    services: Services, record: RequestRecord, request: SubjectRequest, plan: Mapping[str, Any]
) -> list[CaughtUp]:
    """Read again what has moved and save units for what is new; nothing for an export of one person's items."""
    if request.narrowed or record.round >= MOST_ROUNDS:
        return []
    planner = Planner(
        services=services,
        request_id=record.subject_request_id,
        request=request,
        settle_for_unstable=True,
        next_number=_next_number(plan, record),
    )
    moved = (project for project in plan["projects"] if has_moved(services, project))
    found = [_catch_up_project(planner, record, project) for project in moved]
    return [entry for entry in found if entry is not None and entry.unit_ids]


def has_moved(services: Services, project: Mapping[str, Any]) -> bool:
    """Whether a list of the project has another count than when it was planned, or an iteration came or went."""
    client, project_id = services.resource(project["resource"]), project["id"]
    try:
        if {i.id for i in client.get_iterations(project_id)} != _planned_iterations(project):
            return True
        counts = (
            client.get_image_count(project_id, iteration_id=source["iteration_id"])
            for source in project["sources"]
            if source["counted"] is not None
        )
        planned = [source["planned"] for source in project["sources"] if source["counted"] is not None]
        return any(now != then for now, then in zip(counts, planned, strict=True))
    except ServiceRefusal:
        return True


def _planned_iterations(project: Mapping[str, Any]) -> set[str]:
    return {source["iteration_id"] for source in project["sources"] if source["iteration_id"] is not None}


def _next_number(plan: Mapping[str, Any], record: RequestRecord) -> int:
    saved = [unit_id for project in plan["projects"] for unit_id in project["units"]]
    saved += [unit_id for entry in record.notes.get("caught_up", ()) for unit_id in entry["units"]]
    return max((number_of(unit_id) for unit_id in saved), default=0) + 1


def _catch_up_project(planner: Planner, record: RequestRecord, project: Mapping[str, Any]) -> CaughtUp | None:
    services = planner.services
    resolved = ResolvedProject(resource=project["resource"], project=Project(project["id"], {}))
    client = services.resource(project["resource"])
    try:
        now = planner.everything(client, resolved)
    except ResourceAbsent:
        return None
    new = _new_only(now, _known_ids(services, record, project))
    units = [planner.save_unit(unit) for unit in units_of(new)][1:]  # the project's own data are written already
    wanted = [u for u in units if u.details.get("iteration_id") not in _planned_iterations(project) or u.items]
    counts = {"images": new.distinct_images, "iterations": len(new.iterations)}
    return CaughtUp(project_id=project["id"], unit_ids=[unit.unit_id for unit in wanted], counts=counts)


def _known_ids(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> dict[str | None, set[str]]:
    """Give the planned image ids by source, those of earlier rounds included."""
    units = list(project["units"])
    units += [u for e in record.notes.get("caught_up", ()) if e["project_id"] == project["id"] for u in e["units"]]
    known: dict[str | None, set[str]] = {}
    for unit in services.ledger.units(record.subject_request_id, units):
        if unit.kind in ("images", ITERATION_IMAGES):
            known.setdefault(unit.details.get("iteration_id"), set()).update(unit.item_ids)
        elif unit.kind == "iteration":
            known.setdefault(unit.details["iteration_id"], set())
    return known


def _new_only(now: ProjectInventory, known: Mapping[str | None, set[str]]) -> ProjectInventory:
    everywhere = set().union(*known.values())
    iterations = [
        IterationInventory(
            iteration_id=iteration.iteration_id,
            image_ids=set(iteration.image_ids) - known.get(iteration.iteration_id, set()),
            with_bytes=set(iteration.with_bytes) - everywhere,
        )
        for iteration in now.iterations
        if iteration.iteration_id not in known or set(iteration.image_ids) - known[iteration.iteration_id]
    ]
    return replace(now, image_ids=set(now.image_ids) - known.get(None, set()), iterations=iterations)
