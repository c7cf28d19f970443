"""What each step of an erasure means; the order of writes is the lifecycle's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from delete_function import erasing
from delete_function.approval import approval_step, needs_approval
from delete_function.beginnings import begin_check, begin_phase
from delete_function.done_so_far import leave_undone, words_so_far
from delete_function.export_first import (
    begin_export_first,
    check_export_first,
    export_first_step,
    has_anything_to_export,
    has_export_first,
)
from delete_function.own_exports import counts_of, kept_exports, mark, nothing_of_packages, withdraw
from delete_function.plan import OWN_EXPORTS, PHASES, is_empty, planned_of, planned_phases
from delete_function.planning import Planner, frozen_plan
from delete_function.proving import Proving
from delete_function.residuals import final_residuals, planned_residuals
from delete_function.result import Proof, Words, dry_run_ending, ending_of, unread_failure
from delete_function.verification import Look
from shared.cleaning import Rebuild
from shared.domain.errors import (
    AccessDenied,
    CannotFulfil,
    DamagedRecord,
    GdprError,
    ServiceRefusal,
    StateConflict,
    StillUnderway,
)
from shared.domain.planned import found_counts
from shared.domain.record import RequestRecord
from shared.domain.retry import RETRY_AFTER_CEILING_SECONDS
from shared.domain.subject_request import RequestStatus, SubjectRequest
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import DELETION_WORK, UnitOutcome, WorkMessage, WorkUnit
from shared.finishing import Ending
from shared.fulfilment import Decision, Finish, Move, Nothing, Wait, too_early
from shared.ledger import Versioned
from shared.services import Services

UNSTABLE_PATIENCE = timedelta(hours=1)
UNSTABLE_PAUSE = timedelta(seconds=30)
REFUSAL_ATTEMPTS = 3
LONGEST_PAUSE_SECONDS = 300.0


@dataclass(frozen=True)
class ErasureFulfilment:
    """Erasures, for the lifecycle."""

    rebuild: Rebuild
    queue: str = DELETION_WORK

    def phase_of(self, unit_kind: str) -> str:
        """Each kind of unit has the phase of its name."""
        return unit_kind

    def step(self, services: Services, current: Versioned) -> Decision:
        """Take the next step: plan, be approved, wait for a phase's units, look until it is proven, go on."""
        try:
            return self._step(services, current.record)
        except CannotFulfil as error:
            return Finish(ending=_cut_off(services, current.record, error.reason))

    def _step(self, services: Services, record: RequestRecord) -> Decision:
        match record.status:
            case RequestStatus.PENDING:
                return Move(record=record.in_phase(services.now(), "planning", status=RequestStatus.PLANNING))
            case RequestStatus.PLANNING:
                return self._plan(services, record)
            case RequestStatus.EXPORTING:
                return self._export_first(services, record)
            case RequestStatus.AWAITING_APPROVAL:
                return approval_step(services, record)
            case RequestStatus.IN_PROGRESS if record.phase == "approved":
                return self._begin(services, record, frozen_plan(services, record.subject_request_id))
            case RequestStatus.IN_PROGRESS if record.phase == OWN_EXPORTS:
                return self._proving(services, record).own_exports_step()
            case RequestStatus.IN_PROGRESS if record.phase in PHASES:
                return self._units_done(services, record)
            case RequestStatus.IN_PROGRESS | RequestStatus.VERIFYING:
                return self._proving(services, record).step()
            case RequestStatus.CANCELLING:
                return Finish(ending=Ending(status=RequestStatus.CANCELLED))
            case _:
                return Nothing()

    def run_unit(self, services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
        """Erase one unit's items."""
        return erasing.run_unit(services, record, unit, message)

    def given_up(
        self, services: Services, record: RequestRecord, unit: WorkUnit, code: str, error: GdprError | None
    ) -> UnitOutcome:
        """Name everything in a unit that could not be carried out."""
        started = services.ledger.started(record.subject_request_id, unit.unit_id)
        planned = planned_of(frozen_plan(services, record.subject_request_id), unit)
        return erasing.given_up(unit, started, code, error, planned)

    def abandoned(self, services: Services, record: RequestRecord, error: GdprError | None) -> Ending:
        """End an erasure that cannot go on: what its units did stands in the receipt, nothing counts as verified."""
        ending = _cut_off(services, record, "blocked" if isinstance(error, ServiceRefusal) else "delivery_exhausted")
        if not isinstance(error, DamagedRecord):
            return ending
        named = unread_failure(error.damaged, record.phase or record.status.value)
        return replace(ending, failures=[named, *ending.failures])

    def patience(self, services: Services, record: RequestRecord, error: GdprError, attempt: int) -> float | None:
        """What blocks (a role, a read-only project), or takes long, is waited for until the deadline, then named."""
        delay = min(2.0 ** min(attempt, 16), LONGEST_PAUSE_SECONDS)
        if isinstance(error, StillUnderway):
            delay = max(delay, min(error.retry_after or 0.0, RETRY_AFTER_CEILING_SECONDS))
        elif not isinstance(error, AccessDenied | StateConflict):
            return delay if attempt < REFUSAL_ATTEMPTS else None
        began = record.phase_time or record.received_time
        return delay if services.now() - began < services.settings.verify_deadline else None

    def _plan(self, services: Services, record: RequestRecord) -> Decision:
        request = requested(services, record)
        now, notes = services.now(), dict(record.notes)
        if early := too_early(now, notes.get("next_time")):
            return early
        if Planner(services, record.subject_request_id, request).make():
            plan = frozen_plan(services, record.subject_request_id)
            planned = record.evolve(now, plan_hash=plan["plan_hash"], counts=found_counts(plan))
            return self._planned(services, planned, request, plan)
        since = parse_rfc3339(notes.setdefault("unstable_since", rfc3339(now)))
        if now - since >= UNSTABLE_PATIENCE:
            raise CannotFulfil("inventory_unstable")
        notes["next_time"] = rfc3339(now + UNSTABLE_PAUSE)
        return Wait(record=record.evolve(now, notes=notes), seconds=UNSTABLE_PAUSE.total_seconds())

    def _planned(
        self, services: Services, record: RequestRecord, request: SubjectRequest, plan: dict[str, Any]
    ) -> Decision:
        residuals = planned_residuals(plan["projects"], request, kept_exports(record, plan))
        if record.dry_run:
            return Finish(ending=dry_run_ending(plan, residuals), record=record)
        if is_empty(plan):
            return Finish(ending=ending_of(plan, Words(), Proof(), residuals), record=record)
        wanted = request.options["export_first"] and has_anything_to_export(plan)
        if wanted and not has_export_first(record):
            return begin_export_first(services, record, request, plan)
        return self._approve_or_begin(services, record, request, plan)

    def _export_first(self, services: Services, record: RequestRecord) -> Decision:
        waiting = export_first_step(services, record)
        if waiting is not None:
            return waiting
        request, plan = requested(services, record), frozen_plan(services, record.subject_request_id)
        return self._approve_or_begin(services, record, request, plan)

    def _approve_or_begin(
        self, services: Services, record: RequestRecord, request: SubjectRequest, plan: dict[str, Any]
    ) -> Decision:
        if needs_approval(services, record, request):
            waiting = record.in_phase(services.now(), "approval", status=RequestStatus.AWAITING_APPROVAL)
            return Move(record=waiting)
        return self._begin(services, record, plan)

    def _proving(self, services: Services, record: RequestRecord) -> Proving:
        plan = frozen_plan(services, record.subject_request_id)
        return Proving(services, record, plan, requested(services, record), self.rebuild)

    def _begin(self, services: Services, record: RequestRecord, plan: dict[str, Any]) -> Decision:
        if has_export_first(record):  # an approval may take longer than the package is kept
            check_export_first(services, record)
        mark(services, record.subject_request_id, plan)
        return begin_phase(services, record, plan, planned_phases(plan)[0], record.notes)

    def _units_done(self, services: Services, record: RequestRecord) -> Decision:
        tally = services.ledger.tally(record.subject_request_id, record.phase or "", record.round)
        if len(tally.units) < record.phase_units:
            return Nothing()
        return begin_check(services, record)


def _cut_off(services: Services, record: RequestRecord, reason: str) -> Ending:
    """
    End an erasure that cannot go on: the receipt says what its units did, and what was planned and not done.

    It has `failed` if no phase had been begun. What was asked may be lost by now, and is not read.
    """
    plan = services.ledger.frozen_plan(record.subject_request_id)
    if plan is None:
        return Ending(status=RequestStatus.FAILED, reason=reason)
    words = words_so_far(services, record, plan)
    leave_undone(services, record, plan, words)
    rounds = record.notes.get("proof", {}).get("rounds", {})
    proof = Proof(reason=reason, rounds=rounds, own_exports=counts_of(record, remaining=plan["projects"]))
    if not record.ever_in_progress:
        return replace(ending_of(plan, words, proof, ()), status=RequestStatus.FAILED)
    if OWN_EXPORTS not in record.notes:  # a package that waits for its cleaning must still be cleaned
        withdraw(services, record.subject_request_id, plan, words)
    residuals = final_residuals(plan["projects"], remembered(record), words, Look(), kept_exports(record, plan))
    ending = ending_of(plan, words, _with_packages_left(record, plan, proof), residuals)
    return ending if "proof" in record.notes else replace(ending, status=RequestStatus.FAILED)


def _with_packages_left(record: RequestRecord, plan: dict[str, Any], proof: Proof) -> Proof:
    """Say of packages that nobody has gone through that they may hold everything still; a retry goes through them."""
    if OWN_EXPORTS in record.notes or OWN_EXPORTS not in planned_phases(plan):
        return proof
    return replace(proof, own_exports=nothing_of_packages())


def requested(services: Services, record: RequestRecord) -> SubjectRequest:
    """Read what was asked; `CannotFulfil` if it is lost."""
    request = services.ledger.selector(record.subject_request_id)
    if request is None:
        raise CannotFulfil("bad_message")
    return request


def remembered(record: RequestRecord) -> SubjectRequest:
    """Give what the record says for good about what was asked: level and options, without projects and selectors."""
    return SubjectRequest(
        request_id=record.subject_request_id,
        type=record.subject_request_type,
        regulation=record.regulation,
        submitted_time=record.submitted_time,
        requested_by=None,
        scope={"level": record.level, "projects": [], "predictions": bool(record.notes["predictions"])},
        options=record.notes["options"],
    )
