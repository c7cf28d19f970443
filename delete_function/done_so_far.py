"""What the units of an erasure have left behind until now, put into words: what was done, and what was never begun."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from delete_function.plan import ACCOUNT, planned_of, planned_phases, planned_unit_ids
from delete_function.result import Words
from shared.domain.record import RequestRecord
from shared.domain.work import UnitOutcome, kind_of
from shared.services import Services


def words_so_far(services: Services, record: RequestRecord, plan: Mapping[str, Any]) -> Words:
    """Put together what the units have left behind until now."""
    words = Words()
    for project in plan["projects"]:
        for outcome in services.ledger.outcomes(record.subject_request_id, project["units"]):
            words.add(outcome)
    for outcome in services.ledger.outcomes(record.subject_request_id, planned_unit_ids(plan, ACCOUNT)):
        words.add(outcome)
    for outcome in _later_rounds(services, record, plan):
        words.add_arrivals(outcome)
    words.gone_after_all(record.notes.get("proof", {}).get("gone_after_all", ()))
    return words


def _later_rounds(services: Services, record: RequestRecord, plan: Mapping[str, Any]) -> Iterator[UnitOutcome]:
    """Give what later rounds did in projects that go as a whole: only there something may arrive."""
    rounds: Mapping[str, int] = record.notes.get("proof", {}).get("rounds", {})
    units = [unit for project in plan["projects"] if project["whole"] for unit in project["units"]]
    again = [(unit, round_) for unit in units for round_ in range(2, rounds.get(kind_of(unit), 1) + 1)]
    return services.ledger.outcomes_by_round(record.subject_request_id, again)


def leave_undone(services: Services, record: RequestRecord, plan: Mapping[str, Any], words: Words) -> None:
    """Count what was planned and never begun, because something before it could not be done, as failed."""
    request_id = record.subject_request_id
    units = [unit for phase in planned_phases(plan) for unit in planned_unit_ids(plan, phase)]
    for unit in services.ledger.units(request_id, units):
        if services.ledger.outcome(request_id, unit.unit_id) is None:
            words.leave_undone(unit, planned_of(plan, unit))
