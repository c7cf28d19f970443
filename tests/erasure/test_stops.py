"""The app dies after every single write of a whole erasure, is started again, and ends where it always ends."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.erasure.checks import check_end, end_state
from tests.erasure.oracle import Expectation, expected_of_items, expected_of_projects
from tests.erasure.truth import trained
from tests.erasure.world import Driver, World, erasure
from tests.fakes import WorldStopped
from tests.unit.in_process import CrashAt, Process

MOST_WRITES = 400


def small(world: World) -> dict[str, Any]:
    """Fill a world with one project of two people, two iterations (one of them published) and predictions."""
    pets = world.control.seed(
        "Pets", 2, tags=["anna", "ben"], metadata={"subject": ["anna", "ben"]}, iterations=1, predictions=1
    )
    world.control.delete_images(pets["project"], [pets["images"][0]], everywhere=False)
    added = world.control.add_images(pets["project"], 1, name="more", tags=["anna"], metadata={"subject": "anna"})
    trained(world.emulator, pets["project"], publish="live")
    return pets | {"images": [*pets["images"], *added]}


def items(there: dict[str, Any]) -> dict[str, Any]:
    return erasure(
        images={"tags": ["anna"]},
        predictions={"ids": there["predictions"]},
        trained_iterations="delete",
        delete_tags=True,
    )


def projects(there: dict[str, Any]) -> dict[str, Any]:
    return erasure("projects", confirm={"projects": ["Pets"]})


def expected_of(world: World, body: dict[str, Any]) -> Expectation:
    if body["scope"]["level"] == "items":
        return expected_of_items(world.emulator, body)
    return expected_of_projects(world.emulator, list(world.emulator.world.projects))


def live_twice(world: World, body: dict[str, Any], crash: CrashAt) -> tuple[Process, bool]:
    """Run until the crash, then start again; the caller repeats its request if it got no answer. Says if it crashed."""
    process, answered = world.process(crash), False
    try:
        process.post(body)
        answered = True
        Driver(process).finish()
    except WorldStopped:
        process = world.process()
        if not answered:
            process.post(body)
        Driver(process).finish()
        return process, True
    return process, False


@pytest.mark.parametrize("kind", ["ledger", "before_ledger"])
@pytest.mark.parametrize("make_body", [items, projects])
def test_a_stop_at_any_write_changes_nothing_about_the_end(
    make_world: Callable[..., World], make_body: Callable[[dict[str, Any]], dict[str, Any]], kind: str
) -> None:
    world = make_world()
    body = make_body(small(world))
    expected = expected_of(world, body)
    process, _ = live_twice(world, body, CrashAt())
    check_end(world, process, expected)
    undisturbed = end_state(world, process)
    for writes in range(MOST_WRITES):
        world = make_world()
        assert make_body(small(world)) == body, "every world begins alike"
        process, died = live_twice(world, body, CrashAt(**{kind: writes}))
        assert end_state(world, process) == undisturbed, f"stopped at write {writes}"
        if not died:
            break
    assert 20 < writes < MOST_WRITES, "it ends where there is nothing more to stop"


@pytest.mark.parametrize("make_body", [items, projects])
def test_an_app_that_dies_after_every_few_writes_still_ends_there(
    world: World, make_body: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    body = make_body(small(world))
    expected = expected_of(world, body)
    for life in range(200):
        process = world.process(CrashAt(ledger=5 + life % 3))
        try:
            process.post(body)
            Driver(process).finish()
        except WorldStopped:
            continue
        break
    process = world.process()
    Driver(process).finish()
    check_end(world, process, expected)
    assert life > 3
