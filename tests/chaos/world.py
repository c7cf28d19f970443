"""A whole installation that can be beaten: Azurite on disk, the emulated service, two hosts behind proxies."""

from __future__ import annotations

import json
import random
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import requests
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT
from local.azurite.server import Azurite, running_azurite
from local.custom_vision.accounts import Account
from local.custom_vision.control import EmulatorControl
from local.custom_vision.identity import IDENTITY_HEADER, IDENTITY_PATH
from local.custom_vision.server import RunningEmulator, running_emulator
from local.functions_host.process import HostProcess
from shared.bootstrap import Installation
from shared.services import Services
from tests.acceptance.stack import FINAL, HASH_KEY, QUEUES, ROOT, TRAINING_KEY, fast_settings
from tests.acceptance.storage_proxy import storage_proxy
from tests.chaos.host import Host
from tests.chaos.scenario import Wave, scope_of_schedule
from tests.chaos.schedule import Schedule
from tests.chaos.secret_scan import Scan
from tests.chaos.wire import Moment, Wire
from tests.verify.ledgers import key_pair

HOSTS = 2
MAIN_ACCOUNT = "account-behind-it-all"
"""The training account that all projects are in."""
SECOND_KEY = "second-key-that-nobody-may-see"
PATIENCE_SECONDS = 90.0
SETTINGS = {
    "LOCAL_HOST_LEASE_SECONDS": "3",
    "WATCHDOG_AFTER_SECONDS": "45",
    "WATCHDOG_SCHEDULE": "*/3 * * * * *",
    "ERASURE_VERIFY_INTERVAL_SECONDS": "1",
    "CUSTOM_VISION_CALLS_PER_SECOND": "200",
    "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    "ALLOW_ACCOUNT_DELETION": "true",
    "CUSTOM_VISION_RESOURCE_ID": Account(MAIN_ACCOUNT).id,
    "IDENTITY_HEADER": IDENTITY_HEADER,
}

type Json = dict[str, Any]


class Ahead:
    """A clock that is ahead of the true one."""

    def __init__(self, services: Services, by: timedelta) -> None:
        self._clock, self._by = services.clock, by

    def now(self) -> datetime:
        """The time there."""
        return self._clock.now() + self._by


@dataclass(repr=False)
class World:
    """Everything that runs, and how to speak with it."""

    folder: Path
    azurite: Azurite
    emulator: RunningEmulator
    control: EmulatorControl
    hosts: list[Host]
    wire: Wire
    scan: Scan
    settings: Mapping[str, str]
    schedule: Schedule
    answers: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    # calls

    def call(self, method: str, path: str, body: object = None, *, may_name: bool = False) -> requests.Response:
        """
        One call that some host answers, whatever happens meanwhile; 503 is asked again.

        `may_name`: the answer may hold names (a plan does). All others are scanned.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            host = random.choice(self.hosts)
            with suppress(requests.RequestException):
                answer = requests.request(method, host.process.url + path, json=body, timeout=30, allow_redirects=False)
                self._note(method, path, answer, may_name)
                if answer.status_code < 500:
                    return answer
            time.sleep(0.1)
        raise AssertionError(f"{method} {path} was not answered within {PATIENCE_SECONDS:.0f} seconds")

    def _note(self, method: str, path: str, answer: requests.Response, may_name: bool) -> None:
        self.answers[answer.status_code] = self.answers.get(answer.status_code, 0) + 1
        if answer.status_code >= 500 and answer.status_code != 503:
            self.problems.append(f"{method} {path.split('?')[0]} was answered {answer.status_code}")
        if not may_name and answer.status_code != 302:
            self.scan.text(f"answers of {method} {path.split('?')[0]}", answer.text)

    def requests(self) -> dict[str, Json]:
        """Every request in the list, by id."""
        found: dict[str, Json] = {}
        continuation = ""
        while True:
            page = self.call("GET", f"/api/requests?limit=200{continuation}").json()
            found |= {one["subject_request_id"]: one for one in page["requests"]}
            if not page["continuation"]:
                return found
            continuation = f"&continuation={page['continuation']}"

    def run_function(self, name: str) -> None:
        """Run a timer's function by hand."""
        self.call("POST", f"/admin/functions/{name}", {"input": ""})

    # storage, past the app

    @property
    def connection(self) -> str:
        """The storage account itself."""
        return self.azurite.connection_string()

    @property
    def blobs(self) -> BlobServiceClient:
        """The blobs."""
        return BlobServiceClient.from_connection_string(self.connection)

    @property
    def queues(self) -> QueueServiceClient:
        """The queues."""
        return QueueServiceClient.from_connection_string(self.connection)

    def send(self, queue: str, text: str, *, delay: int = 0) -> str:
        """Put a message on a queue, as often as it takes; gives its id."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self.queues.get_queue_client(queue) as client:
                    return str(client.send_message(text, visibility_timeout=delay or None).id)
            except AzureError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def waiting(self) -> dict[str, int]:
        """
        How many messages each queue holds, the invisible ones too; empty queues are left out.

        Not those that sleep for hours: each was seen when it was put.
        """
        with self.queues as service:
            clients = ((name, service.get_queue_client(name)) for name in QUEUES)
            counts = {n: int(c.get_queue_properties().approximate_message_count or 0) for n, c in clients}
        counts = {name: number - self.wire.sleepers[name] for name, number in counts.items()}
        return {name: number for name, number in counts.items() if number}

    def services(self, ahead: timedelta = timedelta()) -> Services:
        """The app's own view of its storage, at a later time if wanted."""
        services = Installation({**self.settings, "AzureWebJobsStorage": self.connection}).services()
        return replace(services, clock=Ahead(services, ahead))

    def logs(self) -> list[tuple[str, str]]:
        """What the hosts have said."""
        return [(host.process.log_path.name, host.process.log()) for host in self.hosts]


