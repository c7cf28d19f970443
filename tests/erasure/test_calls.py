"""How often the service is asked: not more than it takes to find, to delete, and to see twice that it is gone."""

import pytest

from tests.erasure.readings import ending
from tests.erasure.world import Driver, World, erasure

OTHER = "7f8fad5b-d9cb-469f-a165-70867728950e"
LATE = {"at once": 0, "a minute late": 60}
"""When a delete takes effect, in seconds."""


def calls(world: World) -> dict[str, int]:
    return {operation: sum(answers.values()) for operation, answers in world.control.calls().items()}


def calls_of(world: World, **parts: object) -> dict[str, int]:
    """Carry an erasure out and count its calls by operation."""
    driver = Driver(world.process())
    world.control.reset_calls()
    driver.process.post(erasure(**parts))  # type: ignore[arg-type]
    assert ending(driver.finish(str(parts.get("request_id", "")) or "0f8fad5b-d9cb-469f-a165-70867728950e")) == (
        "completed",
        None,
    )
    return calls(world)


def waits(counted: dict[str, int]) -> int:
    """Give how many looks were in vain: each asks for the iterations and for one page of images."""
    return counted["GetIterations"] - 4


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_a_small_job_by_ids_reads_its_ids_in_every_source_three_times_and_lists_no_image(
    world: World, iterations: int, late: float
) -> None:
    world.control.switch(delete_delay_seconds=late)
    seeded = world.control.seed("Pets", 6, iterations=iterations, unique_bytes=True)
    counted = calls_of(world, images={"ids": seeded["images"][:3]})
    vain = waits(counted)
    assert vain == 0 if not late else vain <= 8
    sources = 1 + iterations
    assert counted == {
        "GetProjects": 1,
        "GetIterations": 4 + vain,
        "GetImagesByIds": 3 * sources + 1 + vain,
        "DeleteImages": 1,
    } | ({"GetExports": iterations} if iterations else {})


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
def test_lists_are_read_three_times_however_long_a_delete_takes(world: World, late: float) -> None:
    world.control.switch(delete_delay_seconds=late)
    world.control.seed("Pets", 1000, iterations=1, metadata={"subject": ["anna", *["ben"] * 9]})
    anna = {"metadata": {"subject": "anna"}}
    planned = calls_of(world, images=anna, request_id=OTHER, dry_run=True)
    counted = calls_of(world, images=anna)
    pages, left = 2 * 5, 2 * 4  # of 240 new rows each, in the workspace and in the iteration
    assert planned["GetImages"] == pages
    assert counted["GetImages"] == pages + 2 * left
    in_vain = 8  # looks with growing pauses, until the delete has taken effect: one page each
    assert planned["GetImagesByIds"] == 1  # in the iteration: the workspace's list has shown what its rows are
    assert counted["GetImagesByIds"] <= 1 + 1 + 2 * 2 + in_vain
    assert counted["DeleteImages"] == 1


@pytest.mark.parametrize("late", LATE.values(), ids=LATE)
@pytest.mark.parametrize("iterations", [0, 1])
def test_an_erasure_of_all_that_lists_show_costs_little_more_than_its_floor(
    world: World, late: float, iterations: int
) -> None:
    world.control.switch(delete_delay_seconds=late)
    world.control.seed("Pets", 1000, iterations=iterations, metadata={"subject": "anna"})
    counted = calls_of(world, images={"metadata": {"subject": "anna"}})
    units, sources = 4, 1 + iterations
    in_vain = 8 if late else 0
    assert counted["GetImagesByIds"] <= units * (iterations + 1 + 2 * sources) + in_vain
    assert counted["DeleteImages"] == units
