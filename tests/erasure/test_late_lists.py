"""Lists that are late and do not show what is there: nothing is called gone by that, or waited for that is gone."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.domain.resources import Image, Iteration, Project, Tag
from shared.ports import CustomVision
from shared.services import Services
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_items, expected_of_projects
from tests.erasure.packages import exported
from tests.erasure.readings import approved, ending, words
from tests.erasure.truth import retagged, trained
from tests.erasure.world import Driver, World, approve, erasure
from tests.unit.in_process import Process


@dataclass
class LateList:
    """The service, whose lists do not show something until some time; asked for by its id it is there."""

    client: CustomVision
    hidden: str
    until: datetime
    now: Callable[[], datetime]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.client, name)

    def get_iterations(self, project_id: str) -> Sequence[Iteration]:
        return [one for one in self.client.get_iterations(project_id) if self.shows(one.id)]

    def get_tags(self, project_id: str, *, iteration_id: str | None = None) -> Sequence[Tag]:
        return [one for one in self.client.get_tags(project_id, iteration_id=iteration_id) if self.shows(one.id)]

    def get_projects(self) -> Sequence[Project]:
        return [one for one in self.client.get_projects() if self.shows(one.id)]

    def image_pages(self, project_id: str, **options: Any) -> Iterator[Sequence[Image]]:
        for page in self.client.image_pages(project_id, **options):
            yield [image for image in page if self.shows(image.id)]

    def get_image_count(self, project_id: str, *, iteration_id: str | None = None) -> int:
        there = (
            ()
            if self.shows(self.hidden)
            else self.client.get_images_by_ids(project_id, [self.hidden], iteration_id=iteration_id)
        )
        return self.client.get_image_count(project_id, iteration_id=iteration_id) - len(there)

    def shows(self, item_id: str) -> bool:
        return item_id != self.hidden or self.now() >= self.until


def with_late_list(world: World, process: Process, hidden: str, late: timedelta) -> Process:
    until = world.clock.now() + late

    def changed(services: Services) -> Services:
        return replace(
            services,
            vision={host: LateList(client, hidden, until, world.clock.now) for host, client in services.vision.items()},
        )

    return Process(world, changed(process.services), changed(process.erasing))


def ending_with_late_list(world: World, body: dict[str, Any], hidden: str) -> tuple[str, str | None]:
    """Plan an erasure, and carry it out while the lists do not show something for half an hour."""
    driver = Driver(world.process())
    driver.process.post(body)
    driver.reach("awaiting_approval")
    driver = Driver(with_late_list(world, driver.process, hidden, timedelta(minutes=30)))
    approve(driver.process)
    return ending(driver.finish())


@pytest.mark.parametrize("trained_iterations", ["keep", "unpublish"])
def test_an_image_of_an_iteration_that_the_list_does_not_show_is_not_called_gone(
    world: World, trained_iterations: str
) -> None:
    there = gallery(world)
    body = erasure(
        images={"ids": [there.snapshot, there.fresh]}, trained_iterations=trained_iterations, require_approval=True
    )
    expected = expected_of_items(world.emulator, body)
    assert ending_with_late_list(world, body, there.old) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_an_image_is_not_called_somebody_elses_by_an_older_row_while_the_list_does_not_show_the_newer_one(
    world: World,
) -> None:
    seeded = world.control.seed("Pets", 2, iterations=1, tags=["ben", "anna"], unique_bytes=True)
    project, image = seeded["project"], seeded["images"][0]
    retagged(world.emulator, project, [image], "anna")
    newer = trained(world.emulator, project)
    world.control.delete_images(project, [image], everywhere=False)
    body = erasure(images={"tags": ["anna"]}, trained_iterations="keep", require_approval=True)
    expected = expected_of_items(world.emulator, body)
    assert image in expected.images
    assert ending_with_late_list(world, body, newer) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_a_prediction_of_an_iteration_that_the_list_does_not_show_is_not_called_gone(world: World) -> None:
    there = gallery(world)
    world.control.switch(predictions_without_iteration="newest")
    body = erasure(predictions={"ids": [there.predictions[0]]}, require_approval=True)
    expected = expected_of_items(world.emulator, body)
    assert ending_with_late_list(world, body, there.old) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


@pytest.mark.parametrize("trained_iterations", ["unpublish", "delete"])
def test_an_iteration_that_the_list_does_not_show_goes_as_it_was_planned(world: World, trained_iterations: str) -> None:
    there = gallery(world, publish="both")
    body = erasure(images={"tags": ["anna"]}, trained_iterations=trained_iterations, require_approval=True)
    expected = expected_of_items(world.emulator, body)
    assert ending_with_late_list(world, body, there.old) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    done = {"unpublish": "unpublished", "delete": "deleted"}[trained_iterations]
    assert words(world.receipt(), "iterations", done, "failed") == {done: 2, "failed": 0}


def test_a_published_iteration_that_the_list_does_not_show_does_not_block_its_project(world: World) -> None:
    there = gallery(world, publish="both")
    body = erasure("projects", projects=[there.pets], confirm={"projects": ["Pets"]}, require_approval=True)
    expected = expected_of_projects(world.emulator, [there.pets])
    assert ending_with_late_list(world, body, there.old) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_a_tag_that_the_list_does_not_show_is_not_called_gone(world: World) -> None:
    there = gallery(world)
    body = erasure(images={"tags": ["anna"]}, delete_tags=True, require_approval=True)
    expected = expected_of_items(world.emulator, body)
    assert ending_with_late_list(world, body, there.anna_tag) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    assert words(world.receipt(), "tags", "deleted", "already_absent") == {"deleted": 1, "already_absent": 0}


def test_a_404_of_an_iteration_says_nothing_of_a_project_that_the_list_does_not_show(world: World) -> None:
    there = gallery(world)
    driver = approved(world, erasure(images={"tags": ["anna"]}))
    world.control.switch(delete_effect="never")
    world.control.fault("status", operation="GetImagesByIds", status=404, code="NotFoundIteration")
    before = world.facts()
    driver = Driver(with_late_list(world, driver.process, there.pets, timedelta(days=1)))
    approve(driver.process)
    assert driver.finish()["request_status"] == "partially_completed"
    assert difference(before, world.facts()) == NOTHING
    assert words(world.receipt(), "images", "found", "failed") == {"found": 6, "failed": 6}


def test_a_service_that_answers_400_for_an_id_that_is_gone_does_not_hold_an_erasure_up(world: World) -> None:
    gallery(world)
    world.control.fault("status", operation=["GetTag", "GetIteration"], status=400, code="BadRequest")
    body = erasure(images={"tags": ["anna"]}, trained_iterations="delete", delete_tags=True)
    expected, driver = expected_of_items(world.emulator, body), Driver(world.process())
    driver.process.post(body)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_an_image_that_the_list_does_not_show_is_planned_once_although_a_package_has_it_too(world: World) -> None:
    there = gallery(world)
    exported(world)
    driver = Driver(with_late_list(world, world.process(), there.fresh, timedelta(minutes=1)))
    driver.process.post(erasure(images={"ids": [there.fresh], "tags": ["anna"]}))
    assert ending(driver.finish()) == ("completed", None)
    assert words(world.receipt(), "images", "found", "deleted") == {"found": 6, "deleted": 6}


def test_an_iteration_that_somebody_deleted_is_no_hindrance(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images={"ids": [there.snapshot, there.fresh]}))
    driver.reach_phase("images")
    with world.emulator.world.lock:
        world.emulator.world.projects[there.pets].iterations.pop(there.old)
    assert ending(driver.finish()) == ("completed", None)
