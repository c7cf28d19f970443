"""The whole stack as an outsider sees it: HTTP of a host process, queues and blobs of Azurite, the emulated service."""

import base64
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient
from azure.storage.queue import QueueServiceClient

from local.azurite.accounts import SERVICE_ACCOUNT
from local.azurite.server import Azurite
from local.custom_vision.control import EmulatorControl
from local.custom_vision.emulator import Outcome
from local.custom_vision.server import RunningEmulator, running_emulator
from local.custom_vision.wire import Request
from local.functions_host.process import HostProcess, running_host
from tests.acceptance.storage_proxy import StorageProxy

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SECONDS = 60.0
TRAINING_KEY = "training-key-that-nobody-may-see"
HASH_KEY = "ledger-hash-key-that-nobody-may-see"
PUBLIC_QUEUES = ("export-requests", "deletion-requests")
WORK_QUEUES = ("export-work", "deletion-work")
QUEUES = [name + suffix for name in PUBLIC_QUEUES + WORK_QUEUES for suffix in ("", "-poison")]
FINAL = frozenset({"completed", "partially_completed", "failed", "cancelled", "rejected"})
NEVER = "0 0 0 1 1 *"
"""A schedule that does not come due while a test runs: timers are run by hand then."""

type Json = dict[str, Any]
_installations = itertools.count()


def eventually[T](look: Callable[[], T | None], what: str, seconds: float = DEADLINE_SECONDS) -> T:
    """Return what `look` finds as soon as it is true; fail after a deadline."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:.0f} seconds")
        time.sleep(0.05)
    return found


@dataclass
class Stack:
    """One installation: its host process, its containers and queues, its Custom Vision resource."""

    host: HostProcess
    emulator: RunningEmulator
    control: EmulatorControl
    blobs: BlobServiceClient
    queues: QueueServiceClient
    settings: Mapping[str, str]
    http: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: object = None, **options: Any) -> requests.Response:
        """One HTTP call to the host; `body` is sent as JSON if given."""
        if body is not None:
            options["json"] = body
        return self.http.request(method, self.host.url + path, timeout=30, allow_redirects=False, **options)

    def get(self, path: str) -> Json:
        """The JSON of a GET that succeeds."""
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def post(self, path: str, body: object) -> str:
        """Post a request that is accepted; gives its id."""
        answer = self.call("POST", path, body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["subject_request_id"])

    def status(self, request_id: str) -> Json:
        """What the API says of a request."""
        return self.get(f"/api/requests/{request_id}")

    def finished(self, request_id: str, seconds: float = DEADLINE_SECONDS) -> Json:
        """Wait for a final status and give it; a host that does not answer just now is asked again."""

        def look() -> Json | None:
            with suppress(requests.ConnectionError):
                answer = self.call("GET", f"/api/requests/{request_id}")
                if answer.status_code == 200 and answer.json()["request_status"] in FINAL:
                    return dict(answer.json())
            return None

        return eventually(look, f"the end of request {request_id}", seconds)

    def receipt(self, request_id: str) -> Json:
        """The receipt of a final request."""
        return self.get(f"/api/requests/{request_id}/receipt")

    def run_function(self, name: str) -> None:
        """Run a timer's function by hand."""
        assert self.call("POST", f"/admin/functions/{name}", {"input": ""}).status_code == 202

    # blobs and queues

    @property
    def ledger(self) -> ContainerClient:
        """The container of records."""
        return self.blobs.get_container_client(self.settings["REQUESTS_CONTAINER"])

    @property
    def packages(self) -> ContainerClient:
        """The container of packages."""
        return self.blobs.get_container_client(self.settings["EXPORTS_CONTAINER"])

    def names(self, container: ContainerClient, prefix: str = "") -> list[str]:
        """Names of blobs below a prefix."""
        try:
            return [str(name) for name in container.list_blob_names(name_starts_with=prefix)]
        except ResourceNotFoundError:
            return []

    def read(self, container: ContainerClient, name: str) -> bytes:
        """A blob's bytes."""
        return bytes(container.download_blob(name).readall())

    def files(self, container: ContainerClient, prefix: str = "") -> Iterator[tuple[str, bytes]]:
        """Names and bytes of all blobs below a prefix; one that goes meanwhile is left out."""
        for name in self.names(container, prefix):
            with suppress(ResourceNotFoundError):
                yield name, self.read(container, name)

    def record(self, request_id: str) -> Json:
        """The record as it lies in the ledger."""
        return dict(json.loads(self.read(self.ledger, f"{request_id}/record.json")))

    def send(self, queue: str, text: str) -> None:
        """Put a message on a queue as somebody outside would."""
        self.queues.get_queue_client(queue).send_message(text)

    def messages(self, queue: str) -> list[str]:
        """What is visible on a queue now."""
        return [str(one.content) for one in self.queues.get_queue_client(queue).peek_messages(32)]

    def waiting(self, queue: str) -> int:
        """How many messages a queue holds, the invisible ones too."""
        return int(self.queues.get_queue_client(queue).get_queue_properties().approximate_message_count or 0)

    def make_queues(self) -> None:
        """Make all queues, so that they can be looked at before the app needs them."""
        for queue in QUEUES:
            self.queues.get_queue_client(queue).create_queue()

    # events of the service

    def on_service_call(self, react: Callable[[Request], None]) -> Callable[[], None]:
        """Have every call to the service reported before it is answered; gives what ends that."""
        emulator = self.emulator.emulator
        as_before = emulator.handle

        def handle(request: Request) -> Outcome:
            if not request.path.startswith("/__"):
                react(request)
            return as_before(request)

        emulator.handle = handle  # type: ignore[method-assign]

        def end() -> None:
            emulator.handle = as_before  # type: ignore[method-assign]

        return end

    # what may not be seen

    def places(self) -> Iterator[tuple[str, str]]:
        """Everything that may hold no secret: host log, names of blobs, ledger, internal and poison queues."""
        yield "host log", self.host.log()
        for queue in QUEUES:
            if queue not in PUBLIC_QUEUES:
                yield from ((f"queue {queue}", text) for text in self.messages(queue))
        yield "names of packages", "\n".join(self.names(self.packages))
        yield "names of the ledger", "\n".join(self.names(self.ledger))
        for name, content in self.files(self.ledger):
            yield f"ledger {name}", content.decode(errors="replace")

    def assert_nowhere(self, *words: str) -> None:
        """No secret, and none of these words, in any of the places; to be asked when all requests are final."""
        for place, text in self.places():
            for word in (TRAINING_KEY, HASH_KEY, "sig=", *words):
                assert word not in text, f"{place} holds {word!r}"


