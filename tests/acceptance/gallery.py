"""What is put into the emulated service through its own Training API, and how the service shows it."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import requests
from PIL import Image

from local.custom_vision.server import RunningEmulator
from tests.acceptance.stack import eventually

type Json = dict[str, Any]
LINKS = ("originalImageUri", "resizedImageUri", "thumbnailUri")
EXTENSIONS = {"image/jpeg": "jpg", "image/png": "png", "image/gif": "gif", "image/bmp": "bmp"}


def picture(number: int, form: str = "PNG") -> bytes:
    """A picture that no other number gives."""
    image = Image.new("RGB", (300 + number % 50, 260), (number * 37 % 256, number * 91 % 256, number % 256))
    for x in range(number % 200):
        image.putpixel((x, number % 100), (255, x, 0))
    stream = io.BytesIO()
    image.save(stream, form)
    return stream.getvalue()


class Gallery:
    """A client of the service for those who own the pictures."""

    def __init__(self, emulator: RunningEmulator) -> None:
        self._base = f"{emulator.url}/customvision/v3.3/training"
        self._session = requests.Session()
        self._session.headers["Training-Key"] = emulator.key

    def call(self, method: str, path: str, body: object = None, **query: str) -> Any:
        """One call that succeeds; its JSON, or None."""
        answer = self._session.request(method, self._base + path, json=body, params=query, timeout=30)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def close(self) -> None:
        """Let go of the connections."""
        self._session.close()

    def project(self, name: str, *, detection: bool = False) -> str:
        """Create a project."""
        wanted = "ObjectDetection" if detection else "Classification"
        domain = next(d["id"] for d in self.call("GET", "/domains") if d["type"] == wanted and d["name"] == "General")
        return str(self.call("POST", "/projects", name=name, domainId=domain)["id"])

    def tag(self, project: str, name: str, kind: str = "Regular") -> str:
        """Create a tag."""
        return str(self.call("POST", f"/projects/{project}/tags", name=name, type=kind)["id"])

    def upload(
        self,
        project: str,
        pictures: Sequence[bytes],
        *,
        tags: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
        regions: Sequence[Json] = (),
    ) -> list[str]:
        """Upload pictures in one batch, with tags and metadata for all and regions on each; their ids in order."""
        files = [
            {"name": f"{number}", "contents": base64.b64encode(data).decode(), "regions": list(regions)}
            for number, data in enumerate(pictures)
        ]
        body: Json = {"images": files, "tagIds": list(tags)} | ({"metadata": dict(metadata)} if metadata else {})
        answer = self.call("POST", f"/projects/{project}/images/files", body)
        made = {entry["sourceUrl"]: entry["image"]["id"] for entry in answer["images"] if entry["status"] == "OK"}
        assert len(made) == len(pictures), answer
        return [str(made[str(number)]) for number in range(len(pictures))]

    def train(self, project: str) -> str:
        """Train an iteration and wait for it."""
        made = self.call("POST", f"/projects/{project}/train", forceTrain="true")
        path = f"/projects/{project}/iterations/{made['id']}"
        eventually(lambda: self.call("GET", path)["status"] == "Completed" or None, "a trained iteration")
        return str(made["id"])

    def publish(self, project: str, iteration: str, name: str) -> None:
        """Publish an iteration for predictions."""
        resource = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/prediction"
        path = f"/projects/{project}/iterations/{iteration}/publish"
        self.call("POST", path, publishName=name, predictionId=resource)

    def rows(self, project: str, ids: Sequence[str]) -> dict[str, Json]:
        """The service's own rows of images, without links, by id."""
        found: list[Json] = []
        for start in range(0, len(ids), 64):
            found += self.call("GET", f"/projects/{project}/images/id", imageIds=",".join(ids[start : start + 64]))
        return {row["id"]: without_links(row) for row in found}


def without_links(row: Mapping[str, Any]) -> Json:
    """A row without the links to its pictures."""
    return {key: value for key, value in row.items() if key not in LINKS}
