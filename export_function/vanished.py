"""
Iterations that are deleted while an export runs: no fault of anything, so they are named and fail nothing.

A 404 alone does not prove that: an iteration counts as deleted when the service does not list it any more either.
"""

from __future__ import annotations

from collections.abc import Iterable

from export_function.unit_work import Result, UnitWork, gap, raise_if_worth_waiting
from shared.domain.errors import ResourceAbsent, ServiceRefusal, TransientError

STORE = "iterations"
DELETED = "it was deleted while the export ran: what had not been read of it by then is not in the package"


def has_vanished(work: UnitWork, errors: Iterable[object]) -> bool:
    """Whether the unit's iteration was deleted, given what its calls were answered. One call where one was a 404."""
    if work.iteration_id is None or not any(isinstance(error, ResourceAbsent) for error in errors):
        return False
    try:
        listed = work.client.get_iterations(work.project_id)
    except (ServiceRefusal, TransientError) as error:
        raise_if_worth_waiting([error], work.attempt)
        return False
    return work.iteration_id not in {iteration.id for iteration in listed}


def name_vanished(work: UnitWork, result: Result) -> None:
    """Name the unit's iteration as deleted."""
    result.gaps.append(gap(STORE, work.iteration_id, "vanished", DELETED))
