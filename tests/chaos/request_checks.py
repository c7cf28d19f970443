"""What must be true of the requests: none is lost, each has ended, and the end is the one that its receipt signs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from delete_function.export_first import child_id
from local.verify_receipt.__main__ import sound
from local.verify_receipt.signature import NotProven, signed_content
from request_function.keys import key_set
from tests.chaos.remains import Json, Remains
from tests.chaos.scenario import Ask
from tests.chaos.world import is_final

DONE = {("completed", None), ("completed", "nothing_matched")}
"""Nothing is left to match, of a retry too, where another request over the same items has erased them meanwhile."""
TOLERATED = {
    "access": {("partially_completed", why) for why in ("items_failed", "not_available", "inventory_unstable")},
    "erasure": {("partially_completed", "items_failed")},
}
"""What a service that fails one call in ten may make of a request; everything of it is named."""
CANCELLED = ("cancelled", None)
REFUSED = {"bad_message", "id_in_use", "delivery_exhausted"}
"""What a note may say of a message, and the entry that it names."""


def lost(remains: Remains) -> Iterator[str]:
    """Every request that was posted, by whatever way, is in the list; what was no request has a note and an entry."""
    known = remains.ended.requests
    for request_id in (*remains.log.posted, *remains.log.nameless, *remains.ended.retries.values()):
        if request_id not in known:
            yield f"request {request_id} is not in the list"
    notes = remains.world.wire.notes
    told = {note["message_sha256"] for note in notes}
    for text in (*remains.log.malformed, *remains.log.in_use):
        if hashlib.sha256(text.encode()).hexdigest() not in told:
            yield "a message that is no request has no note"
    for note in notes:
        entry = known.get(note["subject_request_id"], {})
        if (entry.get("request_status"), entry.get("reason")) != ("failed", note["reason"]):
            yield f"the note about {note['subject_request_id']} is not what its entry says"


def strangers(remains: Remains) -> Iterator[str]:
    """Nothing is in the list that nobody asked for; the entries that notes are about are looked at by `lost`."""
    asked = {*remains.log.posted, *remains.log.nameless, *remains.ended.retries.values()}
    asked |= {child_id(one) for one in asked} | set(remains.world.schedule.request_ids) | _noted(remains)
    for request_id, request in remains.ended.requests.items():
        if request_id not in asked:
            yield f"nobody asked for {request['subject_request_type']} {request_id}"


def _noted(remains: Remains) -> set[str]:
    return {note["subject_request_id"] for note in remains.world.wire.notes}


def untrue_ends(remains: Remains) -> Iterator[str]:
    """Every request is final, as it may end, and list, record and receipt say the same; the receipt is signed."""
    keys = key_set(remains.world.services())
    for request_id, request in remains.ended.requests.items():
        record, receipt = remains.json(request_id, "record.json"), remains.json(request_id, "receipt.json")
        if not is_final(request) or record is None or receipt is None:
            yield f"request {request_id} has not ended: {request['request_status']}"
            continue
        ends = {(request["request_status"], request["reason"]), (record["request_status"], record["reason"])}
        if ends != {(receipt["request_status"], receipt["reason"])}:
            yield f"request {request_id} ended in several ways: {ends}"
        try:
            signature = remains.ledger.get(f"{request_id}/receipt.jws")
            sound(signed_content(signature.content if signature else b"", keys).content)
        except NotProven as error:
            yield f"the receipt of {request_id}: {error}"
        yield from _ended_as_it_may(remains, request_id, request)


def _ended_as_it_may(remains: Remains, request_id: str, request: Json) -> Iterator[str]:
    end = (request["request_status"], request["reason"])
    posted = remains.log.posted.get(request_id)
    if request_id in _noted(remains) and request["reason"] in REFUSED:
        return
    kind = "erasure" if request["subject_request_type"] == "erasure" else "access"
    allowed = DONE | TOLERATED[kind]
    allowed |= _as_decided(posted.ask) if posted else set()
    allowed |= {("partially_completed", "blocked")} if posted and posted.ask.stubborn else set()
    if request_id in remains.ended.retries.values():
        allowed = DONE
    if end not in allowed:
        yield f"{kind} {request_id} ended {end}; failures {request.get('failures')}"


def _as_decided(ask: Ask) -> set[tuple[str, str | None]]:
    """The ends that somebody's decision may have."""
    decided: dict[str, set[tuple[str, str | None]]] = {
        "cancel": {CANCELLED},
        "cancel_plan": {CANCELLED},
        "reject": {("rejected", "rejected")},
    }
    return decided.get(ask.later or "", set())
