"""
The phase of an erasure that is about this app's own earlier exports.

Before its first delete an erasure marks what it takes away (tombstones), so that exports which run meanwhile leave it
out. When the items are verified to be gone from the service, the marks of everything that was not erased are withdrawn,
and the packages are cleaned of the rest; then it waits for exports that had begun before. Tags go from the service
after that: when they are verified to be gone, the phase comes once more and takes them out of the packages too.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from delete_function.export_first import child_id
from delete_function.plan import ACCOUNT, OWN_EXPORTS
from delete_function.result import Words
from shared import tombstones
from shared.cleaning import OwnExports, Progress, Rebuild
from shared.domain.errors import DamagedRecord
from shared.domain.id_set import IdSet
from shared.domain.plan_hash import IMAGES, PREDICTIONS, TAGS
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import kind_of
from shared.fulfilment import Decision, Move, Wait, too_early
from shared.lifecycle import counts_so_far
from shared.services import Services
from shared.tombstones import Tombstones

PAUSE = timedelta(seconds=5)
PAUSE_FOR_UNREAD = timedelta(minutes=1)
"""How often is looked whether somebody has put a damaged record right; nothing else changes meanwhile."""
ERASED = ("deleted", "already_absent")

_log = logging.getLogger(__name__)


def mark(services: Services, request_id: str, plan: Mapping[str, Any]) -> None:
    """Write the tombstones of a plan; to be done before the first delete, and harmless when it is repeated."""
    for project in plan["projects"]:
        if project["whole"]:
            tombstones.write(services.ledger.blobs, request_id, project["id"], whole=True)
            continue
        images, predictions = (_planned(services, request_id, project, kind) for kind in (IMAGES, PREDICTIONS))
        if images or predictions:
            tombstones.write(
                services.ledger.blobs, request_id, project["id"], image_ids=images, prediction_ids=predictions
            )


def withdraw(services: Services, request_id: str, plan: Mapping[str, Any], words: Words) -> None:
    """Withdraw the marks of everything that was not erased, so that no export leaves out what is there to stay."""
    for project in plan["projects"]:
        erased = _erased(services, request_id, project, words)
        tombstones.keep_only(services.ledger.blobs, request_id, project["id"], erased)


def _erased(services: Services, request_id: str, project: Mapping[str, Any], words: Words) -> Tombstones:
    if project["whole"]:
        return Tombstones(whole=not _is_spared(services, request_id, project, words))
    images, predictions, tags = (words.word_of.ids(ERASED, kind) for kind in (IMAGES, PREDICTIONS, TAGS))
    return Tombstones(images=images, predictions=predictions, tags=tags)


def erased_tags(services: Services, request_id: str, plan: Mapping[str, Any], words: Words) -> dict[str, list[str]]:
    """Give the tags that are gone by project, of projects that stay; with a whole project its tags go anyway."""
    found = {
        project["id"]: [
            tag for tag in _planned(services, request_id, project, TAGS) if words.word_of.get((TAGS, tag)) in ERASED
        ]
        for project in plan["projects"]
        if not project["whole"]
    }
    return {project_id: tags for project_id, tags in found.items() if tags}


def _is_spared(services: Services, request_id: str, project: Mapping[str, Any], words: Words) -> bool:
    """Whether anything of a whole project stays."""
    failed = words.having("failed") - {ACCOUNT}
    units = services.ledger.units(request_id, project["units"])
    if any(words.totals.get(unit_id, {}).get("failed") for unit_id in project["units"]):
        return True
    return any(item in failed for unit in units for item in [project["id"], *unit.item_ids])


def _planned(services: Services, request_id: str, project: Mapping[str, Any], kind: str) -> IdSet:
    own = [unit_id for unit_id in project["units"] if kind_of(unit_id) == kind]
    return IdSet(item for unit in services.ledger.units(request_id, own) for item in unit.item_ids)


@dataclass(frozen=True, eq=False)
class OwnExportsPhase:
    """One step of the phase, or a look at what it came to."""

    services: Services
    record: RequestRecord
    plan: Mapping[str, Any]
    words: Words
    rebuild: Rebuild

    def begin(self, notes: Mapping[str, Any], *, tags: bool) -> Move:
        """
        Withdraw the marks of what was not erased, and give the move into the phase.

        `tags` says that their phase is over; those that were erased are marked now.
        """
        request_id = self.record.subject_request_id
        withdraw(self.services, request_id, self.plan, self.words)
        for project_id, ids in erased_tags(self.services, request_id, self.plan, self.words).items() if tags else ():
            tombstones.write_tags(self.services.ledger.blobs, request_id, project_id, ids)
        now = self.services.now()
        state = {"since": rfc3339(now), "done": {}, "running": [], "kept": {}, "tags": tags, "next_time": None}
        noted = {**notes, OWN_EXPORTS: state}
        counts = counts_so_far(self.services, self.record)
        return Move(record=self.record.in_phase(now, OWN_EXPORTS, counts=counts, notes=noted))

    def step(self) -> Decision | RequestRecord:
        """
        Clean for a while and say what then; the record alone when there is nothing left to do.

        That is when every package is clean and no export is awaited, or the deadline has come. A record that is damaged
        is awaited like an export that runs. A message that comes before the one that was sent with a delay has nothing
        to do.
        """
        if early := too_early(self.services.now(), self._state.get("next_time")):
            return early
        progress = self._packages.step(self._state["done"])
        if progress.is_finished or (progress.wait is None and self._is_late):
            return self._noted(progress)
        pause = _pause_of(progress)
        return Wait(record=self._noted(progress, self.services.now() + pause), seconds=pause.total_seconds())

    def again(self, held: Collection[str]) -> Move:
        """Give the move back into the phase, for packages that hold something of it after all."""
        done = {package: found for package, found in self._state["done"].items() if package not in held}
        notes = {**self.record.notes, OWN_EXPORTS: {**self._state, "done": done}}
        now = self.services.now()
        return Move(record=self.record.in_phase(now, OWN_EXPORTS, status=RequestStatus.IN_PROGRESS, notes=notes))

    def still_there(self) -> list[str]:
        """Give the packages that still hold anything of it, looked through once more."""
        return sorted(self._packages.still_there(self._state.get("unread", ())))

    @property
    def _is_late(self) -> bool:
        since = parse_rfc3339(self._state["since"])
        return self.services.now() - since >= self.services.settings.verify_deadline

    @property
    def _state(self) -> Mapping[str, Any]:
        state: Mapping[str, Any] = self.record.notes[OWN_EXPORTS]
        return state

    def _noted(self, progress: Progress, next_time: datetime | None = None) -> RequestRecord:
        for package_id in sorted({*progress.unread} - {*self._state.get("unread", ())}):
            damage = DamagedRecord(package_id)
            _log.error("request %s: %s; what its package holds is not known", self.record.subject_request_id, damage)
        state = {
            **self._state,
            "done": {package: dict(found) for package, found in progress.done.items()},
            "running": list(progress.running),
            "unread": list(progress.unread),
            "next_time": rfc3339(next_time) if next_time else None,
            "kept": {package: rfc3339(expiry) for package, expiry in progress.kept.items()},
        }
        return self.record.evolve(self.services.now(), notes={**self.record.notes, OWN_EXPORTS: state})

    @cached_property
    def _packages(self) -> OwnExports:
        own = self.record.notes["options"]
        exempt = [*own["keep_exports"], child_id(self.record.subject_request_id)]
        return OwnExports(
            services=self.services,
            request_id=self.record.subject_request_id,
            projects=_concerned(self.plan),
            exempt=exempt,
            since=parse_rfc3339(self._state["since"]),
            rebuild=self.rebuild,
        )


def _pause_of(progress: Progress) -> timedelta:
    if progress.wait is not None:
        return timedelta(seconds=progress.wait)
    return PAUSE if progress.running else PAUSE_FOR_UNREAD


def _concerned(plan: Mapping[str, Any]) -> list[str]:
    """
    Give the projects that something is planned of.

    A package is asked for each of them, one listing a project: an erasure in all projects that is about a person in one
    of them would ask for all of them, in every package and at every step.
    """
    return [project["id"] for project in plan["projects"] if project["whole"] or project["units"]]


def counts_of(record: RequestRecord, remaining: Sequence[object]) -> dict[str, Any] | None:
    """
    Give the receipt's words about the packages; None if the erasure never got so far.

    `remaining`: what still holds something, or may; then nothing counts as verified. `unread` is there where records of
    exports were damaged to the end, with their ids.
    """
    state: Mapping[str, Any] | None = record.notes.get(OWN_EXPORTS)
    if state is None:
        return None
    items = sum(sum(found.values()) for found in state["done"].values())
    unread = list(state.get("unread", ()))
    verified = not (remaining or state["running"] or unread)
    return {
        "found": items,
        "deleted": items,
        "already_absent": 0,
        "no_longer_matching": 0,
        "failed": 0,
        "packages": len(state["done"]),
        "verified": verified,
        "rounds": 1,
    } | ({"unread": unread} if unread else {})


def nothing_of_packages() -> dict[str, Any]:
    """Give the receipt's words about packages that were to be gone through and never were."""
    words = ("found", "deleted", "already_absent", "no_longer_matching", "failed", "packages", "rounds")
    return dict.fromkeys(words, 0) | {"verified": False}


def kept_exports(record: RequestRecord, plan: Mapping[str, Any]) -> dict[str, str | None]:
    """
    Give the packages that were exempt, with the time until which they are kept, None where that is not known yet.

    Those that the plan named are exempt in all projects in scope, also where nothing was found.
    """
    return {**plan.get("kept_exports", {}), **record.notes.get(OWN_EXPORTS, {}).get("kept", {})}
