"""Several resources in one request, and projects in a virtual network."""

from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import pytest

from tests.exports.conftest import MakeWorld
from tests.exports.everything import Album, fill
from tests.exports.world import SUBSCRIPTION, Package, World, assert_adds_up, resource_id_of, when_asked

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)


def test_one_request_covers_all_resources_same_names_included(make_world: MakeWorld, sound: Sound) -> None:
    ids = [resource_id_of("first-account"), resource_id_of("second-account")]
    world = make_world(2, CUSTOM_VISION_RESOURCE_ID=",".join(ids))
    for name in ("first-account", "second-account"):
        world.control.seed_account(name, subscription=SUBSCRIPTION)
    albums = [fill(world, "Same name", number) for number in range(2)]
    package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    for album in albums:
        assert package.pictures(album.project) == album.uploaded
        assert package.json(f"projects/{album.project}/project.json")["name"] == "Same name"
    assert package.counts("projects") == {"found": 2, "written": 2}
    assert package.counts("images") == {"found": 18, "written": 18, "service_count": 14}
    accounts = package.json("account.json")
    assert [one["resource_id"] for one in accounts] == ids
    assert [one["resource"] for one in accounts] == [one.url.removeprefix("http://") for one in world.emulators]


def test_a_name_that_two_resources_bear_is_ambiguous_and_an_id_is_not(make_world: MakeWorld, sound: Sound) -> None:
    world = make_world(2)
    first, second = (fill(world, "Same name", number) for number in range(2))
    assert world.export({"scope": {"projects": ["Same name"]}}).ending == ("failed", "ambiguous_name")
    package = sound(world.export({"scope": {"projects": [second.project]}}))
    assert package.ending == COMPLETE
    assert package.pictures(second.project) == second.uploaded
    assert package.pictures(first.project) == {}


def test_accounts_without_an_arm_id_come_from_get_account_info(make_world: MakeWorld, sound: Sound) -> None:
    world = make_world(2)
    world.controls[1].switch(account_info="gone")
    fill(world)
    package = sound(world.export({"scope": {"projects": "all"}, "options": {"account": True}}))
    assert package.ending == ("partially_completed", "not_available")
    assert [one["source"] for one in package.json("account.json")] == ["GetAccountInfo v1.2"] * 2
    assert package.counts("account") == {"found": 2, "written": 1, "not_available": 1}
    second = world.emulators[1].url.removeprefix("http://")
    assert package.gaps == [("account", second, "gone")]


@pytest.mark.parametrize("mode", ["all", "mixed"])
def test_relative_paths_are_streamed_through_get_artifact(
    world: World, sound: Sound, mode: Literal["all", "mixed"]
) -> None:
    album = fill(world)
    world.control.virtual_network(mode)
    world.control.reset_calls()
    package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(album.project) == album.uploaded
    assert package.counts("predictions") == {"found": 3, "written": 3}
    assert package.counts("exported_models") == {"found": 1, "written": 1}
    types = {row["media_type"] for path, row in package.listed.items() if "/images/files/" in path}
    assert types == {"image/png", "image/jpeg", "image/gif", "image/bmp"}
    calls = world.control.calls()
    artifacts, direct = calls["GetArtifact"]["200"], calls.get("GetBlob", {}).get("200", 0)
    assert artifacts + direct == 13, "each of 9 images, 3 predictions and 1 model once"
    assert artifacts == 13 if mode == "all" else 0 < artifacts < 13
    for path, content in package.blobs.items():
        assert b"/i-" not in content or path.endswith((".zip", ".html")), path


def test_an_artifact_that_is_gone_is_named(world: World, sound: Sound) -> None:
    album = fill(world)
    world.control.virtual_network("all")
    world.control.delete_blob(album.project, album.images[0])
    package = sound(world.export())
    assert package.gaps == [("images", album.images[0], "copy_refused")]
    assert package.counts("images") == {"found": 9, "written": 8, "failed": 1, "service_count": 7}


