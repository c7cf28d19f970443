"""Filling a project behind the scenes: any number of images in one command, past the limits of the API."""

import base64
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from functools import cache
from itertools import batched
from typing import Any

from PIL import Image as Pillow

from local.custom_vision.blobs import BlobStore
from local.custom_vision.domains import DEFAULT_DOMAIN, DOMAINS, is_detection
from local.custom_vision.errors import ControlError
from local.custom_vision.image_creation import tied_ticks
from local.custom_vision.iterations import finish_training, start_training
from local.custom_vision.model import Content, Image, Iteration, Project, Region, Tag, TagLink
from local.custom_vision.picture import NotAPictureError, examine, thumbnail
from local.custom_vision.predicting import keep_blobs, made_prediction
from local.custom_vision.projects import default_settings, new_project
from local.custom_vision.world import World, image_blobs

_WRITERS = 4
_JOBS_PER_TASK = 32
_DETECTION_DOMAIN = "da2e3a8a-40a5-4171-82f4-58522f70fbc1"
_KINDS = {"classification": DEFAULT_DOMAIN.id, "detection": _DETECTION_DOMAIN}
_PUBLISH_TARGET = (
    "/subscriptions/00000000-0000-4000-a000-000000000000/resourceGroups/emulator"
    "/providers/Microsoft.CognitiveServices/accounts/emulator-prediction"
)


@dataclass
class SeedPlan:
    """What to put into a project. The table in docs/emulator.md explains the fields."""

    name: str
    images: int = 0
    domain: str = "classification"
    description: str = ""
    tags: list[str] = field(default_factory=lambda: ["first", "second"])
    untagged_every: int = 0
    metadata: dict[str, str | list[str]] = field(default_factory=dict)
    pictures: list[str] = field(default_factory=list)
    unique_bytes: bool = False
    share_blobs: bool = False
    iterations: int = 0
    publish: str | None = None
    predictions: int = 0
    project: str = ""


def read_plan(values: dict[str, Any]) -> SeedPlan:
    """A plan from its JSON; ControlError for a field that is not known."""
    known = {one.name for one in fields(SeedPlan)}
    if not set(values) <= known:
        raise ControlError(f"unknown fields {sorted(set(values) - known)}; known are {sorted(known)}")
    if "name" not in values:
        raise ControlError("a project needs a name")
    return SeedPlan(**values)


def seed_project(world: World, store: BlobStore, plan: SeedPlan) -> dict[str, Any]:
    """Make the project; returns its id, its tags (name → id), its images' ids, iterations and predictions."""
    domain_id = _KINDS.get(plan.domain, plan.domain)
    if domain_id not in DOMAINS:
        raise ControlError("domain is classification, detection or the id of a domain")
    with world.lock:
        project = new_project(world, plan.name, plan.description, default_settings(domain_id, None, []))
    image_ids = add_images(world, store, project, plan)
    iterations = [_trained(world, project) for _ in range(plan.iterations)]
    if plan.publish is not None and iterations:
        iterations[-1].publish_name, iterations[-1].publish_target = plan.publish, _PUBLISH_TARGET
    predictions = [_predicted(world, store, project, plan, number) for number in range(plan.predictions)]
    return {
        "project": project.id,
        "tags": {tag.name: tag.id for tag in project.workspace.tags.values()},
        "images": image_ids,
        "iterations": [iteration.id for iteration in iterations],
        "predictions": predictions,
    }


def add_images(world: World, store: BlobStore, project: Project, plan: SeedPlan) -> list[str]:
    """Add the plan's images to the project's workspace; the blobs are written first, outside the lock."""
    pictures = _pictures(plan)
    with world.lock:
        tags = [_tag(world, project, name) for name in plan.tags]
        rows = list(_rows(world, project, plan, pictures, tags))
    _write(store, plan, pictures, rows)
    with world.lock:
        project.workspace.put(rows)
        world.use_blobs(rows)
    return [image.id for image in rows]


@cache
def stock_picture(number: int) -> bytes:
    """A small JPEG; another one for every number."""
    shade = (number * 53 % 256, number * 101 % 256, number * 197 % 256)
    out = io.BytesIO()
    Pillow.new("RGB", (64 + number % 7, 48 + number % 5), shade).save(out, "JPEG", quality=80)
    return out.getvalue()


