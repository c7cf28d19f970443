"""One emulator for the folder; each test gets an empty world on it."""

from collections.abc import Callable, Iterator

import pytest

from local.custom_vision.server import RunningEmulator, running_emulator
from shared.adapters.http_exchange import StraightSession, make_session
from tests.erasure.world import World

SETTINGS = {"ERASURE_VERIFY_DEADLINE_HOURS": "2", "ALLOW_ACCOUNT_DELETION": "true"}


@pytest.fixture(scope="package")
def session() -> Iterator[StraightSession]:
    with make_session(8) as one:
        yield one


@pytest.fixture(scope="package")
def emulator() -> Iterator[RunningEmulator]:
    with running_emulator(seed=7) as running:
        yield running


@pytest.fixture(scope="package")
def make_world(emulator: RunningEmulator, session: StraightSession) -> Callable[..., World]:
    """Give a maker of empty worlds; settings as keywords."""

    def make(**settings: str) -> World:
        return World(emulator, session, SETTINGS | settings)

    return make


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    return make_world()
