"""`export_first`: what is about to be erased is exported before, by a request of its own; no item of it may fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from shared.acceptance import accept
from shared.domain.errors import CannotFulfil
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, RequestType, SubjectRequest
from shared.domain.times import rfc3339
from shared.fulfilment import Decision, Move, Wait
from shared.services import Services

PHASE = "export_first"
PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(seconds=60)

MISSING: Mapping[str, Sequence[str]] = {
    "images": ("failed", "not_available"),
    "predictions": ("failed", "not_available"),
    "iterations": ("not_available",),
    "projects": ("not_available",),
}
"""Words of a package's stores by which an item may be missing: in a list that could not be read nobody can tell."""


def child_id(request_id: str) -> str:
    """Give the id of the export that an erasure makes first; asking twice gives the same."""
    return str(uuid5(UUID(request_id), PHASE))


def has_export_first(record: RequestRecord) -> bool:
    """Whether the export has been started."""
    return "export_first" in record.notes


def has_anything_to_export(plan: Mapping[str, Any]) -> bool:
    """Whether the service still has a project of the plan; what only packages hold cannot be exported once more."""
    return bool(_projects_there(plan))


def begin_export_first(
    services: Services, record: RequestRecord, request: SubjectRequest, plan: Mapping[str, Any]
) -> Decision:
    """Start the export of the planned projects, narrowed as the erasure is."""
    child = child_id(record.subject_request_id)
    parent = {"parent": record.subject_request_id}
    accept(services, _child_request(child, request, plan), origin=PHASE, notes=parent)
    notes = {**record.notes, "export_first": f"/api/requests/{child}", "child_looks": 0}
    return Move(record=record.in_phase(services.now(), PHASE, status=RequestStatus.EXPORTING, notes=notes))


def export_first_step(services: Services, record: RequestRecord) -> Decision | None:
    """Wait for the export; None once it has ended well. Raises `CannotFulfil("export_first_failed")` otherwise."""
    child = _child(services, record)
    if child.status.is_final:
        check_export_first(services, record)
        return None
    looks = int(record.notes["child_looks"])
    pause = min(PAUSE * 2 ** min(looks, 5), LONGEST_PAUSE)
    now = services.now()
    notes = {**record.notes, "child_looks": looks + 1, "next_time": rfc3339(now + pause)}
    return Wait(record=record.evolve(now, notes=notes), seconds=pause.total_seconds())


def check_export_first(services: Services, record: RequestRecord) -> None:
    """Raise `CannotFulfil("export_first_failed")` unless the export that has ended is good, and is still there."""
    child = _child(services, record)
    if not _served(child) or services.has_expired(child):
        raise CannotFulfil("export_first_failed")


def _child(services: Services, record: RequestRecord) -> RequestRecord:
    return services.ledger.read(child_id(record.subject_request_id)).record


def _served(child: RequestRecord) -> bool:
    """Whether every item that is to be erased is in the package, as far as the service still has it."""
    if child.status not in (RequestStatus.COMPLETED, RequestStatus.PARTIALLY_COMPLETED):
        return False
    missing = any(child.counts.get(store, {}).get(word) for store, words in MISSING.items() for word in words)
    return not missing and child.reason != "inventory_unstable"


def _projects_there(plan: Mapping[str, Any]) -> list[str]:
    return sorted(project["id"] for project in plan["projects"] if project["name"] is not None)


def _child_request(child: str, request: SubjectRequest, plan: Mapping[str, Any]) -> SubjectRequest:
    scope: dict[str, Any] = {"projects": _projects_there(plan)}
    if request.level == "items":
        scope |= {name: request.scope[name] for name in ("images", "predictions") if name in request.scope}
    else:
        scope["predictions"] = True
    options = {"package": "none", "formats": [], "checksums": "service", "account": False, "include_keys": False}
    return SubjectRequest(
        request_id=child,
        type=RequestType.ACCESS,
        regulation=request.regulation,
        submitted_time=None,
        requested_by=None,
        scope=scope,
        options=options,
    )
