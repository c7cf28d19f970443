"""An export compared, item by item, with what was put into the service."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from local.custom_vision.emulator import Outcome
from local.custom_vision.wire import Answer, Request
from tests.acceptance.gallery import EXTENSIONS, Gallery, picture, without_links
from tests.acceptance.package import Package
from tests.acceptance.stack import TRAINING_KEY, Stack

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]
UNITS = 300
"""More images than one unit holds."""
STOLEN = "https://account.blob.core.windows.net/c/b?sv=2020&sig=abcdef"


@dataclass(frozen=True)
class World:
    """Two projects of a customer, and one large enough for several units."""

    album: str
    street: str
    bulk: str
    uploaded: dict[str, bytes]
    anna: list[str]
    ben: list[str]
    tags: dict[str, str]


@pytest.fixture(scope="module")
def world(stack: Stack, gallery: Gallery) -> World:
    """Pictures of all forms, tagged, untagged and negative, with regions and metadata; one trained iteration."""
    album, street = gallery.project("Family album"), gallery.project("Street", detection=True)
    tags = {name: gallery.tag(album, name) for name in ("tag-anna", "tag-ben")}
    tags["Negative"] = gallery.tag(album, "Negative", "Negative")
    tags["car"] = gallery.tag(street, "car")
    uploaded: dict[str, bytes] = {}

    def put(project: str, pictures: list[bytes], **facts: Any) -> list[str]:
        ids = gallery.upload(project, pictures, **facts)
        uploaded.update(zip(ids, pictures, strict=True))
        return ids

    forms = [picture(n, form) for n, form in enumerate(("PNG", "JPEG", "GIF", "BMP"))]
    anna = put(album, forms, tags=[tags["tag-anna"]], metadata={"subject": "anna-4711", "note": "ä, / & 日本"})
    ben = put(album, [picture(n) for n in range(10, 16)], tags=[tags["tag-ben"]], metadata={"subject": "ben-4712"})
    put(album, [picture(20), picture(21)])
    put(album, [picture(22)], tags=[tags["Negative"]])
    box = {"tagId": tags["car"], "left": 0.1, "top": 0.25, "width": 0.5, "height": 0.125}
    put(street, [picture(n) for n in range(30, 34)], regions=[box], metadata={"subject": "ben-4712"})
    gallery.train(album)
    bulk = stack.control.seed("Bulk", UNITS, unique_bytes=True, untagged_every=3)["project"]
    return World(album, street, bulk, uploaded, anna, ben, tags)


@pytest.fixture(scope="module")
def fields_of_tomorrow(stack: Stack) -> Iterator[None]:
    """A newer service: every image's row has fields that this app has never heard of, one with a link in it."""
    emulator = stack.emulator.emulator
    answer_as_today: Callable[[Request], Outcome] = emulator.handle

    def answer(request: Request) -> Outcome:
        outcome = answer_as_today(request)
        path = request.path.lower()
        if "/images" not in path or outcome.answer is None or outcome.answer.status != 200 or request.method != "GET":
            return outcome
        rows = json.loads(outcome.answer.body)
        if not isinstance(rows, list):
            return outcome
        for row in rows:
            row["qualityOfTomorrow"] = {"score": 0.125, "labels": ["sharp"], "copies": [{"downloadUri": STOLEN}]}
            row["remarkOfTomorrow"] = STOLEN
        body = json.dumps(rows).encode()
        return Outcome(Answer(200, body, outcome.answer.content_type, outcome.answer.headers), outcome.keep_bytes)

    emulator.handle = answer  # type: ignore[method-assign]
    yield
    emulator.handle = answer_as_today  # type: ignore[method-assign, assignment]


@pytest.fixture(scope="module")
def everything(stack: Stack, world: World, fields_of_tomorrow: None) -> tuple[Json, Package]:
    """The end of an export of all projects, and its package."""
    request_id = stack.post("/api/exports", {"scope": {"projects": "all"}, "options": {"package": "none"}})
    return stack.finished(request_id), Package(stack, request_id)


def assert_complete(status: Json) -> None:
    """The export lacks nothing but, at most, what this version says it does not export yet."""
    ending = (status["request_status"], status["reason"])
    assert ending in (("completed", None), ("partially_completed", "not_supported_yet")), status
    assert status["failures"] == []


