"""A package is enough: an empty project is filled from a package's zip alone, and is the same again."""

import base64
import hashlib
import json
from collections.abc import Callable
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from tests.acceptance.gallery import Gallery, picture
from tests.exports.conftest import MakeWorld
from tests.exports.world import Package, World, lines

type Sound = Callable[[Package], Package]
type Json = dict[str, Any]
SIDES = ("left", "top", "width", "height")


def filled(world: World, *, detection: bool) -> str:
    """Fill a project with all that an image may carry; gives its id."""
    with world.gallery() as gallery:
        project = gallery.project("Original", detection=detection)
        first, second = gallery.tag(project, "first"), gallery.tag(project, "<zweiter> ä/日本")
        negative = gallery.tag(project, "none of them", "Negative")
        gallery.tag(project, "not worn")
        boxes = [
            {"tagId": tag, "left": 0.1 * n, "top": 0.125, "width": 0.2, "height": 0.0625 * (n + 1)}
            for n, tag in enumerate([first, second, first])
        ]
        forms = ["PNG", "JPEG", "GIF", "BMP"]
        for number in range(8):
            options: Json = {"metadata": {"number": str(number), "ключ": "=1+1\n\"'"}} if number % 2 else {}
            if detection:
                options["regions"] = boxes[: number % 4]
            elif number % 4:
                options["tags"] = [[first], [first, second], [negative]][number % 3]
            gallery.upload(project, [picture(number, forms[number % 4])], **options)
    return project


def rebuild(archive: ZipFile, base: str, gallery: Gallery) -> str:
    """Make a project from what a zip holds of one; gives its id."""
    old = json.loads(archive.read(f"{base}/project.json"))
    settings = {"domainId": old["settings"]["domainId"]}
    if old["settings"].get("classificationType"):
        settings["classificationType"] = old["settings"]["classificationType"]
    project = str(gallery.call("POST", "/projects", name=old["name"], **settings)["id"])
    tags = {
        tag["id"]: gallery.tag(project, tag["name"], tag["type"])
        for tag in json.loads(archive.read(f"{base}/tags.json"))
    }
    files = {name.rpartition("/")[2].partition(".")[0]: name for name in archive.namelist() if "/images/files/" in name}
    pages = [n for n in archive.namelist() if n.rpartition("/")[0] == f"{base}/images" and n.endswith(".jsonl")]
    for row in (row for page in pages for row in lines(archive.read(page))):
        add(gallery, project, row, archive.read(files[row["id"]]), tags)
    return project


def add(gallery: Gallery, project: str, row: Json, content: bytes, tags: dict[str, str]) -> None:
    """CreateImagesFromFiles for one image, with its tags, regions and metadata."""
    regions = [{"tagId": tags[one["tagId"]], **{side: one[side] for side in SIDES}} for one in row.get("regions", ())]
    boxed = {one["tagId"] for one in regions}
    plain = [tags[one["tagId"]] for one in row.get("tags", ()) if tags[one["tagId"]] not in boxed]
    file = {"name": "it", "contents": base64.b64encode(content).decode(), "regions": regions, "tagIds": plain}
    body: Json = {"images": [file]} | ({"metadata": row["metadata"]} if row.get("metadata") else {})
    answer = gallery.call("POST", f"/projects/{project}/images/files", body)
    assert answer["isBatchSuccessful"], answer


def described(world: World, number: int, project: str) -> Json:
    """Describe a project without its ids, which are the service's own."""
    (truth,) = [one for one in world.controls[number].truth()["projects"] if one["id"] == project]
    names = {tag["id"]: tag["name"] for tag in truth["workspace"]["tags"]}
    images = [
        {
            "sha256": one["sha256"],
            "size": one["size"],
            "type": one["media_type"],
            "tags": sorted(one["tags"]),
            "regions": sorted([names[box["tag_id"]], *box["box"]] for box in one["regions"]),
            "metadata": one["metadata"],
        }
        for one in truth["workspace"]["images"]
    ]
    return {
        "name": truth["name"],
        "tags": sorted((tag["name"], tag["type"]) for tag in truth["workspace"]["tags"]),
        "images": sorted(images, key=lambda one: str(one["sha256"])),
    }


@pytest.mark.parametrize("detection", [False, True], ids=["classification", "detection"])
def test_a_project_rebuilt_from_a_package_is_the_same(make_world: MakeWorld, sound: Sound, detection: bool) -> None:
    world = make_world(2)
    project = filled(world, detection=detection)
    package = sound(world.export({"scope": {"projects": [project]}}))
    archive = ZipFile(BytesIO(package.blobs["package-001.zip"]))
    with world.gallery(1) as gallery:
        twin = rebuild(archive, f"projects/{project}", gallery)
    original = described(world, 0, project)
    assert len(original["images"]) == 8
    assert described(world, 1, twin) == original
    exported = {hashlib.sha256(content).hexdigest() for content in package.pictures(project).values()}
    assert exported == {one["sha256"] for one in original["images"]}
