"""What each step of an erasure means; the order of writes is the lifecycle's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from delete_function import erasing
from delete_function.plan import IMAGES, found_counts, unit_ids
from delete_function.planning import frozen_plan, make_plan
from delete_function.proving import Proving
from delete_function.result import dry_run_ending, nothing_to_erase
from shared.acceptance import DELETION_WORK
from shared.domain.errors import (
    AccessDenied,
    CannotFulfil,
    GdprError,
    ServiceRefusal,
    StateConflict,
    TransientError,
)
from shared.domain.record import RequestRecord
from shared.domain.subject_request import ImageSelector, RequestStatus, SubjectRequest
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import UnitOutcome, WorkMessage, WorkUnit
from shared.finishing import Ending
from shared.ledger import Versioned
from shared.lifecycle import Decision, Finish, Move, Nothing, Wait
from shared.services import Services

UNSTABLE_PATIENCE = timedelta(hours=1)
UNSTABLE_PAUSE_SECONDS = 30.0
REFUSAL_ATTEMPTS = 3


@dataclass(frozen=True)
class ErasureFulfilment:
    """Erasures, for the lifecycle."""

    queue: str = DELETION_WORK

    def phase_of(self, unit_kind: str) -> str:
        """Each kind of unit has the phase of its name."""
        return unit_kind

    def step(self, services: Services, current: Versioned) -> Decision:
        """Take the next step: plan, wait for the units, look again until it is proven."""
        record = current.record
        match record.status:
            case RequestStatus.PENDING:
                return Move(record=record.in_phase(services.now(), "planning", status=RequestStatus.PLANNING))
            case RequestStatus.PLANNING:
                return self._plan(services, record)
            case RequestStatus.IN_PROGRESS if record.phase == IMAGES:
                return self._units_done(services, record)
            case RequestStatus.IN_PROGRESS | RequestStatus.VERIFYING:
                return self._prove(services, record)
            case RequestStatus.CANCELLING:
                return Finish(ending=Ending(status=RequestStatus.CANCELLED))
            case _:
                return Nothing()

    def run_unit(self, services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
        """Erase one unit's images."""
        return erasing.run_unit(services, record, unit, message, _selector(services, record))

    def given_up(
        self, services: Services, record: RequestRecord, unit: WorkUnit, code: str, error: GdprError | None
    ) -> UnitOutcome:
        """Name everything in a unit that could not be carried out."""
        operation = error.operation if isinstance(error, TransientError | ServiceRefusal) else "unit"
        status = error.status if isinstance(error, TransientError | ServiceRefusal) else None
        started = services.ledger.started(record.subject_request_id, unit.unit_id) or []
        return erasing.given_up(unit, started, code, operation, status)

    def patience(self, services: Services, record: RequestRecord, error: GdprError, attempt: int) -> float | None:
        """What blocks (a role, a read-only project, a training) is waited for until the deadline, then named."""
        delay = min(2.0**attempt, 300.0)
        if not isinstance(error, AccessDenied | StateConflict):
            return delay if attempt < REFUSAL_ATTEMPTS else None
        began = record.phase_time or record.received_time
        return delay if services.now() - began < services.settings.verify_deadline else None

    def _plan(self, services: Services, record: RequestRecord) -> Decision:
        request = requested(services, record)
        now, notes = services.now(), dict(record.notes)
        if not make_plan(services, record.subject_request_id, request):
            since = parse_rfc3339(notes.setdefault("unstable_since", rfc3339(now)))
            if now - since >= UNSTABLE_PATIENCE:
                raise CannotFulfil("inventory_unstable")
            return Wait(record=record.evolve(now, notes=notes), seconds=UNSTABLE_PAUSE_SECONDS)
        return self._planned(services, record, frozen_plan(services, record.subject_request_id))

    def _planned(self, services: Services, record: RequestRecord, plan: dict[str, Any]) -> Decision:
        units = unit_ids(plan)
        planned = record.evolve(services.now(), plan_hash=plan["plan_hash"], counts=found_counts(plan))
        if record.plan_hash is None and (record.dry_run or not units):
            return Move(record=planned)
        if record.dry_run:
            return Finish(ending=dry_run_ending(plan, record.notes["options"]["keep_exports"]))
        if not units:
            return Finish(ending=nothing_to_erase(plan, record.notes["options"]["keep_exports"]))
        erasing_record = planned.in_phase(
            services.now(),
            IMAGES,
            status=RequestStatus.IN_PROGRESS,
            phase_units=len(units),
            ever_in_progress=True,
        )
        return Move(record=erasing_record, unit_ids=units)

    def _units_done(self, services: Services, record: RequestRecord) -> Decision:
        tally = services.ledger.tally(record.subject_request_id, IMAGES, record.round)
        if len(tally.units) < record.phase_units:
            return Nothing()
        return Move(record=Proving.begin(services, record))

    def _prove(self, services: Services, record: RequestRecord) -> Decision:
        plan = frozen_plan(services, record.subject_request_id)
        return Proving(services, record, plan, _selector(services, record)).step()


def requested(services: Services, record: RequestRecord) -> SubjectRequest:
    """Read what was asked; `CannotFulfil` if it is lost."""
    request = services.ledger.selector(record.subject_request_id)
    if request is None:
        raise CannotFulfil("bad_message")
    return request


def _selector(services: Services, record: RequestRecord) -> ImageSelector:
    return requested(services, record).images or ImageSelector()
