"""The ledger's index (`_index/`): how a request is named in it, so that a listing shows the newest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from shared.domain.subject_request import RequestType
from shared.ports import BlobEntry

INDEX = "_index/"
_FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """
    One request in the index.

    `state`: "open" while the watchdog looks after it, "final" until its data has expired, then "expired".
    """

    name: str
    request_id: str
    type: RequestType
    state: str

    @classmethod
    def of(cls, entry: BlobEntry) -> Self:
        """Read a row of the index's listing, which must have its metadata for type and state."""
        type_ = RequestType(entry.metadata.get("type", "access"))
        return cls(entry.name, entry.name[-36:], type_, entry.metadata.get("state", "open"))

    @property
    def received_time(self) -> datetime:
        """The time of receipt that the entry is named after."""
        return _FAR_FUTURE - timedelta(milliseconds=int(self.name[len(INDEX) :].split("_")[0]))


def index_name(received_time: datetime, request_id: str) -> str:
    """Give the name of an index entry: later requests sort first."""
    inverted = int((_FAR_FUTURE - received_time).total_seconds() * 1000)
    return f"{INDEX}{inverted:015d}_{request_id}"