def fast_settings(storage: str, emulator: RunningEmulator, **changes: str) -> dict[str, str]:
    """Settings of an installation of its own, with waits short enough for tests; timers run by hand."""
    tag = uuid.uuid4().hex[:8]
    return {
        "AzureWebJobsStorage": storage,
        "REQUESTS_CONTAINER": f"requests-{tag}",
        "EXPORTS_CONTAINER": f"exports-{tag}",
        "CUSTOM_VISION_ENDPOINT": emulator.url,
        "CUSTOM_VISION_TRAINING_KEY": TRAINING_KEY,
        "CUSTOM_VISION_CALLS_PER_SECOND": "500",
        "LEDGER_HASH_KEY": HASH_KEY,
        "ERASURE_VERIFY_INTERVAL_SECONDS": "0.3",
        "WATCHDOG_SCHEDULE": NEVER,
        "LOCAL_HOST_LEASE_SECONDS": "10",
        "PYTHON_THREADPOOL_THREAD_COUNT": "16",
        "AzureFunctionsJobHost__extensions__queues__maxPollingInterval": "00:00:00.1",
        "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
        "AzureFunctionsWebHost__hostid": f"acceptance{tag}",
        **changes,
    }


@contextmanager
def running_stack(
    azurite: Azurite,
    folder: Path,
    changes: Mapping[str, str] | None = None,
    *,
    own_blobs: bool = False,
    proxy: StorageProxy | None = None,
) -> Iterator[Stack]:
    """
    Start emulator and host; `changes` are settings.

    `own_blobs`: the emulator serves the pictures itself, so that faults reach them. `proxy`: what the host's calls of
    its storage go through.
    """
    with ExitStack() as open_things:
        storage = None if own_blobs else azurite.connection_string(SERVICE_ACCOUNT)
        emulator = open_things.enter_context(running_emulator(storage=storage, training_key=TRAINING_KEY))
        name = f"installation{next(_installations)}"
        own_account = azurite.connection_string(name)
        blobs = open_things.enter_context(BlobServiceClient.from_connection_string(own_account))
        queues = open_things.enter_context(QueueServiceClient.from_connection_string(own_account))
        settings = fast_settings(proxy.connection_string(name) if proxy else own_account, emulator, **(changes or {}))
        stack = Stack(
            host=HostProcess(ROOT, settings, 0, folder / "host.log", 60),
            emulator=emulator,
            control=EmulatorControl(emulator.url),
            blobs=blobs,
            queues=queues,
            settings=settings,
        )
        open_things.callback(stack.http.close)
        stack.make_queues()
        stack.host = open_things.enter_context(running_host(ROOT, settings, log_path=folder / "host.log"))
        yield stack


def base64_of(value: object) -> str:
    """A JSON value as base64 of its text, as some senders of queue messages write it."""
    return base64.b64encode(json.dumps(value).encode()).decode()
