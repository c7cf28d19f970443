"""What the service and its storage do wrong: never a picture counted that is not there, never a call too many."""

import hashlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.azurite.server import Azurite
from local.custom_vision.wire import Request
from tests.acceptance.gallery import EXTENSIONS, Gallery, picture
from tests.acceptance.package import Package
from tests.acceptance.people import ANNA, erasure, people
from tests.acceptance.stack import Stack, running_stack

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]


@pytest.fixture
def album(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Json]:
    """Six pictures, all different."""
    made = stack.control.seed(f"Album {request.node.name}"[:100], 6, unique_bytes=True)
    yield made
    with stack.emulator.world.lock:
        stack.emulator.world.projects.pop(made["project"], None)


def body_of(album: Json, **options: Any) -> Json:
    """The body of an export of the album."""
    return {"scope": {"projects": [album["project"]]}, "options": {"package": "none"} | options}


def export(stack: Stack, album: Json, **options: Any) -> tuple[Json, Package]:
    """Export the album; its end and its package."""
    request_id = stack.post("/api/exports", body_of(album, **options))
    return stack.finished(request_id), Package(stack, request_id)


def assert_only_these_are_missing(status: Json, package: Package, album: Json, missing: list[str]) -> None:
    """The end names exactly the missing pictures, and counts and holds all others."""
    assert (status["request_status"], status["reason"]) == ("partially_completed", "items_failed")
    images = package.manifest["stores"]["images"]
    assert (images["found"], images["written"], images["failed"]) == (6, 6 - len(missing), len(missing))
    assert sorted(entry["id"] for entry in status["failures"] if entry["store"] == "images") == sorted(missing)
    assert {gap["id"] for gap in package.manifest["gaps"] if gap["code"] == "copy_refused"} == set(missing)
    there = {name.split(".")[0] for name in package.pictures(album["project"])}
    assert there == set(album["images"]) - set(missing)
    package.assert_manifest_is_true()


def assert_all_there(stack: Stack, status: Json, package: Package, album: Json) -> None:
    """Every picture is there with the bytes that the service holds."""
    assert status["reason"] in (None, "not_supported_yet"), status
    [truth] = [p for p in stack.control.truth()["projects"] if p["id"] == album["project"]]
    expected = {f"{i['id']}.{EXTENSIONS[i['media_type']]}": i["sha256"] for i in truth["workspace"]["images"]}
    pictures = package.pictures(album["project"])
    assert {name: hashlib.sha256(data).hexdigest() for name, data in pictures.items()} == expected
    package.assert_manifest_is_true()


def test_pictures_that_cannot_be_had_are_named_and_never_counted(stack: Stack, album: Json) -> None:
    expired, broken, gone = album["images"][:3]
    stack.control.bad_links([expired], "expired")
    stack.control.bad_links([broken], "broken")
    stack.control.delete_blob(album["project"], gone)
    posted = [stack.post("/api/exports", body_of(album, checksums=checksums)) for checksums in ("service", "sha256")]
    for request_id in posted:
        status = stack.finished(request_id)
        assert_only_these_are_missing(status, Package(stack, request_id), album, [expired, broken, gone])


def test_an_expired_link_is_replaced_by_a_fresh_one(stack: Stack, album: Json) -> None:
    mended: list[str] = []

    def react(request: Request) -> None:
        if "/images/id" not in request.path or mended:
            return
        mended.append(request.path)
        stack.control.bad_links(album["images"], "expired")

    def mend(request: Request) -> None:
        if "/images/id" in request.path and len(mended) < 2:
            mended.append(request.path)
        elif "/images/id" in request.path:
            stack.control.bad_links(album["images"], "good")

    ends = [stack.on_service_call(react), stack.on_service_call(mend)]
    status, package = export(stack, album)
    for end in reversed(ends):
        end()
    assert_all_there(stack, status, package, album)


def test_an_image_that_vanishes_is_told_as_vanished_and_not_as_a_failure(stack: Stack, album: Json) -> None:
    gone: list[str] = []

    def react(request: Request) -> None:
        if "/images/id" in request.path and not gone:
            gone.append(album["images"][0])
            stack.control.delete_images(album["project"], gone)

    end = stack.on_service_call(react)
    status, package = export(stack, album)
    end()
    assert status["reason"] in (None, "not_supported_yet"), status
    images = package.manifest["stores"]["images"]
    assert (images["found"], images["written"], images["vanished"], images["failed"]) == (6, 5, 1, 0)
    assert [gap["id"] for gap in package.manifest["gaps"] if gap["code"] == "vanished"] == gone


