"""One stack per module: Azurite of the session, an emulator in this process, the host as a process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT
from local.azurite.server import Azurite, running_azurite
from tests.acceptance.gallery import Gallery
from tests.acceptance.stack import Stack, running_stack

INSTALLATIONS = 60
"""At most so many stacks in one run."""


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """An Azurite with an account for each installation, so that none sees another's queues."""
    accounts = {f"installation{number}": ACCOUNT_KEYS[APP_ACCOUNT] for number in range(INSTALLATIONS)}
    with running_azurite(accounts={**ACCOUNT_KEYS, **accounts}) as server:
        yield server


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
        control.switch(
            links="good", list_order="shuffled", delete_effect="delayed", delete_delay_seconds=0.5, unknown_ids="ignore"
        )
        control.throttle(0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for the log of a host of one's own."""
    return tmp_path
