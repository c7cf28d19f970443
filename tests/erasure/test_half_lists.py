"""Lists whose answer always ends half-way: an erasure takes none of them for read, before it erases and afterwards."""

from datetime import timedelta

import pytest

from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.readings import ANNA, ending
from tests.erasure.world import Driver, World, erasure


@pytest.mark.parametrize("operation", ["GetProjects", "GetIterations", "GetImages", "GetImageCount", "GetImagesByIds"])
def test_nothing_is_erased_by_a_list_that_always_ends_half_way(world: World, operation: str) -> None:
    gallery(world)
    before = world.facts()
    world.control.fault("truncate", operation=operation)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    assert ending(driver.finish()) == ("failed", "delivery_exhausted")
    assert difference(before, world.facts()) == NOTHING


@pytest.mark.parametrize("operation", ["GetIterations", "GetImages", "GetImageCount"])
def test_nothing_is_called_gone_by_a_list_that_always_ends_half_way(world: World, operation: str) -> None:
    gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    driver.reach("verifying")
    world.control.fault("truncate", operation=operation)
    assert driver.finish()["request_status"] != "completed"
    assert world.receipt()["stores"]["images"]["verified"] is False


@pytest.mark.parametrize("operation", ["GetIterations", "GetImagesByIds", "GetImages"])
def test_the_proof_outlasts_a_service_that_fails_for_an_hour(world: World, operation: str) -> None:
    gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    driver.reach("verifying")
    since = world.clock.now()
    fault = world.control.fault("status", operation=operation, status=500)
    driver.until(lambda: world.clock.now() - since > timedelta(hours=1))
    world.control.clear_faults(fault)
    assert ending(driver.finish()) == ("completed", None)


def test_a_proof_that_cannot_be_had_until_the_deadline_is_told_as_none(world: World) -> None:
    gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    driver.reach("verifying")
    world.control.fault("status", operation="GetIterations", status=500)
    assert ending(driver.finish()) == ("partially_completed", "verify_deadline")
    assert world.receipt()["stores"]["images"]["verified"] is False