def test_an_artifact_that_is_refused_costs_no_other_picture(world: World, sound: Sound) -> None:
    album = fill(world)
    world.control.virtual_network("all")
    refused = album.images[0], album.predictions[0]
    for one in refused:
        world.control.fault("status", operation="GetArtifact", status=403, query=one.replace("-", "") + "|" + one)
    package = sound(world.export())
    assert package.gaps == sorted([("images", refused[0], "copy_refused"), ("predictions", refused[1], "copy_refused")])
    assert package.counts("images") == {"found": 9, "written": 8, "failed": 1, "service_count": 7}
    assert package.counts("predictions") == {"found": 3, "written": 2, "failed": 1}


@pytest.mark.parametrize(
    ("status", "code", "ending"),
    [(404, "link_expired", COMPLETE), (403, "copy_refused", ("partially_completed", "items_failed"))],
)
def test_a_model_that_get_artifact_does_not_give_costs_no_other_model(
    world: World, sound: Sound, status: int, code: str, ending: tuple[str, str | None]
) -> None:
    album = fill(world)
    first = album.iterations[0]
    with world.gallery() as gallery:
        gallery.call("POST", f"/projects/{album.project}/iterations/{first}/export", platform="TensorFlow")
    world.control.advance(10)
    world.control.virtual_network("all")
    world.control.fault("status", operation="GetArtifact", status=status, query="ONNX")
    package = sound(world.export())
    assert (package.ending, package.gaps) == (ending, [("exported_models", first, code)])
    word = "vanished" if status == 404 else "failed"
    assert package.counts("exported_models") == {"found": 2, "written": 1, word: 1}


def test_an_artifact_whose_stream_breaks_is_read_again(world: World, sound: Sound) -> None:
    album = fill(world)
    world.control.virtual_network("all")
    world.control.fault("truncate", operation="GetArtifact", every=4, times=3)
    package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(album.project) == album.uploaded


# a resource whose projects cannot be listed


@pytest.fixture
def two(make_world: MakeWorld) -> tuple[World, list[Album]]:
    """Two resources, each with a project, and an hour as the patience of erasures."""
    world = make_world(2, ERASURE_VERIFY_DEADLINE_HOURS="1")
    return world, [fill(world, f"Album {number}", number) for number in range(2)]


def host_of(world: World, number: int) -> str:
    return world.emulators[number].url.removeprefix("http://")


@pytest.mark.parametrize("status", [401, 403, 500, 503])
def test_a_resource_that_lists_no_projects_is_named_and_the_others_are_exported(
    two: tuple[World, list[Album]], sound: Sound, status: int
) -> None:
    world, (album, _) = two
    world.controls[1].fault("status", operation="GetProjects", status=status)
    package = sound(world.export())
    assert package.ending == ("partially_completed", "not_available")
    assert package.gaps == [("projects", None, "refused")]
    (detail,) = [gap["detail"] for gap in package.manifest["gaps"] if gap["code"] == "refused"]
    assert host_of(world, 1) in detail
    assert package.pictures(album.project) == album.uploaded
    assert package.counts("projects") == {"found": 2, "written": 1, "not_available": 1}
    failures = [(one["store"], one["id"], one["operation"], one["status"]) for one in package.status["failures"]]
    assert failures == [("projects", None, "GetProjects", status)]
    assert_adds_up(package)


def test_a_resource_that_lists_no_projects_for_a_while_is_waited_for(
    two: tuple[World, list[Album]], sound: Sound
) -> None:
    world, albums = two
    world.controls[1].fault("status", operation="GetProjects", status=403, times=2)
    package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.counts("projects") == {"found": 2, "written": 2}
    assert package.pictures(albums[1].project) == albums[1].uploaded


