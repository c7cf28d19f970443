"""Every category of the service's data in one export, and a fault in each: the rest is exported, the gap is named."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.links import without_links
from tests.exports.conftest import MakeWorld
from tests.exports.everything import Album, fill
from tests.exports.world import SUBSCRIPTION, Package, World, assert_adds_up, resource_id_of

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)
LACKING = ("partially_completed", "items_failed")
ACCOUNT = "vision-account"


@pytest.fixture
def whole(make_world: MakeWorld) -> World:
    """One resource with an ARM account, whose id the settings name."""
    world = make_world(CUSTOM_VISION_RESOURCE_ID=resource_id_of(ACCOUNT), ALLOW_KEY_EXPORT="true")
    assert world.control.seed_account(ACCOUNT, subscription=SUBSCRIPTION, serves=True) == resource_id_of(ACCOUNT)
    return world


def test_a_package_holds_every_category_and_nothing_is_missing(whole: World, sound: Sound) -> None:
    album = fill(whole)
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert {store: package.counts(store) for store in package.stores} == {
        "account": {"found": 1, "written": 1},
        "projects": {"found": 1, "written": 1},
        "iterations": {"found": 2, "written": 2},
        "performance": {"found": 2, "written": 2},
        "tags": {"found": 3, "written": 3},
        "images": {"found": 9, "written": 9, "service_count": 7},
        "predictions": {"found": 3, "written": 3},
        "exported_models": {"found": 1, "written": 1},
    }
    assert package.pictures(album.project) == album.uploaded
    assert package.pictures(album.project, "predictions").keys() == set(album.predictions)


def test_rows_are_the_service_s_own_for_every_list(whole: World) -> None:
    album = fill(whole)
    package, base = whole.export(), f"projects/{album.project}"
    with whole.gallery() as gallery:
        for path, call in (
            ("project.json", ""),
            ("tags.json", "/tags"),
            ("iterations.json", "/iterations"),
            *((f"iterations/{one}/iteration.json", f"/iterations/{one}") for one in album.iterations),
            *((f"iterations/{one}/performance.json", f"/iterations/{one}/performance") for one in album.iterations),
            *((f"iterations/{one}/exports.json", f"/iterations/{one}/export") for one in album.iterations),
        ):
            assert in_order(package.json(f"{base}/{path}")) == in_order(gallery.call("GET", f"/{base}{call}")), path
        for one in album.iterations:
            tags = gallery.call("GET", f"/{base}/tags", iterationId=one)
            assert in_order(package.json(f"{base}/iterations/{one}/tags.json")) == in_order(tags)
            performances = gallery.call("GET", f"/{base}/iterations/{one}/performance/images", take="256")
            assert in_order(package.rows(f"{base}/iterations/{one}/image_performances")) == in_order(performances)
            images = gallery.call("GET", f"/{base}/images", iterationId=one, take="256")
            assert in_order(package.rows(f"{base}/iterations/{one}/images")) == in_order(images)
        guessed = gallery.call("POST", f"/{base}/predictions/query", {"maxCount": 64})["results"]
        assert in_order(package.rows(f"{base}/predictions")) == in_order(guessed)


def in_order(value: Any) -> Any:
    """A list's rows by id, without links, wherever the service has put them."""
    plain = without_links(value)
    if isinstance(plain, dict):
        return {key: in_order(part) for key, part in plain.items()}
    return (
        sorted(map(in_order, plain), key=lambda part: json.dumps(part, sort_keys=True))
        if isinstance(plain, list)
        else plain
    )


def test_an_exported_model_is_the_one_that_the_service_has(whole: World) -> None:
    album = fill(whole)
    package = whole.export()
    folder = f"projects/{album.project}/iterations/{album.iterations[0]}/models/"
    (path,) = [path for path in package.blobs if path.startswith(folder)]
    assert zipfile.ZipFile(io.BytesIO(package.blobs[path])).testzip() is None
    truth = whole.control.truth(images=False)["projects"][0]["iterations"][0]["exports"][0]
    row = package.listed[path]
    assert (row["bytes"], row["sha256"]) == (truth["size"], hashlib.sha256(package.blobs[path]).hexdigest())


