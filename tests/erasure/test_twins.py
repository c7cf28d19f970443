"""Two runs of the same message: the work goes on once, and what one of them erased is not called kept by the other."""

import pytest

from shared.lifecycle import handle
from tests.erasure.gallery import Gallery, gallery
from tests.erasure.packages import exported, naming
from tests.erasure.readings import ANNA, approved, ending, words
from tests.erasure.truth import retagged
from tests.erasure.world import FULFILMENTS, ID, Driver, World, approve, erasure


def deliver_doubled(world: World, driver: Driver) -> None:
    """Deliver what can be seen as if each host had died before it could acknowledge: everything comes twice."""
    for message in world.queues.receive("deletion-work"):
        for _ in range(2):
            handle(driver.process.erasing, FULFILMENTS["deletion-work"], message.content, message.dequeue_count)
        world.queues.remove("deletion-work", message)


def test_a_unit_that_waits_goes_on_once_however_often_its_messages_come(world: World) -> None:
    gallery(world)
    body = erasure(images=ANNA)
    fault = world.control.fault("status", operation="DeleteImages", status=403, code="Forbidden")
    driver = Driver(world.process())
    driver.process.post(body)
    driver.reach_phase("images")
    for _ in range(16):
        deliver_doubled(world, driver)
        world.wait_for_something(driver.process)
    assert driver.status()["request_status"] == "in_progress"
    assert len(world.queues.waiting("deletion-work")) == 1
    world.control.clear_faults(fault)
    assert ending(driver.finish()) == ("completed", None)


def test_an_export_that_is_waited_for_is_asked_after_once_however_often_messages_come(world: World) -> None:
    gallery(world)
    driver = Driver(world.process())
    driver.process.post({"subject_request_id": "5c173f82-b05c-487c-a274-befb32deccaa", "scope": {"projects": "all"}})
    held_up = world.queues.receive("export-work")
    driver.process.post(erasure(images=ANNA))
    driver.reach_phase("own_exports")
    for _ in range(16):
        deliver_doubled(world, driver)
        world.wait_for_something(driver.process)
    assert len(world.queues.waiting("deletion-work")) <= 2
    assert driver.status()["progress"]["phase"] == "own_exports"
    for message in held_up:
        world.queues.send("export-work", {"subject_request_id": "5c173f82-b05c-487c-a274-befb32deccaa"})
        world.queues.remove("export-work", message)
    assert ending(driver.finish(ID)) == ("completed", None)


def test_a_message_that_is_lost_after_a_long_wait_is_sent_again_and_taken(world: World) -> None:
    gallery(world)
    fault = world.control.fault("status", operation="DeleteImages", status=403, code="Forbidden")
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    driver.reach_phase("images")
    for _ in range(12):
        driver.deliver_visible()
        world.wait_for_something(driver.process)
    world.pass_time(301)
    for message in world.queues.receive("deletion-work"):
        world.queues.remove("deletion-work", message)
    assert world.queues.waiting("deletion-work") == []
    world.control.clear_faults(fault)
    assert ending(driver.finish()) == ("completed", None)


def half_erased(world: World, there: Gallery) -> tuple[Driver, str]:
    """
    Bring it to where one host has noted an image as the person's and sent the delete, which has come halfway.

    The workspace has lost the image; the copy of an older iteration, in which it bears another tag, is there still.
    """
    image = there.doubtful or ""
    driver = approved(world, erasure(images={"tags": ["anna"]}))
    approve(driver.process)
    for _ in range(20):
        if driver.process.services.ledger.read(ID).record.phase == "images":
            break
        driver.deliver_visible()
    plan = driver.process.services.ledger.plan(ID)
    assert plan is not None
    for project in plan["projects"]:
        for unit in driver.process.services.ledger.units(ID, [u for u in project["units"] if u.startswith("images-")]):
            seen = {"present": unit.item_ids, "totals": None, "learned": []}
            driver.process.services.ledger.keep_started(ID, unit.unit_id, seen)
    return driver, image


@pytest.mark.parametrize("arrives", ["before the check", "never"])
def test_an_image_that_one_host_erases_is_not_called_kept_by_another(world: World, arrives: str) -> None:
    there = gallery(world, conflict=True)
    retagged(world.emulator, there.pets, [there.doubtful or ""], "anna")
    exported(world)
    driver, image = half_erased(world, there)
    world.control.delete_images(there.pets, [image], everywhere=False)
    for message in world.queues.receive("deletion-work"):
        handle(driver.process.erasing, FULFILMENTS["deletion-work"], message.content, 1)
        world.queues.remove("deletion-work", message)
    outcomes = [o for o in world.requests.entries(f"{ID}/units/images") if o.name.endswith(".json")]
    assert outcomes
    if arrives == "before the check":
        world.control.delete_images(there.pets, [image])
    driver.finish()
    images = words(world.receipt(), "images", "deleted", "no_longer_matching", "failed")
    gone = arrives == "before the check"
    assert images == {
        "deleted": len(there.anna) + gone,
        "no_longer_matching": int(not gone),
        "failed": 0,
    }
    assert (naming(world, image) == []) == gone
