"""
One call that keeps failing, while the service answers others: tried again for a while, then gone without and named.

An outage of the whole service is the lifecycle's matter, which waits for it longer. Here a list that is answered with a
500 each time would cost all the rest of an export.
"""

from __future__ import annotations

from shared.domain.errors import ServiceRefusal, TransientError
from shared.domain.record import RequestRecord
from shared.domain.retry import FAULT_REDELIVERIES, is_fault, redelivery_delay
from shared.lifecycle import Wait
from shared.services import Services

NOTE = "step_faults"


def goes_without_failing(record: RequestRecord) -> bool:
    """Whether steps of an export go on without what fails: single calls have failed too often by now."""
    return int(record.notes.get(NOTE, 0)) >= FAULT_REDELIVERIES


def can_go_without(record: RequestRecord, error: ServiceRefusal | TransientError) -> bool:
    """Whether this error is one that a step at the end of an export names and goes on: refused, or failing for long."""
    return isinstance(error, ServiceRefusal) or (is_fault(error) and goes_without_failing(record))


def wait_for_call(services: Services, record: RequestRecord, error: TransientError) -> Wait | None:
    """Take a failed step again later, and count that in the record; None for an outage, and where counting is over."""
    faults = int(record.notes.get(NOTE, 0)) + 1
    pause = redelivery_delay(faults, error) if is_fault(error) else None
    if pause is None:
        return None
    return Wait(record=record.evolve(services.now(), notes={**record.notes, NOTE: faults}), seconds=pause)
