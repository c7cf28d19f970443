"""Whole projects, whatever happens to them on the way."""

from typing import Any

from tests.erasure.gallery import Gallery, gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_projects
from tests.erasure.readings import approved, ending, residuals, words
from tests.erasure.truth import trained
from tests.erasure.world import Driver, World, approve, erasure


def pets_only(there: Gallery) -> dict[str, Any]:
    return erasure("projects", projects=[there.pets], confirm={"projects": ["Pets"]})


def test_a_project_that_somebody_deletes_leaves_all_its_images_already_absent(world: World) -> None:
    there = gallery(world)
    expected = expected_of_projects(world.emulator, [there.pets])
    driver = approved(world, pets_only(there))
    world.session.delete(
        f"{world.emulator.url}/customvision/v3.3/training/projects/{there.pets}",
        headers={"Training-Key": world.emulator.key},
        timeout=10,
    ).raise_for_status()
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    for store, count in expected.found().items():
        assert words(world.receipt(), store, "found", "deleted", "already_absent", "failed") == {
            "found": count,
            "deleted": 0,
            "already_absent": count,
            "failed": 0,
        }, store


def test_what_arrives_in_a_project_after_the_plan_goes_too_and_is_counted_apart(world: World) -> None:
    there = gallery(world)
    expected = expected_of_projects(world.emulator, [there.pets])
    driver = approved(world, pets_only(there))
    world.control.add_images(there.pets, 3, name="late")
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    images = world.receipt()["stores"]["images"]
    assert (images["found"], images["deleted"], images["arrived_after_plan"]) == (len(expected.images),) * 2 + (3,)
    assert difference(expected.after, world.facts()) == NOTHING


def test_what_arrives_in_a_project_after_its_images_were_erased_is_counted_too(world: World) -> None:
    there = gallery(world)
    upload = {"command": "add_image", "project": there.pets, "images": 2}
    world.control.fault("commands", operation="DeleteIteration", commands=[upload], times=1)
    world.control.fault("commands", operation="DeleteTag", commands=[upload], times=1)
    driver = Driver(world.process())
    driver.process.post(pets_only(there))
    assert ending(driver.finish()) == ("completed", None)
    assert world.receipt()["stores"]["images"]["arrived_after_plan"] == 4
    assert there.pets not in world.emulator.world.projects


def test_a_training_that_is_published_after_the_plan_goes_with_its_project(world: World) -> None:
    seeded = world.control.seed("Pets", 3, predictions=0)
    expected = expected_of_projects(world.emulator, [seeded["project"]])
    driver = approved(world, erasure("projects"))
    trained(world.emulator, seeded["project"], publish="late")
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_a_project_with_more_tags_than_a_unit_holds_is_counted_right(world: World) -> None:
    world.control.seed("Pets", 300, tags=[f"tag {number}" for number in range(300)], share_blobs=True)
    driver = Driver(world.process())
    driver.process.post(erasure("projects"))
    assert ending(driver.finish()) == ("completed", None)
    tags = world.receipt()["stores"]["tags"]
    assert (tags["found"], tags["deleted"], tags.get("arrived_after_plan", 0)) == (300, 300, 0)
    assert world.facts() == {}


def test_a_project_created_after_the_plan_is_untouched(world: World) -> None:
    gallery(world)
    driver = approved(world, erasure("projects"))
    world.control.seed("Later", 2)
    expected = world.facts()
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    found = world.facts()
    assert {fact[0] for key, fact in found.items() if key[0] == "project"} == {"Later"}
    assert difference({key: expected[key] for key in found}, found) == NOTHING


def test_images_of_a_project_that_cannot_be_deleted_have_all_failed(world: World) -> None:
    there = gallery(world)
    before = world.facts()
    expected = expected_of_projects(world.emulator, [there.pets])
    world.control.fault("status", operation="DeleteImages", status=403, code="Forbidden")
    driver = Driver(world.process())
    driver.process.post(pets_only(there))
    assert ending(driver.finish()) == ("partially_completed", "blocked")
    count = len(expected.images)
    assert words(world.receipt(), "images", "found", "deleted", "already_absent", "failed") == {
        "found": count,
        "deleted": 0,
        "already_absent": 0,
        "failed": count,
    }
    lost = difference(before, world.facts())["lost"]
    assert {key[0] for key in lost} <= {"prediction", "blob"}
    assert world.receipt()["stores"]["projects"] == world.receipt()["stores"]["projects"] | {"deleted": 0, "failed": 1}


def test_images_of_a_project_whose_delete_never_comes_true_have_all_failed(world: World) -> None:
    there = gallery(world)
    expected = expected_of_projects(world.emulator, [there.pets])
    world.control.switch(delete_effect="never")
    driver = Driver(world.process())
    driver.process.post(pets_only(there))
    assert ending(driver.finish()) == ("partially_completed", "verify_deadline")
    count = len(expected.images)
    assert words(world.receipt(), "images", "found", "deleted", "failed") == {
        "found": count,
        "deleted": 0,
        "failed": count,
    }
    assert ("project", there.pets) in world.facts()


def test_a_project_that_stays_is_not_said_to_be_within_its_30_days(world: World) -> None:
    there = gallery(world)
    world.control.fault("status", operation="DeleteProject", ids=[there.pets], status=403, code="Forbidden")
    driver = Driver(world.process())
    driver.process.post(erasure("projects"))
    assert ending(driver.finish()) == ("partially_completed", "blocked")
    others = sorted({there.birds, there.empty})
    assert (residuals(world)["project_data_30_days"], residuals(world)["copies_of_project"]) == (
        others,
        sorted({there.pets, *others}),
    )
