"""A project with pictures of several people, some of them in old iterations only; and the truth without one person."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from local.custom_vision.world import image_blobs
from tests.acceptance.gallery import Gallery, picture
from tests.acceptance.stack import Stack

type Json = dict[str, Any]


@dataclass(frozen=True)
class People:
    """
    Anna and Ben in one project with a published iteration.

    `anna`: all her images; `only_trained`: hers that the workspace has no more; `only_workspace`: hers that came after
    the training.
    """

    project: str
    tags: dict[str, str]
    anna: list[str]
    ben: list[str]
    only_trained: list[str]
    only_workspace: list[str]
    iteration: str


def people(stack: Stack, gallery: Gallery, name: str, *, subject: str = "anna-4711") -> People:
    """Make such a project; Anna's metadata value and the names of tags are planted to be looked for later."""
    stack.control.switch(training_seconds=0)
    project = gallery.project(name)
    tags = {tag: gallery.tag(project, tag) for tag in ("tag-anna", "tag-ben")}
    base = int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)
    hers = gallery.upload(
        project, [picture(base + n) for n in range(4)], tags=[tags["tag-anna"]], metadata={"subject": subject}
    )
    ben = gallery.upload(
        project, [picture(base + n) for n in range(10, 14)], tags=[tags["tag-ben"]], metadata={"subject": "ben-4712"}
    )
    ben += gallery.upload(project, [picture(base + n) for n in range(20, 22)])
    iteration = gallery.train(project)
    gallery.publish(project, iteration, f"live-{project[:8]}")
    stack.control.delete_images(project, hers[:1], everywhere=False)
    later = gallery.upload(project, [picture(base + 30)], tags=[tags["tag-anna"]], metadata={"subject": subject})
    return People(project, tags, [*hers, *later], ben, hers[:1], later, iteration)


def truth_without(truth: Json, ids: Iterable[str]) -> Json:
    """The projects of the truth as they must be when these images, and nothing else, are gone."""
    gone = set(ids)
    scopes = [scope for project in truth["projects"] for scope in (project["workspace"], *project["iterations"])]
    for scope in scopes:
        scope["images"] = [image for image in scope["images"] if image["id"] not in gone]
        scope["image_count"] = len(scope["images"])
    return {"projects": truth["projects"], "orphans": truth["orphans"]}


def stored_bytes(stack: Stack, *, without: Iterable[tuple[str, str]] = ()) -> dict[str, str]:
    """SHA-256 of every blob of the service by name, leaving out those of images given as (project, image)."""
    store = stack.emulator.emulator.store
    gone = {blob for project, image in without for blob in image_blobs(project, image)}
    contents = {name: store.read(name) for name in store.names() if name not in gone}
    return {str(name): hashlib.sha256(data).hexdigest() for name, data in contents.items() if data is not None}


def erasure(project: str | list[str], images: Json, **options: Any) -> Json:
    """The body of an erasure of one person's images."""
    projects = [project] if isinstance(project, str) and project != "all" else project
    scope = {"level": "items", "projects": projects, "images": images}
    return {"scope": scope, "options": {"trained_iterations": "keep"} | options}


ANNA: Json = {"metadata": {"subject": "anna-4711"}}
