"""Stored predictions: found by both queries, deleted 64 at a time, and read again until none is left."""

import pytest

from tests.erasure.oracle import NOTHING, difference, expected_of_items, expected_of_projects
from tests.erasure.readings import ending, words
from tests.erasure.truth import trained
from tests.erasure.world import Driver, World, erasure

ALL_GONE = {"found": 70, "deleted": 70, "already_absent": 0, "failed": 0, "verified": True}


def seeded(world: World, without: str) -> tuple[str, list[str]]:
    """Store 70 predictions of an iteration that is not the newest; gives their project and them."""
    world.control.switch(predictions_without_iteration=without)
    there = world.control.seed("Pets", 4, iterations=1, predictions=70, unique_bytes=True)
    trained(world.emulator, there["project"])
    return there["project"], there["predictions"]


@pytest.mark.parametrize("without", ["all", "newest"])
def test_predictions_by_id_go_whichever_query_shows_them(world: World, without: str) -> None:
    _, ids = seeded(world, without)
    world.control.seed("Birds", 2, iterations=1, predictions=3)
    body = erasure(predictions={"ids": ids})
    expected, driver = expected_of_items(world.emulator, body), Driver(world.process())
    driver.process.post(body)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    assert words(world.receipt(), "predictions", *ALL_GONE) == ALL_GONE


@pytest.mark.parametrize("without", ["all", "newest"])
def test_predictions_of_a_whole_project_go_whichever_query_shows_them(world: World, without: str) -> None:
    project, _ = seeded(world, without)
    expected, driver = expected_of_projects(world.emulator, [project]), Driver(world.process())
    driver.process.post(erasure("projects"))
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    assert words(world.receipt(), "predictions", *ALL_GONE) == ALL_GONE