def test_a_throttled_service_gets_everything_done_all_the_same(stack: Stack, album: Json) -> None:
    stack.control.throttle(3)
    stack.control.reset_calls()
    status, package = export(stack, album)
    stack.control.throttle(0)
    assert any("429" in statuses for statuses in stack.control.calls().values()), "the service did throttle"
    assert_all_there(stack, status, package, album)


def test_an_erasure_survives_a_throttled_service(stack: Stack) -> None:
    gallery = Gallery(stack.emulator)
    family = people(stack, gallery, "Throttled")
    stack.control.throttle(5, "header")
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    status = stack.finished(request_id)
    stack.control.throttle(0)
    assert (status["request_status"], status["reason"]) == ("completed", None)
    assert gallery.rows(family.project, family.anna) == {}
    assert len(gallery.rows(family.project, family.ben)) == len(family.ben)
    gallery.close()


def test_failures_of_the_service_that_pass_are_waited_out(stack: Stack, album: Json) -> None:
    stack.control.fault("status", status=503, every=3, times=8)
    stack.control.fault("reset", every=5, times=4)
    assert_all_there(stack, *export(stack, album), album)


def test_no_secret_is_in_ledger_log_or_internal_queues_after_all_that(stack: Stack) -> None:
    stack.assert_nowhere("anna-4711", "tag-anna", "Album ")


def test_the_call_budget_is_kept(azurite: Azurite, folder: Path) -> None:
    with running_stack(azurite, folder, {"CUSTOM_VISION_CALLS_PER_SECOND": "8"}) as stack:
        for number in range(3):
            stack.control.seed(f"Slow {number}", 2)
        times: list[float] = []
        end = stack.on_service_call(lambda _: times.append(time.monotonic()))
        status = stack.finished(
            stack.post("/api/exports", {"scope": {"projects": "all"}, "options": {"package": "none"}})
        )
        end()
        assert status["failures"] == []
        assert len(times) > 20
        for start in range(len(times) - 20):
            assert times[start + 20] - times[start] > 1.25, "20 calls in half the time that 8 a second allow"


def test_truncated_pictures_on_the_streaming_path_are_never_counted(azurite: Azurite, folder: Path) -> None:
    with running_stack(azurite, folder, own_blobs=True) as stack:
        gallery = Gallery(stack.emulator)
        project = gallery.project("Truncated")
        images = gallery.upload(project, [picture(n, "BMP") for n in range(6)])
        album = {"project": project, "images": images}
        stack.control.fault("truncate", operation="GetBlob", keep_bytes=100_000)
        status, package = export(stack, album, checksums="sha256")
        assert_only_these_are_missing(status, package, album, images)
        stack.control.clear_faults()
        stack.control.fault("truncate", operation="GetBlob", keep_bytes=100_000, first=5)
        assert_all_there(stack, *export(stack, album, checksums="sha256"), album)
        gallery.close()


def test_a_picture_replaced_between_the_look_and_the_copy_is_never_mixed_up(azurite: Azurite, folder: Path) -> None:
    with running_stack(azurite, folder, own_blobs=True) as stack:
        gallery = Gallery(stack.emulator)
        project = gallery.project("Replaced")
        images = gallery.upload(project, [picture(n, "BMP") for n in range(6)])
        replaced: list[str] = []

        def react(request: Request) -> None:
            if request.path.startswith("/blobs/") and request.headers.get("range") is None and not replaced:
                replaced.append(images[0])
                for image in images:
                    stack.control.replace_blob(project, image, picture(77, "BMP") + b"longer than before")

        end = stack.on_service_call(react)
        status, package = export(stack, {"project": project, "images": images}, checksums="sha256")
        end()
        assert replaced
        package.assert_manifest_is_true()
        images_written = package.manifest["stores"]["images"]["written"]
        assert images_written == len(package.pictures(project))
        assert images_written + package.manifest["stores"]["images"]["failed"] == 6
        assert status["request_status"] in ("completed", "partially_completed")
        gallery.close()
