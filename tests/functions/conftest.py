"""The app's own functions, called with real request and message objects against a real storage account."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import azure.functions as func
import pytest
from azure.functions.decorators.function_app import Function
from azure.functions.queue import QueueMessage

from function_app import create_app
from local.azurite.server import Azurite, running_azurite
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_queues import AzureStorageQueues
from shared.adapters.storage_settings import StorageSettings
from shared.domain.json_input import parse_json
from shared.ports import Queues

NOBODY_LISTENS = "http://127.0.0.1:9"
"""Where Custom Vision would be: what is accepted must be accepted without it."""


def problem_of(answer: func.HttpResponse) -> dict[str, Any]:
    """Give the problem that an answer holds, after checking its form."""
    assert answer.mimetype == "application/problem+json"
    problem: dict[str, Any] = json.loads(answer.get_body())
    assert {"type", "title", "status", "detail", "errors"} <= problem.keys()
    assert problem["status"] == answer.status_code
    assert all(error.keys() == {"pointer", "detail"} for error in problem["errors"])
    return problem


def json_of(answer: func.HttpResponse, status: int = 200) -> dict[str, Any]:
    """Give the JSON body of an answer with this status."""
    assert (answer.status_code, answer.mimetype) == (status, "application/json"), answer.get_body()
    body: dict[str, Any] = json.loads(answer.get_body())
    return body


@dataclass(frozen=True)
class App:
    """An app as its host sees it: functions by name. `queues` are those of its storage account."""

    functions: Mapping[str, Function]
    queues: Queues
    environ: Mapping[str, str] = field(repr=False)

    def call(
        self,
        name: str,
        body: object = None,
        *,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        **route: str,
    ) -> func.HttpResponse:
        """Call an HTTP function; `body` is sent as JSON, `raw` as it is."""
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        request = func.HttpRequest(
            method="POST",
            url=f"http://localhost/api/{name}",
            headers={"Content-Type": "application/json", **(headers or {})},
            params=dict(params or {}),
            route_params=route,
            body=content,
        )
        answer: func.HttpResponse = self.functions[name].get_user_function()(req=request)
        return answer

    def deliver(self, name: str, body: object, *, message_id: str | None = None, count: int = 1) -> None:
        """Deliver a queue message to a function as the host does."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = QueueMessage(id=message_id or str(uuid.uuid4()), body=content, dequeue_count=count)
        self.functions[name].get_user_function()(msg=message)

    def fire(self, name: str) -> None:
        """Let a timer function run."""
        self.functions[name].get_user_function()(timer=None)

    def taken(self, queue: str) -> list[Any]:
        """Take and remove every visible message of a queue."""
        found = []
        while messages := self.queues.receive(queue):
            for message in messages:
                found.append(parse_json(message.content))
                self.queues.remove(queue, message)
        return found


type MakeApp = Callable[..., App]


def app_of(environ: Mapping[str, str], connection: str = "UseDevelopmentStorage=true") -> App:
    """Make an app for an environment."""
    functions = {str(one.get_function_name()): one for one in create_app(environ).get_functions()}
    storage = StorageSettings.from_mapping({"S": connection}, "S")
    return App(functions, AzureStorageQueues(StorageConnection(storage, pool_size=4).queues()), environ)


@pytest.fixture(scope="package")
def own_azurite() -> Iterator[Azurite]:
    """An Azurite of these tests' own, since the names of the app's queues are fixed."""
    with running_azurite() as server:
        yield server


@pytest.fixture
def make_app(own_azurite: Azurite) -> MakeApp:
    """Make apps that share an empty ledger; further settings as keywords."""
    connection, unique = own_azurite.connection_string(), uuid.uuid4().hex[:12]

    def make(**settings: str) -> App:
        environ = {
            "AzureWebJobsStorage": connection,
            "CUSTOM_VISION_ENDPOINT": NOBODY_LISTENS,
            "CUSTOM_VISION_TRAINING_KEY": "training-key",
            "LEDGER_HASH_KEY": "ledger-key",
            "REQUESTS_CONTAINER": f"requests-{unique}",
            "EXPORTS_CONTAINER": f"exports-{unique}",
        }
        app = app_of(environ | settings, connection)
        for queue in ("export-requests", "deletion-requests", "export-work", "deletion-work"):
            app.taken(queue)
            app.taken(f"{queue}-poison")
        return app

    return make


@pytest.fixture
def app(make_app: MakeApp) -> App:
    """An app with the smallest settings that let it do everything."""
    return make_app()
