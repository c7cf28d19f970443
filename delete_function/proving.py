"""
From the last delete to the proof: look, wait, look again; what came back is erased in a further round.

Each look is a message of its own, and the pauses between them are visibility delays. How far the proof has come
stands in the record's notes under "proof".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from delete_function.plan import IMAGES
from delete_function.result import ItemWords, ending_of
from delete_function.verification import Look, Looker
from shared.domain.record import RequestRecord
from shared.domain.subject_request import ImageSelector, RequestStatus
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import number_of
from shared.lifecycle import Decision, Finish, Move, Nothing, Wait
from shared.services import Services

CHECK = "images_check"
LAST_LOOK = "last_look"
MAX_ROUNDS = 10
SHORTEST_PAUSE = timedelta(seconds=1)


@dataclass(frozen=True, eq=False)
class Proving:
    """One step of the proof of one erasure."""

    services: Services
    record: RequestRecord
    plan: Mapping[str, Any]
    selector: ImageSelector

    @staticmethod
    def begin(services: Services, record: RequestRecord) -> RequestRecord:
        """Give the record at the beginning of the proof, after the units of a round."""
        now = services.now()
        proof: dict[str, Any] = {"since": rfc3339(now), "came_back": []} | dict(record.notes.get("proof", {}))
        proof |= {"round_time": rfc3339(now), "looks": 0, "next_time": None, "clean_time": None}
        return record.evolve(now, phase=CHECK, phase_time=now, resent=0, notes={**record.notes, "proof": proof})

    def step(self) -> Decision:
        """Look if it is time to; then wait, erase again, go on to the last look, or finish."""
        if self._is_early:
            return Nothing()
        if self.record.phase == LAST_LOOK and self._pause_left > timedelta():
            return self._wait(self._pause_left)
        look = self._look()
        if look.is_clean:
            return self._clean(look)
        return self._not_clean(look)

    @property
    def _proof(self) -> dict[str, Any]:
        return dict(self.record.notes["proof"])

    @property
    def _is_early(self) -> bool:
        """A message that comes before the one that was sent with a delay has nothing to do."""
        next_time = self._proof["next_time"]
        return next_time is not None and self._now < parse_rfc3339(next_time) - timedelta(milliseconds=50)

    @cached_property
    def _now(self) -> datetime:
        return self.services.now()

    @property
    def _interval(self) -> timedelta:
        return self.services.settings.verify_interval

    @property
    def _pause_left(self) -> timedelta:
        return parse_rfc3339(self._proof["clean_time"]) + self._interval - self._now

    @cached_property
    def _words(self) -> ItemWords:
        words = ItemWords()
        for project in self.plan["projects"]:
            for outcome in self.services.ledger.outcomes(self.record.subject_request_id, project["units"]):
                words.add(outcome)
        return words

    def _look(self) -> Look:
        request_id = self.record.subject_request_id
        conflicting = {
            item
            for project in self.plan["projects"]
            for unit in self.services.ledger.units(request_id, project["conflicting_pages"])
            for item in unit.item_ids
        }
        exempt = self._words.having("no_longer_matching") | conflicting
        return Looker(self.services, request_id, self.selector, exempt).look(self.plan["projects"])

    def _clean(self, look: Look) -> Decision:
        if self.record.phase == LAST_LOOK:
            return self._finish(look, None)
        proof = self._proof | {"clean_time": rfc3339(self._now), "next_time": None}
        return Move(
            record=self.record.evolve(
                self._now,
                status=RequestStatus.VERIFYING,
                phase=LAST_LOOK,
                phase_time=self._now,
                notes={**self.record.notes, "proof": proof},
            )
        )

    def _not_clean(self, look: Look) -> Decision:
        failed = self._words.having("failed")
        open_items = {unit: ids for unit, ids in look.remaining.items() if not failed.issuperset(ids)}
        if look.stable and not open_items:
            return self._finish(look, "blocked" if self._was_refused else "items_failed")
        if self._now - parse_rfc3339(self._proof["since"]) >= self.services.settings.verify_deadline:
            return self._finish(look, "verify_deadline")
        came_back = self.record.phase == LAST_LOOK and bool(open_items)
        if open_items and self.record.round < MAX_ROUNDS and (came_back or self._round_is_old):
            return self._another_round(sorted(open_items), came_back, look)
        return self._wait(self._next_pause)

    @property
    def _was_refused(self) -> bool:
        return any(entry["code"] == "refused" for entry in self._words.failures)

    @property
    def _round_is_old(self) -> bool:
        """A delete that has not shown by then is sent again; the pauses double with the rounds."""
        waited = self._now - parse_rfc3339(self._proof["round_time"])
        longest: timedelta = max(self._interval, 10 * SHORTEST_PAUSE) * 2 ** (self.record.round - 1)
        return waited >= longest

    @property
    def _next_pause(self) -> timedelta:
        doubled: timedelta = SHORTEST_PAUSE * 2 ** min(int(self._proof["looks"]), 20)
        return min(doubled, max(self._interval, SHORTEST_PAUSE))

    def _wait(self, pause: timedelta) -> Decision:
        proof = self._proof
        proof |= {"looks": proof["looks"] + 1, "next_time": rfc3339(self._now + pause)}
        record = self.record.evolve(self._now, notes={**self.record.notes, "proof": proof})
        return Wait(record=record, seconds=pause.total_seconds())

    def _another_round(self, units: list[str], came_back: bool, look: Look) -> Decision:
        proof = self._proof
        if came_back:
            items = {item for ids in look.remaining.values() for item in ids}
            proof["came_back"] = sorted(items.union(proof["came_back"]))
        record = self.record.in_phase(
            self._now,
            IMAGES,
            status=RequestStatus.IN_PROGRESS,
            phase_units=len(units),
            round=self.record.round + 1,
            notes={**self.record.notes, "proof": proof, "round_units": units},
        )
        return Move(record=record, unit_ids=sorted(units, key=number_of))

    def _finish(self, look: Look, reason: str | None) -> Decision:
        words = self._words
        words.settle((item for ids in look.remaining.values() for item in ids), reason or "still_present")
        ending = ending_of(
            self.plan,
            words,
            new=look.new,
            rounds=self.record.round,
            came_back=self._proof["came_back"],
            reason=reason,
            absent_projects=look.absent_projects,
            kept_exports=self.record.notes["options"]["keep_exports"],
            request_ids=words.request_ids,
        )
        return Finish(ending=ending)
