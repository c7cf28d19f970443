"""What a request says when it is sent, and what must be left of the service when it has been fulfilled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.custom_vision.server import RunningEmulator
from tests.chaos.log import Posted
from tests.chaos.scenario import Album, Ask
from tests.chaos.world import MAIN_ACCOUNT
from tests.erasure.oracle import Expectation, expected_of_items, expected_of_projects
from tests.erasure.truth import Facts, facts_of

type Json = dict[str, Any]

STATES = ("present", "recoverable")
"""How an account may be there; one that is purged is in neither."""


@dataclass(repr=False)
class Expecting:
    """Knows the service as it is, and what was made for each album: ids of its project, images and predictions."""

    emulator: RunningEmulator
    seeded: dict[str, Json] = field(default_factory=dict)

    def posted(self, ask: Ask) -> Posted:
        """Give a request as it will be sent, with what it must lose of what there is now."""
        body = {"subject_request_id": ask.request_id, **json.loads(json.dumps(ask.body))}
        if ask.by_ids and ask.album and ask.person:
            body["scope"]["images"] = {"ids": self.ids_of(ask.album, ask.person.tag)}
        if ask.predictions and ask.album:
            body["scope"]["predictions"] = {"ids": self.seeded[ask.album.name]["predictions"][:2]}
        if not ask.is_erasure:
            return Posted(ask, body)
        facts = facts_of(self.emulator)
        expected = self._expectation(ask, body)
        lost = {key: fact for key, fact in facts.items() if key not in expected.after}
        return Posted(ask, body, lost | _states_of(ask.account), expected)

    def ids_of(self, album: Album, tag: str) -> list[str]:
        """Give the images of one person."""
        place = [person.tag for person in album.people].index(tag)
        return list(self.seeded[album.name]["images"][place :: len(album.people)])

    def _expectation(self, ask: Ask, body: Mapping[str, Any]) -> Expectation:
        if ask.account:
            served = list(self.emulator.world.projects) if ask.account == MAIN_ACCOUNT else []
            return expected_of_projects(self.emulator, served)
        ids = body["scope"]["projects"]
        named = ids if ids == "all" else [self.seeded[name]["project"] for name in ids]
        if body["scope"]["level"] == "projects":
            return expected_of_projects(self.emulator, named)
        return expected_of_items(self.emulator, {**body, "scope": {**body["scope"], "projects": named}})


def _states_of(account: str | None) -> Facts:
    """Give an account in every state in which it is not gone."""
    return {("account", state, account): account for state in STATES if account}
