"""The app in a host of its own, on a storage account of its own, with an emulated service behind it."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest
import requests

from local.azurite.accounts import SERVICE_ACCOUNT
from local.azurite.server import Azurite, running_azurite
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from local.functions_host.process import HostProcess, running_host
from tests.acceptance.stack import ROOT, eventually, fast_settings
from tests.asked import whole_number

KNOWN = tuple(f"00000000-0000-4000-8000-{number:012d}" for number in range(1, 6))
"""Ids of requests that are there: a fuzzer would never find one."""
SECRETS = ("fuzz-training-key", "fuzz-hash-key")
SHORT_RUN_CASES = 400
ANSWERED: Counter[int] = Counter()
STACK_TRACES = ("Traceback (most recent", 'File "/', "site-packages")


def pytest_configure() -> None:
    """Refuse a number of cases that is none before anything is started."""
    cases()


def cases() -> int:
    """Give how many calls are generated."""
    return whole_number("FUZZ_CASES", "CASES", SHORT_RUN_CASES)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many generated cases were sent, and what was answered."""
    if ANSWERED:
        codes = ", ".join(f"{number} × {code}" for code, number in sorted(ANSWERED.items()))
        terminalreporter.write_line(f"Fuzzing: {ANSWERED.total()} generated calls over HTTP: {codes}")


def assert_harmless(status: int, media_type: str, content: bytes) -> None:
    """An answer is no error of ours, no stack trace and no secret, and a refusal is a problem (or the host's own)."""
    text = content.decode()
    assert status < 500, text
    assert not any(word in text for word in (*STACK_TRACES, *SECRETS))
    if status >= 400 and not (status == 404 and not content):
        assert media_type == "application/problem+json"
        problem = json.loads(text)
        assert problem["status"] == status
        assert {"type", "title", "detail", "errors"} <= problem.keys()


@dataclass(frozen=True)
class Running:
    """A running host, the session to call it with, its storage's connection string, and how often it answered what."""

    host: HostProcess
    http: requests.Session
    storage: str
    answered: Counter[int]

    @property
    def url(self) -> str:
        """The host's address."""
        return self.host.url


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """
    A host that knows some requests, each of another kind and worked through.

    What is accepted from then on stays `pending`: thousands of exports would be the work of the machine, not of the
    test.
    """
    log = tmp_path_factory.mktemp("fuzz") / "host.log"
    with running_azurite() as azurite, _emulator(azurite) as emulator, requests.Session() as http:
        EmulatorControl(emulator.url).seed("Pets", 3, metadata={"subject": ["anna"]}, iterations=1)
        secrets = {"CUSTOM_VISION_TRAINING_KEY": SECRETS[0], "LEDGER_HASH_KEY": SECRETS[1]}
        settings = fast_settings(azurite.connection_string(), emulator, **secrets)
        with running_host(ROOT, settings, log_path=log) as host:
            _make_known(host.url, http)
        idle = {f"AzureWebJobs.{name}.Disabled": "true" for name in ("work_export", "work_erasure")}
        with running_host(ROOT, settings | idle, log_path=log) as host:
            yield Running(host, http, azurite.connection_string(), ANSWERED)


def _emulator(azurite: Azurite) -> AbstractContextManager[RunningEmulator]:
    return running_emulator(storage=azurite.connection_string(SERVICE_ACCOUNT), training_key=SECRETS[0])


def _make_known(url: str, http: requests.Session) -> None:
    items: dict[str, object] = {"level": "items", "projects": "all", "images": {"tags": ["nobody"]}}
    waiting = {"trained_iterations": "keep", "require_approval": True}
    bodies: list[tuple[str, dict[str, object]]] = [
        ("exports", {"scope": {"projects": "all"}}),
        ("exports", {"scope": {"projects": ["unknown"]}}),
        ("exports", {"scope": {"projects": "all"}, "options": {"package": "none"}}),
        ("erasures", {"scope": items, "options": {"trained_iterations": "keep"}}),
        ("erasures", {"scope": items | {"images": {"metadata": {"subject": "anna"}}}, "options": waiting}),
    ]
    for request_id, (route, body) in zip(KNOWN, bodies, strict=True):
        posted = http.post(f"{url}/api/{route}", json=body | {"subject_request_id": request_id}, timeout=30)
        assert posted.status_code == 202, posted.text
    for request_id in KNOWN:
        eventually(lambda of=request_id: _stands(url, http, of), "the end of a request")  # type: ignore[misc]


def _stands(url: str, http: requests.Session, request_id: str) -> bool:
    request = http.get(f"{url}/api/requests/{request_id}", timeout=30).json()
    return request["completed_time"] is not None or request["request_status"] == "awaiting_approval"
