"""
One stored request, held against itself, its receipt and the files of heads. Pure: values in, words out.

What each check rests on: the history's own chain; the receipt, which repeats the record's facts and names a head of the
history; the heads in the audit files.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.domain.audit import Head, holds, lasting_digest, read_record
from shared.domain.canonical import digest
from shared.domain.record import RequestRecord, chain_is_whole
from shared.domain.times import rfc3339

SAME_IN_BOTH = (
    "subject_request_id",
    "subject_request_type",
    "request_status",
    "reason",
    "regulation",
    "dry_run",
    "received_time",
    "completed_time",
    "requested_by",
    "retry_of",
    "drift",
)
"""What the receipt repeats of the record word by word."""


@dataclass(frozen=True, kw_only=True)
class StoredRequest:
    """
    The blobs of one request (None: absent), and whether the index lists it under its time of receipt.

    `plan`: what is wrong with its plan (`plan_problems`), since its pages are looked through one at a time.
    """

    request_id: str
    record: bytes | None
    receipt: bytes | None = None
    signature: bytes | None = None
    indexed: bool = True
    plan: Sequence[str] = ()


def request_problems(stored: StoredRequest, heads: Collection[str], newest: Head | None) -> list[str]:
    """
    Say everything that is wrong with a stored request, each time with the blob concerned.

    `heads`: those of all audit files that name it; `newest`: its entry in the newest file, if there is one.
    """
    if stored.record is None:
        known = "an audit file names it" if heads else "the index lists it"
        return [f"{stored.request_id}/record.json: is gone, though {known}"]
    record = read_record(stored.record)
    if record is None:
        return [f"{stored.request_id}/record.json: cannot be read any more"]
    problems = [] if stored.indexed else ["record.json: the index does not list it any more"]
    problems += [f"record.json: {what}" for what in _record_problems(record, stored.request_id, heads)]
    problems += [*_receipt_problems(record, stored), *_signature_problems(stored), *stored.plan]
    problems += _changed_since(newest, stored.record, stored.receipt) if newest is not None and newest.final else []
    return [f"{stored.request_id}/{problem}" for problem in problems]


def _record_problems(record: RequestRecord, request_id: str, heads: Collection[str]) -> list[str]:
    if record.subject_request_id != request_id:
        return ["is the record of another request"]
    if not record.history or not chain_is_whole(record.history):
        return ["an entry of its history was changed, added or removed"]
    problems = []
    first, last = record.history[0], record.history[-1]
    if (last.status, last.phase, last.reason) != (record.status.value, record.phase, record.reason):
        problems.append("its status is not the one that its history ends with")
    if first.time != rfc3339(record.received_time):
        problems.append("its time of receipt is not the one that its history begins with")
    if not all(holds(record.history, head) for head in heads):
        problems.append("its history is not the one that an audit file names")
    return problems


def _receipt_problems(record: RequestRecord, stored: StoredRequest) -> list[str]:
    """A receipt without a final record is on its way; a final record without one has lost it."""
    if not record.status.is_final:
        return []
    if stored.receipt is None:
        return ["receipt.json: is gone"]
    receipt = json_object(stored.receipt)
    if receipt is None:
        return ["receipt.json: cannot be read any more"]
    written = record.to_json()
    differing = [name for name in SAME_IN_BOTH if receipt.get(name) != written[name]]
    differing += [] if receipt.get("stores") == written["counts"] else ["stores"]
    # A receipt may be older than a change of the record that lost against it: what it left open says nothing.
    differing += [] if receipt.get("plan_hash") in (None, record.plan_hash) else ["plan_hash"]
    problems = [f"receipt.json: says another {name} than the record" for name in differing]
    if not holds(record.history[:-1], str(receipt.get("history_head"))):
        problems.append("receipt.json: its history_head is not in the record's history before the final entry")
    return problems


def _signature_problems(stored: StoredRequest) -> list[str]:
    receipt = None if stored.receipt is None else json_object(stored.receipt)
    if receipt is None:
        return []
    if stored.signature is None:
        return ["receipt.jws: is missing, though the receipt says that it is signed"] if receipt.get("signed") else []
    if not receipt.get("signed"):
        return ["receipt.jws: is there, though the receipt says that it is not signed"]
    return [] if _payload(stored.signature) == stored.receipt else ["receipt.jws: signs other bytes than receipt.json"]


def _changed_since(newest: Head, record: bytes, receipt: bytes | None) -> list[str]:
    """Whatever has ended never changes again."""
    problems = []
    if lasting_digest(record) != newest.record:
        problems.append("record.json: has changed since an audit file named it as ended")
    if receipt is not None and digest(receipt) != newest.receipt:
        problems.append("receipt.json: has changed since an audit file named it")
    return problems


def _payload(signature: bytes) -> bytes | None:
    parts = signature.split(b".")
    try:
        return base64.b64decode(parts[1] + b"==", altchars=b"-_") if len(parts) == 3 else None
    except binascii.Error:
        return None


def json_object(content: bytes) -> Mapping[str, Any] | None:
    """Read a JSON object; None if it is none."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
