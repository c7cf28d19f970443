"""The storm: hosts die and come back, the storage goes away and returns, everything fails now and then."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from shared.domain.identifiers import id_of_message
from tests.acceptance.stack import WORK_QUEUES, base64_of
from tests.chaos.scenario import FAMILY, KILLS_A_WAVE, Album, Ask, Wave
from tests.chaos.world import Host, World, is_final
from tests.erasure.oracle import Expectation, expected_of_items, expected_of_projects
from tests.erasure.truth import Facts, facts_of

type Json = dict[str, Any]

FAULTS: Sequence[Mapping[str, Any]] = (
    {"kind": "status", "status": 429, "shape": "gateway", "probability": 0.012},
    {"kind": "status", "status": 429, "shape": "gateway", "retry_after": 1, "probability": 0.012},
    {"kind": "status", "status": 500, "probability": 0.012},
    {"kind": "status", "status": 503, "probability": 0.01},
    {"kind": "work_then_status", "status": 500, "probability": 0.012},
    {"kind": "reset", "probability": 0.01},
    {"kind": "work_then_reset", "probability": 0.01},
    {"kind": "truncate", "probability": 0.01},
    {"kind": "delay", "seconds": 0.7, "probability": 0.012},
    {"kind": "status", "status": 404, "operation": "GetBlob", "probability": 0.02},
)
"""Together a tenth of all calls; of links a few more."""

SHORTEST_LIFE, LONGEST_LIFE = 0.3, 2.0
"""How long a host lives, in the seconds that it took to start: a busy machine must not make a storm of starts."""


@dataclass
class Posted:
    """A request that was made: its body as it was sent, and what an erasure of it must leave."""

    ask: Ask
    body: Json
    lost: Facts = field(default_factory=dict)
    expected: Expectation | None = None


@dataclass(repr=False)
class Log:
    """Everything that was done to the world, for those who look at what came of it."""

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


@dataclass(repr=False)
class Storm:
    """Two threads that kill, and one that acts."""

    world: World
    seed: int
    waves: Sequence[Wave]
    kills: int
    seconds: float
    say: Callable[[str], None]
    log: Log = field(default_factory=Log)
    seeded: dict[str, Json] = field(default_factory=dict)
    errors: list[BaseException] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def rage(self) -> Log:
        """
        Let it all happen; returns with everything running and no faults any more.

        It lasts until the last kill is done and everything is posted, but kills nobody after `seconds`.
        """
        for number, fault in enumerate(FAULTS):
            self.world.control.fault(**{"seed": self.seed * 100 + number, **fault})
        self._begin(self.waves[0])
        threads = [self._thread(self._reap, number, host) for number, host in enumerate(self.world.hosts)]
        threads.append(self._thread(self._post_all))
        dice = random.Random(f"{self.seed}/chores")
        while any(thread.is_alive() for thread in threads):
            self._chores(dice)
        self._calm()
        if self.errors:
            raise self.errors[0]
        return self.log

    def _thread(self, work: Callable[..., None], *arguments: Any) -> threading.Thread:
        def run() -> None:
            try:
                work(*arguments)
            except BaseException as error:  # noqa: BLE001 - told by the thread that waits
                self.errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    @property
    def _is_late(self) -> bool:
        return time.monotonic() - self._began > self.seconds

    def _calm(self) -> None:
        self.world.wire.is_wild = False
        self.log.faults = sum(fault["hits"] for fault in self.world.control.status()["faults"])
        self.world.control.clear_faults()

    # killing

    def _reap(self, number: int, host: Host) -> None:
        dice = random.Random(f"{self.seed}/reaper{number}")
        for _ in range(number, self.kills, len(self.world.hosts)):
            if self._is_late:
                return
            if dice.random() < 0.5:
                host.moment.arm(dice.randint(0, 80), is_before=dice.random() < 0.5)
            host.struck.wait(dice.uniform(SHORTEST_LIFE, LONGEST_LIFE) * host.start_seconds)
            host.strike()
            self.log.kills += 1
            time.sleep(dice.choice((0, 0, 0.5)))
            host.revive()

    # posting

    def _post_all(self) -> None:
        """Post wave after wave; a further one begins when its share of kills is reached."""
        for number, wave in enumerate(self.waves):
            while number and not self._is_late and self.log.kills < number * KILLS_A_WAVE:
                time.sleep(0.2)
            if number:
                self._begin(wave)
            dice = random.Random(f"{self.seed}/wave{number}")
            for thing in self._things(wave, dice):
                thing()
                time.sleep(dice.uniform(0, 0.5))

    def _things(self, wave: Wave, dice: random.Random) -> list[Callable[[], None]]:
        """What happens in a wave, in its order."""
        things = [partial(self.post, ask) for ask in wave.asks]
        for queue, text in wave.malformed:
            things.insert(dice.randrange(len(things)), partial(self._malformed, queue, text))
        pause = dice.uniform(0, 1)
        extras = [partial(self._restart_storage, pause), partial(self._use_again), partial(self._post_nameless, wave)]
        extras += [partial(self._move, wave) for _ in range(3)]
        for extra in extras:
            things.insert(dice.randrange(len(things) // 3, len(things)), extra)
        return [*things]

    def _begin(self, wave: Wave) -> None:
        """Seed a wave's albums, note the truth, and what each erasure must leave of it."""
        for album in wave.albums:
            self.seeded[album.name] = self._seed(album)
            self.world.scan.personal |= {word for person in album.people for word in (person.tag, person.value)}
            self.world.scan.names |= {album.name, album.publish}
        facts = facts_of(self.world.emulator)
        ours = {self.seeded[album.name]["project"] for album in wave.albums}
        self.log.before |= {key: fact for key, fact in facts.items() if ours & set(key) or key[0] == "blob"}
        for ask in wave.asks:
            self.log.posted[ask.request_id] = self._expect(ask)
        self.say(f"albums of {len(wave.albums)} projects, {len(wave.asks)} requests to come")

    def _seed(self, album: Album) -> Json:
        seeded = self.world.control.seed(
            album.name,
            album.images,
            tags=[person.tag for person in album.people],
            metadata={"subject": [person.value for person in album.people]},
            unique_bytes=True,
            iterations=album.iterations,
            publish=album.publish,
            predictions=album.predictions,
        )
        # One image of each person is in iterations only.
        self.world.control.delete_images(seeded["project"], seeded["images"][: len(album.people)], everywhere=False)
        return seeded

    def ids_of(self, album: Album, tag: str) -> list[str]:
        """The images of one person."""
        place = [person.tag for person in album.people].index(tag)
        return list(self.seeded[album.name]["images"][place :: len(album.people)])

    def _expect(self, ask: Ask) -> Posted:
        body = {"subject_request_id": ask.request_id, **json.loads(json.dumps(ask.body))}
        if ask.by_ids and ask.album and ask.person:
            body["scope"]["images"] = {"ids": self.ids_of(ask.album, ask.person.tag)}
        if ask.predictions and ask.album:
            body["scope"]["predictions"] = {"ids": self.seeded[ask.album.name]["predictions"][:2]}
        if not ask.is_erasure:
            return Posted(ask, body)
        facts = facts_of(self.world.emulator)
        expected = self._expectation(body)
        lost = {key: fact for key, fact in facts.items() if key not in expected.after}
        return Posted(ask, body, lost, expected)

    def _expectation(self, body: Json) -> Expectation:
        ids = body["scope"]["projects"]
        named = ids if ids == "all" else [self.seeded[name]["project"] for name in ids]
        if body["scope"]["level"] == "projects":
            return expected_of_projects(self.world.emulator, named)
        return expected_of_items(self.world.emulator, {**body, "scope": {**body["scope"], "projects": named}})

    # what people do

    def post(self, ask: Ask) -> None:
        """Post a request, in its way and as often as it says."""
        body = self.log.posted[ask.request_id].body
        if ask.stubborn and ask.album and ask.person:
            stubborn = self.ids_of(ask.album, ask.person.tag)[:1]
            self.world.control.fault("status", status=400, operation="DeleteImages", ids=stubborn)
        for _ in range(ask.copies):
            if ask.way == "http":
                answer = self.world.call("POST", "/api/erasures" if ask.is_erasure else "/api/exports", body)
                assert answer.status_code == 202, answer.text
            else:
                text = json.dumps(body) if ask.way == "queue" else base64_of(body)
                self.world.send("deletion-requests" if ask.is_erasure else "export-requests", text)

    def _post_nameless(self, wave: Wave) -> None:
        """A message without an id: the request is named after the message."""
        person = wave.albums[FAMILY].people[1]
        body = {"scope": {"projects": "all", "images": {"tags": [person.tag]}}, "options": {"package": "none"}}
        message_id = self.world.send("export-requests", json.dumps(body))
        request_id = id_of_message("export-requests", message_id)
        self.log.nameless[request_id] = Ask(request_id, "queue", body)

    def _malformed(self, queue: str, text: str) -> None:
        self.world.send(queue, text)
        self.log.malformed.append(text)

    def _use_again(self) -> None:
        """The id of a request that is known, with another body."""
        known = next(iter(self.log.posted.values()))
        text = json.dumps({**known.body, "scope": {"projects": ["another"]}, "n": None} | {"options": {}})
        body = {key: value for key, value in json.loads(text).items() if key != "n"}
        self.world.send("export-requests", json.dumps(body))
        self.log.in_use.append(json.dumps(body))

    def _move(self, wave: Wave) -> None:
        """Somebody uploads an image, somebody takes one of nobody's away; links die for a while."""
        album = wave.albums[FAMILY]
        project = self.seeded[album.name]["project"]
        self.log.added.update(self.world.control.add_images(project, 1, unique_bytes=True, tags=[]))
        nobodys = [one for one in self.ids_of(album, album.people[-1].tag) if one not in self.log.vanished]
        if len(nobodys) > 2:
            self.log.vanished.add(nobodys[-1])
            self.world.control.delete_images(project, nobodys[-1:])

    def _restart_storage(self, pause: float) -> None:
        began = time.monotonic()
        self.world.azurite.stop()
        stopped = time.monotonic() - began
        time.sleep(pause)
        self.world.azurite.start()
        self.log.restarts += 1
        self.say(f"storage restarted (stopped in {stopped:.1f} s, away {time.monotonic() - began:.1f} s)")
        assert stopped < 10, "the storage did not stop in time and may have lost what it had acknowledged"

    # chores

    def _chores(self, dice: random.Random) -> None:
        """Messages of long ago come again, somebody decides what waits for a decision, timers run out of turn."""
        for _ in range(dice.randint(0, 3)):
            if old := [one for one in self.world.wire.sent if one[0] in WORK_QUEUES]:
                self.world.send(*dice.choice(old), delay=dice.randint(0, 5))
        name = dice.choice(("watchdog", "audit_heads", "retention", "", "", ""))
        if name:
            self.world.run_function(name)
        known = decide(self.world, self.log)
        ended = sum(is_final(one) for one in known.values())
        self.say(f"{self.log.kills} kills, {self.log.restarts} restarts of the storage, {ended} of {len(known)} ended")
        time.sleep(dice.uniform(0.3, 1.0))


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
