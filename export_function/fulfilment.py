"""What each step of an export means; the order of writes is the lifecycle's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from export_function import exporting
from export_function.catching_up import CaughtUp, catch_up
from export_function.closing import Closing
from export_function.faults import goes_without, is_outage_over, wait_for_call
from export_function.fingerprint import Fingerprint
from export_function.leftovers import remove_late
from export_function.manifest import stores_of
from export_function.overtaking import Turn
from export_function.plan import (
    DATA_PHASE,
    DERIVED_PHASE,
    ZIP_PHASE,
    found_counts,
    planned_unit_ids,
)
from export_function.planning import UNSTABLE_PATIENCE, Planner, frozen_plan
from export_function.previous import find_previous, is_unchanged, prolong, unchanged_ending
from export_function.rebuilding import REBUILD
from export_function.unread import REFUSAL_ATTEMPTS, REFUSAL_PAUSE_SECONDS
from export_function.zip_phase import begin_zips, close_again, closed_ending
from shared.cleaning import clean_again
from shared.domain.errors import CannotFulfil, GdprError, ServiceRefusal, Superseded, TransientError
from shared.domain.phases import phase_of_kind
from shared.domain.record import RequestRecord
from shared.domain.retry import is_fault
from shared.domain.subject_request import RequestStatus, SubjectRequest
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import EXPORT_WORK, Counts, Tally, UnitOutcome, WorkMessage, WorkUnit, add_counts
from shared.finishing import Ending
from shared.fulfilment import Decision, Finish, Move, Nothing, Wait
from shared.ledger import STEP, Versioned
from shared.lifecycle import counts_so_far
from shared.reading_ahead import begun, together
from shared.services import Services

UNSTABLE_PAUSE = timedelta(seconds=30)


@dataclass(frozen=True)
class ExportFulfilment:
    """Exports, for the lifecycle."""

    queue: str = EXPORT_WORK

    def phase_of(self, unit_kind: str) -> str:
        """Most units of an export are independent of each other and run in one phase."""
        return phase_of_kind(unit_kind, is_export=True)

    def step(self, services: Services, current: Versioned) -> Decision:
        """Take the next step: plan, wait for the units, catch up, close, or remove what was written."""
        try:
            return self._step(services, current)
        except TransientError as error:
            wait = wait_for_call(services, current.record, error)
            if wait is not None:
                return wait
            if is_fault(error) or not is_outage_over(current.record):
                raise
            return Finish(ending=self.abandoned(services, current.record, error))

    def _step(self, services: Services, current: Versioned) -> Decision:
        record = current.record
        match record.status:
            case RequestStatus.PENDING:
                return Move(record=record.in_phase(services.now(), "planning", status=RequestStatus.PLANNING))
            case RequestStatus.PLANNING:
                return self._plan(services, record)
            case RequestStatus.EXPORTING | RequestStatus.VERIFYING:
                return self._next_phase(services, current)
            case RequestStatus.CANCELLING:
                # The package goes when the receipt says cancelled: one that says otherwise may stand already.
                return Finish(ending=Ending(status=RequestStatus.CANCELLED))
            case _:
                return Nothing()

    def run_unit(self, services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
        """Write one unit's part of the package."""
        outcome, now = exporting.run_unit(services, record, unit, message)
        _take_back_if_late(services, record, now, outcome)
        return outcome

    def given_up(
        self, services: Services, record: RequestRecord, unit: WorkUnit, code: str, error: GdprError | None
    ) -> UnitOutcome:
        """Name everything in a unit that could not be done."""
        return exporting.given_up(unit, code, error)

    def abandoned(self, services: Services, record: RequestRecord, error: GdprError | None) -> Ending:
        """End an export that cannot go on: failed, with what its units had written so far."""
        reason = "not_available" if isinstance(error, ServiceRefusal) else "delivery_exhausted"
        counts = counts_so_far(services, record)
        return Ending(status=RequestStatus.FAILED, reason=reason, stores=stores_of(counts, {}) if counts else {})

    def patience(self, services: Services, record: RequestRecord, error: GdprError, attempt: int) -> float | None:
        """A refusal is tried again a few times, since roles and projects change, and then recorded."""
        return REFUSAL_PAUSE_SECONDS * attempt if attempt < REFUSAL_ATTEMPTS else None

    def _plan(self, services: Services, record: RequestRecord) -> Decision:
        now, notes = services.now(), dict(record.notes)
        since = parse_rfc3339(notes.setdefault("unstable_since", rfc3339(now)))
        refusals = int(notes.get("plans_refused", 0))
        request, standing = together(
            lambda: requested(services, record), lambda: services.ledger.frozen_plan(record.subject_request_id)
        )
        planner = Planner(
            services=services,
            request_id=record.subject_request_id,
            request=request,
            settle_for_unstable=now - since >= UNSTABLE_PATIENCE,
            settle_for_refused=refusals >= REFUSAL_ATTEMPTS - 1,
            goes_without=partial(goes_without, record),
            fingerprint=Fingerprint() if record.notes.get("series") else None,
            times_unread=int(notes.get("plans_unread", 0)),
        )
        try:
            is_frozen = standing is not None or planner.make()
        except ServiceRefusal:
            if planner.settle_for_refused:
                raise
            noted = record.evolve(now, notes={**record.notes, "plans_refused": refusals + 1})
            return Wait(record=noted, seconds=REFUSAL_PAUSE_SECONDS * (refusals + 1))
        if is_frozen:
            plan = frozen_plan(services, record.subject_request_id)
            return self._compared(services, record, plan) or self._planned(services, record, plan)
        if planner.pause is not None:
            return self._wait_for_resource(services, record, planner.pause)
        waiting = record.evolve(now, notes=notes | {"next_time": rfc3339(now + UNSTABLE_PAUSE)})
        return Wait(record=waiting, seconds=UNSTABLE_PAUSE.total_seconds())

    def _wait_for_resource(self, services: Services, record: RequestRecord, seconds: float) -> Decision:
        """Wait for a resource that does not list its projects; the mark tells the watchdog until when."""
        now = services.now()
        services.ledger.keep_waiting_mark(record.subject_request_id, STEP, now + timedelta(seconds=seconds))
        notes = {**record.notes, "plans_unread": int(record.notes.get("plans_unread", 0)) + 1}
        return Wait(record=record.evolve(now, notes=notes), seconds=seconds)

    def _compared(self, services: Services, record: RequestRecord, plan: dict[str, Any]) -> Decision | None:
        """Hold a scheduled export against the package before: unchanged it ends here, else it takes over from it."""
        if "previous" in record.notes or not record.notes.get("series"):
            return None
        before = find_previous(services, record)
        notes = {**record.notes, "previous": before.subject_request_id if before else None}
        noted = record.evolve(services.now(), notes=notes)
        if before is None or not is_unchanged(services, before, plan):
            return Move(record=noted)
        prolong(services, before)
        unchanged = replace(noted, plan_hash=plan["plan_hash"], unchanged_since=before.subject_request_id)
        return Finish(ending=unchanged_ending(before), record=unchanged)

    def _planned(self, services: Services, record: RequestRecord, plan: dict[str, Any]) -> Decision:
        units = planned_unit_ids(plan, DATA_PHASE)
        changes = {"status": RequestStatus.EXPORTING, "plan_hash": plan["plan_hash"], "counts": found_counts(plan)}
        moved = record.in_phase(services.now(), DATA_PHASE, phase_units=len(units), **changes)
        return Move(record=moved, unit_ids=units)

    def _next_phase(self, services: Services, current: Versioned) -> Decision:
        record, phase = current.record, current.record.phase or ""
        if phase in (DERIVED_PHASE, ZIP_PHASE) and not _is_done(record, _tally(services, record)):
            return Nothing()
        match phase:
            case "data":
                return self._data_done(services, record)
            case "derived":
                return Move(record=_closing(services, record))
            case "zip":
                return self._zips_done(services, record)
            case _:
                return self._close(services, current)

    def _data_done(self, services: Services, record: RequestRecord) -> Decision:
        tally, (request, plan) = together(
            lambda: _tally(services, record), lambda: _asked_and_planned(services, record)
        )
        if not _is_done(record, tally):
            return Nothing()
        counts = add_counts(record.counts, tally.counts)
        came = catch_up(services, record, request, plan)
        if came:
            return self._another_round(services, record, came, counts)
        units = planned_unit_ids(plan, DERIVED_PHASE)
        if not units:
            return Move(record=_closing(services, record, counts=counts))
        moved = record.in_phase(services.now(), DERIVED_PHASE, phase_units=len(units), counts=counts)
        return Move(record=moved, unit_ids=units)

    def _another_round(
        self, services: Services, record: RequestRecord, came: Sequence[CaughtUp], counts: Counts
    ) -> Decision:
        """Send the units for what came meanwhile; the frozen plan stays, the record notes what was added."""
        units = [unit_id for entry in came for unit_id in entry.unit_ids]
        added = [entry.as_note(record.round + 1) for entry in came]
        notes = {**record.notes, "caught_up": [*record.notes.get("caught_up", ()), *added], "round_units": units}
        for entry in came:
            counts = add_counts(counts, entry.changed_counts)
        changes: dict[str, Any] = {"round": record.round + 1, "notes": notes, "counts": counts}
        moved = record.in_phase(services.now(), DATA_PHASE, phase_units=len(units), **changes)
        return Move(record=moved, unit_ids=units)

    def _close(self, services: Services, current: Versioned) -> Decision:
        record = current.record
        with begun(lambda: _asked_and_planned(services, record)) as asked, Turn.of(services, current) as turn:
            try:
                closed = Closing(turn.guarded, record, *asked()).close()
                turn.check()
            except Superseded:
                clean_again(services, record.subject_request_id, REBUILD)
                raise
        if not closed.parts:
            return Finish(ending=closed.ending)
        return begin_zips(services, record, closed)

    def _zips_done(self, services: Services, record: RequestRecord) -> Decision:
        plan = frozen_plan(services, record.subject_request_id)
        return close_again(services, record, plan) or Finish(ending=closed_ending(services, record))


