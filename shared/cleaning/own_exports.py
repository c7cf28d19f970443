"""
An erasure's way through the packages that this app wrote earlier: clean what is there, wait for what still comes.

Only items that the erasure's tombstones cover are touched; what was not erased must have been withdrawn before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from shared.cleaning.cleaning_pass import SLICE, Rebuild
from shared.cleaning.finding import Exports, survey_exports
from shared.cleaning.held_ids import may_hold
from shared.cleaning.journal import WORDS, Journal, read, register
from shared.cleaning.passing import run_pass
from shared.cleaning.places import Erased
from shared.cleaning.searching import Held, held_of
from shared.domain.errors import DamagedRecord
from shared.services import Services
from shared.tombstones import of_erasures

type Found = dict[str, int]
"""How many images, predictions and tags of an erasure a package held."""

BUSY_SECONDS = 5.0
"""How long an erasure waits while another one is at a package."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """
    How far an erasure has come with the packages.

    `done`: packages that are as they should be, with what they had held. `wait`: seconds until the next step, None
    when nothing is left to do at present. `running`: exports that must end before there is nothing left for good.
    `kept`: exempt packages with their expiry. `unread`: exports whose record is damaged, so that nobody can tell what
    their packages hold; the others are gone through all the same.
    """

    done: Mapping[str, Found]
    wait: float | None = None
    running: list[str] = field(default_factory=list)
    kept: Mapping[str, datetime] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    @property
    def is_finished(self) -> bool:
        """Whether every package is clean and no export is awaited."""
        return self.wait is None and not self.running and not self.unread

    @property
    def counts(self) -> dict[str, int]:
        """Give the receipt's words: items by package; what is found goes, or the package is not done."""
        items = sum(sum(found.values()) for found in self.done.values())
        return {"found": items, "deleted": items, "already_absent": 0, "no_longer_matching": 0, "failed": 0}


@dataclass(frozen=True, kw_only=True)
class OwnExports:
    """
    The packages, for one erasure.

    `projects`: those that it is about; `exempt`: packages that are left alone; `since`: when its items were verified
    to be gone from the service. All methods may raise `StorageUnavailable` and `Superseded`.
    """

    services: Services
    request_id: str
    projects: Collection[str]
    exempt: Collection[str]
    since: datetime
    rebuild: Rebuild

    def step(self, done: Mapping[str, Found]) -> Progress:
        """Go on for about a minute and a half; `done` is what the step before gave."""
        began, found = self.services.clock.now(), self._survey()
        done = dict(done)
        come = partial(Progress, done=done, running=found.running, kept=found.kept, unread=found.unread)
        for package_id in found.packages:
            if package_id in done:
                continue
            try:
                items = self.clean(package_id)
            except DamagedRecord:
                found.unread.append(package_id)
                continue
            if items is None:
                return come(wait=BUSY_SECONDS)
            done[package_id] = items
            if self.services.clock.now() - began >= SLICE:
                return come(wait=0)
        return come()

    def still_there(self, unread: Collection[str] = ()) -> dict[str, Held]:
        """
        Look through all packages again, as they are: what is still held, by package; empty is the proof.

        One whose record, plan or journal is damaged counts as not finished, but for those that are known as `unread`.
        """
        found = self._survey()
        looked = {package_id: self._look(package_id) for package_id in found.packages}
        looked |= {package_id: Held(unfinished=True) for package_id in found.unread}
        return {package_id: held for package_id, held in looked.items() if held and package_id not in unread}

    def clean(self, package_id: str) -> Found | None:
        """Clean one package, with all erasures that wait for it; None if it is not done yet: come again."""
        blobs = self.services.ledger.blobs
        if not read(blobs, package_id).concerns(self.request_id):
            held = held_of(self.services.packages, package_id, self._erased_in(package_id))
            journal = read(blobs, package_id)
            if not held and not journal.is_open:
                return _found_before(journal, self.request_id)
            register(blobs, package_id, self.request_id, _registered(held))
        return self._pass(package_id)

    def _pass(self, package_id: str) -> Found | None:
        run_pass(self.services, package_id, self.rebuild)
        journal = read(self.services.ledger.blobs, package_id)
        return None if journal.concerns(self.request_id) else _found_before(journal, self.request_id)

    @cached_property
    def _erased(self) -> Erased:
        blobs = self.services.ledger.blobs
        return {project_id: of_erasures(blobs, project_id, {self.request_id}) for project_id in self.projects}

    def _erased_in(self, package_id: str) -> Erased:
        """Give what of it a package may hold at all."""
        wanted = self._erased.items()
        return {one: taken for one, taken in wanted if may_hold(self.services, package_id, one, taken)}

    def _look(self, package_id: str) -> Held:
        held = held_of(self.services.packages, package_id, self._erased_in(package_id))
        try:
            held.unfinished = read(self.services.ledger.blobs, package_id).concerns(self.request_id)
        except DamagedRecord:
            held.unfinished = True
        return held

    def _survey(self) -> Exports:
        return survey_exports(self.services, self.request_id, self.projects, self.exempt, self.since)


def _registered(held: Held) -> dict[str, Any]:
    return {word: len(getattr(held, word)) for word in WORDS} | {"projects": sorted(held.seen)}


def _found_before(journal: Journal, erasure_id: str) -> Found:
    return dict(journal.done.get(erasure_id, dict.fromkeys(WORDS, 0)))