def test_no_link_key_or_address_of_the_service_is_anywhere(whole: World) -> None:
    fill(whole)
    whole.export()
    host = whole.emulator.url.removeprefix("http://")
    for path, content in whole.package_blobs().items():
        for word in (b"sig=", b"/blobs/", whole.emulator.key.encode(), f"{ACCOUNT}-second-key".encode()):
            assert word not in content, path
        if "projects/" in path:
            assert host.encode() not in content, path


def test_values_of_keys_are_in_one_file_and_in_no_zip(whole: World, sound: Sound) -> None:
    fill(whole)
    package = sound(whole.export({"scope": {"projects": "all"}, "options": {"include_keys": True}}))
    holders = [path for path, content in package.blobs.items() if whole.emulator.key.encode() in content]
    assert holders == ["account-keys.json"]
    assert package.listed["account-keys.json"]["zipped"] is None
    names = zipfile.ZipFile(io.BytesIO(package.blobs["package-001.zip"])).namelist()
    assert "account.json" in names
    assert "account-keys.json" not in names


STORAGE = "https://models.blob.core.windows.net/models?sv=1&sig=c2VjcmV0"


def test_settings_that_only_the_preview_shows_are_there_without_their_secret(whole: World, sound: Sound) -> None:
    album = fill(whole)
    whole.control.storage_integration(album.project, exportModelContainerUri=STORAGE)
    package = sound(whole.export())
    shown = package.json(f"projects/{album.project}/project.json")["previewSettings"]
    assert shown == {
        "exportModelContainer": {"scheme": "https", "host": "models.blob.core.windows.net", "path": "/models"}
    }
    for path, content in package.blobs.items():
        assert b"c2VjcmV0" not in content, path


@pytest.mark.parametrize("status", [400, 404])
def test_a_service_without_the_preview_has_no_more_to_show(whole: World, sound: Sound, status: int) -> None:
    album = fill(whole)
    whole.control.fault("status", route="v3.4-preview", status=status)
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    details = package.json(f"projects/{album.project}/project.json")
    assert "previewSettings" not in details
    assert f"status {status}" in details["previewSettingsNote"], "that nothing is set would be something else"


# one fault at a time


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_preview_that_is_refused_costs_no_more_than_what_only_it_shows(
    whole: World, sound: Sound, status: int
) -> None:
    album = fill(whole)
    whole.control.fault("status", route="v3.4-preview", status=status)
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (LACKING, [("projects", album.project, "refused")])
    assert package.json(f"projects/{album.project}/project.json")["name"] == "Album"
    assert package.counts("projects") == {"found": 2, "written": 1, "failed": 1}
    assert_adds_up(package)
    assert [(one["store"], one["status"]) for one in package.status["failures"]] == [("projects", status)]


@pytest.mark.parametrize(
    ("fault", "store", "of"),
    [
        ({"operation": "GetProject", "status": 403}, "projects", "project"),
        ({"operation": "GetTags", "query": "^$", "status": 403}, "tags", "project"),
        ({"operation": "GetIteration", "status": 403}, "iterations", "iteration"),
        ({"operation": "GetIterationPerformance", "status": 403}, "performance", "iteration"),
        ({"operation": "GetImagePerformances", "status": 500}, "performance", "iteration"),
        ({"operation": "GetExports", "status": 403}, "exported_models", "iteration"),
        ({"operation": "QueryPredictions", "status": 403, "code": "Forbidden"}, "predictions", "project"),
        ({"operation": "GetImages", "query": "iterationId", "status": 403}, "images", "iteration"),
        ({"operation": "GetImageCount", "query": "iterationId", "status": 403}, "images", "iteration"),
        ({"operation": "GetIterations", "status": 403}, "iterations", "project"),
        ({"operation": ["GetImages", "GetImageCount"], "status": 403}, "images", "project"),
        ({"operation": "AccountsListKeys", "status": 403}, "account", "host"),
        ({"operation": "AccountsListUsages", "status": 403}, "account", "host"),
    ],
    ids=lambda value: str(value["operation"]) if isinstance(value, dict) else value,
)
def test_what_is_refused_is_named_and_the_rest_is_exported(
    whole: World, sound: Sound, fault: dict[str, Any], store: str, of: str
) -> None:
    album = fill(whole)
    undisturbed = whole.export()
    whole.control.fault("status", **fault)
    package = sound(whole.export())
    assert package.ending[0] == "partially_completed"
    host = whole.emulator.url.removeprefix("http://")
    ids = {"project": {album.project}, "iteration": set(album.iterations), "host": {host}}[of]
    named = [gap for gap in package.gaps if gap[0] == store]
    assert {gap[1] for gap in named} >= ids
    assert {gap[2] for gap in named} == {"refused"}
    assert {one["store"] for one in package.status["failures"]} >= {store}
    for other in package.stores.keys() - {store}:
        if (other, store) not in FOLLOW:
            assert package.stores[other] == undisturbed.stores[other], other


