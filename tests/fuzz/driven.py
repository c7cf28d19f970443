"""A session through every route of the app, in memory but for the emulated service; keeps what was answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import azure.functions as func
from azure.functions.decorators.function_app import Function

from delete_function import http_trigger as erasures
from export_function import http_trigger as exports
from request_function import http_trigger as requests
from shared.bootstrap import Installation
from shared.domain.json_input import MAX_BODY_BYTES
from shared.services import Services
from tests.unit.in_process import Process, Region

ANNA = {"metadata": {"subject": "anna"}}
BEN = {"metadata": {"subject": "ben"}}
ITEMS = {"level": "items", "projects": "all", "images": ANNA}
UNKNOWN = "00000000-0000-4000-8000-000000000000"
TRUSTED = {"x-ms-client-principal-id": "somebody"}
TAKE_ITEMS = {"scope": ITEMS, "options": {"trained_iterations": "keep"}}
OF_ACCOUNT = {
    "scope": {
        "level": "account",
        "projects": "all",
        "account": f"/subscriptions/{UNKNOWN}/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a",
    },
    "options": {"confirm": {"account": "a"}},
}
ASKED: Mapping[str, list[dict[str, Any]]] = {
    "post_export": [
        {"scope": {"projects": "all"}, "requested_by": "case-1", "regulation": "ccpa"},
        {"scope": {"projects": "all", "images": ANNA}, "options": {"package": "none"}},
        {"scope": {"projects": ["no such project"]}},
    ],
    "post_erasure": [
        {"scope": ITEMS, "options": {"trained_iterations": "keep", "dry_run": True}},
        {"scope": ITEMS, "options": {"trained_iterations": "unpublish", "export_first": True}},
        {
            "scope": ITEMS | {"projects": ["Pets"], "images": BEN},
            "options": {"trained_iterations": "delete", "delete_tags": True},
        },
        {"scope": ITEMS | {"images": {"tags": ["nobody"]}}, "options": {"trained_iterations": "keep"}},
        {"scope": {"level": "projects", "projects": ["Birds"]}, "options": {"confirm": {"projects": ["Pets"]}}},
        {"scope": {"level": "projects", "projects": ["Birds"]}, "options": {"confirm": {"projects": ["Birds"]}}},
    ],
}


class InMemory(Installation):
    """An installation whose services are a process's."""

    def __init__(self, process: Process) -> None:
        super().__init__({})
        self._process = process

    def services(self, *, erasure: bool = False) -> Services:
        """Give the process's services."""
        return self._process.erasing if erasure else self._process.services


@dataclass(frozen=True)
class Exchange:
    """What a function answered; the body as JSON, or as text where it is none."""

    function: str
    status: int
    media_type: str
    headers: frozenset[str]
    body: Any

    @classmethod
    def of(cls, function: str, answer: func.HttpResponse) -> "Exchange":
        """Read an answer."""
        content = answer.get_body()
        body = json.loads(content) if answer.mimetype.endswith("json") else content.decode()
        return cls(function, answer.status_code, answer.mimetype, frozenset(answer.headers.keys()), body)


@dataclass
class Doors:
    """The HTTP functions of one installation, called with real requests; every answer is kept."""

    installation: Installation
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        app = func.FunctionApp()
        for trigger in (exports, erasures, requests):
            app.register_functions(trigger.blueprint(self.installation))
        self.functions: dict[str, Function] = {str(one.get_function_name()): one for one in app.get_functions()}

    def call(
        self,
        name: str,
        request_id: str = UNKNOWN,
        *,
        body: object = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **params: str,
    ) -> Exchange:
        """Call a function; `body` is sent as JSON, `raw` as it is."""
        request = func.HttpRequest(
            method="POST",
            url=f"http://localhost/api/{name}",
            headers={"content-type": "application/json", **(headers or {})},
            params=params,
            route_params={"request_id": request_id},
            body=raw if raw is not None else json.dumps(body).encode(),
        )
        exchange = Exchange.of(name, self.functions[name].get_user_function()(req=request))
        self.exchanges.append(exchange)
        return exchange

    def post(self, name: str, body: object, headers: Mapping[str, str] | None = None) -> str:
        """Post what is accepted; gives the id."""
        posted = self.call(name, body=body, headers=headers)
        assert posted.status == 202, posted.body
        return str(posted.body["subject_request_id"])

    def look(self, request_id: str) -> None:
        """Ask for everything about a request."""
        for name in ("get_request", "get_plan", "get_receipt", "get_package"):
            self.call(name, request_id)
        self.call("get_receipt", request_id, headers={"accept": "application/jose"})


