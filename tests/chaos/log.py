"""Everything that was done to the world, for those who look at what came of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from shared.domain.identifiers import id_of_message
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
    `added` and `vanished`: images that came and went behind the app's back. `sent`: (queue, text) of requests that came
    by queue; `answered`: ids in notes about messages that were sent again for that.
    """

    before: Facts = field(default_factory=dict)
    posted: dict[str, Posted] = field(default_factory=dict)
    nameless: dict[str, Ask] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    in_use: list[str] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    vanished: set[str] = field(default_factory=set)
    sent: dict[str, tuple[str, str]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    faults: int = 0
    kills: int = 0
    restarts: int = 0

    def name_after(self, queue: str, message_id: str, text: str) -> None:
        """Note a request without an id, which is named after the message that it came by."""
        request_id = id_of_message(queue, message_id)
        self.nameless[request_id] = Ask(request_id, "queue", json.loads(text))
        self.sent[request_id] = (queue, text)
