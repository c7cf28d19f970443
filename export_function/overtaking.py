"""
Closing an export while another host may be at it too: a message may come twice, and again when its host stands still.

Whoever closes holds a lease on it (`{request}/units/closing.turn` in the ledger) for the state that the request is in:
two that closed at once, and saw different erasures, would put the pages of one beside the manifest of the other. Who
has stood still for longer than the lease is overtaken, and stops at its next write. What it wrote until then is written
over, unless an erasure has cleaned the package since: then the package is cleaned again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Self

from shared.cleaning import LeasedBlobs
from shared.domain.canonical import canonical
from shared.domain.errors import AlreadyExists, GdprError, Superseded
from shared.domain.times import parse_rfc3339, rfc3339
from shared.ledger import Versioned
from shared.packages import PackageStore
from shared.ports import BlobStore
from shared.reading_ahead import together
from shared.services import Services

LEASE = timedelta(seconds=20)
ASKED_EVERY = LEASE / 4
"""How old the knowledge may be that nobody has gone on: whoever does must have waited for the end of the lease."""


@dataclass
class Turn:
    """The right to take a request's next step: one has it at a time, and it lasts until the step has been taken."""

    services: Services
    current: Versioned
    _etag: str
    _asked: datetime
    _lock: Lock = field(default_factory=Lock)

    @classmethod
    @contextmanager
    def of(cls, services: Services, current: Versioned) -> Iterator[Self]:
        """
        Hold the right until the request is in another state, or until this fails.

        Raises `Superseded`, for the message to come again, while another one has it.
        """
        now = services.clock.now()
        turn = cls(services, current, _claimed(services.ledger.blobs, current, now), now)
        try:
            yield turn
        except GdprError:
            turn._release()
            raise

    @property
    def guarded(self) -> Services:
        """The services, with packages that can be read and written only while the turn lasts (`Superseded`)."""
        blobs = GuardedBlobs(self.services.packages.blobs, self)
        return replace(self.services, packages=PackageStore(blobs))

    def keep(self) -> None:
        """Ask whether the turn lasts if nobody has asked just now; `Superseded` if it does not."""
        if self._is_due:
            with self._lock:
                if self._is_due:
                    self._check()

    def check(self) -> None:
        """Ask whether the turn lasts, and renew it; `Superseded` if it does not."""
        with self._lock:
            self._check()

    @property
    def _is_due(self) -> bool:
        return self.services.clock.now() - self._asked >= ASKED_EVERY

    def _check(self) -> None:
        now, ledger = self.services.clock.now(), self.services.ledger
        _, read = together(lambda: self._renew(now), lambda: ledger.read(self.current.record.subject_request_id))
        if read.etag != self.current.etag:
            raise Superseded("another message has gone on with the request")
        self._asked = now

    def _renew(self, now: datetime) -> None:
        lease = _lease(self.current, now)
        self._etag = self.services.ledger.blobs.replace(_name(self.current), lease, etag=self._etag)

    def _release(self) -> None:
        """Let the next one at it; whoever has overtaken this one keeps what it has."""
        with suppress(Superseded):
            self.services.ledger.blobs.replace(_name(self.current), _lease(self.current, None), etag=self._etag)


def _name(current: Versioned) -> str:
    return f"{current.record.subject_request_id}/units/closing.turn"


def _lease(current: Versioned, now: datetime | None) -> bytes:
    return canonical({"of": current.etag, "until": rfc3339(now + LEASE) if now else None})


def _claimed(blobs: BlobStore, current: Versioned, now: datetime) -> str:
    """Take the lease and give its ETag; `Superseded` while somebody has it, also if that began just now."""
    name, lease = _name(current), _lease(current, now)
    try:
        return blobs.create(name, lease)
    except AlreadyExists:
        standing = blobs.read(name)
    held = json.loads(standing.content) if standing else {}
    is_held = held.get("of") == current.etag and held["until"] is not None and now < parse_rfc3339(held["until"])
    if standing is None or is_held:
        raise Superseded("another message is at this step")
    return blobs.replace(name, lease, etag=standing.etag)


class GuardedBlobs(LeasedBlobs):
    """Blobs that are read and written only while a turn lasts, and of which nothing is put over what came after it."""

    def __init__(self, inner: BlobStore, turn: Turn) -> None:
        super().__init__(inner, turn.keep)
        self._turn = turn

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write if absent, else over what was there when the turn still lasted; `Superseded` if that has changed."""
        try:
            return self.create(name, content, content_type=content_type, metadata=metadata)
        except AlreadyExists:
            standing = self.read(name)
        self._turn.check()
        etag = standing.etag if standing else ""
        return self.replace(name, content, etag=etag, content_type=content_type, metadata=metadata)
