"""Hosts for the tests: sample apps as real processes on the session's Azurite."""

import contextlib
import json
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from local.azurite.server import Azurite
from local.functions_host.process import HostProcess, running_host

APPS = Path(__file__).resolve().parent / "apps"
DEADLINE_SECONDS = 30.0


def eventually[T](look: Callable[[], T | None], what: str = "the condition") -> T:
    """Return what `look` finds as soon as it is true; fail after a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come within {DEADLINE_SECONDS:.0f} seconds")


@dataclass(frozen=True)
class Queues:
    """The queues of one sample app: their names begin with a tag that no other test uses."""

    service: QueueServiceClient
    tag: str

    def client(self, role: str) -> QueueClient:
        """A client of the queue with that role, whether it exists or not."""
        return self.service.get_queue_client(f"{self.tag}-{role}")

    def put(self, role: str, text: str) -> None:
        """Put a message, on a queue made for it if need be."""
        client = self.client(role)
        with contextlib.suppress(ResourceExistsError):
            client.create_queue()
        client.send_message(text)

    def take(self, role: str, count: int = 1) -> list[str]:
        """Wait for so many messages and take them off the queue."""
        texts: list[str] = []

        def look() -> bool:
            texts.extend(self._receive(role, count - len(texts)))
            return len(texts) >= count

        eventually(look, f"{count} messages on {role}")
        return texts

    def peek(self, role: str) -> list[QueueMessage]:
        """What is visible now; nothing where there is no queue."""
        try:
            return list(self.client(role).peek_messages(32))
        except ResourceNotFoundError:
            return []

    def length(self, role: str) -> int:
        """How many messages the queue holds, invisible ones included."""
        try:
            return int(self.client(role).get_queue_properties().approximate_message_count or 0)
        except ResourceNotFoundError:
            return 0

    def _receive(self, role: str, count: int) -> list[str]:
        client = self.client(role)
        try:
            messages: list[QueueMessage] = list(
                client.receive_messages(messages_per_page=min(count, 32), max_messages=count)
            )
        except ResourceNotFoundError:
            return []
        for message in messages:
            client.delete_message(message)
        return [str(message.content) for message in messages]


@pytest.fixture(scope="session")
def queue_service(azurite: Azurite) -> Iterator[QueueServiceClient]:
    """A client of the queues of the app's account."""
    with QueueServiceClient.from_connection_string(azurite.connection_string()) as service:
        yield service


def new_queues(service: QueueServiceClient) -> Queues:
    """Queues with a new tag."""
    return Queues(service, uuid.uuid4().hex[:8])


@pytest.fixture
def queues(queue_service: QueueServiceClient) -> Queues:
    """Queues with this test's own tag."""
    return new_queues(queue_service)


def app_settings(azurite: Azurite, queues: Queues, **more: str) -> dict[str, str]:
    """What the sample apps need: storage, the tag of their queues, a host id of their own."""
    return {
        "AzureWebJobsStorage": azurite.connection_string(),
        "TAG": queues.tag,
        "AzureFunctionsWebHost__hostid": queues.tag,
        **more,
    }


type StartApp = Callable[..., contextlib.AbstractContextManager[HostProcess]]


@pytest.fixture
def start_app(azurite: Azurite, queues: Queues, tmp_path: Path) -> StartApp:
    """Start a sample app by name with this test's queues: `with start_app("kitchen", SETTING="x") as host`."""

    def start(name: str, **more: str) -> contextlib.AbstractContextManager[HostProcess]:
        log = tmp_path / f"host-{uuid.uuid4().hex[:6]}.log"
        return running_host(APPS / name, app_settings(azurite, queues, **more), log_path=log)

    return start


@pytest.fixture
def write_app(tmp_path: Path) -> Callable[..., Path]:
    """Write an app of the test's own: its functions, and its host.json."""

    def write(functions: str, host_json: dict[str, Any] | None = None) -> Path:
        folder = tmp_path / "app"
        folder.mkdir(exist_ok=True)
        bundle = {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}
        content = {"version": "2.0", "extensionBundle": bundle} if host_json is None else host_json
        (folder / "host.json").write_text(json.dumps(content))
        head = "import azure.functions as func\napp = func.FunctionApp()\n"
        (folder / "function_app.py").write_text(head + functions)
        return folder

    return write


@dataclass(frozen=True)
class Kitchen:
    """The app `kitchen`, running, with its queues."""

    host: HostProcess
    queues: Queues

    @property
    def url(self) -> str:
        """Its address."""
        return self.host.url


@pytest.fixture(scope="module")
def kitchen(
    azurite: Azurite, queue_service: QueueServiceClient, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kitchen]:
    """The app `kitchen` for a module's tests, with one function switched off."""
    queues = new_queues(queue_service)
    settings = app_settings(azurite, queues, **{"AzureWebJobs.switched_off.Disabled": "true"})
    with running_host(APPS / "kitchen", settings, log_path=tmp_path_factory.mktemp("kitchen") / "host.log") as host:
        yield Kitchen(host, queues)