FOLLOW = {(other, "iterations") for other in ("performance", "tags", "images", "exported_models", "predictions")}
"""What cannot be asked for where the iterations themselves are refused."""


@pytest.mark.parametrize("refused", ["GetProject", "GetTags", "GetExports", "QueryPredictions", "GetImagePerformances"])
def test_counts_of_a_store_add_up_whatever_was_refused(whole: World, refused: str) -> None:
    fill(whole)
    whole.control.fault("status", operation=refused, status=403)
    assert_adds_up(whole.export())


def test_an_image_whose_bytes_are_gone_is_named_and_its_row_is_kept(whole: World, sound: Sound) -> None:
    album = fill(whole)
    lost = album.images[0]
    whole.control.delete_blob(album.project, lost)
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (LACKING, [("images", lost, "copy_refused")])
    assert package.counts("images") == {"found": 9, "written": 8, "failed": 1, "service_count": 7}
    assert package.pictures(album.project).keys() == album.uploaded.keys() - {lost}
    assert lost in package.rows_by_id(f"projects/{album.project}/images")
    assert [(one["id"], one["status"]) for one in package.status["failures"]] == [(lost, 404)]


def test_a_model_whose_link_is_dead_is_named_and_completes(whole: World, sound: Sound) -> None:
    album = fill(whole)
    whole.control.bad_links([album.iterations[0]], "expired")
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (COMPLETE, [("exported_models", album.iterations[0], "link_expired")])
    assert package.counts("exported_models") == {"found": 1, "vanished": 1}


def test_of_several_models_one_that_cannot_be_had_costs_no_other(whole: World, sound: Sound) -> None:
    album = fill(whole)
    with whole.gallery() as gallery:
        path = f"/projects/{album.project}/iterations/{album.iterations[0]}/export"
        for platform in ("CoreML", "TensorFlow"):
            gallery.call("POST", path, platform=platform)
    whole.control.advance(10)
    whole.control.fault("status", operation="GetBlob", route="coreml", status=503)
    package = sound(whole.export())
    assert (package.ending, {gap[0] for gap in package.gaps}) == (LACKING, {"exported_models"})
    assert package.counts("exported_models") == {"found": 3, "written": 2, "failed": 1}


@pytest.mark.parametrize("status", ["Failed", "Training"])
def test_an_iteration_that_is_not_trained_is_recorded_for_what_it_has(whole: World, sound: Sound, status: str) -> None:
    album = fill(whole)
    if status == "Failed":
        whole.control.switch(training_result="Failed")
    else:
        whole.control.switch(training_seconds=10**7)
    untrained = whole.train(album.project)
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (COMPLETE, [("performance", untrained, "not_trained")])
    folder = f"projects/{album.project}/iterations/{untrained}"
    assert package.json(f"{folder}/iteration.json")["status"] == status
    assert package.rows_by_id(f"{folder}/images").keys() == set(album.images)
    assert package.counts("iterations") == {"found": 3, "written": 3}
    assert package.counts("performance") == {"found": 2, "written": 2}


def test_a_service_that_fails_for_a_while_leaves_no_trace(whole: World, sound: Sound) -> None:
    album = fill(whole)
    for operation in ("GetImagesByIds", "GetTags", "QueryPredictions", "GetBlob", "GetExports", "GetImages"):
        whole.control.fault("status", operation=operation, status=503, nth=1)
        whole.control.fault("reset", operation=operation, nth=2)
    package = sound(whole.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(album.project) == album.uploaded


def test_the_truth_of_a_filled_project_is_what_the_tests_think(whole: World) -> None:
    album: Album = fill(whole)
    (project,) = whole.control.truth()["projects"]
    assert {one["id"] for one in project["workspace"]["images"]} == set(album.images)
    assert {one["id"] for one in project["iterations"][0]["images"]} == {*album.images, *album.removed}
