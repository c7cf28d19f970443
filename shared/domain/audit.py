"""
The daily files of heads, `audit/YYYY-MM-DD.json`: what may be known of every record, chained from file to file.

A file names every request with the head of its record's history, and of ended requests the digests of record and
receipt, which never change any more. It holds the SHA-256 of the file before. Whoever changes or removes a record, a
receipt or a file later contradicts a file that stands. Pure: values in, values out.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Self

from shared.domain.canonical import canonical, digest
from shared.domain.identifiers import guid
from shared.domain.record import MALFORMED, HistoryEntry, RequestRecord, chain_is_whole

_NAME = re.compile(r"audit/(\d{4}-\d\d-\d\d)\.json")
NOTES_AFTER_THE_END = frozenset({"kept_since"})
"""What may still be noted in the record of a request that has ended: until when its package stays."""


class UnreadableAudit(ValueError):
    """A file of heads is not of the form that this module writes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """
    One request in a file of heads.

    `head`: hash of the newest entry of the record's history. `final`: whether the request had ended; then `record` is
    the digest (`sha256:…`) of what the record says for good and `receipt` that of the receipt's bytes, else None.
    """

    head: str
    status: str
    final: bool
    record: str | None = None
    receipt: str | None = None


@dataclass(frozen=True, kw_only=True)
class AuditFile:
    """
    One file: its day, the file before, and heads by request id.

    `previous`: `name`, and `sha256` of the bytes in hex; None in the first file.
    """

    day: date
    previous: Mapping[str, str] | None
    heads: Mapping[str, Head]

    @property
    def name(self) -> str:
        """The name of the blob."""
        return audit_name(self.day)

    def to_bytes(self) -> bytes:
        """Write the file, in the one spelling that its SHA-256 is taken of."""
        heads = {request_id: asdict(head) for request_id, head in self.heads.items()}
        return canonical({"date": self.day.isoformat(), "previous": self.previous, "heads": heads}) + b"\n"

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        """Read a file; `UnreadableAudit` if it is none."""
        try:
            value = json.loads(content)
            heads = {_known_guid(request_id): Head(**head) for request_id, head in value["heads"].items()}
            if not all(isinstance(head.head, str) for head in heads.values()):
                raise UnreadableAudit("not a file of heads")
            previous = value["previous"] and {name: str(value["previous"][name]) for name in ("name", "sha256")}
            return cls(day=date.fromisoformat(value["date"]), previous=previous, heads=heads)
        except MALFORMED:
            raise UnreadableAudit("not a file of heads") from None


def _known_guid(request_id: str) -> str:
    if guid(request_id) != request_id:
        raise UnreadableAudit("not a file of heads")
    return request_id


def audit_name(day: date) -> str:
    """Give the name of a day's file."""
    return f"audit/{day.isoformat()}.json"


def sha256_of(content: bytes) -> str:
    """Give the SHA-256 in hex by which a file names the one before."""
    return hashlib.sha256(content).hexdigest()


def read_record(content: bytes) -> RequestRecord | None:
    """Read a record's blob; None if it is none any more."""
    try:
        value = json.loads(content)
        # NaN, or half a character, is nothing that this app has written: a record holds no text of the service's.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
        return RequestRecord.from_json(value)
    except MALFORMED:
        return None


def lasting_digest(record: bytes) -> str:
    """
    Give the digest of all that a record's blob says for good: everything but its last writing and some notes.

    Of the JSON as it lies there, so that a later version of the app, which knows more fields, gives the same.
    """
    value = json.loads(record)
    value.pop("updated_time", None)
    notes = value.get("notes")
    if isinstance(notes, dict):
        value["notes"] = {name: note for name, note in notes.items() if name not in NOTES_AFTER_THE_END}
    return digest(canonical(value))


def head_of(record: RequestRecord, content: bytes, receipt: bytes | None) -> Head:
    """Give the head of a record, of the blob that it was read from, and of its receipt's bytes."""
    final = record.status.is_final
    return Head(
        head=record.history_head,
        status=record.status.value,
        final=final,
        record=lasting_digest(content) if final else None,
        receipt=digest(receipt) if final and receipt is not None else None,
    )


def may_follow(known: Head | None, record: RequestRecord | None) -> bool:
    """
    Whether a record goes on from what is known of it: its chain is whole and holds the known head.

    What does not is no news: the known head stays in the next file, and keeps contradicting the record.
    """
    if record is None or not record.history or not chain_is_whole(record.history):
        return False
    return known is None or (not known.final and holds(record.history, known.head))


def holds(history: tuple[HistoryEntry, ...], head: str) -> bool:
    """Whether an entry of a history has this hash."""
    return any(entry.hash == head for entry in history)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file of heads as it lies there: name, bytes, and what was read from them (None: unreadable)."""

    name: str
    content: bytes
    audit: AuditFile | None

    @classmethod
    def read(cls, name: str, content: bytes) -> Self:
        """Read a file as far as it can be read."""
        try:
            return cls(name=name, content=content, audit=AuditFile.from_bytes(content))
        except UnreadableAudit:
            return cls(name=name, content=content, audit=None)


def file_problems(file: StoredFile, before: StoredFile | None) -> list[str]:
    """Say what is wrong with a file of heads, given the one before it in order of name; nothing if it is whole."""
    if _NAME.fullmatch(file.name) is None:
        return [f"{file.name}: is not a file of heads"]
    if file.audit is None:
        return [f"{file.name}: cannot be read any more"]
    problems = [] if file.audit.name == file.name else [f"{file.name}: is of another day, {file.audit.day}"]
    return (
        problems + _link_problems(file.name, file.audit.previous, before) + _lost_heads(file.name, file.audit, before)
    )


def _link_problems(name: str, named: Mapping[str, Any] | None, before: StoredFile | None) -> list[str]:
    if named is None:
        return [] if before is None else [f"{name}: says that it is the first, but {before.name} is there"]
    if before is None:
        return [f"{name}: the file before it, {named.get('name')}, is gone"]
    if named.get("name") != before.name:
        return [f"{name}: follows {named.get('name')}, but the file before it is {before.name}"]
    if named.get("sha256") != sha256_of(before.content):
        return [f"{before.name}: has changed since {name} was written"]
    return []


def _lost_heads(name: str, audit: AuditFile, before: StoredFile | None) -> list[str]:
    """A file repeats all that the one before it names, and never takes back that a request has ended."""
    if before is None or before.audit is None:
        return []
    known = before.audit.heads
    lost = [request_id for request_id in known if request_id not in audit.heads]
    other = [one for one, head in known.items() if head.final and one in audit.heads and audit.heads[one] != head]
    problems = [f"{name}: no longer names request {request_id}, which {before.name} names" for request_id in lost]
    return problems + [f"{name}: says something else of the ended request {one} than {before.name}" for one in other]
