"""When all else is over the account behind it is erased, while hosts die and the service fails as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.chaos import scenario
from tests.chaos.log import Log
from tests.chaos.remains import Remains, collect
from tests.chaos.settling import settle
from tests.chaos.storm import Storm
from tests.chaos.world import MAIN_ACCOUNT

KILLS = 4


def bid_farewell(before: Remains, seed: int, seconds: float, say: Callable[[str], None]) -> Remains:
    """
    Erase the account of a world in which nothing runs any more, and give what is left then.

    `before`: what the storm has left; its requests are looked at once more, in what this leaves.
    """
    world = before.world
    log = Log(before=dict(before.after), posted=dict(before.log.posted), nameless=before.log.nameless)
    for host in world.hosts:
        host.revive()
    world.wire.is_wild = True
    wave = scenario.farewell(seed, MAIN_ACCOUNT)
    Storm(world, seed, [wave], KILLS, seconds, say, log).rage()
    ended = settle(world, log, seconds, say)
    return collect(world, log, replace(ended, retries=before.ended.retries | ended.retries))