def test_an_export_ends_complete(everything: tuple[Json, Package]) -> None:
    status, package = everything
    assert_complete(status)
    assert all(words["failed"] == 0 for words in package.manifest["stores"].values())
    codes = {gap["code"] for gap in package.manifest["gaps"]}
    assert codes <= {"not_supported_yet", "not_asked", "not_trained", "link_expired"}


def test_every_picture_has_the_bytes_that_were_uploaded(everything: tuple[Json, Package], world: World) -> None:
    _, package = everything
    exported = package.pictures(world.album) | package.pictures(world.street)
    assert {name.split(".")[0]: data for name, data in exported.items()} == world.uploaded


def test_every_picture_of_a_large_project_is_there_once(
    stack: Stack, everything: tuple[Json, Package], world: World
) -> None:
    _, package = everything
    truth = next(p for p in stack.control.truth()["projects"] if p["id"] == world.bulk)
    expected = {f"{one['id']}.{EXTENSIONS[one['media_type']]}": one["sha256"] for one in truth["workspace"]["images"]}
    assert len(expected) == UNITS
    pictures = package.pictures(world.bulk)
    assert {name: hashlib.sha256(data).hexdigest() for name, data in pictures.items()} == expected
    pages = [path for path in package.files if path.startswith(f"projects/{world.bulk}/images/0")]
    assert len(pages) > 1, "several units ran"


def test_the_type_of_a_file_comes_from_its_bytes(everything: tuple[Json, Package], world: World) -> None:
    _, package = everything
    names = {name.split(".")[0]: name.split(".")[1] for name in package.pictures(world.album)}
    assert [names[image] for image in world.anna] == ["png", "jpg", "gif", "bmp"]
    types = [package.listed[f"projects/{world.album}/images/files/{i}.{names[i]}"]["media_type"] for i in world.anna]
    assert types == ["image/png", "image/jpeg", "image/gif", "image/bmp"]


def test_rows_are_the_service_s_own_without_links(
    everything: tuple[Json, Package], gallery: Gallery, world: World, fields_of_tomorrow: None
) -> None:
    _, package = everything
    for project in (world.album, world.street):
        exported = package.image_rows(project)
        expected = gallery.rows(project, list(exported))
        assert len(exported) == len(expected)
        for image_id, row in exported.items():
            known = {key: value for key, value in row.items() if not key.endswith("OfTomorrow")}
            assert known == {k: v for k, v in expected[image_id].items() if not k.endswith("OfTomorrow")}
    tagged = package.image_rows(world.album)[world.anna[0]]
    assert [tag["tagName"] for tag in tagged["tags"]] == ["tag-anna"]
    assert tagged["metadata"] == {"subject": "anna-4711", "note": "ä, / & 日本"}
    assert all(row["regions"][0]["left"] == 0.1 for row in package.image_rows(world.street).values())


def test_unknown_fields_stay_and_their_links_go(everything: tuple[Json, Package], world: World) -> None:
    _, package = everything
    row = package.image_rows(world.album)[world.ben[0]]
    assert row["qualityOfTomorrow"]["score"] == 0.125
    assert row["qualityOfTomorrow"]["labels"] == ["sharp"]
    package.assert_nowhere("account.blob.core", "sig=")


def test_untagged_and_negative_images_are_there(everything: tuple[Json, Package], world: World) -> None:
    _, package = everything
    rows = package.image_rows(world.album).values()
    assert sum(not row.get("tags") for row in rows) == 2
    assert sum(any(tag["tagName"] == "Negative" for tag in row.get("tags") or []) for row in rows) == 1


def test_projects_tags_and_iterations_are_the_service_s_own(
    everything: tuple[Json, Package], gallery: Gallery, world: World
) -> None:
    _, package = everything
    for project in (world.album, world.street, world.bulk):
        base = f"projects/{project}"
        assert package.json(f"{base}/project.json") == without_links(gallery.call("GET", f"/projects/{project}"))
        for name in ("tags", "iterations"):
            exported = {row["id"]: row for row in package.json(f"{base}/{name}.json")}
            assert exported == {row["id"]: row for row in gallery.call("GET", f"/projects/{project}/{name}")}


def test_the_manifest_lists_every_file_with_true_digests(everything: tuple[Json, Package]) -> None:
    everything[1].assert_manifest_is_true()


