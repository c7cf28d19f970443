"""
Calls that keep failing in a step of an export, while others are answered: waited for, then gone without and named.

A list that is answered with a 500 each time, or not at all, would cost all the rest of an export. A failure of one call
is tried again for two minutes, silence and throttling for about an hour, since they may mean that the service is away.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from shared.domain.errors import OutcomeUnknown, ServiceRefusal, ServiceUnavailable, Throttled, TransientError
from shared.domain.record import RequestRecord
from shared.domain.retry import FAULT_REDELIVERIES, is_fault, redelivery_delay
from shared.fulfilment import Wait
from shared.ledger import STEP
from shared.services import Services

FAULTS = "step_faults"
OUTAGE = "step_outage"

_OF_THE_SERVICE = (ServiceUnavailable, OutcomeUnknown, Throttled)

_log = logging.getLogger(__name__)


def goes_without(record: RequestRecord, error: TransientError) -> bool:
    """Whether steps of an export go on without what fails so: it has failed too often, or for too long, by now."""
    if is_fault(error):
        return int(record.notes.get(FAULTS, 0)) >= FAULT_REDELIVERIES
    return isinstance(error, _OF_THE_SERVICE) and is_outage_over(record)


def can_go_without(record: RequestRecord, error: ServiceRefusal | TransientError) -> bool:
    """Whether this error is one that a step at the end of an export names and goes on: refused, or failing for long."""
    return isinstance(error, ServiceRefusal) or goes_without(record, error)


def is_outage_over(record: RequestRecord) -> bool:
    """Whether the record's phase has waited for calls without an answer as long as it is worth it."""
    return bool(_outage(record)["is_over"])


def wait_for_call(services: Services, record: RequestRecord, error: TransientError) -> Wait | None:
    """Take a failed step again later, and count that in the record; None for storage, and where counting is over."""
    if is_fault(error):
        return _after_fault(services, record, error)
    return _after_silence(services, record, error) if isinstance(error, _OF_THE_SERVICE) else None


def _after_fault(services: Services, record: RequestRecord, error: TransientError) -> Wait | None:
    faults = int(record.notes.get(FAULTS, 0)) + 1
    pause = redelivery_delay(faults, error)
    return None if pause is None else _wait(services, record, error, {FAULTS: faults}, pause)


def _after_silence(services: Services, record: RequestRecord, error: TransientError) -> Wait | None:
    """Wait for about an hour in one phase, then once more at once: that time without what does not answer."""
    outage = _outage(record)
    if outage["is_over"]:
        return None
    pause = redelivery_delay(outage["waits"] + 1, error)
    noted = {**outage, "waits": outage["waits"] + 1, "is_over": pause is None}
    return _wait(services, record, error, {OUTAGE: noted}, pause or 0.0)


def _outage(record: RequestRecord) -> Mapping[str, Any]:
    """Give what the record notes of its present phase and round; what was waited for in another is no matter now."""
    begun = {"phase": record.phase, "round": record.round}
    noted = record.notes.get(OUTAGE, {})
    return noted if noted.items() >= begun.items() else {**begun, "waits": 0, "is_over": False}


def _wait(
    services: Services, record: RequestRecord, error: TransientError, noted: Mapping[str, Any], seconds: float
) -> Wait:
    """Give the wait; the mark tells the watchdog until when."""
    now = services.now()
    _log.warning("request %s: %s; again in %.0f s", record.subject_request_id, error, seconds)
    services.ledger.keep_waiting_mark(record.subject_request_id, STEP, now + timedelta(seconds=seconds))
    return Wait(record=record.evolve(now, notes={**record.notes, **noted}), seconds=seconds)
