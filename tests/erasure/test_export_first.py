"""What is to be erased is exported before: if any of it may be missing from the package, nothing is erased."""

from collections.abc import Callable
from typing import Any

import pytest

from delete_function.export_first import child_id
from local.verify_receipt.numbers import contradictions
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.readings import ANNA, approved, ending, words
from tests.erasure.world import ID, Driver, World, approve, erasure


def exporting(world: World, body: dict[str, Any]) -> Driver:
    """Bring a request to where its export is waited for."""
    driver = Driver(world.process())
    driver.process.post(body)
    driver.reach("exporting")
    return driver


@pytest.mark.parametrize("status", [403, 500])
def test_images_that_the_export_could_not_list_stop_the_whole_erasure(world: World, status: int) -> None:
    there = gallery(world)
    before, driver = world.facts(), exporting(world, erasure(images=ANNA, export_first=True))
    fault = world.control.fault("status", operation=["GetImages", "GetImageCount"], query=there.old, status=status)
    driver.until(lambda: driver.status(child_id(ID))["completed_time"] is not None)
    world.control.clear_faults(fault)
    assert driver.status(child_id(ID))["counts"]["images"]["failed"] == 0
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING


def test_predictions_that_the_export_could_not_list_stop_the_whole_erasure(world: World) -> None:
    there = gallery(world)
    body = erasure(predictions={"ids": list(there.predictions)}, export_first=True)
    before, driver = world.facts(), exporting(world, body)
    fault = world.control.fault("status", operation="QueryPredictions", status=403)
    driver.until(lambda: driver.status(child_id(ID))["completed_time"] is not None)
    world.control.clear_faults(fault)
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING


def test_an_export_whose_lists_never_stood_still_stops_the_whole_erasure(world: World) -> None:
    there = gallery(world)
    before, driver = world.facts(), exporting(world, erasure(images=ANNA, export_first=True))
    upload = {"command": "add_image", "project": there.pets, "images": 1}
    fault = world.control.fault("commands", operation="GetImageCount", commands=[upload], when="before")
    driver.until(lambda: driver.status(child_id(ID))["completed_time"] is not None)
    world.control.clear_faults(fault)
    assert driver.status(child_id(ID))["reason"] == "inventory_unstable"
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    left = difference(before, world.facts())
    assert left["lost"] == left["changed"] == []


@pytest.mark.parametrize("level", ["items", "projects"])
def test_a_receipt_of_an_erasure_that_its_export_stopped_counts_what_was_planned_as_not_attempted(
    world: World, level: str
) -> None:
    there = gallery(world)
    world.control.bad_links([there.fresh], "broken")
    parts: dict[str, Any] = {"images": ANNA} if level == "items" else {}
    driver = Driver(world.process())
    driver.process.post(erasure(level, export_first=True, **parts))
    status = driver.finish()
    assert ending(status) == ("failed", "export_first_failed")
    receipt = world.receipt()
    planned = words(receipt, "images", "found")["found"]
    assert planned >= len(there.anna)
    for store, told in receipt["stores"].items():
        assert (told["deleted"], told["failed"], told["verified"]) == (0, told["found"], False), store
    assert {entry["code"] for entry in status["failures"]} == {"not_attempted"}
    assert contradictions(receipt) == []


def test_an_export_that_has_expired_before_its_approval_stops_the_whole_erasure(
    make_world: Callable[..., World],
) -> None:
    world = make_world(EXPORT_RETENTION_DAYS="2")
    gallery(world)
    before, driver = world.facts(), approved(world, erasure(images=ANNA, export_first=True))
    world.pass_time(3 * 24 * 3600)
    approve(driver.process)
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING
    assert contradictions(world.receipt()) == []
