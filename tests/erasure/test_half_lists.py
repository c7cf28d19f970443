"""Lists whose answer always ends half-way: an erasure takes none of them for read, before it erases and afterwards."""

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
