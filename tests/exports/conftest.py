"""Two emulated resources for the whole folder, emptied before each test; every package is held to its manifest."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local.custom_vision.server import RunningEmulator, running_emulator
from shared.adapters.http_exchange import StraightSession, make_session
from tests.exports.world import Package, World, findings

type MakeWorld = Callable[..., World]


@pytest.fixture(scope="session")
def http() -> Iterator[StraightSession]:
    with make_session(8) as session:
        yield session


@pytest.fixture(scope="session")
def emulators() -> Iterator[list[RunningEmulator]]:
    with running_emulator(seed=7) as first, running_emulator(seed=8, training_key="another-key") as second:
        yield [first, second]


@pytest.fixture
def make_world(emulators: list[RunningEmulator], http: StraightSession) -> MakeWorld:
    """Make an installation with settings of its own; `resources` says over how many of the two."""

    def make(resources: int = 1, **settings: str) -> World:
        world = World(emulators[:resources], http, **settings)
        for control in world.controls:
            control.reset()
            control.switch(tie_order="unstable")
        return world

    return make


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """One installation over one resource that holds nothing."""
    return make_world()


@pytest.fixture
def sound(tmp_path: Path) -> Callable[[Package], Package]:
    """Hold a package to its manifest as `make verify-package` does: as blobs, and where it is zipped, as zips alone."""
    made = iter(range(1000))

    def check(package: Package) -> Package:
        assert findings(package.download(tmp_path / f"blobs{next(made)}")) == []
        if any(path.startswith("package-") for path in package.blobs):
            left_out = findings(package.download(tmp_path / f"zips{next(made)}", only="package-"))
            kept_out = {path for path, row in package.listed.items() if row["zipped"] is None}
            assert [line for line in left_out if line.startswith("WRONG")] == []
            assert bool(left_out) == bool(kept_out)
        return package

    return check
