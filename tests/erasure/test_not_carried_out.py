"""An erasure that ends with a plan and without a deletion: its receipt says what had been found."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from local.verify_receipt.numbers import contradictions
from request_function.reading import cancel
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.readings import approved, ending
from tests.erasure.world import ID, Driver, World, approve, erasure


def _reject(world: World, driver: Driver) -> None:
    approve(driver.process, decision="reject", reason="wrong person")


def _cancel(world: World, driver: Driver) -> None:
    cancel(driver.process.services, ID)


def _expire(world: World, driver: Driver) -> None:
    world.pass_time(14 * 24 * 3600 + 1)


ENDS: Mapping[str, Callable[[World, Driver], None]] = {"rejected": _reject, "cancelled": _cancel, "expired": _expire}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("level", ["items", "projects"])
def test_a_plan_that_is_never_carried_out_counts_what_it_had_found(world: World, level: str, end: str) -> None:
    there = gallery(world)
    whole: dict[str, Any] = {"projects": [there.pets], "confirm": {"projects": ["Pets"]}}
    parts: dict[str, Any] = whole if level == "projects" else {"images": {"tags": ["anna", "misspelt"]}}
    before, driver = world.facts(), approved(world, erasure(level, **parts))
    planned = driver.status()["counts"]
    ENDS[end](world, driver)
    assert end in ending(driver.finish())
    receipt = world.receipt()
    assert receipt["stores"] == driver.status()["counts"]
    for store, words in receipt["stores"].items():
        assert words["found"] == planned[store]["found"]
        assert (words["deleted"], words["already_absent"], words["failed"], words["verified"]) == (0, 0, 0, False)
    assert receipt["stores"].keys() == {store for store, words in planned.items() if words["found"]}
    assert contradictions(receipt) == []
    assert receipt["selectors_without_match"] == int(level == "items")
    assert difference(before, world.facts()) == NOTHING


def test_an_erasure_that_is_taken_back_before_its_plan_counts_nothing(world: World) -> None:
    gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images={"tags": ["anna"]}))
    cancel(driver.process.services, ID)
    assert ending(driver.finish()) == ("cancelled", None)
    assert world.receipt()["stores"] == {}
