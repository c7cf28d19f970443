"""
What a kind of request brings to its lifecycle: a step of it decides what follows, and does not carry that out.

The two function folders implement `Fulfilment`; `shared.lifecycle` calls it and acts on the decisions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.errors import GdprError
from shared.domain.record import RequestRecord
from shared.domain.times import parse_rfc3339
from shared.domain.work import UnitOutcome, WorkMessage, WorkUnit
from shared.finishing import Ending
from shared.ledger import Versioned
from shared.services import Services

CLOCKS_DIFFER_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Move:
    """Write the record in its new state; the winner sends the messages of `unit_ids`, or takes the next step."""

    record: RequestRecord
    unit_ids: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Write the record (it says until when), its turn moved on, and come back after some seconds."""

    record: RequestRecord
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Finish:
    """End the request; `record` stands for the present one where the end changes more than the status."""

    ending: Ending
    record: RequestRecord | None = None


@dataclass(frozen=True, kw_only=True)
class Nothing:
    """There is nothing to do now: somebody else's message will move the request on."""


@dataclass(frozen=True, kw_only=True)
class TooEarly:
    """It is some seconds before the time that a `Wait` has noted; its own message is not lost for it."""

    seconds: float


type Decision = Move | Wait | Finish | Nothing | TooEarly


class Fulfilment(Protocol):
    """What one kind of request does in each step. All methods may raise `TransientError` and `ServiceRefusal`."""

    @property
    def queue(self) -> str:
        """The internal queue."""
        ...

    def phase_of(self, unit_kind: str) -> str:
        """Give the phase in which units of a kind are worked through."""
        ...

    def step(self, services: Services, current: Versioned) -> Decision:
        """Take the next step of a request that is not final, as far as it goes in one message."""
        ...

    def run_unit(self, services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
        """Do one unit's work; repeatable, and safe beside a second run of the same unit."""
        ...

    def given_up(
        self, services: Services, record: RequestRecord, unit: WorkUnit, code: str, error: GdprError | None
    ) -> UnitOutcome:
        """Give the outcome of a unit that could not be done."""
        ...

    def abandoned(self, services: Services, record: RequestRecord, error: GdprError | None) -> Ending:
        """Give the end of a request whose next step could not be taken any more: what is known is kept."""
        ...

    def patience(self, services: Services, record: RequestRecord, error: GdprError, attempt: int) -> float | None:
        """Say after how many seconds something refused, or still underway, is tried again; None = not at all."""
        ...


def too_early(now: datetime, next_time: str | None) -> TooEarly | None:
    """Give the decision where a message comes before the time until which a `Wait` has put the step off; else None."""
    left = (parse_rfc3339(next_time) - now).total_seconds() if next_time is not None else 0.0
    return TooEarly(seconds=left) if left > CLOCKS_DIFFER_SECONDS else None
