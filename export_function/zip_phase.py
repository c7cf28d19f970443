"""The last phase of an export whose package is zipped: one unit per zip, when the manifest stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from export_function.closing import Closed
from export_function.erased_meanwhile import marks_seen
from export_function.plan import ZIP, ZIP_PHASE
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.work import WorkUnit
from shared.finishing import Ending
from shared.fulfilment import Move
from shared.packages import package_prefix, part_name
from shared.services import Services

MOST_ROUNDS = 3
"""How often a package is closed for erasures that come while its zips are built; later ones wait and clean it."""


def begin_zips(services: Services, record: RequestRecord, closed: Closed) -> Move:
    """Save a unit per part and give the move into their phase; the record keeps how the export ends after it."""
    units, number = list[str](), 1
    for part in closed.parts:
        unit = WorkUnit(kind=ZIP, number=number, resource="", project_id=None, details=part)
        saved = services.ledger.save_page(record.subject_request_id, unit)
        units.append(saved.unit_id)
        number = saved.number + 1
    _remove_other_zips(services, record, closed)
    round_ = record.notes.get("zip_rounds", 0) + 1
    notes = {**record.notes, "closed": _ending_json(closed.ending), "closed_over": closed.tombstones}
    notes |= {"phase_unit_ids": units, "round_units": units, "zip_rounds": round_}
    moved = record.in_phase(services.now(), ZIP_PHASE, phase_units=len(units), round=round_, notes=notes)
    return Move(record=moved, unit_ids=units)


def close_again(services: Services, record: RequestRecord, plan: Mapping[str, Any]) -> Move | None:
    """Give the move back to closing if erasures have taken away something else since; None if nothing is new."""
    if record.round >= MOST_ROUNDS or marks_seen(services, plan).state == record.notes["closed_over"]:
        return None
    return Move(record=record.in_phase(services.now(), "closing"))


def _remove_other_zips(services: Services, record: RequestRecord, closed: Closed) -> None:
    """Remove what an earlier round built and this one does not: it holds what has been taken away since."""
    prefix = package_prefix(record.subject_request_id)
    names = {prefix + part_name(part["part"]) for part in closed.parts}
    listed = (entry.name for entry in services.packages.blobs.entries(f"{prefix}package-"))
    services.packages.blobs.delete_all(name for name in listed if name not in names)


def closed_ending(services: Services, record: RequestRecord) -> Ending:
    """Give how the export ends when its zips are there; a zip that could not be built makes it incomplete."""
    closed: Mapping[str, Any] = record.notes["closed"]
    ending = Ending(**{**closed, "status": RequestStatus(closed["status"])})
    outcomes = services.ledger.outcomes(record.subject_request_id, record.notes["phase_unit_ids"], record.round)
    failures = [dict(entry) for outcome in outcomes for entry in outcome.failures]
    if not failures:
        return ending
    worst = RequestStatus.PARTIALLY_COMPLETED
    return replace(ending, status=worst, reason="items_failed", failures=[*ending.failures, *failures])


def _ending_json(ending: Ending) -> dict[str, Any]:
    return {
        "status": ending.status.value,
        "reason": ending.reason,
        "stores": ending.stores,
        "failures": list(ending.failures),
        "looked_at": ending.looked_at and dict(ending.looked_at),
    }
