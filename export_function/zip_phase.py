"""The last phase of an export whose package is zipped: one unit per zip, when the manifest stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from export_function.closing import Closed
from export_function.plan import ZIP, ZIP_PHASE
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.work import WorkUnit
from shared.finishing import Ending
from shared.lifecycle import Move
from shared.services import Services


def begin_zips(services: Services, record: RequestRecord, closed: Closed) -> Move:
    """Save a unit per part and give the move into their phase; the record keeps how the export ends after it."""
    units, number = list[str](), 1
    for part in closed.parts:
        unit = WorkUnit(kind=ZIP, number=number, resource="", project_id=None, details=part)
        saved = services.ledger.save_page(record.subject_request_id, unit)
        units.append(saved.unit_id)
        number = saved.number + 1
    notes = {**record.notes, "closed": _ending_json(closed.ending), "phase_unit_ids": units}
    moved = record.in_phase(services.now(), ZIP_PHASE, phase_units=len(units), notes=notes)
    return Move(record=moved, unit_ids=units)


def closed_ending(services: Services, record: RequestRecord) -> Ending:
    """Give how the export ends when its zips are there; a zip that could not be built makes it incomplete."""
    closed: Mapping[str, Any] = record.notes["closed"]
    ending = Ending(**{**closed, "status": RequestStatus(closed["status"])})
    outcomes = services.ledger.outcomes(record.subject_request_id, record.notes["phase_unit_ids"])
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
        "looked_at": dict(ending.looked_at),
    }
