"""The service misbehaves, or others work on it meanwhile: nothing wrong is erased, nothing called gone too soon."""

import pytest

from request_function.retry import retry
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_items
from tests.erasure.readings import ANNA, approved, ending, residuals, words
from tests.erasure.truth import published, retagged, trained
from tests.erasure.world import Driver, World, approve, erasure


def all_failed(found: int) -> dict[str, int]:
    nothing = {"deleted": 0, "already_absent": 0, "no_longer_matching": 0}
    return {"found": found, **nothing, "failed": found, "verified": False}


# images


def test_a_202_that_never_comes_true_ends_at_the_deadline_with_every_item_failed(world: World) -> None:
    there = gallery(world)
    before = world.facts()
    world.control.switch(delete_effect="never")
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    status = driver.finish()
    assert ending(status) == ("partially_completed", "verify_deadline")
    assert difference(before, world.facts()) == NOTHING
    assert words(world.receipt()) == all_failed(len(there.anna))
    assert {entry["id"] for entry in status["failures"]} == set(there.anna)


def test_the_retry_of_what_never_came_true_erases_exactly_that(world: World) -> None:
    there = gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    world.control.switch(delete_effect="never")
    driver = Driver(world.process())
    driver.process.post(body)
    driver.finish()
    world.control.switch(delete_effect="delayed")
    new_match = world.control.add_images(there.birds, 1, name="later", tags=["ben"], metadata={"subject": "anna"})
    again = retry(driver.process.erasing, body["subject_request_id"], None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    left = difference(expected.after, world.facts())
    assert {key[-1] for key in left["left"] if key[0] == "image"} == set(new_match)
    assert left["lost"] == left["changed"] == []
    assert words(world.receipt(again), "images", "found", "deleted") == {"found": 6, "deleted": 6}


def test_a_delete_that_takes_hours_is_waited_for(world: World) -> None:
    gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    world.control.switch(delete_delay_seconds=5000)
    driver = Driver(world.process())
    driver.process.post(body)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_items_that_come_back_after_the_first_clean_look_are_erased_again_and_counted(world: World) -> None:
    there = gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    world.control.reappear(there.anna[:2], seconds=60)
    driver = Driver(world.process())
    driver.process.post(body)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    images = world.receipt()["stores"]["images"]
    assert (images["rounds"], images["came_back"], images["deleted"]) == (2, 2, len(there.anna))


def test_predictions_that_come_back_are_counted_as_predictions(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(predictions={"ids": [there.predictions[0]]}))
    with world.emulator.world.lock:
        kept = world.emulator.world.projects[there.pets].predictions[there.predictions[0]]
    driver.reach("verifying")
    with world.emulator.world.lock:
        world.emulator.world.projects[there.pets].predictions[kept.id] = kept
    assert ending(driver.finish()) == ("completed", None)
    stores = world.receipt()["stores"]
    assert ("prediction", there.pets, kept.id) not in world.facts()
    assert (stores["predictions"]["rounds"], stores["predictions"]["came_back"]) == (2, 1)
    assert stores["images"].get("came_back", 0) == 0


def test_a_matching_upload_during_the_erasure_is_drift_and_stays(world: World) -> None:
    there = gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    driver = approved(world, body)
    added = world.control.add_images(there.pets, 1, name="late", tags=["anna"], metadata={"subject": "anna"})
    approve(driver.process)
    status = driver.finish()
    assert (ending(status), status["drift"]) == (("partially_completed", "drift"), 1)
    left = difference(expected.after, world.facts())
    assert {key[-1] for key in left["left"] if key[0] == "image"} == set(added)
    assert left["lost"] == left["changed"] == []
    assert words(world.receipt(), "images", "failed", "verified") == {"failed": 0, "verified": True}


def test_a_matching_upload_into_a_project_that_held_nothing_is_drift_and_stays(world: World) -> None:
    there = gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    driver = approved(world, body)
    added = world.control.add_images(there.birds, 1, name="late", metadata={"subject": "anna"}, unique_bytes=True)
    approve(driver.process)
    status = driver.finish()
    assert (ending(status), status["drift"]) == (("partially_completed", "drift"), 1)
    left = difference(expected.after, world.facts())
    assert {key[-1] for key in left["left"] if key[0] == "image"} == set(added)
    assert left["lost"] == left["changed"] == []


def test_a_project_that_held_nothing_and_goes_meanwhile_is_no_hindrance(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images=ANNA))
    with world.emulator.world.lock:
        world.emulator.world.projects.pop(there.birds)
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert "project_data_30_days" not in residuals(world)


