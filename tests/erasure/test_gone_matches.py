"""Pictures that somebody deleted by hand are found in earlier packages by tag and metadata too, and leave them."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.erasure.gallery import Gallery, gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.packages import EXPORT, deliver_exports, export, exported, naming, verified
from tests.erasure.readings import ending, words
from tests.erasure.truth import described, retagged
from tests.erasure.world import ID, Driver, World, erasure

LATER = "7d3d8fb8-6a5e-4cf4-8d4b-1f8f2a4f8a11"
BY_CONTENT = ("tag name", "tag id", "metadata")


def deleted_by_hand(world: World, there: Gallery, *images: str) -> None:
    world.control.delete_images(there.pets, list(images), everywhere=True)


def erase(world: World, driver: Driver, images: dict[str, Any]) -> dict[str, Any]:
    driver.process.post(erasure(images=images))
    return driver.finish()


@pytest.mark.parametrize("way", BY_CONTENT)
def test_a_person_whose_pictures_were_all_deleted_by_hand_leaves_the_packages(world: World, way: str) -> None:
    there = gallery(world)
    driver = exported(world)
    deleted_by_hand(world, there, *there.anna)
    before = world.facts()
    assert ending(erase(world, driver, there.selector(way))) == ("completed", None)
    assert naming(world, *there.anna) == []
    assert difference(before, world.facts()) == NOTHING
    count = len(there.anna)
    assert words(world.receipt(), "images", "found", "deleted", "already_absent") == {
        "found": count,
        "deleted": 0,
        "already_absent": count,
    }
    assert world.receipt()["selectors_without_match"] == 0


def test_what_the_service_still_has_is_erased_with_what_only_packages_hold(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    deleted_by_hand(world, there, there.anna[1])
    assert ending(erase(world, driver, {"tags": ["anna"]})) == ("completed", None)
    assert naming(world, *there.anna) == []
    assert naming(world, *there.ben)
    assert words(world.receipt(), "images", "deleted", "already_absent") == {
        "deleted": len(there.anna) - 1,
        "already_absent": 1,
    }


def test_packages_of_a_project_that_is_gone_are_searched_by_id_only(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    with world.emulator.world.lock:
        del world.emulator.world.projects[there.pets]
    assert ending(erase(world, driver, {"tags": ["anna"]})) == ("completed", "nothing_matched")
    assert naming(world, *there.anna)
    driver.process.post(erasure(request_id=LATER, images={"ids": list(there.anna)}))
    assert ending(driver.finish(LATER)) == ("completed", None)
    assert naming(world, *there.anna) == []


def test_the_newest_row_decides_whose_a_picture_was_that_is_gone(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    retagged(world.emulator, there.pets, [there.fresh], "ben")
    described(world.emulator, there.pets, [there.fresh], subject="ben")
    world.pass_time(60)
    driver.process.post({"subject_request_id": LATER, "scope": {"projects": "all"}})
    driver.finish(LATER)
    deleted_by_hand(world, there, there.fresh)
    erase(world, driver, {"tags": ["anna"]})
    assert naming(world, there.fresh)
    assert naming(world, there.fresh, request_id=LATER)


def test_a_picture_that_the_service_has_is_judged_by_the_service_whatever_an_old_package_says(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    retagged(world.emulator, there.pets, [there.fresh], "ben")
    described(world.emulator, there.pets, [there.fresh], subject="ben")
    erase(world, driver, {"tags": ["anna"]})
    assert naming(world, there.fresh)
    assert ("image", there.pets, "workspace", there.fresh) in world.facts()


def test_a_package_in_which_nothing_matches_is_left_as_it_is(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    deleted_by_hand(world, there, there.ben[0])
    assert ending(erase(world, driver, {"tags": ["nobody"]})) == ("completed", "nothing_matched")
    assert naming(world, there.ben[0])
    assert world.receipt(ID)["selectors_without_match"] == 1


def pictures_and_rows(world: World, images: Sequence[str]) -> list[str]:
    """Give the files that hold something of some images; that an id was not found in the end is none of them."""
    gaps = ("manifest.json", "index.html")
    return [path for path in naming(world, *images) if not path.endswith(gaps)]


@pytest.mark.parametrize("way", BY_CONTENT)
def test_a_person_deleted_by_hand_while_an_export_runs_leaves_its_package_too(world: World, way: str) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(export())
    for _ in range(60):
        if naming(world, there.anna[1]) and naming(world, there.fresh):
            break
        deliver_exports(driver, 1)
    assert not driver.status(EXPORT)["completed_time"]
    deleted_by_hand(world, there, *there.anna)
    driver.process.post(erasure(images=there.selector(way)))
    assert ending(driver.finish(ID, EXPORT)) == ("completed", None)
    assert pictures_and_rows(world, there.anna) == []
    assert pictures_and_rows(world, there.ben)
    assert verified(world) == []


def test_an_export_that_runs_and_has_written_nothing_of_a_person_deleted_by_hand_is_no_match(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(export())
    deliver_exports(driver, 2)
    assert naming(world, *there.anna) == []
    deleted_by_hand(world, there, *there.anna)
    driver.process.post(erasure(images={"tags": ["anna"]}))
    assert ending(driver.finish(ID, EXPORT)) == ("completed", "nothing_matched")
    assert pictures_and_rows(world, there.anna) == []
