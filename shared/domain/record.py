"""
The record of a request: everything about it that may be kept for good, and its own hash-chained history.

A record never holds a name, tag, metadata value, link or key. It is frozen and changes through `evolve` only, which
appends to the history; the ledger writes it with an ETag check, so of two changes one wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from shared.domain.canonical import canonical, digest
from shared.domain.subject_request import RequestStatus, RequestType
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import Counts

MAX_FAILURES = 100
MALFORMED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading something else than a record raises."""
GENESIS = "sha256:" + "0" * 64

_TIMES = ("received_time", "expected_completion_time", "updated_time", "completed_time", "phase_time")


@dataclass(frozen=True, kw_only=True)
class HistoryEntry:
    """One change of a record: when, to what, and the hash that chains it to the one before."""

    time: str
    status: str
    phase: str | None
    reason: str | None
    previous: str
    hash: str

    @classmethod
    def after(cls, previous: str, *, time: str, status: str, phase: str | None, reason: str | None) -> Self:
        """Make the entry that follows the one with the hash `previous`."""
        facts = {"time": time, "status": status, "phase": phase, "reason": reason, "previous": previous}
        return cls(**facts, hash=digest(canonical(facts)))  # type: ignore[arg-type]

    def to_json(self) -> dict[str, Any]:
        """Write the entry."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def chain_is_whole(history: Sequence[HistoryEntry]) -> bool:
    """Check that every entry has the hash of its content and of the entry before."""
    previous = GENESIS
    for entry in history:
        expected = HistoryEntry.after(
            previous, time=entry.time, status=entry.status, phase=entry.phase, reason=entry.reason
        )
        if entry != expected:
            return False
        previous = entry.hash
    return True


@dataclass(frozen=True, kw_only=True)
class RequestRecord:
    """
    One request in the ledger.

    `phase` is the step within the status; `phase_units` how many units it has, `round` which round they are in.
    `phase_time` is when the phase began. `turn` counts the waits: a message of an earlier one has been followed by
    another. `body_hash` (with `body_salt`) recognises a repetition. `notes` is what later steps need and the receipt
    says: ids, words, numbers and times.
    """

    subject_request_id: str
    subject_request_type: RequestType
    regulation: str
    status: RequestStatus
    received_time: datetime
    expected_completion_time: datetime
    updated_time: datetime
    body_salt: str
    body_hash: str
    origin: str
    completed_time: datetime | None = None
    reason: str | None = None
    submitted_time: str | None = None
    requested_by: Mapping[str, Any] | None = None
    retry_of: str | None = None
    unchanged_since: str | None = None
    dry_run: bool = False
    level: str | None = None
    phase: str | None = None
    phase_units: int = 0
    phase_time: datetime | None = None
    round: int = 1
    resent: int = 0
    turn: int = 0
    ever_in_progress: bool = False
    plan_hash: str | None = None
    counts: Counts = field(default_factory=dict)
    failures: tuple[Mapping[str, Any], ...] = ()
    drift: int = 0
    notes: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[HistoryEntry, ...] = ()

    def evolve(self, now: datetime, **changes: Any) -> RequestRecord:  # noqa: ANN401 - the fields' own types
        """
        Give the record with changes; a change of status, phase or reason is added to the history.

        A final status never changes: ValueError.
        """
        changed = replace(self, updated_time=now, **changes)
        before, after = (self.status, self.phase, self.reason), (changed.status, changed.phase, changed.reason)
        if self.status.is_final and before != after:
            raise ValueError("a final status never changes")
        return changed if before == after and self.history else changed._with_entry(now)

    def in_phase(self, now: datetime, phase: str, **changes: Any) -> RequestRecord:  # noqa: ANN401
        """Give the record at the beginning of a phase."""
        return self.evolve(now, phase=phase, phase_time=now, resent=0, **{"phase_units": 0, "round": 1} | changes)

    @property
    def history_head(self) -> str:
        """The hash of the newest entry."""
        return self.history[-1].hash if self.history else GENESIS

    @property
    def is_export(self) -> bool:
        """Whether it is fulfilled by an export."""
        return self.subject_request_type.is_export

    @property
    def is_whole_by_queue(self) -> bool:
        """Whether a queue brought it and it is about whole projects or an account: such always need approval."""
        return self.origin == "queue" and self.level in ("projects", "account")

    @property
    def is_half_rejected(self) -> bool:
        """Whether a rejection is noted and has not ended the request: it is being written, or its process died."""
        noted: Mapping[str, Any] = self.notes.get("decision", {})
        return self.status is RequestStatus.AWAITING_APPROVAL and noted.get("decision") == "reject"

    def _with_entry(self, now: datetime) -> RequestRecord:
        entry = HistoryEntry.after(
            self.history_head, time=rfc3339(now), status=self.status.value, phase=self.phase, reason=self.reason
        )
        return replace(self, history=(*self.history, entry))

    def to_json(self) -> dict[str, Any]:
        """Write the record."""
        value = {item.name: getattr(self, item.name) for item in fields(self)}
        value |= {name: rfc3339(value[name]) if value[name] else None for name in _TIMES}
        value["request_status"] = value.pop("status").value
        value["subject_request_type"] = self.subject_request_type.value
        value["history"] = [entry.to_json() for entry in self.history]
        value["failures"] = list(self.failures)
        return value

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RequestRecord:
        """Read what `to_json` wrote."""
        read = dict(value)
        read |= {name: parse_rfc3339(read[name]) if read[name] else None for name in _TIMES}
        read["status"] = RequestStatus(read.pop("request_status"))
        read["subject_request_type"] = RequestType(read["subject_request_type"])
        read["history"] = tuple(HistoryEntry(**entry) for entry in read["history"])
        read["failures"] = tuple(read["failures"])
        return cls(**read)