@pytest.mark.parametrize("action", ["unpublish", "delete"])
def test_an_iteration_published_after_the_plan_is_unpublished_as_planned(world: World, action: str) -> None:
    there = gallery(world)
    body = erasure(images=ANNA, trained_iterations=action)
    expected, driver = expected_of_items(world.emulator, body), approved(world, body)
    with world.emulator.world.lock:
        published(world.emulator.world.projects[there.pets].iterations[there.new], "late")
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_a_tag_corrected_between_approval_and_execution_saves_the_image(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images={"tags": ["anna"]}))
    retagged(world.emulator, there.pets, [there.fresh], "ben")
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert ("image", there.pets, "workspace", there.fresh) in world.facts()
    count = len(there.anna)
    assert words(world.receipt(), "images", "found", "deleted", "no_longer_matching") == {
        "found": count,
        "deleted": count - 1,
        "no_longer_matching": 1,
    }


def test_an_image_that_was_left_stays_also_where_it_matches_again_before_the_next_round(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images={"tags": ["anna"]}))
    retagged(world.emulator, there.pets, [there.fresh], "ben")
    world.control.switch(delete_effect="never")
    approve(driver.process)
    driver.reach_phase("images_check")
    retagged(world.emulator, there.pets, [there.fresh], "anna")
    world.control.switch(delete_effect="delayed")
    assert ending(driver.finish()) == ("completed", None)
    assert world.receipt()["stores"]["images"]["rounds"] == 2
    assert ("image", there.pets, "workspace", there.fresh) in world.facts()
    assert words(world.receipt(), "images", "deleted", "no_longer_matching") == {
        "deleted": len(there.anna) - 1,
        "no_longer_matching": 1,
    }


def test_images_that_nobody_can_read_are_not_called_absent(world: World) -> None:
    there = gallery(world)
    before, driver = world.facts(), approved(world, erasure(images=ANNA))
    world.control.fault("status", operation="GetImagesByIds", status=404, code="NotFoundImage")
    approve(driver.process)
    assert ending(driver.finish()) == ("partially_completed", "verify_deadline")
    assert difference(before, world.facts()) == NOTHING
    assert words(world.receipt()) == all_failed(len(there.anna))


def test_what_somebody_else_deleted_before_counts_as_already_absent(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images=ANNA))
    world.control.delete_images(there.pets, there.anna[:2])
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert words(world.receipt(), "images", "deleted", "already_absent") == {"deleted": 4, "already_absent": 2}


def test_a_training_between_plan_and_erasure_is_cleaned_too_and_named(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images=ANNA, trained_iterations="delete"))
    later = trained(world.emulator, there.pets)
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    assert not {key for key in world.facts() if key[0] == "image" and key[-1] in there.anna}
    assert ("iteration", there.pets, later) in world.facts()
    assert residuals(world).get("trained_model_learned_from_items") == [later]


def test_a_project_that_somebody_deletes_leaves_its_items_already_absent(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images=ANNA, trained_iterations="delete"))
    world.session.delete(
        f"{world.emulator.url}/customvision/v3.3/training/projects/{there.pets}",
        headers={"Training-Key": world.emulator.key},
        timeout=10,
    ).raise_for_status()
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    count = len(there.anna)
    assert words(world.receipt(), "images", "found", "deleted", "already_absent") == {
        "found": count,
        "deleted": 0,
        "already_absent": count,
    }
    assert words(world.receipt(), "iterations", "found", "deleted", "already_absent") == {
        "found": 2,
        "deleted": 0,
        "already_absent": 2,
    }
    assert residuals(world)["project_data_30_days"] == [there.pets]


