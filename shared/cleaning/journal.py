"""
The journal of a package's cleaning (`{package}/cleaning.json` in the ledger): who waits, who is at it, what is done.

Erasures that find something of theirs in a package register; one of them claims the package under a lease and cleans
it for all that wait. While `batch` is not empty the package is being rebuilt, whoever died in the middle.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any
from uuid import uuid4

from shared.domain.canonical import canonical
from shared.domain.errors import AlreadyExists, DamagedRecord, Superseded
from shared.domain.record import MALFORMED
from shared.domain.times import parse_rfc3339, rfc3339
from shared.packages import checked
from shared.ports import BlobStore, Clock

WORDS = ("images", "predictions", "tags")
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True)
class Journal:
    """
    `passes`: how many have begun. `waiting`, `batch`, `done`: erasures with the numbers of images, predictions and
    tags that they found, and the projects that they are about. `stage`: how far the pass has come; `owner`, `until`:
    the lease.
    """

    passes: int = 0
    waiting: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    batch: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    done: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    stage: Mapping[str, Any] = field(default_factory=dict)
    owner: str | None = None
    until: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether anybody waits for a pass or is in one."""
        return bool(self.waiting) or bool(self.batch)

    def concerns(self, erasure_id: str) -> bool:
        """Whether an erasure waits or is in the pass."""
        return erasure_id in self.waiting or erasure_id in self.batch

    def is_leased(self, now: datetime) -> bool:
        """Whether somebody is at it."""
        return self.owner is not None and self.until is not None and now < parse_rfc3339(self.until)


def is_being_rebuilt(ledger_blobs: BlobStore, package_id: str) -> bool:
    """Whether a package is being cleaned now, so that it is not as its manifest says."""
    return bool(read(ledger_blobs, package_id).batch)


def read(blobs: BlobStore, package_id: str) -> Journal:
    """Read a package's journal; an empty one if it was never cleaned, `DamagedRecord` if what lies there is none."""
    blob = blobs.read(_name(package_id))
    return _journal_of(package_id, blob.content) if blob else Journal()


def _journal_of(package_id: str, content: bytes) -> Journal:
    try:
        return Journal(**json.loads(content))
    except MALFORMED:
        raise DamagedRecord(package_id) from None


def change(blobs: BlobStore, package_id: str, edit: Callable[[Journal], Journal]) -> Journal:
    """Apply an edit to the journal as it stands, over no other state; `edit` may be called more than once."""
    name = _name(package_id)
    while True:
        blob = blobs.read(name)
        before = _journal_of(package_id, blob.content) if blob else Journal()
        after = edit(before)
        if after == before:
            return after
        try:
            if blob is None:
                blobs.create(name, canonical(asdict(after)))
            else:
                blobs.replace(name, canonical(asdict(after)), etag=blob.etag)
        except (AlreadyExists, Superseded):
            continue
        return after


def register(blobs: BlobStore, package_id: str, erasure_id: str, found: Mapping[str, Any]) -> None:
    """
    Let an erasure wait for the next pass; one that waits or is in a pass stays as it is.

    `found`: `images`, `predictions` and `tags` as numbers, `projects` as ids.
    """

    def edit(journal: Journal) -> Journal:
        if journal.concerns(erasure_id):
            return journal
        return replace(journal, waiting={**journal.waiting, erasure_id: dict(found)})

    change(blobs, package_id, edit)


def reopen(blobs: BlobStore, package_id: str, project_ids: Collection[str]) -> bool:
    """
    Let everybody who has ever cleaned a package, or is at it, wait for one pass more; False if nobody has.

    What they find then is not counted: it was counted when they came first.
    """

    def edit(journal: Journal) -> Journal:
        again = {**journal.done, **journal.batch}.keys() - journal.waiting.keys()
        found = {**dict.fromkeys(WORDS, 0), "projects": sorted(project_ids)}
        return replace(journal, waiting={**journal.waiting, **dict.fromkeys(sorted(again), found)})

    return bool(change(blobs, package_id, edit).waiting)


@dataclass
class Lease:
    """The right to clean a package, and the journal as its holder writes it."""

    blobs: BlobStore
    clock: Clock
    package_id: str
    token: str
    journal: Journal
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    def claim(cls, blobs: BlobStore, clock: Clock, package_id: str) -> Lease | None:
        """Take the package, with all that wait if no pass is underway; None if somebody else is at it."""
        token, now = uuid4().hex, clock.now()

        def edit(journal: Journal) -> Journal:
            if journal.is_leased(now) or not journal.is_open:
                return journal
            leased = replace(journal, owner=token, until=rfc3339(now + LEASE))
            if journal.batch:
                return leased
            return replace(leased, batch=journal.waiting, waiting={}, stage={}, passes=journal.passes + 1)

        journal = change(blobs, package_id, edit)
        return cls(blobs, clock, package_id, token, journal) if journal.owner == token else None

    def keep(self) -> None:
        """Renew the lease when a third of it is over; `Superseded` if somebody else has the package."""
        with self._lock:
            left = parse_rfc3339(self.journal.until or "") - self.clock.now()
            if left < LEASE * 2 / 3:
                self._write(lambda journal: replace(journal, until=rfc3339(self.clock.now() + LEASE)))

    def note(self, **facts: Any) -> None:  # noqa: ANN401 - any JSON value
        """Note how far the pass has come."""
        self._locked(lambda journal: replace(journal, stage={**journal.stage, **facts}))

    def release(self) -> None:
        """Let go in the middle of a pass: anybody goes on."""
        self._locked(lambda journal: replace(journal, owner=None, until=None))

    def finish(self) -> None:
        """End the pass: the package is as its manifest says, and everybody in the batch is done."""

        def edit(journal: Journal) -> Journal:
            done = {**journal.done, **{one: _sum(journal.done.get(one, {}), n) for one, n in journal.batch.items()}}
            return replace(journal, batch={}, stage={}, done=done, owner=None, until=None)

        self._locked(edit)

    def _locked(self, edit: Callable[[Journal], Journal]) -> None:
        with self._lock:
            self._write(edit)

    def _write(self, edit: Callable[[Journal], Journal]) -> None:
        def own(journal: Journal) -> Journal:
            if journal.owner != self.token:
                raise Superseded("the lease of a package has gone to somebody else")
            return edit(journal)

        self.journal = change(self.blobs, self.package_id, own)


def _sum(before: Mapping[str, int], found: Mapping[str, Any]) -> dict[str, int]:
    return {word: before.get(word, 0) + found[word] for word in WORDS}


def _name(package_id: str) -> str:
    return f"{checked(package_id)}/cleaning.json"