@dataclass(frozen=True)
class _Picture:
    data: bytes
    small: bytes
    content: Content


def _pictures(plan: SeedPlan) -> list[_Picture]:
    given = [base64.b64decode(text) for text in plan.pictures] or [stock_picture(number) for number in range(4)]
    try:
        return [_Picture(data, thumbnail(data), examine(data)) for data in given]
    except NotAPictureError:
        raise ControlError("pictures must be base64 of JPEG, PNG, BMP or GIF") from None


def _tag(world: World, project: Project, name: str) -> Tag:
    found = next((tag for tag in project.workspace.tags.values() if tag.name == name), None)
    if found is None:
        found = Tag(world.new_id(), name, None, "Regular")
        project.workspace.put_tag(found)
    return found


def _rows(world: World, project: Project, plan: SeedPlan, pictures: list[_Picture], tags: list[Tag]) -> Iterator[Image]:
    detection = is_detection(project.settings["domainId"])
    shared = [image_blobs(project.id, world.new_id()) for _ in pictures] if plan.share_blobs else []
    for number, tick in enumerate(tied_ticks(world, plan.images)):
        image_id, picture = world.new_id(), number % len(pictures)
        original, small = shared[picture] if shared else image_blobs(project.id, image_id)
        content = _bytes_of(plan, pictures[picture], number)[1]
        links: tuple[TagLink, ...] = ()
        if tags and not (plan.untagged_every and number % plan.untagged_every == 0):
            links = (TagLink(tags[number % len(tags)].id, tick + 1),)
        regions = tuple(_box(world, link) for link in links) if detection else ()
        metadata = {key: _value(pattern, number) for key, pattern in plan.metadata.items()}
        yield Image(image_id, tick, content, original, small, links, regions, metadata or None)


def _box(world: World, link: TagLink) -> Region:
    return Region(world.new_id(), link.tag_id, link.created + 1, 0.25, 0.25, 0.5, 0.5)


def _value(pattern: str | list[str], number: int) -> str:
    text = pattern if isinstance(pattern, str) else pattern[number % len(pattern)]
    return text.replace("{n}", str(number))


def _bytes_of(plan: SeedPlan, picture: _Picture, number: int) -> tuple[bytes, Content]:
    """The picture's bytes; where every image is to have bytes of its own, with a number behind the picture's end."""
    if not plan.unique_bytes:
        return picture.data, picture.content
    data = picture.data + f"{plan.name}/{number}".encode()
    return data, examine(data)


def _write(store: BlobStore, plan: SeedPlan, pictures: list[_Picture], rows: list[Image]) -> None:
    """Every blob once, by several threads, for a storage account makes each of them wait."""
    jobs = list({image.original: (number, image) for number, image in enumerate(rows)}.values())

    def write(some: tuple[tuple[int, Image], ...]) -> None:
        for number, image in some:
            picture = pictures[number % len(pictures)]
            store.put(image.original, _bytes_of(plan, picture, number)[0], image.content.media_type)
            store.put(image.thumbnail, picture.small, "image/jpeg")

    with ThreadPoolExecutor(_WRITERS) as writers:
        list(writers.map(write, batched(jobs, _JOBS_PER_TASK, strict=False)))


def _trained(world: World, project: Project) -> Iteration:
    with world.lock:
        iteration = start_training(world, project)
        finish_training(world, iteration)
        return iteration


def _predicted(world: World, store: BlobStore, project: Project, plan: SeedPlan, number: int) -> str:
    """A stored prediction of the newest iteration, for a picture of its own."""
    if not project.iterations:
        raise ControlError("predictions need an iteration")
    pictures = _pictures(plan)
    data = pictures[number % len(pictures)].data + f"prediction/{number}".encode()
    with world.lock:
        prediction = made_prediction(world, project, list(project.iterations.values())[-1], data)
    keep_blobs(store, prediction, data)
    with world.lock:
        project.predictions[prediction.id] = prediction
    return prediction.id
