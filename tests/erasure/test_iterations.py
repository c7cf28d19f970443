"""Iterations and tags that an erasure is to take along: refused, published, or found to hold nothing of the person."""

import pytest

from request_function.retry import retry
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_items
from tests.erasure.readings import ANNA, approved, ending, residuals, words
from tests.erasure.truth import retagged, trained
from tests.erasure.world import Driver, World, approve, erasure


def test_a_published_iteration_that_refuses_is_named_and_stays(world: World) -> None:
    there = gallery(world, publish="new")
    world.control.fault("status", operation="DeleteIteration", status=400, code="BadRequestIterationIsPublished")
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA, trained_iterations="delete"))
    status = driver.finish()
    assert ending(status) == ("partially_completed", "blocked_by_published_iteration")
    assert {entry["id"] for entry in status["failures"]} == {there.old, there.new}
    assert words(world.receipt(), "iterations", "found", "deleted", "failed", "verified") == {
        "found": 2,
        "deleted": 0,
        "failed": 2,
        "verified": False,
    }
    assert residuals(world)["trained_model_learned_from_items"] == sorted([there.old, there.new])


@pytest.mark.parametrize("corrected", [1, 2])
def test_an_iteration_goes_only_if_a_picture_that_it_was_to_go_for_still_does(world: World, corrected: int) -> None:
    seeded = world.control.seed("Pets", 4, iterations=1, tags=["anna", "ben"], unique_bytes=True)
    annas = [seeded["images"][0], seeded["images"][2]]
    driver = approved(world, erasure(images={"tags": ["anna"]}, trained_iterations="delete"))
    retagged(world.emulator, seeded["project"], annas[:corrected], "ben")
    approve(driver.process)
    assert ending(driver.finish())[0] == "completed"
    stays = corrected == len(annas)
    assert (("iteration", seeded["project"], seeded["iterations"][0]) in world.facts()) is stays
    iterations = words(world.receipt(), "iterations")
    assert (iterations["deleted"], iterations["no_longer_matching"]) == ((0, 1) if stays else (1, 0))


def test_a_tag_of_an_iteration_that_stays_after_all_is_named_as_remaining(world: World) -> None:
    seeded = world.control.seed("Pets", 4, iterations=1, tags=["anna", "ben"], unique_bytes=True)
    driver = approved(world, erasure(images={"tags": ["anna"]}, trained_iterations="delete", delete_tags=True))
    retagged(world.emulator, seeded["project"], seeded["images"], "ben")
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    kept = ("tag", seeded["project"], seeded["iterations"][0], seeded["tags"]["anna"])
    assert kept in world.facts()
    assert residuals(world)["tag_named_after_person"] == [seeded["tags"]["anna"]]


def test_a_tag_of_an_iteration_that_was_trained_after_the_plan_is_named_as_remaining(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images={"tags": ["anna"]}, trained_iterations="delete", delete_tags=True))
    later = trained(world.emulator, there.pets)
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert ("tag", there.pets, later, there.anna_tag) in world.facts()
    assert residuals(world)["tag_named_after_person"] == [there.anna_tag]


@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_images_that_wait_for_an_unpublishing_that_is_refused_are_named_as_not_attempted(
    world: World, action: str
) -> None:
    there = gallery(world, publish="new")
    before = world.facts()
    world.control.fault("status", operation="UnpublishIteration", status=403)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA, trained_iterations=action))
    status = driver.finish()
    assert ending(status) == ("partially_completed", "blocked")
    assert difference(before, world.facts()) == NOTHING
    codes = {entry["id"]: entry["code"] for entry in status["failures"] if entry["store"] == "images"}
    assert codes == dict.fromkeys(there.anna, "not_attempted")
    assert {entry["code"] for entry in status["failures"] if entry["store"] == "iterations"} <= {
        "blocked",
        "not_attempted",
    }


def test_the_retry_of_an_iteration_that_refused_deletes_it(world: World) -> None:
    gallery(world, publish="new")
    body = erasure(images=ANNA, trained_iterations="delete")
    expected = expected_of_items(world.emulator, body)
    world.control.fault("status", operation="DeleteIteration", status=400, code="BadRequestIterationIsPublished")
    driver = Driver(world.process())
    driver.process.post(body)
    driver.finish()
    world.control.clear_faults()
    again = retry(driver.process.erasing, body["subject_request_id"], None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    assert words(world.receipt(again), "iterations", "found", "deleted") == {"found": 2, "deleted": 2}


def test_an_iteration_unpublished_by_somebody_else_is_not_called_absent(world: World) -> None:
    there = gallery(world, publish="new")
    driver = approved(world, erasure(images=ANNA, trained_iterations="unpublish"))
    with world.emulator.world.lock:
        world.emulator.world.projects[there.pets].iterations[there.new].publish_name = None
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    iterations = world.receipt()["stores"].get("iterations", {})
    assert iterations.get("already_absent", 0) == 0
    assert iterations.get("deleted", 0) == 0
    assert ("iteration", there.pets, there.new) in world.facts()


def test_a_tag_in_use_stays_and_is_named(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images={"tags": ["anna"]}, delete_tags=True))
    world.control.add_images(there.pets, 1, name="late", tags=["anna"], metadata={"subject": "carl"})
    approve(driver.process)
    assert ending(driver.finish()) == ("partially_completed", "drift")
    assert ("tag", there.pets, "workspace", there.anna_tag) in world.facts()
    assert residuals(world)["tag_named_after_person"] == [there.anna_tag]


def test_a_tag_whose_use_the_service_does_not_tell_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    there = gallery(world)
    silent = {"id": there.anna_tag, "name": "anna", "description": None, "type": "Regular"}
    monkeypatch.setattr("local.custom_vision.tags.tag_json", lambda tag, scope: silent)
    driver = Driver(world.process())
    driver.process.post(erasure(images={"tags": ["anna"]}, delete_tags=True))
    assert ending(driver.finish()) == ("completed", None)
    assert ("tag", there.pets, "workspace", there.anna_tag) in world.facts()
    assert words(world.receipt(), "tags", "deleted", "no_longer_matching") == {"deleted": 0, "no_longer_matching": 1}
    assert there.anna_tag in residuals(world)["tag_named_after_person"]


def test_a_tag_that_somebody_else_deleted_is_not_named_as_remaining(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images=ANNA | {"tags": ["anna"]}, delete_tags=True))
    with world.emulator.world.lock:
        world.emulator.world.projects[there.pets].workspace.remove_tag(there.anna_tag)
    approve(driver.process)
    assert ending(driver.finish())[0] in ("completed", "partially_completed")
    assert words(world.receipt(), "tags", "deleted", "already_absent") == {"deleted": 0, "already_absent": 1}
    assert residuals(world)["tag_named_after_person"] == [there.anna_tag]  # the iterations' own copies, which stay
