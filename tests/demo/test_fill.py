"""What `fill` puts into a resource."""

from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.domains import DOMAINS, is_detection
from local.custom_vision.server import RunningEmulator
from local.demo.photographs import fill
from local.demo.scenes import (
    FEWEST_IMAGES,
    RECEPTION,
    SUBJECT,
    SUBJECT_KEY,
    WORKSHOP,
    ImagesSettingError,
    images_wanted,
)
from local.demo.snapshot import Snapshot, take_snapshot


@pytest.fixture(scope="session")
def snapshot(filled: RunningEmulator) -> Snapshot:
    return take_snapshot(filled)


@pytest.fixture(scope="session")
def projects(filled: RunningEmulator) -> dict[str, Any]:
    return {project["name"]: project for project in EmulatorControl(filled.url).truth()["projects"]}


def test_one_project_classifies_and_the_other_detects(projects: dict[str, Any]) -> None:
    assert set(projects) == {RECEPTION.name, WORKSHOP.name}
    assert (RECEPTION.domain_id in DOMAINS, is_detection(RECEPTION.domain_id)) == (True, False)
    assert is_detection(WORKSHOP.domain_id)
    rows = [row for project in projects.values() for row in project["workspace"]["images"]]
    assert {bool(row["regions"]) for row in projects[RECEPTION.name]["workspace"]["images"]} == {False}
    assert any(row["regions"] for row in projects[WORKSHOP.name]["workspace"]["images"])
    assert all(row["tags"] for row in rows if row["regions"])


def test_there_are_as_many_images_as_wanted(snapshot: Snapshot) -> None:
    assert len(snapshot.ids()) == FEWEST_IMAGES


def test_what_is_uploaded_is_what_the_links_give(snapshot: Snapshot) -> None:
    assert snapshot.digests == {image_id: snapshot.uploaded(image_id) for image_id in snapshot.ids()}


def test_one_project_has_two_iterations_of_which_one_is_published(projects: dict[str, Any]) -> None:
    assert len(projects[RECEPTION.name]["iterations"]) == 2
    assert [one["publish_name"] for one in projects[RECEPTION.name]["iterations"]] == [None, RECEPTION.publish_name]
    assert {one["status"] for project in projects.values() for one in project["iterations"]} == {"Completed"}
    assert len(projects[WORKSHOP.name]["iterations"]) == 1


def test_there_are_stored_predictions(projects: dict[str, Any]) -> None:
    assert projects[RECEPTION.name]["predictions"]


def test_several_people_have_pictures_and_some_pictures_are_nobodys(projects: dict[str, Any]) -> None:
    for project in projects.values():
        people = {row["metadata"].get(SUBJECT_KEY) for row in project["workspace"]["images"]}
        assert len(people) == 13
        assert None in people


def test_some_pictures_have_no_tag(projects: dict[str, Any]) -> None:
    for project in projects.values():
        assert {bool(row["tags"]) for row in project["workspace"]["images"]} == {True, False}


def test_the_person_is_in_every_workspace_and_iteration(snapshot: Snapshot) -> None:
    theirs = snapshot.ids_of(SUBJECT_KEY, SUBJECT)
    assert [place.name for place, rows in snapshot.rows.items() if not theirs & rows.keys()] == []


def test_each_project_has_a_picture_of_the_person_that_only_an_iteration_holds(snapshot: Snapshot) -> None:
    alone = snapshot.ids_of(SUBJECT_KEY, SUBJECT) - snapshot.workspace_ids()
    holders = {place.project for place, rows in snapshot.rows.items() if alone & rows.keys()}
    assert holders == {RECEPTION.name, WORKSHOP.name}


def test_somebody_else_also_has_a_picture_that_only_an_iteration_holds(snapshot: Snapshot) -> None:
    assert snapshot.ids() - snapshot.workspace_ids() - snapshot.ids_of(SUBJECT_KEY, SUBJECT)


def test_two_resources_are_filled_with_the_same_pictures(snapshot: Snapshot, emulator: RunningEmulator) -> None:
    fill(emulator.url, emulator.key, FEWEST_IMAGES)
    again = take_snapshot(emulator)
    assert sorted(map(str, again.digests.values())) == sorted(map(str, snapshot.digests.values()))


def test_a_key_that_is_refused_fills_nothing(emulator: RunningEmulator, control: EmulatorControl) -> None:
    with pytest.raises(OSError, match="401"):  # what requests raises is an OSError
        fill(emulator.url, "another key", FEWEST_IMAGES)
    assert control.truth()["projects"] == []


@pytest.mark.parametrize("text", [str(FEWEST_IMAGES - 1), "-80", "many", "1e3"])
def test_a_number_of_images_that_will_not_do_is_refused_by_name(text: str) -> None:
    with pytest.raises(ImagesSettingError, match=f"DEMO_IMAGES must be a number from {FEWEST_IMAGES} on"):
        images_wanted({"DEMO_IMAGES": text})


@pytest.mark.parametrize(("environ", "images"), [({}, 300), ({"DEMO_IMAGES": ""}, 300), ({"DEMO_IMAGES": "77"}, 77)])
def test_the_number_of_images_is_a_setting(environ: dict[str, str], images: int) -> None:
    assert images_wanted(environ) == images


def test_too_few_images_are_refused(emulator: RunningEmulator) -> None:
    with pytest.raises(ImagesSettingError):
        fill(emulator.url, emulator.key, FEWEST_IMAGES - 1)
