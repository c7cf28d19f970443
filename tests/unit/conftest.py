"""What several folders of unit tests start from."""

from collections.abc import Iterator

import pytest

from tests.unit.in_process import Region, region


@pytest.fixture(scope="module")
def living() -> Iterator[Region]:
    """A region for all tests of a module: the emulator is started once, and each test empties it first."""
    with region() as one:
        yield one
