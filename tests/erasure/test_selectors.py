"""What a selector names: projects by id and by name, tags that no image has, values that look like others."""

from typing import Any

import pytest

from request_function.retry import retry
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_items, expected_of_projects
from tests.erasure.readings import ANNA, ending, residuals, words
from tests.erasure.truth import retagged
from tests.erasure.world import ID, Driver, World, erasure

LIKE_AN_ID = "A0B1C2D3-0000-4000-8000-00000000000E"


def erased(world: World, body: dict[str, Any]) -> Driver:
    driver = Driver(world.process())
    driver.process.post(body)
    driver.finish()
    return driver


# projects


@pytest.mark.parametrize("spelling", [str.upper, str.lower])
def test_a_project_whose_name_looks_like_an_id_is_found_by_its_name(world: World, spelling: Any) -> None:
    gallery(world)
    seeded = world.control.seed(LIKE_AN_ID, 2)
    expected = expected_of_projects(world.emulator, [seeded["project"]])
    body = erasure("projects", projects=[spelling(LIKE_AN_ID)], confirm={"projects": [LIKE_AN_ID]})
    assert ending(erased(world, body).status()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_the_id_of_a_project_goes_before_the_name_of_another(world: World) -> None:
    there = gallery(world)
    world.control.seed(there.birds.upper(), 2)
    expected = expected_of_projects(world.emulator, [there.birds])
    body = erasure("projects", projects=[there.birds.upper()], confirm={"projects": ["Birds"]})
    assert ending(erased(world, body).status()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING


def test_two_projects_whose_names_are_one_id_in_two_spellings_are_ambiguous(world: World) -> None:
    for name in (LIKE_AN_ID, LIKE_AN_ID.lower()):
        world.control.seed(name, 2)
    before = world.facts()
    body = erasure("projects", projects=[LIKE_AN_ID], confirm={"projects": [LIKE_AN_ID]})
    assert ending(erased(world, body).status()) == ("failed", "ambiguous_name")
    assert difference(before, world.facts()) == NOTHING


# tags


@pytest.mark.parametrize("way", ["name", "id", "both"])
def test_a_tag_without_images_that_is_deleted_has_matched(world: World, way: str) -> None:
    there = gallery(world)
    world.control.delete_images(there.pets, there.anna)
    wanted = {"name": ["anna"], "id": [there.anna_tag.upper()], "both": ["anna", there.anna_tag]}[way]
    erased(world, erasure(images={"tags": [*wanted, "misspelt"]}, delete_tags=True))
    assert words(world.receipt(), "tags", "found", "deleted") == {"found": 1, "deleted": 1}
    assert world.receipt()["selectors_without_match"] == 1


def test_a_tag_without_images_that_stays_has_matched_nothing(world: World) -> None:
    there = gallery(world)
    world.control.delete_images(there.pets, there.anna)
    erased(world, erasure(images={"tags": ["anna"]}))
    assert world.receipt()["selectors_without_match"] == 1
    assert residuals(world)["tag_named_after_person"] == [there.anna_tag]


@pytest.mark.parametrize("delete_tags", [False, True])
def test_the_retry_of_what_was_selected_by_a_tag_names_the_tag_that_stays(world: World, delete_tags: bool) -> None:
    there = gallery(world)
    world.control.switch(delete_effect="never")
    driver = erased(world, erasure(images={"tags": ["anna"]}, delete_tags=delete_tags))
    first = residuals(world)["tag_named_after_person"]
    request_id = ID
    for _ in range(2):  # a retry, and the retry of that retry
        request_id = retry(driver.process.erasing, request_id, None).subject_request_id
        driver.finish(request_id)
        named = {entry["code"]: entry["ids"] for entry in world.receipt(request_id)["residuals"]}
        assert named["tag_named_after_person"] == first == [there.anna_tag]


def test_the_retry_of_what_was_not_selected_by_a_tag_names_none(world: World) -> None:
    gallery(world)
    world.control.switch(delete_effect="never")
    driver = erased(world, erasure(images=ANNA))
    again = retry(driver.process.erasing, ID, None).subject_request_id
    driver.finish(again)
    assert "tag_named_after_person" not in {entry["code"] for entry in world.receipt(again)["residuals"]}


def test_a_tag_that_others_use_is_not_deleted_by_a_retry_that_only_names_it(world: World) -> None:
    there = gallery(world)
    world.control.fault("status", operation="DeletePrediction", status=400)
    body = erasure(images={"tags": ["anna"]}, predictions={"ids": [there.predictions[0]]}, delete_tags=False)
    driver = erased(world, body)
    world.control.clear_faults()
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    assert ("tag", there.pets, "workspace", there.anna_tag) in world.facts()


def test_a_retry_of_a_retry_leaves_the_iteration_that_the_first_one_found_to_be_somebody_elses(world: World) -> None:
    there = gallery(world, publish="both")
    fault = world.control.fault("status", operation="UnpublishIteration", status=403)
    driver = erased(world, erasure(images={"tags": ["anna"]}, trained_iterations="delete"))
    world.control.clear_faults(fault)
    second = retry(driver.process.erasing, ID, None).subject_request_id
    driver.reach_phase("unpublish", second)
    retagged(world.emulator, there.pets, [one for one in there.anna if one not in (there.fresh, there.snapshot)], "ben")
    world.control.reappear([there.fresh], seconds=60)
    driver.reach_phase("last_look", second)
    world.control.fault("status", operation="DeleteImages", status=400, id="refused")
    assert ending(driver.finish(second)) == ("partially_completed", "verify_deadline")
    assert words(world.receipt(second), "iterations", "deleted", "no_longer_matching") == {
        "deleted": 1,
        "no_longer_matching": 1,
    }
    world.control.clear_faults("refused")
    third = retry(driver.process.erasing, second, None).subject_request_id
    assert ending(driver.finish(third)) == ("completed", None)
    assert ("image", there.pets, "workspace", there.fresh) not in world.facts()
    assert {key[-1] for key in world.facts() if key[:2] == ("iteration", there.pets)} == {there.new}


# values


def test_metadata_is_compared_letter_by_letter(world: World) -> None:
    values = ["Jos\u00e9", "Jose\u0301", "JOS\u00c9", "Jos\u00e9 ", "", "\u017f", "s"]
    seeded = world.control.seed("Pets", len(values), metadata={"subject": values}, unique_bytes=True)
    for number, value in enumerate(values):
        body = erasure(
            images={"metadata": {"subject": value}}, request_id=f"0f8fad5b-d9cb-469f-a165-70867728950{number}"
        )
        expected = expected_of_items(world.emulator, body)
        assert expected.images == {seeded["images"][number]}
        driver = Driver(world.process())
        driver.process.post(body)
        assert ending(driver.finish(body["subject_request_id"])) == ("completed", None)
        assert difference(expected.after, world.facts()) == NOTHING
