"""What people say about an erasure: confirm, approve, reject, cancel, export first. Without their word nothing goes."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from delete_function.export_first import child_id
from delete_function.intake import INTAKE
from request_function.reading import cancel, plan
from request_function.retry import retry
from shared.domain.errors import Conflict
from shared.lifecycle import handle
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_items, expected_of_projects
from tests.erasure.readings import ANNA, ending, waiting
from tests.erasure.truth import retagged
from tests.erasure.world import FULFILMENTS, ID, Driver, World, approve, erasure
from tests.fakes import WorldStopped
from tests.unit.in_process import CrashAt

# confirmation


@pytest.mark.parametrize(
    ("projects", "confirm"),
    [
        ("all", {"projects": ["Pets", "Birds"]}),
        ("all", {"projects": ["Pets", "Birds", "Empty", "More"]}),
        ("all", {"projects": ["pets", "Birds", "Empty"]}),
        (["Pets"], {"all_projects": True}),
        (["Pets"], {"projects": ["Birds"]}),
        (["Pets", "Birds"], {"projects": ["Pets"]}),
        ("all", {"all_projects": True, "resources": ["elsewhere.cognitiveservices.azure.com"]}),
    ],
)
def test_a_confirmation_that_does_not_fit_erases_nothing(world: World, projects: Any, confirm: dict[str, Any]) -> None:
    gallery(world)
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure("projects", projects=projects, confirm=confirm))
    assert ending(driver.finish()) == ("failed", "confirm_mismatch")
    assert difference(before, world.facts()) == NOTHING


@pytest.mark.parametrize(
    ("projects", "reason"), [(["Pets", "Nobody"], "project_not_found"), (["Pets"], "ambiguous_name")]
)
def test_a_name_that_means_no_project_or_two_erases_nothing(world: World, projects: list[str], reason: str) -> None:
    gallery(world)
    if reason == "ambiguous_name":
        world.control.switch(unique_project_names=False)
        world.control.seed("Pets", 1)
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure("projects", projects=projects, confirm={"projects": projects}))
    assert ending(driver.finish()) == ("failed", reason)
    assert difference(before, world.facts()) == NOTHING


# the plan


@pytest.mark.parametrize("level", ["items", "projects"])
def test_a_plan_shows_images_as_images_and_predictions_as_predictions(world: World, level: str) -> None:
    there = gallery(world, publish="new")
    body = erasure(level, require_approval=True)
    if level == "items":
        beside: dict[str, Any] = {
            "predictions": {"ids": [there.predictions[0]]},
            "trained_iterations": "delete",
            "delete_tags": True,
        }
        body = erasure(images={"tags": ["anna"]}, require_approval=True, **beside)
    expected = expected_of_items(world.emulator, body)
    if level == "projects":
        expected = expected_of_projects(world.emulator, [there.pets, there.birds, there.empty])
    shown = plan(waiting(world, body).process.services, ID)["projects"]
    assert {one for project in shown for one in project["image_ids"]} == expected.images
    assert {one for project in shown for one in project["prediction_ids"]} == expected.predictions
    assert sum(project["counts"]["images"] for project in shown) == len(expected.images)


# approval


def test_nothing_goes_before_the_approval_and_the_plan_goes_after_it(world: World) -> None:
    gallery(world)
    body = erasure(images=ANNA, require_approval=True)
    expected, before = expected_of_items(world.emulator, body), world.facts()
    driver = waiting(world, body)
    world.pass_time(3 * 24 * 3600)
    driver.deliver_visible()
    assert difference(before, world.facts()) == NOTHING
    approve(driver.process, approver="second-person")
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    assert world.receipt()["approved_by"] == {"id": "second-person", "verified": False}


def test_the_approval_of_another_plan_is_refused(world: World) -> None:
    gallery(world)
    before, driver = world.facts(), waiting(world, erasure(images=ANNA, require_approval=True))
    with pytest.raises(Conflict):
        approve(driver.process, plan_hash="sha256:" + "0" * 64)
    driver.deliver_visible()
    assert driver.status()["request_status"] == "awaiting_approval"
    assert difference(before, world.facts()) == NOTHING


def test_a_rejected_plan_erases_nothing_and_keeps_its_reason(world: World) -> None:
    gallery(world)
    before, driver = world.facts(), waiting(world, erasure(images=ANNA, require_approval=True))
    approve(driver.process, decision="reject", reason="wrong person")
    assert ending(driver.finish()) == ("rejected", "rejected")
    with pytest.raises(Conflict):
        approve(driver.process)
    assert difference(before, world.facts()) == NOTHING
    decision = driver.process.services.ledger.read(ID).record.notes["decision"]
    assert (decision["decision"], decision["reason"]) == ("reject", "wrong person")
    assert world.receipt()["looked_at"] == {"projects": 3, "iterations": 3, "images": 13}


@pytest.mark.parametrize("writes", range(1, 5))
def test_a_rejection_that_was_broken_off_holds_and_ends_when_it_is_said_again(world: World, writes: int) -> None:
    gallery(world)
    before, driver = world.facts(), waiting(world, erasure(images=ANNA, require_approval=True))
    with pytest.raises(WorldStopped):
        approve(world.process(CrashAt(ledger=writes)), decision="reject", reason="wrong person")
    with pytest.raises(Conflict):
        approve(driver.process)
    approve(driver.process, decision="reject")
    assert ending(driver.finish()) == ("rejected", "rejected")
    assert world.receipt()["request_status"] == "rejected"
    assert difference(before, world.facts()) == NOTHING


@pytest.mark.parametrize("writes", range(1, 5))
def test_a_rejection_that_was_broken_off_and_never_said_again_is_brought_to_its_end(world: World, writes: int) -> None:
    gallery(world)
    driver = waiting(world, erasure(images=ANNA, require_approval=True))
    began = world.clock.now()
    with pytest.raises(WorldStopped):
        approve(world.process(CrashAt(ledger=writes)), decision="reject", reason="wrong person")
    assert ending(driver.finish()) == ("rejected", "rejected")
    assert world.clock.now() - began < timedelta(days=2)


@pytest.mark.parametrize("by_hand", [False, True])
def test_an_approval_that_comes_too_late_erases_nothing(world: World, by_hand: bool) -> None:
    gallery(world)
    before, driver = world.facts(), waiting(world, erasure(images=ANNA, require_approval=True))
    world.pass_time(14 * 24 * 3600 + 1)
    if by_hand:
        with pytest.raises(Conflict):
            approve(driver.process)
    assert ending(driver.finish()) == ("rejected", "expired")
    with pytest.raises(Conflict):
        approve(driver.process)
    assert difference(before, world.facts()) == NOTHING


def test_approving_twice_is_approving_once(world: World) -> None:
    gallery(world)
    body = erasure(images=ANNA, require_approval=True)
    expected, driver = expected_of_items(world.emulator, body), waiting(world, body)
    approve(driver.process)
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)
    approve(driver.process)
    assert difference(expected.after, world.facts()) == NOTHING


def test_whole_projects_asked_for_by_queue_wait_for_approval(world: World) -> None:
    gallery(world)
    before, driver = world.facts(), Driver(world.process())
    INTAKE.from_queue(driver.process.erasing, json.dumps(erasure("projects")).encode(), "message-1")
    driver.reach("awaiting_approval")
    assert difference(before, world.facts()) == NOTHING


def test_the_retry_of_whole_projects_asked_for_by_queue_waits_for_approval_too(world: World) -> None:
    there = gallery(world, publish="new")
    world.control.read_only(there.pets)
    driver = Driver(world.process())
    body = erasure("projects", projects=["Pets"], confirm={"projects": ["Pets"]})
    INTAKE.from_queue(driver.process.erasing, json.dumps(body).encode(), "message-1")
    driver.reach("awaiting_approval")
    approve(driver.process)
    assert driver.finish()["request_status"] == "partially_completed"
    world.control.read_only(there.pets, value=False)
    before = world.facts()
    again = retry(driver.process.erasing, ID, None).subject_request_id
    driver.reach("awaiting_approval", again)
    assert difference(before, world.facts()) == NOTHING


def test_the_retry_of_whole_projects_that_failed_before_their_approval_waits_for_it_too(world: World) -> None:
    gallery(world)
    driver = Driver(world.process())
    body = erasure("projects", projects=["Pets"], confirm={"projects": ["Pets"]}, export_first=True)
    INTAKE.from_queue(driver.process.erasing, json.dumps(body).encode(), "message-1")
    driver.reach("exporting")
    cancel(driver.process.services, child_id(ID))
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    before = world.facts()
    again = retry(driver.process.erasing, ID, None).subject_request_id
    driver.until(lambda: driver.status(again)["request_status"] not in ("pending", "planning", "exporting"))
    assert driver.status(again)["request_status"] == "awaiting_approval"
    assert difference(before, world.facts()) == NOTHING


def test_an_installation_that_wants_approval_gets_it(make_world: Callable[..., World]) -> None:
    world = make_world(ERASURE_REQUIRES_APPROVAL="true")
    gallery(world)
    before = world.facts()
    waiting(world, erasure(images=ANNA, require_approval=False))
    assert difference(before, world.facts()) == NOTHING


def test_a_request_that_is_given_up_between_approval_and_its_first_phase_ends(world: World) -> None:
    gallery(world)
    before, driver = world.facts(), waiting(world, erasure(images=ANNA, require_approval=True))
    approve(driver.process)
    body = b'{"subject_request_id": "%s", "attempt": 1, "poisoned": 4}' % ID.encode()
    handle(driver.process.erasing, FULFILMENTS["deletion-work"], body, 1)
    status = driver.finish()
    assert ending(status) == ("failed", "delivery_exhausted")
    images = world.receipt()["stores"]["images"]
    assert (images["deleted"], images["failed"], images["verified"]) == (0, images["found"], False)
    assert difference(before, world.facts()) == NOTHING


# dry run and cancel


@pytest.mark.parametrize("level", ["items", "projects"])
def test_a_dry_run_deletes_nothing_and_verifies_nothing(world: World, level: str) -> None:
    gallery(world)
    parts: dict[str, Any] = {"images": ANNA} if level == "items" else {}
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(level, dry_run=True, **parts))
    assert ending(driver.finish()) == ("completed", None)
    assert difference(before, world.facts()) == NOTHING
    for words in world.receipt()["stores"].values():
        assert (words["deleted"], words["verified"]) == (0, False)


def test_a_request_is_taken_back_until_it_begins_to_erase(world: World) -> None:
    gallery(world)
    before, driver = world.facts(), waiting(world, erasure(images=ANNA, require_approval=True))
    cancel(driver.process.services, ID)
    assert ending(driver.finish()) == ("cancelled", None)
    assert difference(before, world.facts()) == NOTHING


def test_an_erasure_that_has_begun_cannot_be_taken_back(world: World) -> None:
    gallery(world)
    body = erasure(images=ANNA)
    expected, driver = expected_of_items(world.emulator, body), Driver(world.process())
    driver.process.post(body)
    for phase in ("images", "images_check", "last_look"):
        driver.reach_phase(phase)
        with pytest.raises(Conflict):
            cancel(driver.process.services, ID)
    driver.finish()
    with pytest.raises(Conflict):
        cancel(driver.process.services, ID)
    assert difference(expected.after, world.facts()) == NOTHING


# export first


def test_what_is_exported_first_is_in_the_package_and_then_erased(world: World) -> None:
    there = gallery(world)
    body = erasure(images=ANNA, export_first=True)
    expected, driver = expected_of_items(world.emulator, body), Driver(world.process())
    driver.process.post(body)
    assert ending(driver.finish()) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
    prefix = f"{child_id(ID)}/projects/{there.pets}/images/files/"
    kept = {entry.name.removeprefix(prefix).split(".")[0] for entry in world.exports.entries(prefix)}
    assert kept == set(there.anna)


@pytest.mark.parametrize("state", ["expired", "broken"])
def test_an_image_that_cannot_be_exported_stops_the_whole_erasure(world: World, state: Any) -> None:
    there = gallery(world)
    world.control.bad_links([there.fresh], state)
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(images=ANNA, export_first=True))
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING


def test_a_prediction_that_cannot_be_exported_stops_the_whole_erasure(world: World) -> None:
    there = gallery(world)
    world.control.bad_links([there.predictions[0]], "broken")
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(predictions={"ids": [there.predictions[0]]}, export_first=True))
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING


def test_bytes_that_are_gone_stop_the_whole_erasure(world: World) -> None:
    there = gallery(world)
    world.control.delete_blob(there.pets, there.fresh)
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(images=ANNA, export_first=True))
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING


def test_a_cancelled_export_stops_the_whole_erasure(world: World) -> None:
    gallery(world)
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(images=ANNA, export_first=True))
    driver.reach("exporting")
    cancel(driver.process.services, child_id(ID))
    assert ending(driver.finish()) == ("failed", "export_first_failed")
    assert difference(before, world.facts()) == NOTHING


def test_an_erasure_that_exported_first_still_waits_for_its_approval(world: World) -> None:
    gallery(world)
    before = world.facts()
    driver = waiting(world, erasure(images=ANNA, export_first=True, require_approval=True))
    assert difference(before, world.facts()) == NOTHING
    approve(driver.process)
    assert ending(driver.finish()) == ("completed", None)


def test_an_image_corrected_while_it_waits_for_its_export_is_not_lost(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images={"tags": ["anna"]}, export_first=True))
    driver.reach("exporting")
    retagged(world.emulator, there.pets, [there.fresh], "ben")
    driver.finish()
    assert ("image", there.pets, "workspace", there.fresh) in world.facts()


# retry


@pytest.mark.parametrize("status", ["completed", "rejected", "cancelled"])
def test_what_has_not_failed_is_not_tried_again(world: World, status: str) -> None:
    gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA, require_approval=status != "completed"))
    if status != "completed":
        driver.reach("awaiting_approval")
    if status == "rejected":
        approve(driver.process, decision="reject")
    if status == "cancelled":
        cancel(driver.process.services, ID)
    assert driver.finish()["request_status"] == status
    with pytest.raises(Conflict):
        retry(driver.process.erasing, ID, None)


def test_the_retry_of_a_blocked_project_erases_it_and_asks_for_approval_anew(world: World) -> None:
    there = gallery(world, publish="new")
    expected = expected_of_projects(world.emulator, [there.pets])
    world.control.read_only(there.pets)
    driver = waiting(
        world, erasure("projects", projects=["Pets"], confirm={"projects": ["Pets"]}, require_approval=True)
    )
    approve(driver.process)
    assert ending(driver.finish()) == ("partially_completed", "blocked")
    world.control.read_only(there.pets, value=False)
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert retry(driver.process.erasing, ID, None).subject_request_id == again
    driver.reach("awaiting_approval", again)
    approve(driver.process, again)
    assert ending(driver.finish(again)) == ("completed", None)
    assert difference(expected.after, world.facts()) == NOTHING
