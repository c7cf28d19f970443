"""
From the last delete of a phase to the proof: look, wait, look again; what came back is erased in a further round.

Each look is a message of its own, and the pauses between them are visibility delays. How far the proof has come
stands in the record's notes under "proof". A request looks at each phase before the next one begins, and at everything
once more, an interval later, before what could be looked at goes with its project, and at the end.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from delete_function.beginnings import begin_phase
from delete_function.done_so_far import leave_undone, words_so_far
from delete_function.own_exports import OwnExportsPhase, counts_of, erased_tags, kept_exports
from delete_function.plan import (
    ACCOUNT,
    CONTENT_PHASES,
    OWN_EXPORTS,
    PHASES,
    PROJECTS,
    STORE_OF,
    planned_phases,
)
from delete_function.residuals import final_residuals
from delete_function.result import NAMED_FAILURES, Proof, Words, ending_of
from delete_function.verification import Look, Looker
from shared.cleaning import Rebuild
from shared.domain.errors import TransientError
from shared.domain.phases import CHECK
from shared.domain.plan_hash import IMAGES, TAGS
from shared.domain.record import RequestRecord
from shared.domain.retry import is_fault
from shared.domain.subject_request import RequestStatus, SubjectRequest
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import kind_of, number_of
from shared.fulfilment import Decision, Finish, Move, Wait, too_early
from shared.lifecycle import counts_so_far
from shared.services import Services

CONTENT_LOOK = "contents_look"
PROJECTS_LOOK = "projects_look"
LAST_LOOK = "last_look"
MAX_ROUNDS = 10
SHORTEST_PAUSE = timedelta(seconds=1)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Proving:
    """One step of the proof of one erasure."""

    services: Services
    record: RequestRecord
    plan: Mapping[str, Any]
    request: SubjectRequest
    rebuild: Rebuild

    def step(self) -> Decision:
        """Look if it is time to; then wait, erase again, go on to what follows, or finish."""
        if early := too_early(self._now, self._proof["next_time"]):
            return early
        if self._is_second_look and self._pause_left > timedelta():
            return self._wait(self._pause_left)
        look = self._look_if_possible()
        noted = self._noting(look)
        return noted._clean(look) if look.is_clean else noted._not_clean(look)

    def _look_if_possible(self) -> Look:
        """Look; a call that keeps failing makes it a look that proves nothing, to be repeated until the deadline."""
        waits_anyway = not (self._is_second_look or self._round_is_old or self._is_late)
        looker = self._looker(hasty=waits_anyway)
        try:
            return self._look(looker)
        except TransientError as error:
            if not is_fault(error):
                raise
            _log.warning("request %s: a look could not be had: %s", self.record.subject_request_id, error)
            return replace(looker.found, stable=False)

    def _look(self, looker: Looker) -> Look:
        phases = self._phases_to_look_at
        if ACCOUNT in phases:  # when the account goes, its projects can no longer be asked for
            return looker.look_at_account(self.plan["account"]["unit"])
        return looker.look(self.plan["projects"], phases, for_arrivals=self._phase == LAST_LOOK)

    def own_exports_step(self) -> Decision:
        """Clean this app's own packages for a while; then go on, or end what had been cut short."""
        following = self._own_exports.step()
        if not isinstance(following, RequestRecord):
            return following
        done = replace(self, record=following)
        cut = done._proof.get("cut")
        if cut is None:
            return done._go_on()
        look = done._looker().look(done.plan["projects"], CONTENT_PHASES)
        return done._noting(look)._finish(look, cut)

    @cached_property
    def _own_exports(self) -> OwnExportsPhase:
        return OwnExportsPhase(self.services, self.record, self.plan, self._words, self.rebuild)

    # where the proof stands

    @cached_property
    def _now(self) -> datetime:
        return self.services.now()

    @property
    def _proof(self) -> dict[str, Any]:
        return dict(self.record.notes["proof"])

    @property
    def _phase(self) -> str:
        return (self.record.phase or "").removesuffix(CHECK)

    @property
    def _is_second_look(self) -> bool:
        return self._phase in (CONTENT_LOOK, PROJECTS_LOOK, LAST_LOOK)

    @property
    def _phases_to_look_at(self) -> Sequence[str]:
        if self._phase == CONTENT_LOOK:
            return CONTENT_PHASES
        if self._phase == PROJECTS_LOOK:
            return (PROJECTS,)
        if self._phase == LAST_LOOK:
            return (ACCOUNT,) if self.plan["account"] else (*CONTENT_PHASES, PROJECTS)
        return (self._phase,)

    @property
    def _interval(self) -> timedelta:
        return self.services.settings.verify_interval

    @property
    def _pause_left(self) -> timedelta:
        return parse_rfc3339(self._proof["clean_time"]) + self._interval - self._now

    @cached_property
    def _words(self) -> Words:
        return words_so_far(self.services, self.record, self.plan)

    def _looker(self, *, hasty: bool = False) -> Looker:
        request_id = self.record.subject_request_id
        conflicting = {
            item
            for project in self.plan["projects"]
            for unit in self.services.ledger.units(request_id, project["conflicting_pages"])
            for item in unit.item_ids
        }
        exempt = self._words.having("no_longer_matching") | conflicting
        failed = self._words.having("failed")
        return Looker(self.services, request_id, self.request, exempt, failed=failed, hasty=hasty)

    # what follows a look

    def _noting(self, look: Look) -> Proving:
        """Note the disputed images that a look did not find."""
        known = self._proof.get("gone_after_all", [])
        gone = self._words.disputed.intersection(look.not_found).difference(known)
        if not gone:
            return self
        notes = self._notes(self._proof | {"gone_after_all": sorted(gone.union(known))})
        return replace(self, record=self.record.evolve(self._now, notes=notes))

    def _clean(self, look: Look) -> Decision:
        if self._phase != LAST_LOOK:
            return self._go_on()
        held = self._packages_that_hold_it()
        if held and not self._is_late:
            return self._own_exports.again(held)
        return self._finish(look, None, held)

    def _packages_that_hold_it(self) -> list[str]:
        return self._own_exports.still_there() if OWN_EXPORTS in self._proof["begun"] else []

    def _go_on(self) -> Decision:
        following = self._following()
        proof = self._proof | {"clean_time": rfc3339(self._now), "next_time": None}
        if following in (CONTENT_LOOK, PROJECTS_LOOK, LAST_LOOK):
            status = RequestStatus.VERIFYING if following == LAST_LOOK else self.record.status
            counts = counts_so_far(self.services, self.record)
            changes = {"status": status, "phase": following, "phase_time": self._now, "counts": counts}
            return Move(record=self.record.evolve(self._now, notes=self._notes(proof), **changes))
        if following == OWN_EXPORTS:
            return self._begin_own_exports(proof)
        return begin_phase(self.services, self.record, self.plan, following, self._notes(proof))

    def _following(self) -> str:
        """Give the next phase: the next one with units that has none yet, or the look that must come before it."""
        begun = self._proof["begun"]
        if self._phase == CONTENT_LOOK:
            return PROJECTS
        if self._phase == PROJECTS_LOOK:
            return ACCOUNT
        open_phases = [phase for phase in planned_phases(self.plan) if phase not in begun]
        if not open_phases:
            return OWN_EXPORTS if self._tags_are_open else LAST_LOOK
        return {PROJECTS: CONTENT_LOOK, ACCOUNT: PROJECTS_LOOK}.get(open_phases[0], open_phases[0])

    @property
    def _tags_are_open(self) -> bool:
        """Whether tags are gone from the service and the packages have not been gone through for them."""
        if TAGS not in self._proof["begun"] or self.record.notes.get(OWN_EXPORTS, {}).get("tags"):
            return False
        return bool(erased_tags(self.services, self.record.subject_request_id, self.plan, self._words))

    def _begin_own_exports(self, proof: dict[str, Any]) -> Move:
        proof["begun"] = [*(phase for phase in proof["begun"] if phase != OWN_EXPORTS), OWN_EXPORTS]
        return self._own_exports.begin(self._notes(proof), tags=TAGS in proof["begun"])

    def _not_clean(self, look: Look) -> Decision:
        failed = self._words.having("failed")
        open_items = {unit: ids for unit, ids in look.remaining.items() if not all(item in failed for item in ids)}
        if look.stable and not open_items:
            return self._finish(look, self._why_failed)
        if self._is_late:
            return self._finish(look, "verify_deadline")
        came_back = self._is_second_look and bool(open_items)
        if open_items and (came_back or self._round_is_old) and self._rounds_left(open_items):
            return self._another_round(open_items, came_back)
        return self._wait(self._next_pause)

    @property
    def _is_late(self) -> bool:
        return self._now - parse_rfc3339(self._proof["since"]) >= self.services.settings.verify_deadline

    @property
    def _why_failed(self) -> str:
        codes = {entry["code"] for entry in self._words.failures}
        return next((code for code in NAMED_FAILURES if code in codes), "items_failed")

    @property
    def _round_is_old(self) -> bool:
        """A delete that has not shown by then is sent again; the pauses double with the rounds."""
        waited = self._now - parse_rfc3339(self._proof["round_time"])
        rounds = int(self._proof["rounds"].get(self._phase, 1))
        longest: timedelta = max(self._interval, 10 * SHORTEST_PAUSE) * 2 ** (rounds - 1)
        return waited >= longest

    def _rounds_left(self, open_items: Mapping[str, Sequence[str]]) -> bool:
        return int(self._proof["rounds"].get(self._first_phase(open_items), 1)) < MAX_ROUNDS

    def _first_phase(self, open_items: Mapping[str, Sequence[str]]) -> str:
        kinds = {kind_of(unit) for unit in open_items}
        return next(phase for phase in PHASES if phase in kinds)

    @property
    def _next_pause(self) -> timedelta:
        doubled: timedelta = SHORTEST_PAUSE * 2 ** min(int(self._proof["looks"]), 20)
        return min(doubled, max(self._interval, SHORTEST_PAUSE))

    def _wait(self, pause: timedelta) -> Decision:
        proof = self._proof
        proof |= {"looks": proof["looks"] + 1, "next_time": rfc3339(self._now + pause)}
        return Wait(record=self.record.evolve(self._now, notes=self._notes(proof)), seconds=pause.total_seconds())

    def _another_round(self, open_items: Mapping[str, Sequence[str]], came_back: bool) -> Decision:
        phase, proof = self._first_phase(open_items), self._proof
        units = sorted((unit for unit in open_items if kind_of(unit) == phase), key=number_of)
        if came_back:
            items = {item for unit in units for item in open_items[unit]}
            whole = {project["id"] for project in self.plan["projects"]} if phase == IMAGES else set()
            before = proof["came_back"].get(STORE_OF[phase], ())
            proof["came_back"] = {**proof["came_back"], STORE_OF[phase]: sorted(items.union(before) - whole)}
            proof["since"] = None  # it was gone in time: the wait for it begins anew
        rounds = int(proof["rounds"].get(phase, 1)) + 1
        proof["rounds"] = {**proof["rounds"], phase: rounds}
        record = self.record.in_phase(
            self._now,
            phase,
            status=RequestStatus.IN_PROGRESS,
            phase_units=len(units),
            round=rounds,
            counts=counts_so_far(self.services, self.record),
            notes=self._notes(proof) | {"round_units": units},
        )
        return Move(record=record, unit_ids=units)

    def _notes(self, proof: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.record.notes, "proof": dict(proof)}

    def _finish(self, look: Look, reason: str | None, held: Sequence[str] = ()) -> Decision:
        """End the request; one that is cut short cleans the packages of what it did erase before."""
        if reason is not None and (self._packages_are_open or self._tags_are_open):
            return self._cut_short(look, reason)
        words, proof = self._words, self._proof
        self.services.ledger.keep_remaining(self.record.subject_request_id, look.remaining)
        words.settle(look.remaining, reason or "still_present", whole=look.stable)
        leave_undone(self.services, self.record, self.plan, words)
        kept = kept_exports(self.record, self.plan)
        residuals = final_residuals(self.plan["projects"], self.request, words, look, kept)
        came = Proof(
            new=look.new,
            rounds=proof["rounds"],
            came_back=proof["came_back"],
            reason=reason,
            own_exports=counts_of(self.record, held),
        )
        return Finish(ending=ending_of(self.plan, words, came, residuals))

    @property
    def _packages_are_open(self) -> bool:
        return OWN_EXPORTS in planned_phases(self.plan) and OWN_EXPORTS not in self._proof["begun"]

    def _cut_short(self, look: Look, reason: str) -> Decision:
        """Go through the packages for what was erased all the same; of a project that stays, nothing is taken."""
        words, proof = self._words, self._proof
        words.settle(look.remaining, reason, whole=look.stable)
        return self._begin_own_exports(proof | {"cut": reason, "next_time": None})
