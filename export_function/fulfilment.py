"""What each step of an export means; the order of writes is the lifecycle's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from export_function import exporting
from export_function.closing import Closing
from export_function.plan import DATA_PHASE, found_counts, unit_ids
from export_function.planning import UNSTABLE_PATIENCE, frozen_plan, make_plan
from shared.acceptance import EXPORT_WORK
from shared.domain.errors import CannotFulfil, GdprError, ServiceRefusal, TransientError
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, SubjectRequest
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import UnitOutcome, WorkMessage, WorkUnit
from shared.finishing import Ending
from shared.ledger import Versioned
from shared.lifecycle import Decision, Finish, Move, Nothing, Wait
from shared.services import Services

UNSTABLE_PAUSE_SECONDS = 30.0
REFUSAL_ATTEMPTS = 3
REFUSAL_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class ExportFulfilment:
    """Exports, for the lifecycle."""

    queue: str = EXPORT_WORK

    def phase_of(self, unit_kind: str) -> str:
        """All units of an export are independent of each other and run in one phase."""
        return DATA_PHASE

    def step(self, services: Services, current: Versioned) -> Decision:
        """Take the next step: plan, wait for the units, close, or remove what was written."""
        match current.record.status:
            case RequestStatus.PENDING:
                planning = current.record.in_phase(services.now(), "planning", status=RequestStatus.PLANNING)
                return Move(record=planning)
            case RequestStatus.PLANNING:
                return self._plan(services, current.record)
            case RequestStatus.EXPORTING:
                return self._data_done(services, current.record)
            case RequestStatus.VERIFYING:
                return Finish(ending=self._close(services, current.record))
            case RequestStatus.CANCELLING:
                services.packages.delete_package(current.record.subject_request_id)
                return Finish(ending=Ending(status=RequestStatus.CANCELLED))
            case _:
                return Nothing()

    def run_unit(self, services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
        """Write one unit's part of the package."""
        outcome = exporting.run_unit(services, record, unit, message)
        self._undo_if_cancelled(services, record.subject_request_id)
        return outcome

    def given_up(
        self, services: Services, record: RequestRecord, unit: WorkUnit, code: str, error: GdprError | None
    ) -> UnitOutcome:
        """Name everything in a unit that could not be done."""
        operation = error.operation if isinstance(error, TransientError | ServiceRefusal) else "unit"
        status = error.status if isinstance(error, TransientError | ServiceRefusal) else None
        return exporting.given_up(unit, code, operation, status)

    def patience(self, services: Services, record: RequestRecord, error: GdprError, attempt: int) -> float | None:
        """A refusal is tried again a few times, since roles and projects change, and then recorded."""
        return REFUSAL_PAUSE_SECONDS * attempt if attempt < REFUSAL_ATTEMPTS else None

    def _plan(self, services: Services, record: RequestRecord) -> Decision:
        request = _request(services, record)
        now, notes = services.now(), dict(record.notes)
        since = parse_rfc3339(notes.setdefault("unstable_since", rfc3339(now)))
        patient = now - since < UNSTABLE_PATIENCE
        if not make_plan(services, record.subject_request_id, request, settle_for_unstable=not patient):
            notes["next_time"] = _seconds_later(now, UNSTABLE_PAUSE_SECONDS)
            return Wait(record=record.evolve(now, notes=notes), seconds=UNSTABLE_PAUSE_SECONDS)
        plan = frozen_plan(services, record.subject_request_id)
        return self._planned(services, record, plan)

    def _planned(self, services: Services, record: RequestRecord, plan: dict[str, Any]) -> Decision:
        units = unit_ids(plan)
        exporting_record = record.in_phase(
            services.now(),
            DATA_PHASE,
            status=RequestStatus.EXPORTING,
            phase_units=len(units),
            plan_hash=plan["plan_hash"],
            counts=found_counts(plan),
        )
        return Move(record=exporting_record, unit_ids=units)

    def _data_done(self, services: Services, record: RequestRecord) -> Decision:
        tally = services.ledger.tally(record.subject_request_id, DATA_PHASE, record.round)
        if len(tally.units) < record.phase_units:
            return Nothing()
        return Move(record=record.in_phase(services.now(), "closing", status=RequestStatus.VERIFYING))

    def _close(self, services: Services, record: RequestRecord) -> Ending:
        request_id = record.subject_request_id
        plan = frozen_plan(services, request_id)
        return Closing(services, _request(services, record), request_id, plan).close()

    def _undo_if_cancelled(self, services: Services, request_id: str) -> None:
        """A writer that comes after the cancellation takes back what it brought."""
        status = services.ledger.read(request_id).record.status
        if status in (RequestStatus.CANCELLING, RequestStatus.CANCELLED):
            services.packages.delete_package(request_id)


def _request(services: Services, record: RequestRecord) -> SubjectRequest:
    request = services.ledger.selector(record.subject_request_id)
    if request is None:
        raise CannotFulfil("bad_message")
    return request


def _seconds_later(now: datetime, seconds: float) -> str:
    return rfc3339(datetime.fromtimestamp(now.timestamp() + seconds, now.tzinfo))
