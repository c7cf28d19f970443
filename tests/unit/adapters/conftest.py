import socket
from collections.abc import Iterator

import pytest
import requests

from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import Timeouts, make_session
from tests.fakes import SettableClock
from tests.unit.adapters.scripted_server import ScriptedServer, scripted_server

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with make_session(4) as made:
        yield made


@pytest.fixture
def slept() -> list[float]:
    """The waits that were asked for; nobody waits."""
    return []


@pytest.fixture
def client(server: ScriptedServer, session: requests.Session, slept: list[float]) -> CustomVisionClient:
    return CustomVisionClient(
        server.url,
        key=KEY,
        credential=None,
        session=session,
        budget=UnlimitedBudget(),
        clock=SettableClock(),
        sleep=slept.append,
        jitter=lambda: 1.0,
        timeouts=Timeouts(connect=2, read=0.3),
    )


@pytest.fixture
def refused_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