@dataclass
class Session:
    """The routes of a whole life, one group after the other, on the emulator of `region`."""

    region: Region
    exchanges: list[Exchange] = field(default_factory=list)

    def _open(self, **settings: str) -> tuple[Process, Doors]:
        process = seeded(self.region, **settings).process()
        return process, Doors(InMemory(process), self.exchanges)

    def drive(self, **signing: str) -> list[Exchange]:
        """Go through all groups; `signing` are the settings of a key."""
        self._lives(signing)
        self._decisions()
        self._incomplete()
        self._refusals()
        self._persons()
        self._broken()
        return self.exchanges

    def _lives(self, signing: Mapping[str, str]) -> None:
        """Requests of all kinds from the beginning to the end, looked at after every step."""
        process, doors = self._open(**signing)
        for name, bodies in ASKED.items():
            for body in bodies:
                request_id = doors.post(name, body)
                doors.look(request_id)
                process.work_until(lambda of=request_id: self._looked(doors, of))  # type: ignore[misc]
                process.finish(request_id)
                doors.look(request_id)
                doors.call("get_package", request_id, part="one")
                doors.call("cancel_request", request_id)
                doors.call("post_retry", request_id)
        for limit in ("1", "200"):
            doors.call("list_requests", limit=limit)
        for name in ("get_keys", "get_health", "get_openapi"):
            doors.call(name)
        process.region.pass_time(timedelta(days=31).total_seconds())
        for request in doors.call("list_requests").body["requests"]:
            doors.call("get_package", request["subject_request_id"])

    @staticmethod
    def _looked(doors: Doors, request_id: str) -> bool:
        return doors.call("get_request", request_id).body["completed_time"] is not None

    def _decisions(self) -> None:
        """Plans that are approved and rejected, and a request that is taken back."""
        process, doors = self._open()
        for decision in ("reject", "approve"):
            request_id = doors.post("post_erasure", _with_approval())
            process.work_until(lambda of=request_id: self._waits(doors, of))  # type: ignore[misc]
            plan = doors.call("get_plan", request_id).body
            for plan_hash in ("another", plan["plan_hash"], plan["plan_hash"]):
                body = {"decision": decision, "plan_hash": plan_hash, "approver": "case-2"}
                doors.call("post_approval", request_id, body=body)
            process.finish(request_id)
            doors.look(request_id)
        request_id = doors.post("post_export", {"scope": {"projects": "all"}})
        doors.call("cancel_request", request_id)
        doors.look(request_id)
        process.finish(request_id)
        doors.look(request_id)

    @staticmethod
    def _waits(doors: Doors, request_id: str) -> bool:
        return bool(doors.call("get_request", request_id).body["request_status"] == "awaiting_approval")

    def _incomplete(self) -> None:
        """An export that could not have everything, and its retry."""
        process, doors = self._open()
        images = process.region.control.seed("Cats", 2)["images"]
        process.region.control.bad_links(images, "broken")
        request_id = doors.post("post_export", {"scope": {"projects": "all"}})
        process.finish(request_id)
        doors.look(request_id)
        again = doors.call("post_retry", request_id)
        doors.call("get_request", again.body["subject_request_id"])

    def _refusals(self) -> None:
        """What is not allowed, not known, not JSON, not as it must be."""
        _, doors = self._open()
        taken = {"subject_request_id": doors.post("post_export", ASKED["post_export"][0])}
        doors.call("post_export", body=ASKED["post_export"][1] | taken)
        doors.call("post_erasure", body=TAKE_ITEMS | taken)
        doors.call("post_export", body={"scope": {"projects": "all"}, "options": {"include_keys": True}})
        doors.call("post_erasure", body=OF_ACCOUNT)
        for name in ("post_export", "post_erasure", "post_approval"):
            doors.call(name, body=[])
            doors.call(name, raw=b"{")
            doors.call(name, raw=b" " * (MAX_BODY_BYTES + 1))
            doors.call(name, body={}, headers={"content-type": "text/plain"})
        doors.call("list_requests", limit="0", status="x", type="y", continuation="?")
        doors.call("get_package", part="one")
        for name in ("get_request", "get_plan", "get_receipt", "get_package", "cancel_request", "post_retry"):
            doors.call(name)
            doors.call(name, prat="2")
        doors.call("post_approval", body={"decision": "reject", "plan_hash": "x"})
        doors.call("post_approval", taken["subject_request_id"], body={"decision": "reject", "plan_hash": "x"})

    def _persons(self) -> None:
        """An installation that trusts the platform's sign-in."""
        process, doors = self._open(TRUST_PLATFORM_IDENTITY="true")
        doors.call("post_export", body={"scope": {"projects": "all"}})
        doors.call("post_erasure", body=TAKE_ITEMS)
        doors.call("post_retry")
        request_id = doors.post("post_erasure", _with_approval(), TRUSTED)
        process.work_until(lambda: self._waits(doors, request_id))
        plan_hash = doors.call("get_plan", request_id).body["plan_hash"]
        body = {"decision": "approve", "plan_hash": plan_hash}
        for headers in ({}, TRUSTED, {"x-ms-client-principal-id": "somebody-else"}):
            doors.call("post_approval", request_id, body=body, headers=headers)
        process.finish(request_id)
        doors.look(request_id)

    def _broken(self) -> None:
        """An installation without settings."""
        doors = Doors(Installation({}), self.exchanges)
        for name in doors.functions:
            doors.call(name, body={})


def _with_approval() -> dict[str, Any]:
    return {"scope": ITEMS, "options": {"trained_iterations": "keep", "require_approval": True}}


def seeded(region: Region, **settings: str) -> Region:
    """Give an empty installation on a region's emulator, which is reset and given two projects of two persons."""
    region.control.reset()
    for name in ("Pets", "Birds"):
        region.control.seed(name, 4, metadata={"subject": ["anna", "ben"]}, iterations=1)
    return replace(region, settings=settings)
