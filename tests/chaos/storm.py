"""The storm: hosts die and come back, the storage goes away and returns, everything fails now and then."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.acceptance.stack import WORK_QUEUES
from tests.chaos import storage_end
from tests.chaos.deciding import decide
from tests.chaos.expecting import Expecting
from tests.chaos.host import Host
from tests.chaos.log import Log
from tests.chaos.people import People
from tests.chaos.scenario import KILLS_A_WAVE, Album, Wave
from tests.chaos.world import MAIN_ACCOUNT, World, is_final
from tests.erasure.truth import facts_of

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

TIMERS = ("watchdog", "audit_heads", "retention", "scheduled_export", "", "", "", "")
"""What somebody runs by hand now and then, if anything."""

MOST_OPEN = 15
"""With so many open requests left the next wave may come."""

SHORTEST_LIFE, LONGEST_LIFE = 0.3, 2.0
"""How long a host lives, in the seconds that it took to start: a busy machine must not make a storm of starts."""


@dataclass(repr=False)
class Storm:
    """Two threads that kill, and one that acts; `log` is what they have done, with what was done before."""

    world: World
    seed: int
    waves: Sequence[Wave]
    kills: int
    seconds: float
    say: Callable[[str], None]
    log: Log = field(default_factory=Log)
    errors: list[BaseException] = field(default_factory=list)
    _begun: int = 0
    _open: int = 0
    _began: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        """Know the service that is there."""
        self.expecting = Expecting(self.world.emulator)
        self.people = People(self.world, self.log, self.expecting)

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
        self.log.faults += sum(fault["hits"] for fault in self.world.control.status()["faults"])
        self.world.control.clear_faults()

    # killing

    def _reap(self, number: int, host: Host) -> None:
        dice = random.Random(f"{self.seed}/reaper{number}")
        for _ in range(number, self.kills, len(self.world.hosts)):
            while not self._is_late and self.log.kills >= self._begun * KILLS_A_WAVE:
                time.sleep(0.2)
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
        """
        Post wave after wave.

        A further one begins when the kills of the one before are done and not too much is open: a machine that is
        slower than the waves would otherwise be left with all of them.
        """
        for number, wave in enumerate(self.waves):
            while number and not self._is_late and not self._is_ready_for(number):
                time.sleep(0.2)
            if number:
                self._begin(wave)
            dice = random.Random(f"{self.seed}/wave{number}")
            for thing in self._things(wave, dice):
                thing()
                time.sleep(dice.uniform(0, 0.5))

    def _is_ready_for(self, number: int) -> bool:
        return self.log.kills >= number * KILLS_A_WAVE and self._open <= MOST_OPEN

    def _things(self, wave: Wave, dice: random.Random) -> list[Callable[[], None]]:
        """What happens in a wave, in its order."""
        things: list[Callable[[], None]] = [partial(self.people.post, ask) for ask in wave.asks]
        for queue, text in wave.malformed:
            things.insert(dice.randrange(len(things)), partial(self.people.send_malformed, queue, text))
        end = partial(self._restart_storage, dice.uniform(0, 1), is_kill=wave.kills_storage)
        for extra in [end, *(self._extras(wave) if wave.albums else ())]:
            things.insert(dice.randrange(len(things) // 3, len(things)), extra)
        return things

    def _extras(self, wave: Wave) -> list[Callable[[], None]]:
        """What else happens where there are albums."""
        moves = [partial(self.people.move, wave) for _ in range(3)]
        return [self.people.use_again, partial(self.people.post_nameless, wave), *moves]

    def _begin(self, wave: Wave) -> None:
        """Seed a wave's albums, note the truth, and what each erasure must leave of it."""
        for album in wave.albums:
            self.expecting.seeded[album.name] = self._seed(album)
            self.world.scan.personal |= {word for person in album.people for word in (person.tag, person.value)}
            self.world.scan.names |= {album.name, album.publish}
        for name in wave.accounts:
            self.world.control.seed_account(name, kind="CustomVision.Prediction")
        facts = facts_of(self.world.emulator)
        ours = {self.expecting.seeded[album.name]["project"] for album in wave.albums} | {*wave.accounts, MAIN_ACCOUNT}
        self.log.before |= {key: fact for key, fact in facts.items() if ours & set(key) or key[0] == "blob"}
        for ask in wave.asks:
            self.log.posted[ask.request_id] = self.expecting.posted(ask)
        self._begun += 1
        self.say(f"{len(wave.albums)} albums, {len(wave.accounts)} accounts, {len(wave.asks)} requests to come")

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

    def _restart_storage(self, pause: float, *, is_kill: bool) -> None:
        began = time.monotonic()
        if is_kill:
            storage_end.kill(self.world.azurite, self.world.folder / "azurite", self.world.wire.gate)
        else:
            storage_end.stop(self.world.azurite)
        time.sleep(pause)
        self.world.azurite.start()
        self.log.restarts += 1
        self.say(f"storage {'killed' if is_kill else 'stopped'}, {time.monotonic() - began:.1f} s in all")

    # chores

    def _chores(self, dice: random.Random) -> None:
        """Messages of long ago come again, somebody decides what waits for a decision, timers run out of turn."""
        for _ in range(dice.randint(0, 3)):
            if old := [one for one in self.world.wire.sent if one[0] in WORK_QUEUES]:
                self.world.send(*dice.choice(old), delay=dice.randint(0, 5))
        if name := dice.choice(TIMERS):
            self.world.run_function(name)
        known = decide(self.world, self.log)
        ended = sum(is_final(one) for one in known.values())
        self._open = len(known) - ended
        self.say(f"{self.log.kills} kills, {self.log.restarts} restarts of the storage, {ended} of {len(known)} ended")
        time.sleep(dice.uniform(0.3, 1.0))
