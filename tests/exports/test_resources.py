"""Several resources in one request, and projects in a virtual network."""

from collections.abc import Callable
from typing import Literal

import pytest

from tests.exports.conftest import MakeWorld
from tests.exports.everything import fill
from tests.exports.world import SUBSCRIPTION, Package, World, resource_id_of

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


def test_an_artifact_whose_stream_breaks_is_read_again(world: World, sound: Sound) -> None:
    album = fill(world)
    world.control.virtual_network("all")
    world.control.fault("truncate", operation="GetArtifact", every=4, times=3)
    package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(album.project) == album.uploaded
