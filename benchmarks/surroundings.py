"""What the app is measured in: Azurite for queues, the lean endpoint for blobs, the emulator, one host."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener

from benchmarks.blob_endpoint.process import BlobEndpoint, running_endpoint
from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT, SERVICE_ACCOUNT, connection_string
from local.azurite.server import Azurite, running_azurite
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from local.functions_host.process import HostProcess, running_host

ROOT = Path(__file__).resolve().parents[1]
LEDGER = "gdpr-requests"
_OPENER = build_opener(ProxyHandler({}))
_LOOK_SECONDS = 0.1
_JOB_SECONDS = 3600.0

POLLING = "AzureFunctionsJobHost__extensions__queues__maxPollingInterval"
SETTINGS: Mapping[str, str] = {
    "LEDGER_HASH_KEY": "a key of the bench",
    "CUSTOM_VISION_CALLS_PER_SECOND": "100000",
    "ERASURE_VERIFY_INTERVAL_SECONDS": "0.1",
    "PYTHON_THREADPOOL_THREAD_COUNT": "16",
    "COPY_CONCURRENCY": "8",
    # As short as the host allows: what is measured is the work, and the hops are reported apart.
    POLLING: "00:00:00.1",
}


class BenchFailed(RuntimeError):
    """What was to be measured did not end as it should; there is no figure for it."""


@dataclass(frozen=True)
class Surroundings:
    """Everything that runs but the host."""

    azurite: Azurite
    blobs: BlobEndpoint
    emulator: RunningEmulator

    @property
    def queues(self) -> str:
        """The connection string of the host's own storage."""
        return self.azurite.connection_string(APP_ACCOUNT)

    @property
    def control(self) -> EmulatorControl:
        """The emulator's control."""
        return EmulatorControl(self.emulator.url)

    @contextlib.contextmanager
    def host(self, **settings: str) -> Iterator[HostProcess]:
        """Run a fresh host, which has answered once; an empty setting takes the bench's own away."""
        own = {
            "AzureWebJobsStorage": self.queues,
            "DATA_STORAGE": self.blobs.connection_string(APP_ACCOUNT),
            "CUSTOM_VISION_ENDPOINT": self.emulator.url,
            "CUSTOM_VISION_TRAINING_KEY": self.emulator.key,
        }
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            log = Path(folder, "host.log")
            given = {name: value for name, value in {**SETTINGS, **own, **settings}.items() if value}
            with running_host(ROOT, given, log_path=log, start_seconds=120) as host:
                call("GET", f"{host.url}/api/health")
                yield host

    @contextlib.contextmanager
    def hosts(self, number: int, **settings: str) -> Iterator[list[HostProcess]]:
        """Run several hosts side by side on the same storage."""
        with contextlib.ExitStack() as stack:
            yield [stack.enter_context(self.host(**settings)) for _ in range(number)]

    @contextlib.contextmanager
    def latency(self, *, api_seconds: float, blob_milliseconds: float) -> Iterator[None]:
        """Let every call to Custom Vision and to blobs wait for the length of the block."""
        self.blobs.set_latency(blob_milliseconds)
        if api_seconds:
            self.control.fault("delay", seconds=api_seconds)
        try:
            yield
        finally:
            self.control.clear_faults()
            self.blobs.set_latency(0)

    def seeded(self, name: str, images: int, **plan: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of the seed
        """Make a project whose images share a few blobs; the ids of everything made."""
        return self.control.seed(name, images, share_blobs=True, **plan)

    def follow(
        self, host: HostProcess, route: str, body: Mapping[str, Any], ends: Collection[str] = ("completed",)
    ) -> dict[str, Any]:
        """Post a request, wait for its end and give its record; BenchFailed unless it ends in one of `ends`."""
        accepted = call("POST", f"{host.url}/api/{route}", body)
        record = self.ended(host, accepted["subject_request_id"])
        if record["request_status"] not in ends:
            raise BenchFailed(f"{route} ended {record['request_status']} ({record['reason']}):\n{host.log()[-3000:]}")
        return record

    def yardstick(self, tool: str, project: str, **task: Any) -> dict[str, float]:  # noqa: ANN401 - JSON
        """Run a yardstick over a project and give what it took."""
        given = {
            "tool": tool,
            "project": f"{self.emulator.url}/customvision/v3.3/training/projects/{project}",
            "headers": {"Training-Key": self.emulator.key},
            "storage": self.blobs.connection_string(APP_ACCOUNT),
        }
        command = [sys.executable, "-m", "benchmarks.yardsticks"]
        done = subprocess.run(
            command, cwd=ROOT, input=json.dumps(given | task), stdout=subprocess.PIPE, text=True, check=True
        )
        return dict(json.loads(done.stdout))

    def ended(self, host: HostProcess, request_id: str) -> dict[str, Any]:
        """Wait for a request's end, looking at the record where it lies, which costs the host nothing."""
        deadline = time.monotonic() + _JOB_SECONDS
        while time.monotonic() < deadline:
            content = self.blobs.peek(f"{APP_ACCOUNT}/{LEDGER}/{request_id}/record.json")
            record = dict(json.loads(content)) if content else {}
            if record.get("completed_time"):
                return record
            time.sleep(_LOOK_SECONDS)
        raise BenchFailed(f"not done after {_JOB_SECONDS:.0f} s:\n{host.log()[-3000:]}")


@contextlib.contextmanager
def running_surroundings() -> Iterator[Surroundings]:
    """Run Azurite, the endpoint and the emulator for the length of the block."""
    with (
        running_azurite() as azurite,
        running_endpoint() as blobs,
        running_emulator(storage=blobs.connection_string(SERVICE_ACCOUNT)) as emulator,
    ):
        yield Surroundings(azurite, blobs, emulator)


def storage_behind(ports: Mapping[str, int]) -> str:
    """Give the connection string of the host's own storage at other ports, those of proxies."""
    return connection_string(APP_ACCOUNT, ACCOUNT_KEYS[APP_ACCOUNT], ports)


def call(method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Call the host and give its JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data, {"Content-Type": "application/json"}, method=method)
    with _OPENER.open(request, timeout=60) as answer:
        return dict(json.load(answer))