def test_counts_equal_the_service_s_truth(stack: Stack, everything: tuple[Json, Package]) -> None:
    status, package = everything
    projects = stack.control.truth(images=False)["projects"]
    images = sum(project["workspace"]["image_count"] for project in projects)
    stores = package.manifest["stores"]
    assert (stores["images"]["found"], stores["images"]["written"]) == (images, images)
    assert stores["images"]["service_count"] == images
    assert stores["projects"]["written"] == len(projects)
    assert stores["iterations"]["written"] == sum(len(project["iterations"]) for project in projects)
    assert stores["tags"]["written"] >= sum(len(project["workspace"]["tags"]) for project in projects)
    assert status["counts"] == stores
    assert stack.receipt(status["subject_request_id"])["stores"] == stores


def test_no_secret_and_no_address_of_the_service_is_in_a_package(
    stack: Stack, everything: tuple[Json, Package]
) -> None:
    _, package = everything
    account = stack.emulator.emulator.store
    assert account is not None
    addresses = (stack.emulator.url.removeprefix("http://"), stack.blobs.url.split("//")[1].split("/")[0])
    package.assert_nowhere("sig=", TRAINING_KEY, "blob.core", "AccountKey", *addresses)


@pytest.mark.parametrize(
    "selector",
    [{"metadata": {"subject": "anna-4711"}}, {"tags": ["tag-anna"]}, "tag id", "ids"],
    ids=["metadata", "tag-name", "tag-id", "ids"],
)
def test_a_narrowed_export_holds_one_person_and_nobody_else(stack: Stack, world: World, selector: Json | str) -> None:
    images = {"tag id": {"tags": [world.tags["tag-anna"]]}, "ids": {"ids": world.anna}}.get(str(selector), selector)
    request_id = stack.post(
        "/api/exports", {"scope": {"projects": "all", "images": images}, "options": {"package": "none"}}
    )
    status, package = stack.finished(request_id), Package(stack, request_id)
    assert_complete(status)
    pictures = {name.split(".")[0]: data for name, data in package.pictures(world.album).items()}
    assert pictures == {image: world.uploaded[image] for image in world.anna}
    assert package.image_rows(world.album).keys() == set(world.anna)
    assert [tag["name"] for tag in package.json(f"projects/{world.album}/tags.json")] == ["tag-anna"]
    others = [image for image in world.uploaded if image not in world.anna]
    package.assert_nowhere(*others, "ben-4712", "Family of")
    # A row of per-image performance is whole, so it names every tag that the model thought of.
    package.assert_nowhere("tag-ben", world.tags["tag-ben"], "Negative", besides="/image_performances/")
    package.assert_manifest_is_true()
    assert package.pictures(world.street) == package.pictures(world.bulk) == {}


def test_a_manifest_says_nothing_of_whom_was_asked_for(stack: Stack, world: World) -> None:
    body = {"scope": {"projects": ["Family album"], "images": {"metadata": {"subject": "anna-4711"}}}}
    request_id = stack.post("/api/exports", body | {"options": {"package": "none"}})
    stack.finished(request_id)
    manifest = Package(stack, request_id).files["manifest.json"].decode()
    assert "anna-4711" not in manifest
    assert "Family album" not in manifest


def test_a_person_without_images_ends_completed_with_nothing_matched(stack: Stack, world: World) -> None:
    body = {"scope": {"projects": "all", "images": {"tags": ["nobody"]}}, "options": {"package": "none"}}
    status = stack.finished(stack.post("/api/exports", body))
    assert (status["request_status"], status["reason"]) == ("completed", "nothing_matched")


def test_checksums_sha256_gives_the_digest_of_every_picture(stack: Stack, world: World) -> None:
    body = {"scope": {"projects": [world.album]}, "options": {"package": "none", "checksums": "sha256"}}
    request_id = stack.post("/api/exports", body)
    assert_complete(stack.finished(request_id))
    package = Package(stack, request_id)
    package.assert_manifest_is_true()
    rows = [row for path, row in package.listed.items() if "/images/files/" in path]
    assert len(rows) == len(package.pictures(world.album))
    assert all(row["sha256"] for row in rows)


def test_an_unknown_project_ends_failed_with_the_reason(stack: Stack, world: World) -> None:
    status = stack.finished(
        stack.post("/api/exports", {"scope": {"projects": ["No such"]}, "options": {"package": "none"}})
    )
    assert (status["request_status"], status["reason"]) == ("failed", "project_not_found")
    assert stack.names(stack.packages, f"{status['subject_request_id']}/") == []


def test_no_person_and_no_secret_is_in_ledger_log_or_internal_queues(stack: Stack, world: World) -> None:
    stack.assert_nowhere("anna-4711", "ben-4712", "tag-anna", "nobody", "Family album")
