"""What this app exported before: whoever is to be forgotten is forgotten there too, also when the service has been."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from request_function.reading import plan
from shared.ports import BlobEntry
from tests.erasure.gallery import Gallery, gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.packages import (
    EXPORT,
    deliver_erasures,
    deliver_exports,
    export,
    exported,
    naming,
    package,
    verified,
)
from tests.erasure.readings import approved, ending, residuals, words
from tests.erasure.world import ID, Driver, World, approve, erasure

LATER = "6d284093-c16d-598d-b385-cefb43efdbbb"
NOBODY = "11111111-1111-4111-8111-111111111111"
CLEAN = {"found": 1, "deleted": 1, "already_absent": 0, "verified": True, "packages": 1}


def own_exports(world: World) -> dict[str, Any]:
    return words(world.receipt(), "own_exports", *CLEAN)


def forgotten_by_the_service(world: World, there: Gallery, *images: str) -> None:
    """Somebody has deleted the images by hand, everywhere."""
    world.control.delete_images(there.pets, list(images))


# ids that the service has no longer


def test_an_image_that_was_deleted_by_hand_leaves_the_packages_by_its_id(world: World) -> None:
    there = gallery(world)
    driver, gone = exported(world), there.anna[0]
    assert naming(world, gone)
    forgotten_by_the_service(world, there, gone)
    before = world.facts()
    driver.process.post(erasure(images={"ids": [gone]}))
    assert ending(driver.finish()) == ("completed", None)
    assert naming(world, gone) == []
    assert difference(before, world.facts()) == NOTHING
    assert words(world.receipt(), "images", "found", "deleted", "already_absent", "verified") == {
        "found": 1,
        "deleted": 0,
        "already_absent": 1,
        "verified": True,
    }
    assert own_exports(world) == CLEAN
    assert world.receipt()["selectors_without_match"] == 0


def test_a_stored_prediction_that_the_service_has_dropped_leaves_the_packages_by_its_id(world: World) -> None:
    there = gallery(world)
    driver, gone = exported(world), there.predictions[0]
    with world.emulator.world.lock:
        world.emulator.world.projects[there.pets].predictions.pop(gone)
    driver.process.post(erasure(predictions={"ids": [gone]}))
    assert ending(driver.finish()) == ("completed", None)
    assert naming(world, gone) == []
    assert words(world.receipt(), "predictions", "found", "already_absent") == {"found": 1, "already_absent": 1}
    assert own_exports(world) == CLEAN


def test_a_plan_counts_what_only_packages_hold_and_its_hash_covers_it(world: World) -> None:
    there = gallery(world)
    exported(world)
    forgotten_by_the_service(world, there, there.anna[0])
    hashes = set()
    for wanted in ([there.anna[1]], [there.anna[0], there.anna[1]]):
        request_id = f"{len(wanted)}f8fad5b-d9cb-469f-a165-70867728950e"
        driver = Driver(world.process())
        driver.process.post(erasure(request_id=request_id, images={"ids": wanted}, require_approval=True))
        driver.reach("awaiting_approval", request_id)
        shown = plan(driver.process.services, request_id)
        assert sorted(i for project in shown["projects"] for i in project["image_ids"]) == sorted(wanted)
        assert sum(project["counts"]["images"] for project in shown["projects"]) == len(wanted)
        hashes.add(shown["plan_hash"])
    assert len(hashes) == 2


def test_ids_that_are_nowhere_end_as_nothing_matched_and_touch_no_package(world: World) -> None:
    gallery(world)
    driver = exported(world)
    before = package(world)
    driver.process.post(erasure(images={"ids": [NOBODY]}, predictions={"ids": [NOBODY]}))
    assert ending(driver.finish()) == ("completed", "nothing_matched")
    assert world.receipt()["selectors_without_match"] == 2
    assert package(world) == before


def test_ids_that_only_an_exempt_package_holds_are_left_and_the_package_is_named(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    before = package(world)
    forgotten_by_the_service(world, there, there.anna[0])
    driver.process.post(erasure(images={"ids": [there.anna[0]]}, keep_exports=[EXPORT]))
    assert ending(driver.finish()) == ("completed", "nothing_matched")
    assert residuals(world)["kept_export"] == [EXPORT]
    assert package(world) == before


def test_a_project_that_is_gone_from_the_service_is_searched_in_the_packages(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    with world.emulator.world.lock:
        world.emulator.world.projects.pop(there.pets)
    driver.process.post(erasure(images={"ids": [there.anna[0]]}))
    assert ending(driver.finish()) == ("completed", None)
    assert naming(world, there.anna[0]) == []
    assert naming(world, there.anna[1])
    assert own_exports(world) == CLEAN
    assert residuals(world)["project_data_30_days"] == [there.pets]


def test_what_only_packages_hold_of_a_gone_project_needs_no_export_first(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    with world.emulator.world.lock:
        world.emulator.world.projects.pop(there.pets)
    driver.process.post(erasure(images={"ids": [there.anna[0]]}, export_first=True))
    assert ending(driver.finish()) == ("completed", None)
    assert naming(world, there.anna[0]) == []


def test_another_project_than_those_in_scope_is_not_searched(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    forgotten_by_the_service(world, there, there.anna[0])
    driver.process.post(erasure(projects=[there.birds], images={"ids": [there.anna[0]]}))
    assert ending(driver.finish()) == ("completed", "nothing_matched")
    assert naming(world, there.anna[0])


def test_packages_are_asked_for_those_projects_alone_that_something_is_erased_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = gallery(world)
    driver = exported(world)
    listed, entries = list[str](), world.exports.entries

    def noted(prefix: str = "", **how: Any) -> Iterator[BlobEntry]:
        listed.append(prefix)
        return entries(prefix, **how)

    monkeypatch.setattr(world.exports, "entries", noted)
    driver.process.post(export(LATER) | {"scope": {"projects": [there.birds]}})
    driver.finish(LATER)
    listed.clear()
    driver.process.post(erasure(images={"ids": [there.anna[0]]}))
    assert ending(driver.finish()) == ("completed", None)
    assert own_exports(world) == CLEAN
    assert [prefix for prefix in listed if there.birds in prefix or there.empty in prefix] == []
    assert [prefix for prefix in listed if prefix.startswith(LATER)] == []  # it was never about Anna's project


def test_a_package_that_is_being_written_is_waited_for(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(export())
    gone = there.fresh
    for _ in range(100):
        if naming(world, gone):
            break
        deliver_exports(driver, 1)
    assert driver.status(EXPORT)["completed_time"] is None
    forgotten_by_the_service(world, there, gone)
    driver.process.post(erasure(images={"ids": [gone]}))
    assert ending(driver.finish(ID, EXPORT)) == ("completed", None)
    assert naming(world, gone) == []


def test_what_somebody_brings_back_before_the_execution_is_erased_from_the_service_too(world: World) -> None:
    there = gallery(world)
    exported(world)
    with world.emulator.world.lock:
        kept = world.emulator.world.projects[there.pets].workspace.images[there.fresh]
        world.emulator.world.projects[there.pets].workspace.images.pop(there.fresh)
    driver = approved(world, erasure(images={"ids": [there.fresh]}))
    with world.emulator.world.lock:
        world.emulator.world.projects[there.pets].workspace.images[there.fresh] = kept
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert words(world.receipt(), "images", "found", "deleted") == {"found": 1, "deleted": 1}
    assert naming(world, there.fresh) == []


# tags


@pytest.mark.parametrize("selector", ["anna", "id"])
def test_a_tag_that_is_deleted_leaves_the_packages_with_everything_said_by_it(world: World, selector: str) -> None:
    there = gallery(world, conflict=True)
    driver = exported(world)
    held = naming(world, there.anna_tag)
    lists = [path for path in held if path.endswith(("tags.json", "tags.csv", "coco.json", "performance.json"))]
    assert len(lists) >= 7, held
    tag = there.anna_tag if selector == "id" else selector
    driver.process.post(erasure(images={"tags": [tag]}, delete_tags=True))
    driver.finish()
    assert words(world.receipt(), "tags", "found", "deleted") == {"found": 1, "deleted": 1}
    assert naming(world, there.anna_tag, '"tagName":"anna"', '"name": "anna"', ">anna<") == []
    assert naming(world, there.ben_tag)
    assert verified(world) == []
    own = own_exports(world)
    assert own["found"] == own["deleted"] > len(there.anna)
    assert own["verified"]


def test_a_tag_without_images_is_taken_out_of_the_packages_too(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    world.control.delete_images(there.pets, there.anna)
    driver.process.post(erasure(images={"tags": ["anna"]}, delete_tags=True))
    assert ending(driver.finish()) == ("completed", None)
    assert naming(world, there.anna_tag) == []
    assert words(world.receipt(), "tags", "found", "deleted") == {"found": 1, "deleted": 1}
    assert own_exports(world)["verified"]
    assert verified(world) == []


def test_a_tag_that_stays_on_the_service_stays_in_the_packages(world: World) -> None:
    there = gallery(world)
    exported(world)
    driver = approved(world, erasure(images={"tags": ["anna"]}, delete_tags=True))
    world.control.add_images(there.pets, 1, name="late", tags=["anna"], metadata={"subject": "carl"})
    approve(driver.process)
    assert ending(driver.finish()) == ("partially_completed", "drift")
    assert [path for path in naming(world, there.anna_tag) if path.endswith("/tags.json")]


def test_a_manifest_counts_the_tags_that_were_taken_out(world: World) -> None:
    gallery(world)
    driver = exported(world)
    before = json.loads(package(world)["manifest.json"])["stores"]["tags"]
    driver.process.post(erasure(images={"tags": ["anna"]}, delete_tags=True))
    driver.finish()
    after = json.loads(package(world)["manifest.json"])["stores"]["tags"]
    assert after == before | {"found": before["found"] - 1, "written": before["written"] - 1}


def exporting_until_its_tags_stand(world: World, tag: str) -> Driver:
    """Export everything until a file of tags names this one; the export still runs then."""
    driver = Driver(world.process())
    driver.process.post(export())
    for _ in range(100):
        if [path for path in naming(world, tag) if path.endswith("tags.json")]:
            break
        deliver_exports(driver, 1)
    assert driver.status(EXPORT)["completed_time"] is None
    return driver


def test_an_export_that_runs_while_a_tag_goes_ends_without_it(world: World) -> None:
    there = gallery(world)
    driver = exporting_until_its_tags_stand(world, there.anna_tag)
    driver.process.post(erasure(images={"tags": ["anna"]}, delete_tags=True))
    assert ending(driver.finish(ID, EXPORT)) == ("completed", None)
    assert naming(world, there.anna_tag) == []
    assert verified(world) == []


def test_a_tag_that_goes_while_an_export_ends_is_not_counted_in_its_manifest(world: World) -> None:
    there = gallery(world)
    driver = exporting_until_its_tags_stand(world, there.anna_tag)
    forgotten_by_the_service(world, there, *there.anna)
    driver.process.post(erasure(images={"tags": [there.anna_tag]}, delete_tags=True, keep_exports=[EXPORT]))
    deliver_erasures(driver)
    driver.finish(ID, EXPORT)
    assert verified(world) == []


def test_a_package_that_holds_something_again_at_the_last_look_is_cleaned_once_more(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    rows = next(path for path in naming(world, there.fresh) if path.endswith(".jsonl") and path.startswith("projects"))
    kept = package(world)[rows]
    driver.process.post(erasure(images={"ids": [there.fresh]}))
    driver.reach("verifying")
    assert naming(world, there.fresh) == []
    world.exports.put(f"{EXPORT}/{rows}", kept)
    assert ending(driver.finish()) == ("completed", None)
    assert naming(world, there.fresh) == []
    assert own_exports(world)["verified"]


# packages that are exempt, and those that never end


def test_an_exempt_package_stays_byte_for_byte_and_is_named_with_its_expiry(world: World) -> None:
    there = gallery(world)
    driver = exported(world)
    exported(world, LATER)
    before = package(world)
    driver.process.post(erasure(images={"tags": ["anna"]}, delete_tags=True, keep_exports=[EXPORT]))
    assert ending(driver.finish()) == ("completed", None)
    assert package(world) == before
    assert naming(world, *there.anna, there.anna_tag, request_id=LATER) == []
    kept = next(entry for entry in world.receipt()["residuals"] if entry["code"] == "kept_export")
    assert kept["ids"] == [EXPORT]
    assert kept["expires"].keys() == {EXPORT}


def test_an_export_that_never_ends_is_named_and_still_ends_without_the_person(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(export())
    deliver_exports(driver, 6)
    driver.process.post(erasure(images={"metadata": {"subject": "anna"}}))
    for _ in range(60):
        deliver_erasures(driver)
        world.pass_time(300)
    assert ending(driver.status()) == ("partially_completed", "export_running")
    assert own_exports(world)["verified"] is False
    driver.finish(ID, EXPORT)
    assert naming(world, *there.anna) == []
