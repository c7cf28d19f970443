"""Which copies come late or are refused: by name, so that two runs over the same names meet the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from zlib import crc32

from benchmarks.blob_endpoint.store import Refused

_PARTS = 1000


@dataclass
class BadCopies:
    """
    Shares of the copies in thousandths; one name belongs to one of them at most.

    The answer of a late one waits `late_seconds`. A busy one is refused once (503 ServerBusy) and done when it is asked
    for again. An unreadable one is always refused (403 CannotVerifyCopySource), as where storage may not fetch from
    the source.
    """

    late: int = 0
    late_seconds: float = 0.0
    busy: int = 0
    unreadable: int = 0
    _were_busy: set[str] = field(default_factory=set)

    def wait(self, name: str) -> float:
        """Give the seconds that a copy's answer waits more than others."""
        return self.late_seconds if _part(name) < self.late else 0.0

    def refusal(self, name: str) -> Refused | None:
        """Give the refusal of a copy if there is one."""
        part = _part(name) - self.late
        if 0 <= part < self.busy and name not in self._were_busy:
            self._were_busy.add(name)
            return Refused(503, "ServerBusy")
        if 0 <= part - self.busy < self.unreadable:
            return Refused(403, "CannotVerifyCopySource")
        return None


def _part(name: str) -> int:
    return crc32(name.encode()) % _PARTS
