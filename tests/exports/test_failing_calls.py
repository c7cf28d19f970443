"""A single call that fails each time, while the service answers all others: it is named, and the rest is exported."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.exports.everything import Album, fill
from tests.exports.world import Package, World, assert_adds_up, when_asked

type Sound = Callable[[Package], Package]
type Fault = dict[str, Any]
LISTS = ["GetIterations", "GetImages", "GetImageCount", "QueryPredictions"]
FAILING: dict[str, Fault] = {
    "a 500": {"kind": "status", "status": 500},
    "a body cut half-way": {"kind": "truncate"},
    "no answer": {"kind": "reset"},
}


@pytest.fixture
def albums(world: World) -> tuple[Album, Album]:
    """A project whose lists will fail, and another."""
    return fill(world, "Failing"), fill(world, "Other")


def assert_other_is_whole(package: Package, other: Album) -> None:
    assert package.pictures(other.project) == other.uploaded
    assert package.pictures(other.project, "predictions").keys() == set(other.predictions)
    assert other.project not in {one for _, one, _ in package.gaps}
    assert package.ending[0] == "partially_completed"
    assert_adds_up(package)


@pytest.mark.parametrize("failure", FAILING)
@pytest.mark.parametrize("operation", LISTS)
def test_a_list_that_fails_from_the_beginning_costs_what_it_shows(
    world: World, albums: tuple[Album, Album], sound: Sound, operation: str, failure: str
) -> None:
    failing, other = albums
    world.control.fault(**FAILING[failure], operation=operation, route=failing.project)
    package = sound(world.export())
    assert_other_is_whole(package, other)
    assert failing.project in {one for _, one, code in package.gaps if code == "refused"}
    assert package.json(f"projects/{failing.project}/project.json")["name"] == "Failing"


@pytest.mark.parametrize("failure", FAILING)
def test_tags_whose_list_always_fails_cost_nothing_else(
    world: World, albums: tuple[Album, Album], sound: Sound, failure: str
) -> None:
    failing, other = albums
    world.control.fault(**FAILING[failure], operation="GetTags", route=failing.project)
    package = sound(world.export())
    assert_other_is_whole(package, other)
    assert failing.project in {one for _, one, code in package.gaps if code == "refused"}


@pytest.mark.parametrize("failure", FAILING)
@pytest.mark.parametrize("operation", LISTS)
def test_a_list_that_fails_at_the_end_costs_nothing_that_was_read(
    world: World, albums: tuple[Album, Album], sound: Sound, operation: str, failure: str
) -> None:
    failing, other = albums

    def begin() -> None:
        world.control.fault(**FAILING[failure], operation=operation, route=failing.project)

    with when_asked(world, "/images/id", begin):
        package = sound(world.export())
    assert_other_is_whole(package, other)
    assert package.pictures(failing.project) == failing.uploaded


@pytest.mark.parametrize("failure", FAILING)
def test_a_list_that_fails_for_a_while_costs_nothing(
    world: World, albums: tuple[Album, Album], sound: Sound, failure: str
) -> None:
    world.control.fault(**FAILING[failure], operation=LISTS, times=12)
    package = sound(world.export())
    assert (package.ending, package.gaps) == (("completed", None), [])
    assert [package.pictures(album.project) for album in albums] == [album.uploaded for album in albums]


def test_projects_that_cannot_be_listed_at_the_end_are_named(
    world: World, albums: tuple[Album, Album], sound: Sound
) -> None:
    with when_asked(world, "/images/id", lambda: world.control.fault("status", operation="GetProjects", status=500)):
        package = sound(world.export())
    assert package.gaps == [("projects", None, "list_moved")]
    assert package.ending == ("partially_completed", "inventory_unstable")
    assert [package.pictures(album.project) for album in albums] == [album.uploaded for album in albums]


def test_a_service_that_does_not_list_its_projects_is_waited_for_an_hour_and_then_the_export_has_failed(
    world: World,
) -> None:
    fill(world)
    world.control.fault("status", operation="GetProjects", status=503)
    begun = world.clock.now()
    package = world.export()
    assert package.ending == ("failed", "delivery_exhausted")
    assert timedelta(hours=1) <= world.clock.now() - begun <= timedelta(hours=1, minutes=15)
