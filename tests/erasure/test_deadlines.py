"""How long an erasure waits for what does not go, and that nothing else of it suffers meanwhile."""

from datetime import timedelta

import pytest

from tests.erasure.gallery import gallery
from tests.erasure.packages import exported, naming
from tests.erasure.readings import ANNA, ending, words
from tests.erasure.world import Driver, World, erasure

DEADLINE = timedelta(hours=2)


def test_a_project_that_refuses_does_not_cut_short_the_wait_for_another_one(world: World) -> None:
    there = gallery(world)
    annas_birds = world.control.add_images(
        there.birds, 2, name="late", tags=["anna"], metadata={"subject": "anna"}, unique_bytes=True
    )
    exported(world)
    world.control.switch(delete_delay_seconds=600)
    world.control.fault("status", operation="DeleteImages", route=there.pets, status=400)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    status = driver.finish()
    assert ending(status) == ("partially_completed", "blocked")
    told = words(world.receipt())
    assert (told["deleted"], told["failed"]) == (len(annas_birds), len(there.anna))
    assert {entry["id"] for entry in status["failures"]} == set(there.anna)
    assert naming(world, *annas_birds) == []
    assert naming(world, there.fresh)


@pytest.mark.parametrize("level", ["items", "projects"])
def test_a_delete_that_never_comes_true_ends_at_the_deadline_however_often_it_is_sent_again(
    world: World, level: str
) -> None:
    gallery(world)
    world.control.switch(delete_effect="never")
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA) if level == "items" else erasure("projects"))
    driver.reach_phase("images_check")
    began = world.clock.now()
    assert ending(driver.finish()) == ("partially_completed", "verify_deadline")
    assert world.receipt()["stores"]["images"]["rounds"] > 1
    assert DEADLINE <= world.clock.now() - began < DEADLINE + timedelta(minutes=10)


def test_what_comes_back_after_a_clean_look_is_waited_for_anew(world: World) -> None:
    there = gallery(world)
    world.control.reappear(there.anna[:2], seconds=60)
    world.control.switch(delete_delay_seconds=5000)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA))
    assert ending(driver.finish()) == ("completed", None)
    assert world.receipt()["stores"]["images"]["came_back"] == 2
