"""One stack per module: Azurite of the session, an emulator in this process, the host as a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite.server import Azurite
from tests.acceptance.gallery import Gallery
from tests.acceptance.stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack that the tests of a module share."""
    with running_stack(azurite, tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="module")
def gallery(stack: Stack) -> Iterator[Gallery]:
    """The owner's access to the service."""
    client = Gallery(stack.emulator)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def healthy_service(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test the service works as it should again; what it holds stays."""
    yield
    if "stack" in request.fixturenames:
        control = request.getfixturevalue("stack").control
        control.clear_faults()
        control.switch(links="good", delete_effect="delayed", delete_delay_seconds=0.5, unknown_ids="ignore")
        control.throttle(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the log of a host of one's own."""
    return tmp_path
