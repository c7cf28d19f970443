"""Fixtures: an emulator in this process, its control client, an HTTP client for it."""

import base64
import io
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
        images = [
            {"name": f"{number}.jpg", "contents": base64.b64encode(one).decode()} for number, one in enumerate(pictures)
        ]
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