def _take_back_if_late(services: Services, before: RequestRecord, now: RequestRecord, outcome: UnitOutcome) -> None:
    """
    Take back what a unit brought after its phase was over: all of it of a cancelled export, else what nothing lists.

    `now`: as the record is since all of it has been written. Until a cancelled export has ended, and until a phase is
    over, the end of it does that.
    """
    request_id = before.subject_request_id
    if now.status is RequestStatus.CANCELLED:
        services.packages.delete_package(request_id)
    elif (now.phase, now.round) != (before.phase, before.round):
        standing = services.ledger.outcome(request_id, outcome.unit_id, before.round)
        remove_late(services.packages, request_id, outcome, standing)


def _tally(services: Services, record: RequestRecord) -> Tally:
    return services.ledger.tally(record.subject_request_id, record.phase or "", record.round)


def _is_done(record: RequestRecord, tally: Tally) -> bool:
    return len(tally.units) >= record.phase_units


def _closing(services: Services, record: RequestRecord, **changes: Any) -> RequestRecord:  # noqa: ANN401 - fields
    return record.in_phase(services.now(), "closing", status=RequestStatus.VERIFYING, **changes)


def _asked_and_planned(services: Services, record: RequestRecord) -> tuple[SubjectRequest, dict[str, Any]]:
    return together(lambda: requested(services, record), lambda: frozen_plan(services, record.subject_request_id))


def requested(services: Services, record: RequestRecord) -> SubjectRequest:
    """Read what was asked; `CannotFulfil` if it is lost."""
    request = services.ledger.selector(record.subject_request_id)
    if request is None:
        raise CannotFulfil("bad_message")
    return request
