"""Faults on demand: which calls they hit and what they do to them."""

import re
import threading
from dataclasses import asdict, dataclass, field
from itertools import count
from random import Random
from typing import Any, Literal, get_args

from local.custom_vision.errors import ControlError, Shape, error_body
from local.custom_vision.wire import JSON_TYPE, Answer, Request

Kind = Literal["status", "reset", "delay", "truncate", "work_then_status", "work_then_reset", "commands"]


@dataclass
class Fault:
    """One rule. A call must match all conditions that are given; `nth`, `every`, `first`, `probability` choose among
    the matching calls (none of them: every one), `times` limits how often the rule fires.

    `operation` is a name or a list of names, `route` a regular expression for `METHOD /path`, `query` one for the raw
    query, `ids` a list of ids of which the target or the body must name one.
    """

    kind: Kind
    operation: str | list[str] | None = None
    route: str | None = None
    query: str | None = None
    ids: list[str] = field(default_factory=list)
    nth: int | None = None
    every: int | None = None
    first: int | None = None
    probability: float | None = None
    seed: int = 0
    times: int | None = None
    status: int = 500
    code: str = "ErrorUnknown"
    message: str = "The service reports an unknown error."
    shape: Shape = "service"
    retry_after: int | None = None
    seconds: float = 0.0
    keep_bytes: int | None = None
    commands: list[dict[str, Any]] = field(default_factory=list)
    when: Literal["before", "after"] = "after"
    id: str = ""
    seen: int = 0
    hits: int = 0

    def answer(self) -> Answer:
        """The error that a `status` fault answers; `retry_after` (seconds) becomes a header."""
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return Answer(self.status, error_body(self.code, self.message, self.shape), JSON_TYPE, headers)


class Faults:
    """All rules of one emulator; thread-safe, and deterministic for calls that come one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: dict[str, tuple[Fault, Random]] = {}
        self._numbers = count(1)

    def add(self, values: dict[str, Any]) -> str:
        """Add a rule from its JSON; returns its id. ControlError for an unknown field, kind or pattern."""
        fault = _parsed(values)
        with self._lock:
            fault.id = fault.id or f"fault-{next(self._numbers)}"
            self._rules[fault.id] = (fault, Random(fault.seed))
        return fault.id

    def clear(self, fault_id: str | None = None) -> None:
        """Drop one rule, or all of them."""
        with self._lock:
            if fault_id is None:
                self._rules.clear()
            else:
                self._rules.pop(fault_id, None)

    def fire(self, operation: str, request: Request) -> list[Fault]:
        """The rules that hit this call, in the order in which they were added. Counts the call."""
        fired = []
        with self._lock:
            for fault, dice in self._rules.values():
                if _matches(fault, operation, request):
                    fault.seen += 1
                    if _chosen(fault, dice):
                        fault.hits += 1
                        fired.append(fault)
        return fired

    def as_list(self) -> list[dict[str, Any]]:
        """All rules with how many calls matched (`seen`) and how many were hit (`hits`)."""
        with self._lock:
            return [asdict(fault) for fault, _ in self._rules.values()]


def _parsed(values: dict[str, Any]) -> Fault:
    if values.get("kind") not in get_args(Kind):
        raise ControlError(f"a fault's kind is one of {', '.join(get_args(Kind))}")
    try:
        fault = Fault(**{name: value for name, value in values.items() if name not in ("seen", "hits")})
        for pattern in (fault.route, fault.query):
            re.compile(pattern or "")
    except (TypeError, re.error) as problem:
        raise ControlError(f"not a valid fault: {problem}") from None
    if fault.shape not in get_args(Shape):
        raise ControlError(f"a fault's shape is one of {', '.join(get_args(Shape))}")
    return fault


def _matches(fault: Fault, operation: str, request: Request) -> bool:
    names = [fault.operation] if isinstance(fault.operation, str) else fault.operation
    if names is not None and operation not in names:
        return False
    if fault.route is not None and not re.search(fault.route, f"{request.method} {request.path}", re.IGNORECASE):
        return False
    if fault.query is not None and not re.search(fault.query, request.raw_query, re.IGNORECASE):
        return False
    return not fault.ids or any(_names(request, one.lower()) for one in fault.ids)


def _names(request: Request, wanted: str) -> bool:
    """Ids stand with dashes in calls of the API and without them in blob links."""
    target = request.target.lower()
    return wanted in target or wanted.replace("-", "") in target or wanted.encode() in request.body.lower()


def _chosen(fault: Fault, dice: Random) -> bool:
    if fault.times is not None and fault.hits >= fault.times:
        return False
    if fault.nth is not None:
        return fault.seen == fault.nth
    if fault.every is not None:
        return fault.seen % fault.every == 0
    if fault.first is not None:
        return fault.seen <= fault.first
    return fault.probability is None or dice.random() < fault.probability
