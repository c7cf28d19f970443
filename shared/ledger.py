"""
The ledger: what is kept about requests, on a blob container (layout: `gdpr-requests/` in docs/architecture.md).

Every write is create-if-absent or ETag-checked, so that any of them may be repeated, and of two writers one wins.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain.canonical import canonical, readable
from shared.domain.errors import AlreadyExists, DamagedRecord, UnknownRequest
from shared.domain.identifiers import guid
from shared.domain.record import MALFORMED, RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import parse_rfc3339, rfc3339
from shared.domain.work import Place, Tally, UnitOutcome, WorkUnit, number_of
from shared.frozen_plans import FrozenPlans
from shared.index_entries import INDEX, IndexEntry, index_name
from shared.ports import BlobStore, StoredBlob
from shared.reading_ahead import ahead

STEP = "step"
"""Stands for a unit's id where it is the request's next step that waits."""
BLOBS_AHEAD = 8
"""How many plan pages or outcomes are read before they are needed."""
_AUDIT = "audit/"


@dataclass(frozen=True, slots=True)
class Versioned:
    """A record and the ETag under which it was read; a write goes over this state only."""

    record: RequestRecord
    etag: str


@dataclass(frozen=True, slots=True)
class WaitingMark:
    """Until when a unit waits, for what, and the place of the message that will come back."""

    until: datetime
    of: str
    place: Place


class RequestLedger:
    """The ledger over one container. All methods may raise `StorageUnavailable`."""

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs
        self._plans = FrozenPlans(self.plan_bytes)

    # records

    def create(self, record: RequestRecord) -> Versioned | None:
        """Create the record if absent, its index entry first; None, and no entry, if there is one with this id."""
        self.mark_in_index(record, "open")
        try:
            etag = self.blobs.create(_record(record.subject_request_id), readable(record.to_json()))
        except AlreadyExists:
            self._take_back_entry(record)
            return None
        return Versioned(record, etag)

    def _take_back_entry(self, refused: RequestRecord) -> None:
        """Remove the index entry of a record that another stands for, unless it is both's: lists have no gaps."""
        name = index_name(refused.received_time, refused.subject_request_id)
        if name != index_name(self.read(refused.subject_request_id).record.received_time, refused.subject_request_id):
            self.blobs.delete(name)

    def read(self, request_id: str) -> Versioned:
        """Read a record; `UnknownRequest` if there is none, `DamagedRecord` if what lies there is none."""
        blob = self.blobs.read(_record(request_id))
        if blob is None:
            raise UnknownRequest("there is no such request")
        try:
            return Versioned(RequestRecord.from_json(json.loads(blob.content)), blob.etag)
        except MALFORMED:
            raise DamagedRecord(request_id) from None

    def record_bytes(self, request_id: str) -> bytes | None:
        """Read a record as it lies there; None if there is none."""
        blob = self.blobs.read(_record(request_id))
        return blob.content if blob else None

    def write(self, before: Versioned, record: RequestRecord) -> Versioned:
        """Write over exactly the state that was read; `Superseded` otherwise."""
        etag = self.blobs.replace(_record(record.subject_request_id), readable(record.to_json()), etag=before.etag)
        return Versioned(record, etag)

    def mark_in_index(self, record: RequestRecord, state: str) -> None:
        """Set the state of a request's index entry."""
        metadata = {"type": record.subject_request_type.value, "state": state}
        self.blobs.put(index_name(record.received_time, record.subject_request_id), b"", metadata=metadata)

    def index(self) -> Iterator[IndexEntry]:
        """List all requests, newest first."""
        for blob in self.blobs.entries(INDEX, with_metadata=True):
            yield IndexEntry.of(blob)

    def index_page(self, continuation: str | None, size: int) -> tuple[list[IndexEntry], str | None]:
        """List one page of requests, newest first, and give where to go on."""
        entries, following = self.blobs.entries_page(INDEX, continuation=continuation, page_size=size)
        return [IndexEntry.of(entry) for entry in entries], following

    def is_indexed_by(self, record: RequestRecord, entry: IndexEntry) -> bool:
        """Whether an index entry is the record's own: two racing posts of one id leave a second one behind."""
        return entry.name == index_name(record.received_time, record.subject_request_id)

    def drop_index_entry(self, entry: IndexEntry) -> None:
        """Remove an index entry that has no record."""
        self.blobs.delete(entry.name)

    # what was asked for

    def keep_selector(self, request_id: str, request: SubjectRequest) -> None:
        """Keep the request as it was asked, if it is not kept yet."""
        self._create_if_absent(f"{request_id}/selector.json", canonical(request.to_json()))

    def selector(self, request_id: str) -> SubjectRequest | None:
        """Read the request as it was asked; None once it has been deleted."""
        blob = self.blobs.read(f"{request_id}/selector.json")
        return SubjectRequest.from_json(json.loads(blob.content)) if blob else None

    def delete_selector(self, request_id: str) -> None:
        """Delete what was asked for, when the request has ended."""
        self.blobs.delete(f"{request_id}/selector.json")

    # the plan

    def save_page(self, request_id: str, unit: WorkUnit) -> WorkUnit:
        """
        Write one page of a plan that is being made, under the first free number from `unit.number` on.

        Two planners of one request never write over each other; whose pages count is decided by `save_plan`.
        """
        while True:
            try:
                self.blobs.create(_page(request_id, unit.number), unit.to_page(), content_type="application/x-ndjson")
            except AlreadyExists:
                unit = replace(unit, number=unit.number + 1)
            else:
                return unit

    def save_plan(self, request_id: str, plan: Mapping[str, Any]) -> bool:
        """Freeze the plan, its pages being written; False if one is frozen already."""
        content = readable(plan)
        is_won = self._create_if_absent(f"{request_id}/plan.json", content)
        if is_won:
            self._plans.keep(request_id, content)
        return is_won

    def plan(self, request_id: str) -> dict[str, Any] | None:
        """Read the plan as it lies there, without pages; None before it is frozen, `DamagedRecord` if it is none."""
        content = self.plan_bytes(request_id)
        return None if content is None else _plan_of(request_id, content)

    def frozen_plan(self, request_id: str) -> dict[str, Any] | None:
        """Give the same while the request goes on: read once, since it does not change (`FrozenPlans`)."""
        return self._plans.get(request_id)

    def plan_bytes(self, request_id: str) -> bytes | None:
        """Read the plan's bytes as they lie there; None before it is frozen."""
        blob = self.blobs.read(f"{request_id}/plan.json")
        return blob.content if blob else None

    def forget_plan_names(self, request_id: str) -> None:
        """Set the names in a plan to null, when the request has ended."""
        plan = self.plan(request_id)
        if plan is None:
            return
        if plan.get("account"):
            plan["account"]["name"] = None
        for project in plan["projects"]:
            project["name"] = None
            for iteration in project.get("iterations", ()):
                iteration["name"] = iteration["publish_name"] = None
        self.blobs.put(f"{request_id}/plan.json", readable(plan))
        self._plans.drop(request_id)

    def unit(self, request_id: str, unit_id: str) -> WorkUnit | None:
        """Read one page of the plan; None if there is no such unit."""
        blob = self.blobs.read(_page(request_id, number_of(unit_id)))
        unit = WorkUnit.from_page(blob.content) if blob else None
        return unit if unit and unit.unit_id == unit_id else None

    def units(self, request_id: str, unit_ids: Iterable[str]) -> Iterator[WorkUnit]:
        """Read some pages of the plan in the order given, a few ahead of the one that is used."""
        names = ((unit_id, _page(request_id, number_of(unit_id))) for unit_id in unit_ids)
        for unit_id, content in self._contents(names):
            unit = WorkUnit.from_page(content)
            if unit.unit_id == unit_id:
                yield unit

    def delete_pages(self, request_id: str) -> None:
        """Delete the pages of a plan."""
        self.blobs.delete_all([entry.name for entry in self.blobs.entries(f"{request_id}/plan/")])

    # evidence

    def outcome(self, request_id: str, unit_id: str, round_: int = 1) -> UnitOutcome | None:
        """Read a unit's outcome; None if it has none."""
        blob = self.blobs.read(_outcome(request_id, unit_id, round_))
        return UnitOutcome.from_json(json.loads(blob.content)) if blob else None

    def keep_outcome(self, request_id: str, outcome: UnitOutcome, round_: int = 1) -> UnitOutcome:
        """Write a unit's outcome once; gives the one that stands, which may be an earlier one."""
        name = _outcome(request_id, outcome.unit_id, round_)
        if self._create_if_absent(name, canonical(outcome.to_json())):
            return outcome
        return self.outcome(request_id, outcome.unit_id, round_) or outcome

    def outcomes(self, request_id: str, unit_ids: Sequence[str], round_: int = 1) -> Iterator[UnitOutcome]:
        """Read the outcomes of some units in one round; otherwise as `outcomes_by_round`."""
        return self.outcomes_by_round(request_id, ((unit_id, round_) for unit_id in unit_ids))

    def outcomes_by_round(self, request_id: str, units: Iterable[tuple[str, int]]) -> Iterator[UnitOutcome]:
        """
        Read the outcomes that there are of some units and their rounds, in the order given.

        A few are read ahead of the one that is used, as bytes, which are small; one at a time is an object.
        """
        names = ((unit_id, _outcome(request_id, unit_id, round_)) for unit_id, round_ in units)
        return (UnitOutcome.from_json(json.loads(content)) for _, content in self._contents(names))

    def _contents(self, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
        """Give unit id and content of those blobs that are there, read ahead."""

        def read(entry: tuple[str, str]) -> tuple[str, StoredBlob | None]:
            return entry[0], self.blobs.read(entry[1])

        return ((unit_id, blob.content) for unit_id, blob in ahead(names, read, BLOBS_AHEAD) if blob)

    def keep_started(self, request_id: str, unit_id: str, seen: Mapping[str, Any]) -> dict[str, Any]:
        """Record what a unit saw before its first delete, once; gives what stands there."""
        content = canonical(seen)
        if self._create_if_absent(f"{request_id}/units/{unit_id}.started", content):
            return dict(json.loads(content))
        return self.started(request_id, unit_id) or dict(seen)

    def started(self, request_id: str, unit_id: str) -> dict[str, Any] | None:
        """Read what a unit saw before its first delete; None if it has not begun to delete."""
        blob = self.blobs.read(f"{request_id}/units/{unit_id}.started")
        return json.loads(blob.content) if blob else None

    def add_to_tally(self, request_id: str, phase: str, round_: int, outcome: UnitOutcome) -> int:
        """Note that a unit has its outcome; gives how many lines there are with it: no fewer than there are units."""
        return self.blobs.append(_tally(request_id, phase, round_), Tally.line(outcome))

    def tally(self, request_id: str, phase: str, round_: int) -> Tally:
        """Read what is noted of a phase's units."""
        blob = self.blobs.read(_tally(request_id, phase, round_))
        return Tally.read(blob.content if blob else b"")

    def keep_waiting_mark(
        self, request_id: str, unit_id: str, until: datetime, *, of: str = "", place: Place = (0, 0, 0)
    ) -> None:
        """
        Note that a unit waits for the outside until a time, so that nobody takes it for lost.

        `of` says for what (its round, the state of its request), `place` which message will come back.
        """
        turn, *rest = place
        mark = {"until": rfc3339(until), "of": of, "turn": turn, "place": rest}
        self.blobs.put(f"{request_id}/units/{unit_id}.waiting", canonical(mark))

    def waiting_mark(self, request_id: str, unit_id: str) -> WaitingMark | None:
        """Read what was noted last of a unit's waiting; None if it has never waited long."""
        blob = self.blobs.read(f"{request_id}/units/{unit_id}.waiting")
        if blob is None:
            return None
        mark = json.loads(blob.content)
        waits, attempt = mark.get("place", (0, 0))
        return WaitingMark(parse_rfc3339(mark["until"]), mark.get("of", ""), (mark.get("turn", 0), waits, attempt))

    def waits_until(self, request_id: str, unit_id: str) -> datetime | None:
        """Read until when a unit waits; None if it has never waited long."""
        mark = self.waiting_mark(request_id, unit_id)
        return mark.until if mark else None

    def keep_remaining(self, request_id: str, remaining: Mapping[str, Sequence[str]]) -> None:
        """Keep what the last look still found, by unit: what a retry will be about."""
        content = canonical({unit_id: list(ids) for unit_id, ids in remaining.items()})
        self.blobs.put(f"{request_id}/units/remaining", content)

    def remaining(self, request_id: str) -> dict[str, list[str]]:
        """Read what the last look still found, by unit."""
        blob = self.blobs.read(f"{request_id}/units/remaining")
        return json.loads(blob.content) if blob else {}

    # the receipt

    def keep_receipt(self, request_id: str, receipt: Mapping[str, Any]) -> bytes:
        """Write the receipt once; gives the bytes of the one that stands."""
        content = readable(receipt)
        if self._create_if_absent(f"{request_id}/receipt.json", content):
            return content
        return self.receipt_bytes(request_id) or content

    def receipt_bytes(self, request_id: str) -> bytes | None:
        """Read the receipt's exact bytes; None before it exists."""
        blob = self.blobs.read(f"{request_id}/receipt.json")
        return blob.content if blob else None

    def keep_signature(self, request_id: str, signature: bytes) -> bytes:
        """Write the receipt's JWS once; gives the one that stands."""
        if self._create_if_absent(f"{request_id}/receipt.jws", signature, content_type="application/jose"):
            return signature
        return self.signature(request_id) or signature

    def signature(self, request_id: str) -> bytes | None:
        """Read the receipt's JWS; None if there is none."""
        blob = self.blobs.read(f"{request_id}/receipt.jws")
        return blob.content if blob else None

    # the daily heads

    def audit_names(self) -> list[str]:
        """List the files of heads, oldest first."""
        return [entry.name for entry in self.blobs.entries(_AUDIT)]

    def audit_file(self, name: str) -> StoredBlob | None:
        """Read a file of heads; None if absent."""
        return self.blobs.read(name)

    def create_audit_file(self, name: str, content: bytes) -> None:
        """Write a file of heads; `AlreadyExists` if it is there."""
        self.blobs.create(name, content)

    def replace_audit_file(self, name: str, content: bytes, etag: str) -> None:
        """Write over the state of a file of heads that was read; `Superseded` otherwise."""
        self.blobs.replace(name, content, etag=etag)

    def _create_if_absent(self, name: str, content: bytes, content_type: str = "application/json") -> bool:
        try:
            self.blobs.create(name, content, content_type=content_type)
        except AlreadyExists:
            return False
        return True


def _record(request_id: str) -> str:
    return f"{_checked(request_id)}/record.json"


def _plan_of(request_id: str, content: bytes) -> dict[str, Any]:
    try:
        plan: dict[str, Any] = json.loads(content)
        if all(project["id"] for project in plan["projects"]):
            return plan
    except MALFORMED:
        pass  # the same as a plan whose projects have no ids
    raise DamagedRecord(request_id)


def _page(request_id: str, number: int) -> str:
    return f"{_checked(request_id)}/plan/{number:05d}.jsonl"


def _outcome(request_id: str, unit_id: str, round_: int) -> str:
    suffix = "" if round_ == 1 else f".r{round_}"
    return f"{_checked(request_id)}/units/{unit_id}{suffix}.json"


def _tally(request_id: str, phase: str, round_: int) -> str:
    return f"{_checked(request_id)}/units/{phase}.r{round_}.tally"


def _checked(request_id: str) -> str:
    """An id becomes part of a blob's name only if it is a GUID."""
    if guid(request_id) != request_id:
        raise UnknownRequest("there is no such request")
    return request_id
