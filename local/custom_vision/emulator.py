"""One emulated resource: takes requests, lets faults, gateway and handlers at them, counts the calls."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from local.custom_vision import account_routes, blob_route, gateway, routes
from local.custom_vision.blobs import ROUTE, BlobStore, MemoryBlobs
from local.custom_vision.call import Call
from local.custom_vision.commands import run_commands, status_report
from local.custom_vision.errors import ControlError, ServiceError
from local.custom_vision.faults import Fault, Faults
from local.custom_vision.gateway import RateLimit
from local.custom_vision.truth import truth
from local.custom_vision.wire import Answer, Parameters, Request, error_answer, json_answer
from local.custom_vision.world import World

TRAINING_KEY = "emulator-training-key"
PREDICTION_KEY = "emulator-prediction-key"

type Found = routes.Match | account_routes.AccountMatch | None


@dataclass(frozen=True)
class Outcome:
    """What goes back: an answer (None: the connection is reset), of whose body only `keep_bytes` are sent if given."""

    answer: Answer | None
    keep_bytes: int | None = None


@dataclass
class Emulator:
    """World, storage and faults of one resource. `handle` may be called from many threads."""

    world: World
    store: BlobStore
    training_key: str = TRAINING_KEY
    prediction_key: str = PREDICTION_KEY
    faults: Faults = field(default_factory=Faults)
    rate: RateLimit = field(default_factory=RateLimit)

    def __post_init__(self) -> None:
        self._calls: Counter[tuple[str, int]] = Counter()
        self._calls_lock = threading.Lock()

    def handle(self, request: Request) -> Outcome:
        """Answer one request of any route."""
        path = request.path.lower()
        if path.startswith("/__"):
            return Outcome(self._handle_own(request, path))
        if path.startswith(ROUTE + "/") and isinstance(self.store, MemoryBlobs):
            return self._with_faults(blob_route.operation_of(request.method), request, None)
        beside = account_routes.match(request.method, request.path)
        if beside:
            return self._with_faults(beside.name, request, beside)
        found = routes.match(request.method, request.path)
        return self._with_faults(found.operation.name if found else "Unknown", request, found)

    def calls(self) -> dict[str, dict[str, int]]:
        """Calls since the last reset: operation → status (`reset` if none was answered) → number."""
        report: dict[str, dict[str, int]] = {}
        with self._calls_lock:
            for (operation, status), number in sorted(self._calls.items()):
                report.setdefault(operation, {})[str(status) if status else "reset"] = number
        return report

    def reset_calls(self) -> None:
        """Count from zero."""
        with self._calls_lock:
            self._calls.clear()

    def sweep(self) -> None:
        """Let everything due happen, and delete the blobs that have to go."""
        with self.world.lock:
            self.world.settle()
            doomed = self.world.take_doomed()
        if doomed:
            self.store.delete(doomed)

    def _handle_own(self, request: Request, path: str) -> Answer:
        self.sweep()
        if path == "/__truth":
            query = parse_qs(request.raw_query)
            return json_answer(truth(self.world, self.store, with_images=query.get("images") != ["false"]))
        if path == "/__calls":
            if request.method == "DELETE":
                self.reset_calls()
            return json_answer(self.calls())
        if path != "/__control":
            return gateway.not_found()
        if request.method == "GET":
            return json_answer(status_report(self))
        try:
            return json_answer({"results": run_commands(self, json.loads(request.body or b"null"))})
        except (ControlError, ValueError) as problem:
            return json_answer({"error": str(problem)}, 400)

    def _with_faults(self, operation: str, request: Request, found: Found) -> Outcome:
        fired = self.faults.fire(operation, request)
        outcome = self._before(fired) or self._after(fired, self._work(operation, request, found))
        with self._calls_lock:
            self._calls[operation, outcome.answer.status if outcome.answer else 0] += 1
        return outcome

    def _before(self, fired: list[Fault]) -> Outcome | None:
        for fault in fired:
            if fault.kind == "delay":
                time.sleep(fault.seconds)
            elif fault.kind == "commands" and fault.when == "before":
                run_commands(self, fault.commands)
            elif fault.kind in ("status", "reset"):
                return Outcome(fault.answer() if fault.kind == "status" else None)
        return None

    def _after(self, fired: list[Fault], answer: Answer) -> Outcome:
        outcome = Outcome(answer)
        for fault in fired:
            if fault.kind == "commands" and fault.when == "after":
                run_commands(self, fault.commands)
            elif fault.kind == "work_then_status":
                outcome = Outcome(fault.answer())
            elif fault.kind == "work_then_reset":
                outcome = Outcome(None)
            elif fault.kind == "truncate":
                keep = len(answer.body) // 2 if fault.keep_bytes is None else fault.keep_bytes
                outcome = Outcome(answer, keep)
        return outcome

    def _work(self, operation: str, request: Request, found: Found) -> Answer:
        switches = self.world.switches
        if operation.endswith("Blob") and isinstance(self.store, MemoryBlobs):
            self.sweep()
            return blob_route.answer_blob(self.store, request, self.world.clock.now())
        if switches.max_request_line and len(request.target) > switches.max_request_line:
            return gateway.uri_too_long()
        if found is None:
            return gateway.not_found()
        if isinstance(found, account_routes.AccountMatch):
            return self._serve_beside(request, found)
        prediction = found.operation.prediction
        header, key = ("prediction-key", self.prediction_key) if prediction else ("training-key", self.training_key)
        refused = (
            account_routes.service_refusal(self, prediction)
            or gateway.refusal(request.headers, header, key, switches)
            or self.rate.refusal(operation, self.world.clock.now(), switches)
        )
        return refused or self._serve(request, found)

    def _serve_beside(self, request: Request, found: account_routes.AccountMatch) -> Answer:
        self.sweep()
        try:
            return found.work(self, request)
        finally:
            self.sweep()

    def _serve(self, request: Request, found: routes.Match) -> Answer:
        self.sweep()
        parameters = Parameters(found.path, request)
        call = Call(self.world, self.store, request, parameters, found.version, found.preview)
        try:
            if not found.operation.locked:
                return found.operation.handler(call)
            with self.world.lock:
                return found.operation.handler(call)
        except ServiceError as refusal:
            return error_answer(refusal.status, refusal.code, refusal.message)
        finally:
            self.sweep()