def test_an_outage_of_one_resource_is_waited_for_as_long_as_any_and_as_it_wishes(
    two: tuple[World, list[Album]], sound: Sound
) -> None:
    world, _ = two
    world.controls[1].fault("status", operation="GetProjects", status=503, times=3, retry_after=1500)
    process = world.process()
    began = world.clock.now()
    request_id = process.post({"scope": {"projects": "all"}})
    process.finish(request_id)
    assert process.status(request_id)["request_status"] == "completed"
    assert world.clock.now() - began >= timedelta(seconds=1500)
    record = process.services.ledger.read(request_id).record
    assert record.resent == 0, "the watchdog has been told that it waits"


def test_a_resource_that_lists_its_projects_at_the_beginning_only_is_named(
    two: tuple[World, list[Album]], sound: Sound
) -> None:
    world, albums = two
    with when_asked(
        world, "/images/id", lambda: world.controls[1].fault("status", operation="GetProjects", status=403)
    ):
        package = sound(world.export())
    assert package.ending == ("partially_completed", "inventory_unstable")
    assert package.gaps == [("projects", None, "list_moved")]
    for album in albums:
        assert package.pictures(album.project) == album.uploaded


def test_where_no_resource_lists_its_projects_the_export_fails(two: tuple[World, list[Album]]) -> None:
    world, _ = two
    for control in world.controls:
        control.fault("status", operation="GetProjects", status=403)
    assert world.export().ending == ("failed", "not_available")


def test_a_project_that_may_be_where_nothing_is_listed_is_not_called_unknown(two: tuple[World, list[Album]]) -> None:
    world, (first, second) = two
    world.controls[1].fault("status", operation="GetProjects", status=403)
    assert world.export({"scope": {"projects": [second.project]}}).ending == ("failed", "not_available")
    assert world.export({"scope": {"projects": ["Album 1"]}}).ending == ("failed", "not_available")
    partly = world.export({"scope": {"projects": [first.project, "Album 1"]}})
    assert (partly.ending, partly.gaps) == (
        ("partially_completed", "not_available"),
        [("projects", None, "refused")],
    )
    assert partly.pictures(first.project) == first.uploaded
    world.controls[1].clear_faults()
    assert world.export({"scope": {"projects": ["Album 3"]}}).ending == ("failed", "project_not_found")


def test_a_project_found_by_its_id_is_whole_whatever_another_resource_refuses(
    two: tuple[World, list[Album]], sound: Sound
) -> None:
    world, (first, _) = two
    world.controls[1].fault("status", operation="GetProjects", status=403)
    package = sound(world.export({"scope": {"projects": [first.project]}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])


def test_a_name_that_a_silent_resource_may_bear_too_is_exported_and_the_doubt_named(
    two: tuple[World, list[Album]], sound: Sound
) -> None:
    world, (first, _) = two
    world.controls[1].fault("status", operation="GetProjects", status=403)
    package = sound(world.export({"scope": {"projects": ["Album 0"]}}))
    assert (package.ending[0], package.gaps) == ("partially_completed", [("projects", None, "refused")])
    assert package.pictures(first.project) == first.uploaded


@pytest.mark.parametrize(("status", "reason"), [(403, "blocked"), (500, "delivery_exhausted")])
@pytest.mark.parametrize("by", ["all", "id"])
def test_an_erasure_touches_nothing_while_a_resource_lists_no_projects(
    two: tuple[World, list[Album]], status: int, reason: str, by: str
) -> None:
    world, (first, _) = two
    world.controls[1].fault("status", operation="GetProjects", status=status)
    before = [control.truth() for control in world.controls]
    projects = "all" if by == "all" else [first.project]
    process = world.process()
    request_id = process.post(
        {
            "scope": {"level": "items", "projects": projects, "images": {"ids": first.images}},
            "options": {"trained_iterations": "keep"},
        }
    )
    ended = process.finish(request_id)
    assert (ended["request_status"], ended["reason"]) == ("failed", reason)
    assert [control.truth()["projects"] for control in world.controls] == [one["projects"] for one in before]
