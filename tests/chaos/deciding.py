"""What people do who look at the list of requests: approve, reject, cancel, and send again what was given up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from tests.chaos.log import Log
from tests.chaos.world import World, is_final

type Json = dict[str, Any]


def decide(world: World, log: Log) -> dict[str, Json]:
    """Approve, reject and cancel as the scenario has it; a retry is approved. Gives the list of all requests."""
    known = world.requests()
    for request_id, request in known.items():
        posted = log.posted.get(request_id)
        later = posted.ask.later if posted else None
        if later == "cancel" and not is_final(request):
            world.call("DELETE", f"/api/requests/{request_id}")
        if request["request_status"] == "awaiting_approval":
            _decide(world, request_id, later or "approve")
    return known


def send_again(world: World, log: Log, missing: Iterable[str]) -> None:
    """
    Send those messages again that the hosts gave up on, each once for each note about it.

    A host that dies while it takes a message takes it off its queue for nothing, and after five times that is its end.
    """
    given_up = {
        note["message_sha256"]: note["subject_request_id"]
        for note in world.wire.notes
        if note["reason"] == "delivery_exhausted" and note["subject_request_id"] not in log.answered
    }
    for request_id in missing:
        queue, text = log.sent.get(request_id, ("", ""))
        note = given_up.get(hashlib.sha256(text.encode()).hexdigest())
        if note is None:
            continue
        log.answered.add(note)
        message_id = world.send(queue, text)
        if request_id in log.nameless:
            log.name_after(queue, message_id, text)
            del log.nameless[request_id]


def _decide(world: World, request_id: str, later: str) -> None:
    if later == "cancel_plan":
        world.call("DELETE", f"/api/requests/{request_id}")
        return
    plan = world.call("GET", f"/api/requests/{request_id}/plan", may_name=True)
    if plan.status_code == 200:
        decision = {"decision": later, "plan_hash": plan.json()["plan_hash"], "approver": "second-person"}
        world.call("POST", f"/api/requests/{request_id}/approval", decision)
