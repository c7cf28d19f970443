"""Somebody looks at the list of requests, and approves, rejects and cancels what the scenario has it."""

from __future__ import annotations

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


def _decide(world: World, request_id: str, later: str) -> None:
    if later == "cancel_plan":
        world.call("DELETE", f"/api/requests/{request_id}")
        return
    plan = world.call("GET", f"/api/requests/{request_id}/plan", may_name=True)
    if plan.status_code == 200:
        decision = {"decision": later, "plan_hash": plan.json()["plan_hash"], "approver": "second-person"}
        world.call("POST", f"/api/requests/{request_id}/approval", decision)
