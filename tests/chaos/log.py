"""Everything that was done to the world, for those who look at what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.scenario import Ask
from tests.erasure.oracle import Expectation
from tests.erasure.truth import Facts


@dataclass
class Posted:
    """A request that was made: its body as it was sent, and what an erasure of it must leave."""

    ask: Ask
    body: dict[str, Any]
    lost: Facts = field(default_factory=dict)
    expected: Expectation | None = None


@dataclass(repr=False)
class Log:
    """
    What there was before, what was asked for, and what else happened.

    `nameless`: requests that are named after their messages; `in_use`: messages with an id that another request has;
    `added` and `vanished`: images that came and went behind the app's back.
    """

    before: Facts = field(default_factory=dict)
    posted: dict[str, Posted] = field(default_factory=dict)
    nameless: dict[str, Ask] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    in_use: list[str] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    faults: int = 0
    kills: int = 0
    restarts: int = 0
