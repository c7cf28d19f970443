"""The real erasure in one process: storage, queues and time in memory, the service emulated, nothing that waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from azure.core.credentials import AccessToken

from delete_function.fulfilment import ErasureFulfilment
from export_function.fulfilment import ExportFulfilment
from export_function.rebuilding import REBUILD
from request_function import reading
from request_function.approval import Approval, decide
from shared.adapters.resource_manager import ResourceManagerClient
from shared.fulfilment import Fulfilment
from shared.lifecycle import handle
from shared.services import Services
from tests.erasure.truth import Facts, facts_of
from tests.unit.in_process import CrashAt, Process, Region

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ACCOUNT_NAME = "gallery"
MOST_TURNS = 3000
FULFILMENTS: Mapping[str, Fulfilment] = {"export-work": ExportFulfilment(), "deletion-work": ErasureFulfilment(REBUILD)}


class AnyToken:
    """A credential for an emulator that takes every token."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        """Return a token."""
        return AccessToken("emulated", 4102444800)


class World(Region):
    """A region with Azure Resource Manager in it; each begins empty, whatever the emulator held before."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.control.reset()

    def process(self, crash: CrashAt | None = None) -> Process:
        """Start the app."""
        started = super().process(crash)
        return Process(self, self._with_accounts(started.services), self._with_accounts(started.erasing))

    def _with_accounts(self, services: Services) -> Services:
        manager = ResourceManagerClient(
            self.emulator.url, credential=AnyToken(), session=self.session, clock=self.clock, sleep=self.pass_time
        )
        return replace(services, accounts=manager, queues=self.queues)

    def facts(self) -> Facts:
        """Give everything that the service holds."""
        return facts_of(self.emulator)

    def receipt(self, request_id: str = ID) -> dict[str, Any]:
        """Read a receipt."""
        blob = self.requests.read(f"{request_id}/receipt.json")
        assert blob is not None, "there is no receipt"
        return dict(json.loads(blob.content))

    def plan_ids(self, process: Process, request_id: str = ID) -> set[str]:
        """Give the ids of the images in a plan, as the plan's pages hold them."""
        plan = process.services.ledger.plan(request_id)
        assert plan is not None, "there is no plan"
        units = [unit for project in plan["projects"] for unit in project["units"] if unit.startswith("images-")]
        return {item for unit in process.services.ledger.units(request_id, units) for item in unit.item_ids}


@dataclass(frozen=True)
class Driver:
    """
    Delivers messages as a queue may: `dice` mixes those that can be seen, and delivers some of them twice.

    Where nothing can be seen, time passes until something can.
    """

    process: Process
    dice: Random | None = None

    def until(self, done: Callable[[], bool], turns: int = MOST_TURNS) -> None:
        """Deliver until it is done."""
        for _ in range(turns):
            if done():
                return
            if not self.deliver_visible():
                self.process.region.wait_for_something(self.process)
        raise AssertionError("the requests do not come to an end")

    def deliver_visible(self) -> bool:
        """Deliver what can be seen now; says whether there was anything."""
        queues = self.process.region.queues
        there = [(queue, message) for queue in FULFILMENTS for message in queues.receive(queue)]
        if self.dice is not None:
            self.dice.shuffle(there)
        for queue, message in there:
            services = self.process.erasing if queue == "deletion-work" else self.process.services
            for _ in range(2 if self.dice is not None and self.dice.random() < 0.4 else 1):
                handle(services, FULFILMENTS[queue], message.content, message.dequeue_count)
            queues.remove(queue, message)
        return bool(there)

    def finish(self, *request_ids: str) -> dict[str, Any]:
        """Deliver until some requests are final and no message is left; gives the first."""
        wanted = request_ids or (ID,)
        self.until(lambda: all(self.status(one)["completed_time"] for one in wanted) and not self._waiting())
        return self.status(wanted[0])

    def reach(self, status: str, request_id: str = ID) -> None:
        """Deliver until a request has a status."""
        self.until(lambda: self.status(request_id)["request_status"] == status)

    def reach_phase(self, phase: str, request_id: str = ID) -> None:
        """Deliver until a request is in a phase."""
        self.until(lambda: self.status(request_id)["progress"]["phase"] == phase)

    def status(self, request_id: str = ID) -> dict[str, Any]:
        """Read a request as GET does."""
        return reading.status(self.process.services, request_id)

    def _waiting(self) -> bool:
        return any(self.process.region.queues.waiting(queue) for queue in FULFILMENTS)


def erasure(level: str = "items", *, projects: Any = "all", request_id: str = ID, **parts: Any) -> dict[str, Any]:
    """
    Give the body of an erasure. `images`, `predictions`, `account` go into the scope, everything else is an option.

    Levels projects and account get the confirmation that fits "all" where none is given.
    """
    scope = {"level": level, "projects": projects}
    scope |= {name: parts.pop(name) for name in ("images", "predictions", "account") if name in parts}
    if level == "items" and "images" in scope:
        parts.setdefault("trained_iterations", "keep")
    if level == "projects":
        parts.setdefault("confirm", {"all_projects": True})
    if level == "account":
        parts.setdefault("confirm", {"account": ACCOUNT_NAME})
    return {"subject_request_id": request_id, "scope": scope, "options": parts}


def approve(process: Process, request_id: str = ID, **changes: Any) -> dict[str, Any]:
    """Approve a plan (or say something else about it) as POST does."""
    plan_hash = process.services.ledger.read(request_id).record.plan_hash
    body: Mapping[str, Any] = {"decision": "approve", "plan_hash": plan_hash} | changes
    return decide(process.services, request_id, Approval.read(dict(body), None))
