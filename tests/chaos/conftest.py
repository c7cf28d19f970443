"""One run of the storm for all tests of the folder: CHAOS_SEED and CHAOS_KILLS say which."""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.asked import number, whole_number
from tests.chaos.farewell import bid_farewell
from tests.chaos.remains import Remains, collect
from tests.chaos.scenario import waves
from tests.chaos.settling import settle
from tests.chaos.storm import Storm
from tests.chaos.world import running_world

SHORT_RUN_KILLS = 20
SHORT_RUN_SEED = 1
SHORT_RUN_SECONDS = 35.0
FEWEST_KILLS = 6
SETTLE_SECONDS = 240.0


def pytest_configure() -> None:
    """Refuse a seed or a number that is none before anything is started."""
    given_seed(), given_kills(), given_seconds()


def given_seed() -> int | None:
    """Give the seed; None if chance shall choose one."""
    if os.environ.get("CHAOS_SEED") == "random":
        return None
    try:
        return whole_number("CHAOS_SEED", "SEED", SHORT_RUN_SEED, at_least=0)
    except pytest.UsageError:
        raise pytest.UsageError("SEED must be random or a whole number from 0 on.") from None


def given_kills() -> int:
    """Give how many times a host is killed."""
    return whole_number("CHAOS_KILLS", "KILLS", SHORT_RUN_KILLS)


def given_seconds() -> float:
    """Give after how long no more hosts are killed."""
    return number("CHAOS_SECONDS", SHORT_RUN_SECONDS)


@pytest.fixture(scope="session")
def seed() -> int:
    """The seed: a number, or one by chance; the same one in every run of the suite."""
    given = given_seed()
    return random.SystemRandom().randrange(10**6) if given is None else given


@pytest.fixture(scope="session")
def kills() -> int:
    """How many times a host is killed."""
    return given_kills()


@pytest.fixture(scope="session")
def seconds() -> float:
    """After how long no more hosts are killed: the run of the suite must not hold it up on a busy machine."""
    return given_seconds()


@pytest.fixture(scope="session")
def say() -> Callable[[str], None]:
    """Tell how it goes: at once with `-s`, else where a test fails."""
    began = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - began:6.1f} s] {text}\n")
        sys.stdout.flush()

    return say


@pytest.fixture(scope="session")
def remains(
    seed: int, kills: int, seconds: float, say: Callable[[str], None], request: pytest.FixtureRequest
) -> Iterator[Remains]:
    """What a storm has left. Its logs and data are kept if anything was wrong, and only then."""
    folder, failed_before = Path(tempfile.mkdtemp(prefix=f"chaos-{seed}-")), request.session.testsfailed
    say(f"seed {seed}, {kills} kills. The same again: make chaos SEED={seed} KILLS={kills}. Logs: {folder}")
    asked = waves(seed, kills)
    with running_world(folder, seed, asked) as world:
        log = Storm(world, seed, asked, kills, seconds, say).rage()
        say(f"the storm is over: {log.kills} kills, {log.restarts} restarts of the storage")
        say(f"{log.faults} calls of the service failed, {world.wire.unanswered} writes were not answered")
        say(f"{world.wire.doubled} messages came twice; answers: {dict(sorted(world.answers.items()))}")
        ended = settle(world, log, SETTLE_SECONDS * len(asked), say)
        yield collect(world, log, ended)
    if request.session.testsfailed == failed_before:
        shutil.rmtree(folder)
    else:
        say(f"Something was wrong. Again: make chaos SEED={seed} KILLS={kills}. Logs and data: {folder}")


@pytest.fixture(scope="session")
def farewell(remains: Remains, seed: int, say: Callable[[str], None]) -> Remains:
    """
    What is left when the account has been erased as well. The world is empty then: for the last tests.

    Only in `make chaos`: it takes half as long again as the short storm.
    """
    if not os.environ.get("CHAOS_KILLS"):
        pytest.skip("the account behind everything is erased in `make chaos` only")
    return bid_farewell(remains, seed, SETTLE_SECONDS, say)