def test_a_list_that_never_stands_still_erases_nothing(world: World) -> None:
    seeded = world.control.seed("Pets", 1, metadata={"subject": "anna"})
    before = world.facts()
    upload = {"command": "add_image", "project": seeded["project"], "images": 1}
    world.control.fault("commands", operation="GetImageCount", commands=[upload], when="before")
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    assert ending(driver.finish()) == ("failed", "inventory_unstable")
    left = difference(before, world.facts())
    assert left["lost"] == left["changed"] == []
    assert "DeleteImages" not in world.control.calls()


# what blocks


@pytest.mark.parametrize("operation", ["DeleteImages", "GetImagesByIds"])
def test_a_missing_role_is_waited_for(world: World, operation: str) -> None:
    gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    driver = approved(world, body)
    fault = world.control.fault("status", operation=operation, status=403, code="Forbidden")
    approve(driver.process)
    for _ in range(6):
        driver.deliver_visible()
        world.wait_for_something(driver.process)
    assert driver.status()["request_status"] == "in_progress"
    world.control.clear_faults(fault)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_a_role_that_never_comes_is_named(world: World) -> None:
    there = gallery(world)
    before = world.facts()
    world.control.fault("status", operation="DeleteImages", status=403, code="Forbidden")
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA, trained_iterations="delete"))
    status = driver.finish()
    assert ending(status) == ("partially_completed", "blocked")
    assert difference(before, world.facts()) == NOTHING
    count = len(there.anna)
    assert words(world.receipt(), "images", "found", "deleted", "failed", "verified") == {
        "found": count,
        "deleted": 0,
        "failed": count,
        "verified": False,
    }
    assert words(world.receipt(), "iterations", "found", "deleted", "failed", "verified") == {
        "found": 2,
        "deleted": 0,
        "failed": 2,
        "verified": False,
    }
    assert set(residuals(world)["trained_model_learned_from_items"]) == {there.old, there.new}


def test_a_read_only_project_is_waited_for(world: World) -> None:
    there = gallery(world)
    body = erasure(images=ANNA)
    expected = expected_of_items(world.emulator, body)
    world.control.read_only(there.pets)
    driver = Driver(world.process())
    driver.process.post(body)
    for _ in range(20):
        driver.deliver_visible()
        world.wait_for_something(driver.process)
    assert driver.status()["request_status"] == "in_progress"
    world.control.read_only(there.pets, value=False)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_a_project_that_stays_read_only_is_named(world: World) -> None:
    there = gallery(world)
    before = world.facts()
    world.control.read_only(there.pets)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    assert ending(driver.finish()) == ("partially_completed", "blocked")
    assert difference(before, world.facts()) == NOTHING


@pytest.mark.parametrize("trained_iterations", ["keep", "delete"])
def test_a_tag_is_named_as_remaining_as_long_as_anything_has_it(world: World, trained_iterations: str) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(
        erasure(images={"tags": ["anna"]}, delete_tags=True, trained_iterations=trained_iterations, dry_run=True)
    )
    driver.finish()
    planned = residuals(world).get("tag_named_after_person")
    body = erasure(images={"tags": ["anna"]}, delete_tags=True, trained_iterations=trained_iterations)
    body["subject_request_id"] = other = "7f8fad5b-d9cb-469f-a165-70867728950e"
    driver.process.post(body)
    assert ending(driver.finish(other)) == ("completed", None)
    left = {key[-1] for key in world.facts() if key[0] == "tag"} & {there.anna_tag}
    assert planned == ([there.anna_tag] if left else None)
    named = {entry["code"]: entry["ids"] for entry in world.receipt(other)["residuals"]}
    assert named.get("tag_named_after_person") == planned
    assert bool(left) == (trained_iterations == "keep")


def test_a_tag_that_was_selected_by_and_stays_is_named_by_its_id(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images={"tags": ["anna", "nobody"]}))
    assert ending(driver.finish()) == ("completed", None)
    assert residuals(world)["tag_named_after_person"] == [there.anna_tag]
