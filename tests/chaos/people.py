"""What people do in a storm: they post requests in every way, some that are none, and change their albums."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.acceptance.stack import base64_of
from tests.chaos.expecting import Expecting
from tests.chaos.log import Log
from tests.chaos.scenario import FAMILY, Ask, Wave
from tests.chaos.world import World


@dataclass(frozen=True, repr=False)
class People:
    """Those who use the installation; the log knows what they did."""

    world: World
    log: Log
    expecting: Expecting

    def post(self, ask: Ask) -> None:
        """Post a request, in its way and as often as it says."""
        body = self.log.posted[ask.request_id].body
        if ask.stubborn and ask.album and ask.person:
            stubborn = self.expecting.ids_of(ask.album, ask.person.tag)[:1]
            self.world.control.fault("status", status=400, operation="DeleteImages", ids=stubborn)
        for _ in range(ask.copies):
            if ask.way == "http":
                answer = self.world.call("POST", "/api/erasures" if ask.is_erasure else "/api/exports", body)
                assert answer.status_code == 202, answer.text
            else:
                text = json.dumps(body) if ask.way == "queue" else base64_of(body)
                queue = "deletion-requests" if ask.is_erasure else "export-requests"
                self.log.sent[ask.request_id] = (queue, text)
                self.world.send(queue, text)

    def post_nameless(self, wave: Wave) -> None:
        """A message without an id: the request is named after the message."""
        person = wave.albums[FAMILY].people[1]
        body = {"scope": {"projects": "all", "images": {"tags": [person.tag]}}, "options": {"package": "none"}}
        text = json.dumps(body)
        self.log.name_after("export-requests", self.world.send("export-requests", text), text)

    def send_malformed(self, queue: str, text: str) -> None:
        """A message that is no request."""
        self.world.send(queue, text)
        self.log.malformed.append(text)

    def use_again(self) -> None:
        """The id of a request that is known, with another body."""
        known = next(iter(self.log.posted.values()))
        text = json.dumps({**known.body, "scope": {"projects": ["another"]}, "n": None} | {"options": {}})
        body = {key: value for key, value in json.loads(text).items() if key != "n"}
        self.world.send("export-requests", json.dumps(body))
        self.log.in_use.append(json.dumps(body))

    def move(self, wave: Wave) -> None:
        """Somebody uploads an image, somebody takes one of nobody's away; links die for a while."""
        album = wave.albums[FAMILY]
        project = self.expecting.seeded[album.name]["project"]
        self.log.added.update(self.world.control.add_images(project, 1, unique_bytes=True, tags=[]))
        nobodys = [one for one in self.expecting.ids_of(album, album.people[-1].tag) if one not in self.log.vanished]
        if len(nobodys) > 2:
            self.log.vanished.add(nobodys[-1])
            self.world.control.delete_images(project, nobodys[-1:])
