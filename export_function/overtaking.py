"""
Closing an export while another host may be at it too: a message comes again when its host has stood still too long.

The one that is overtaken stops at its next write. What it wrote until then is the same as what the other one wrote,
unless an erasure has cleaned the package since: then the package is cleaned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.cleaning import LeasedBlobs
from shared.domain.errors import AlreadyExists, Superseded
from shared.ledger import Versioned
from shared.packages import PackageStore
from shared.ports import BlobStore
from shared.services import Services

ASKED_EVERY = timedelta(seconds=1)
"""How old the knowledge may be that nobody has gone on with the request."""


@dataclass
class Turn:
    """The right to take a request's next step: it lasts until somebody else has taken it."""

    services: Services
    current: Versioned
    _asked: datetime = field(init=False)

    def __post_init__(self) -> None:
        self._asked = self.services.clock.now()

    @property
    def guarded(self) -> Services:
        """The services, with packages that can be read and written only while the turn lasts (`Superseded`)."""
        blobs = GuardedBlobs(self.services.packages.blobs, self)
        return replace(self.services, packages=PackageStore(blobs))

    def keep(self) -> None:
        """Ask whether the turn lasts if that was not asked just now; `Superseded` if it does not."""
        if self.services.clock.now() - self._asked >= ASKED_EVERY:
            self.check()

    def check(self) -> None:
        """Ask whether the turn lasts; `Superseded` if it does not."""
        now = self.services.clock.now()
        if self.services.ledger.read(self.current.record.subject_request_id).etag != self.current.etag:
            raise Superseded("another message has gone on with the request")
        self._asked = now


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
