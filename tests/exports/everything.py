"""A project that holds something of every category, filled through the service's own API."""

from dataclasses import dataclass

import requests

from local.custom_vision.server import RunningEmulator
from tests.acceptance.gallery import picture
from tests.exports.world import World

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
"""General (compact): a classification domain whose models can be exported."""


@dataclass(frozen=True)
class Album:
    """What was put into a project, by its ids."""

    project: str
    images: list[str]
    removed: list[str]
    iterations: list[str]
    predictions: list[str]
    uploaded: dict[str, bytes]


def fill(world: World, name: str = "Album", number: int = 0) -> Album:
    """
    Fill a project of one resource: tagged, untagged and negative images, two iterations, a model, predictions.

    Two images are deleted from the workspace after the first training: only that iteration still holds them.
    """
    with world.gallery(number) as gallery:
        project = str(gallery.call("POST", "/projects", name=name, domainId=COMPACT)["id"])
        red, blue = gallery.tag(project, f"{name} red"), gallery.tag(project, f"{name} blue")
        negative = gallery.tag(project, "Negative", "Negative")
        pictures = [
            picture(100 * number + n, form) for n, form in enumerate(["PNG", "JPEG", "GIF", "BMP"] * 2 + ["PNG"])
        ]
        ids = gallery.upload(project, pictures[:3], tags=[red], metadata={"note": "ä, / & 日本"})
        ids += gallery.upload(project, pictures[3:6], tags=[red, blue])
        ids += gallery.upload(project, pictures[6:8], tags=[negative])
        ids += gallery.upload(project, pictures[8:])
        first = world.train(project, number)
        removed = ids[:2]
        gallery.call("DELETE", f"/projects/{project}/images", imageIds=",".join(removed))
        second = world.train(project, number)
        gallery.call("POST", f"/projects/{project}/iterations/{first}/export", platform="ONNX")
        world.controls[number].advance(10)
    emulator = world.emulators[number]
    guessed = [predict(emulator, project, iteration, 40 + n) for n, iteration in enumerate([first, second, second])]
    return Album(project, ids[2:], removed, [first, second], guessed, dict(zip(ids, pictures, strict=True)))


def predict(emulator: RunningEmulator, project: str, iteration: str, number: int) -> str:
    """Let an iteration guess, and the service store it; gives the prediction's id."""
    answer = requests.post(
        f"{emulator.url}/customvision/v3.3/training/projects/{project}/quicktest/image",
        params={"iterationId": iteration, "store": "true"},
        headers={"Training-Key": emulator.key},
        files={"imageData": picture(number)},
        timeout=30,
    )
    assert answer.ok, answer.text
    return str(answer.json()["id"])
