"""Of a project that goes as a whole: all of its images, and what has arrived in it since the plan was made."""

from __future__ import annotations

from collections.abc import Iterator

from delete_function.looking import Found, UnitWork
from delete_function.plan import UNPUBLISH
from shared.domain.id_set import IdSet
from shared.inventory import list_images

ARRIVED = "arrived_after_plan"


def images_of_whole_project(work: UnitWork) -> Found:
    """Compare what a project holds now with what was listed for the plan; what arrived since is in scope too."""
    now = IdSet()
    for source in [None, *work.iteration_ids()]:
        now.update(list_images(work.client, work.project_id, iteration_id=source).ids)
    planned = IdSet(_listed_ids(work))
    arrived = list(now - planned)
    counts = {"deleted": len(now & planned), "already_absent": len(planned - now)}
    return Found(present=(), totals=counts | ({ARRIVED: len(arrived)} if arrived else {}), arrived=arrived)


def no_images_of_whole_project(work: UnitWork) -> Found:
    """Give what is found of a project that the service no longer has."""
    return Found(present=(), totals={"deleted": 0, "already_absent": len(IdSet(_listed_ids(work)))})


def arrived_since(work: UnitWork, found: Found) -> list[str]:
    """Give what a later round found of a whole project that was neither planned nor there in an earlier round."""
    if not work.whole or work.unit.kind == UNPUBLISH:
        return []
    known = set(work.unit.item_ids)
    for round_ in range(1, work.round):
        outcome = work.services.ledger.outcome(work.record.subject_request_id, work.unit.unit_id, round_)
        known.update(outcome.details.get("ids", {}).get(ARRIVED, ()) if outcome else ())
    return sorted({*found.present, *found.arrived} - known)


def _listed_ids(work: UnitWork) -> Iterator[str]:
    plan = work.services.ledger.frozen_plan(work.record.subject_request_id) or {"projects": []}
    pages = [
        page for project in plan["projects"] if project["id"] == work.project_id for page in project["listed_pages"]
    ]
    for unit in work.services.ledger.units(work.record.subject_request_id, pages):
        yield from unit.item_ids