def is_final(request: Mapping[str, Any]) -> bool:
    """Whether a request has ended."""
    return request["request_status"] in FINAL


@contextmanager
def running_world(folder: Path, seed: int, waves: Sequence[Wave]) -> Iterator[World]:
    """Start everything; data and logs are in `folder`, which is left behind."""
    with ExitStack() as open_things:
        azurite = open_things.enter_context(running_azurite(folder / "azurite"))
        emulator = open_things.enter_context(running_emulator(training_key=TRAINING_KEY))
        control = EmulatorControl(emulator.url)
        control.seed_account(MAIN_ACCOUNT, serves=True, keys=[TRAINING_KEY, SECOND_KEY])
        schedule = Schedule.beginning(datetime.now(UTC), len(waves) + 1)
        settings = _settings(emulator, schedule, waves[0])
        scan = Scan(settings["REQUESTS_CONTAINER"], settings["EXPORTS_CONTAINER"], _keys(settings))
        wire = Wire(scan, random.Random(f"{seed}/wire"))
        _make_queues(azurite)
        hosts = []
        for number in range(HOSTS):
            proxy = open_things.enter_context(storage_proxy(azurite))
            own = {**settings, "AzureWebJobsStorage": proxy.connection_string(APP_ACCOUNT)}
            host = Host(HostProcess(ROOT, own, 0, folder / f"host-{number}.log", 90), proxy, Moment(lambda: None))
            host.moment.strike = host.strike
            wire.attach(proxy, host.moment)
            open_things.callback(_end, host.process)
            host.process.start()
            hosts.append(host)
        yield World(folder, azurite, emulator, control, hosts, wire, scan, settings, schedule)


def _settings(emulator: RunningEmulator, schedule: Schedule, first: Wave) -> dict[str, str]:
    return fast_settings(
        "",
        emulator,
        **SETTINGS,
        RECEIPT_SIGNING_KEY=key_pair().private,
        ARM_ENDPOINT=emulator.url,
        IDENTITY_ENDPOINT=emulator.url + IDENTITY_PATH,
        EXPORT_SCHEDULE=schedule.text,
        EXPORT_SCOPE=json.dumps(scope_of_schedule(first)),
    )


def _keys(settings: Mapping[str, str]) -> dict[str, str]:
    """What may be nowhere; the private key by a line of its middle."""
    return {
        "the training key": TRAINING_KEY,
        "the key of the ledger's hashes": HASH_KEY,
        "the storage key": ACCOUNT_KEYS[APP_ACCOUNT],
        "the key of receipts": settings["RECEIPT_SIGNING_KEY"].splitlines()[1],
        "a key of the account": SECOND_KEY,
        "the secret of the identity": IDENTITY_HEADER,
        "a token of the identity": b64encode(b'{"alg": "non').decode(),
        "a signed link": "sig=",
    }


def _make_queues(azurite: Azurite) -> None:
    with QueueServiceClient.from_connection_string(azurite.connection_string()) as service:
        for queue in QUEUES:
            service.create_queue(queue)


def _end(process: HostProcess) -> None:
    if process.is_running():
        process.kill()
