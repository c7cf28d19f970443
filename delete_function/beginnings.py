"""How an erasure comes into a phase, and from the phase's last unit to its first look; neither writes the record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from delete_function.plan import planned_unit_ids
from shared.domain.phases import CHECK
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import rfc3339
from shared.fulfilment import Move
from shared.lifecycle import counts_so_far
from shared.services import Services


def begin_phase(
    services: Services, record: RequestRecord, plan: Mapping[str, Any], phase: str, notes: Mapping[str, Any]
) -> Move:
    """Give the move into a phase: its first round, with all its units."""
    units = planned_unit_ids(plan, phase)
    proof = dict(notes.get("proof", {}))
    proof["begun"] = [*proof.get("begun", ()), phase]
    proof["rounds"] = {**proof.get("rounds", {}), phase: 1}
    moved = record.in_phase(
        services.now(),
        phase,
        status=RequestStatus.IN_PROGRESS,
        phase_units=len(units),
        ever_in_progress=True,
        counts=counts_so_far(services, record),
        notes={**notes, "proof": proof, "last_phase": phase},
    )
    return Move(record=moved, unit_ids=units)


def begin_check(services: Services, record: RequestRecord) -> Move:
    """
    Give the move from a phase's last unit to its first look.

    The deadline counts from there on; sending a delete again, since it has not shown, does not put it off.
    """
    now = services.now()
    proof: dict[str, Any] = {"came_back": {}, "clean_time": None} | dict(record.notes.get("proof", {}))
    since = proof.get("since") if record.round > 1 else None
    proof |= {"since": since or rfc3339(now), "round_time": rfc3339(now), "looks": 0, "next_time": None}
    notes = {**record.notes, "proof": proof}
    return Move(record=record.evolve(now, phase=f"{record.phase}{CHECK}", phase_time=now, resent=0, notes=notes))
