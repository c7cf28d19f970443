"""One of several people is erased everywhere, and everybody else stays byte for byte as they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.azurite.server import Azurite
from local.custom_vision.wire import Request
from tests.acceptance.gallery import Gallery, picture
from tests.acceptance.people import ANNA, People, erasure, people, stored_bytes, truth_without
from tests.acceptance.stack import Stack, eventually, running_stack

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]
WORDS = ("found", "deleted", "already_absent", "no_longer_matching", "conflicting", "failed")


@pytest.fixture
def family(stack: Stack, gallery: Gallery, request: pytest.FixtureRequest) -> Iterator[People]:
    """A project of the test's own; it goes with the test, so that what is left of Anna does not meet another test."""
    made = people(stack, gallery, f"Family of {request.node.name}"[:100])
    yield made
    with stack.emulator.world.lock:
        stack.emulator.world.projects.pop(made.project, None)


def words_of(receipt: Json) -> dict[str, int]:
    """What the receipt says of images, without zeros."""
    return {word: receipt["stores"]["images"][word] for word in WORDS if receipt["stores"]["images"][word]}


def ending(status: Json) -> tuple[str, str | None]:
    """Final status and reason."""
    return status["request_status"], status["reason"]


SELECTORS = ("metadata", "tag name", "tag id", "ids", "union")


def selector_of(kind: str, family: People) -> Json:
    """One way to ask for all of Anna's images."""
    return {
        "metadata": ANNA,
        "tag name": {"tags": ["tag-anna"]},
        "tag id": {"tags": [family.tags["tag-anna"].upper()]},
        "ids": {"ids": [image.upper() for image in family.anna]},
        "union": {"ids": family.anna[:1], "tags": ["tag-anna"], "metadata": {"subject": "nobody"}},
    }[kind]


@pytest.mark.parametrize("kind", SELECTORS)
def test_one_person_is_gone_everywhere_and_nobody_else_changes(stack: Stack, family: People, kind: str) -> None:
    gone = [(family.project, image) for image in family.anna]
    expected, expected_bytes = truth_without(stack.control.truth(), family.anna), stored_bytes(stack, without=gone)
    request_id = stack.post("/api/erasures", erasure(family.project, selector_of(kind, family)))
    status, receipt = stack.finished(request_id), stack.receipt(request_id)
    assert ending(status) == ("completed", None)
    assert truth_without(stack.control.truth(), ()) == expected
    assert eventually(lambda: stored_bytes(stack) == expected_bytes or None, "the end of the pictures' bytes")
    assert words_of(receipt) == {"found": 5, "deleted": 5}
    assert receipt["stores"]["images"]["verified"] is True
    assert receipt["stores"]["images"]["rounds"] == 1
    assert receipt["selectors_without_match"] == (1 if kind == "union" else 0)


def test_a_published_iteration_stays_published_and_is_named_as_residual(stack: Stack, family: People) -> None:
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    stack.finished(request_id)
    project = next(p for p in stack.control.truth()["projects"] if p["id"] == family.project)
    assert [iteration["publish_name"] for iteration in project["iterations"]] == [f"live-{family.project[:8]}"]
    learned = [r for r in stack.receipt(request_id)["residuals"] if r["code"] == "trained_model_learned_from_items"]
    assert [entry["ids"] for entry in learned] == [[family.iteration]]


def test_the_plan_names_what_will_go_and_loses_its_names_at_the_end(stack: Stack, family: People) -> None:
    stack.control.switch(delete_effect="until_told")
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    eventually(lambda: stack.status(request_id)["request_status"] == "in_progress" or None, "the begin of the erasure")
    [project] = stack.get(f"/api/requests/{request_id}/plan")["projects"]
    assert sorted(project["image_ids"]) == sorted(family.anna)
    assert project["counts"]["images"] == 5
    assert project["conflicting_image_ids"] == []
    assert (project["iterations"][0]["holds"], project["iterations"][0]["action"]) == (4, "keep")
    assert project["name"].startswith("Family of")
    eventually(lambda: stack.control.release_deletes() or None, "a deletion that waits")
    assert ending(stack.finished(request_id)) == ("completed", None)
    plan = stack.get(f"/api/requests/{request_id}/plan")
    assert plan["projects"][0]["name"] is None
    assert plan["projects"][0]["iterations"][0]["name"] is None
    assert stack.receipt(request_id)["plan_hash"] == plan["plan_hash"]
    assert f"{request_id}/selector.json" not in stack.names(stack.ledger)


def test_a_deletion_that_takes_its_time_is_waited_for(stack: Stack, family: People) -> None:
    stack.control.switch(delete_effect="until_told")
    stack.control.reset_calls()
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    eventually(lambda: stack.control.calls().get("DeleteImages"), "the call that deletes")
    status = stack.status(request_id)
    assert status["request_status"] == "in_progress"
    assert status["completed_time"] is None
    assert stack.call("GET", f"/api/requests/{request_id}/receipt").status_code == 409
    eventually(lambda: stack.control.release_deletes() or None, "a deletion that waits")
    assert ending(stack.finished(request_id)) == ("completed", None)
    assert words_of(stack.receipt(request_id)) == {"found": 5, "deleted": 5}


def test_an_image_that_matches_in_an_older_row_only_is_named_and_left(
    stack: Stack, gallery: Gallery, family: People
) -> None:
    kept = family.anna[1]
    gallery.call("POST", f"/projects/{family.project}/images/metadata", {"subject": "ben-4712"}, imageIds=kept)
    expected = truth_without(stack.control.truth(), set(family.anna) - {kept})
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    status = stack.finished(request_id)
    assert ending(status) == ("partially_completed", "conflicting_images")
    assert truth_without(stack.control.truth(), ()) == expected
    assert words_of(stack.receipt(request_id)) == {"found": 4, "deleted": 4, "conflicting": 1}
    assert stack.get(f"/api/requests/{request_id}/plan")["projects"][0]["conflicting_image_ids"] == [kept]


def test_a_dry_run_plans_and_deletes_nothing(stack: Stack, family: People) -> None:
    before = truth_without(stack.control.truth(), ())
    stack.control.reset_calls()
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA, dry_run=True))
    status, receipt = stack.finished(request_id), stack.receipt(request_id)
    assert (ending(status), status["dry_run"]) == (("completed", None), True)
    assert truth_without(stack.control.truth(), ()) == before
    assert not [name for name in stack.control.calls() if not name.startswith("Get")]
    assert receipt["dry_run"] is True
    assert all(words["verified"] is False for words in receipt["stores"].values())
    assert words_of(receipt) == {"found": 5}
    assert sorted(stack.get(f"/api/requests/{request_id}/plan")["projects"][0]["image_ids"]) == sorted(family.anna)


def test_no_match_completes_with_zero_and_says_what_was_looked_at(stack: Stack, family: People) -> None:
    before = truth_without(stack.control.truth(), ())
    request_id = stack.post("/api/erasures", erasure(family.project, {"metadata": {"subject": "nobody"}}))
    status, receipt = stack.finished(request_id), stack.receipt(request_id)
    assert ending(status) == ("completed", "nothing_matched")
    assert truth_without(stack.control.truth(), ()) == before
    assert receipt["looked_at"] == {"projects": 1, "iterations": 1, "images": 11}
    assert receipt["selectors_without_match"] == 1
    assert words_of(receipt) == {}


def test_only_the_exact_metadata_value_is_a_match(stack: Stack, family: People) -> None:
    values = ("ANNA-4711", "anna-471", "anna-4711 ", "anna", "%", "*", "' or 1 eq 1", "anna-4711\x00", "\u0430nna-4711")
    selectors: list[Json] = [{"metadata": {"subject": value}} for value in values]
    selectors += [{"metadata": {"subject": "anna-4711", "more": ""}}, {"tags": ["Tag-Anna"]}, {"tags": ["tag-ann"]}]
    posted = [stack.post("/api/erasures", erasure(family.project, selector)) for selector in selectors]
    assert {ending(stack.finished(request_id)) for request_id in posted} == {("completed", "nothing_matched")}


def test_an_unknown_project_ends_failed_and_nothing_is_erased(stack: Stack, family: People) -> None:
    before = truth_without(stack.control.truth(), ())
    request_id = stack.post("/api/erasures", erasure([family.project, "No such project"], ANNA))
    assert ending(stack.finished(request_id)) == ("failed", "project_not_found")
    assert truth_without(stack.control.truth(), ()) == before


def test_an_ambiguous_name_ends_failed_and_nothing_is_erased(stack: Stack, gallery: Gallery, family: People) -> None:
    stack.control.switch(unique_project_names=False)
    twins = [gallery.project("Twins"), gallery.project("Twins")]
    before = truth_without(stack.control.truth(), ())
    request_id = stack.post("/api/erasures", erasure(["Twins", family.project], ANNA))
    assert ending(stack.finished(request_id)) == ("failed", "ambiguous_name")
    assert truth_without(stack.control.truth(), ()) == before
    for twin in twins:
        gallery.call("DELETE", f"/projects/{twin}")


def test_an_image_that_comes_during_the_erasure_is_told_as_drift(
    stack: Stack, gallery: Gallery, family: People
) -> None:
    stack.control.switch(delete_effect="until_told")
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    eventually(lambda: stack.status(request_id)["request_status"] == "in_progress" or None, "the begin of the erasure")
    late = gallery.upload(family.project, [picture(99)], metadata={"subject": "anna-4711"})
    eventually(lambda: stack.control.release_deletes() or None, "a deletion that waits")
    status = stack.finished(request_id)
    assert (ending(status), status["drift"]) == (("partially_completed", "drift"), 1)
    assert words_of(stack.receipt(request_id)) == {"found": 5, "deleted": 5}
    assert list(gallery.rows(family.project, late)) == late


@pytest.mark.parametrize("kind", ["work_then_status", "work_then_reset", "status", "reset"])
def test_a_delete_whose_answer_is_lost_or_bad_is_still_told_as_deleted(stack: Stack, family: People, kind: str) -> None:
    stack.control.switch(delete_delay_seconds=0)
    stack.control.fault(kind, operation="DeleteImages", first=2)
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    assert ending(stack.finished(request_id)) == ("completed", None)
    assert words_of(stack.receipt(request_id)) == {"found": 5, "deleted": 5}


def test_an_image_that_no_longer_matches_when_its_turn_comes_is_left(
    stack: Stack, gallery: Gallery, family: People
) -> None:
    changed: list[str] = []
    request_id = "b52a4a1e-5d0e-4f7a-9c55-0123456789ab"

    def react(request: Request) -> None:
        if not changed and "/images/id" in request.path and f"{request_id}/plan.json" in stack.names(stack.ledger):
            changed.append(family.anna[1])
            path = f"/projects/{family.project}/images/metadata"
            gallery.call("POST", path, {"subject": "ben-4712"}, imageIds=family.anna[1])

    end = stack.on_service_call(react)
    stack.post("/api/erasures", erasure(family.project, ANNA) | {"subject_request_id": request_id})
    status = stack.finished(request_id)
    end()
    assert changed == [family.anna[1]]
    assert status["request_status"] in ("completed", "partially_completed")
    assert words_of(stack.receipt(request_id)) == {"found": 5, "deleted": 4, "no_longer_matching": 1}
    assert list(gallery.rows(family.project, [family.anna[1]])) == [family.anna[1]]


def test_images_that_went_meanwhile_are_already_absent(stack: Stack, family: People) -> None:
    request_id = "b52a4a1e-5d0e-4f7a-9c55-1123456789ab"
    taken: list[str] = []

    def react(request: Request) -> None:
        if not taken and "/images/id" in request.path and f"{request_id}/plan.json" in stack.names(stack.ledger):
            taken.extend(family.anna[2:4])
            stack.control.delete_images(family.project, taken)

    end = stack.on_service_call(react)
    stack.post("/api/erasures", erasure(family.project, ANNA) | {"subject_request_id": request_id})
    status = stack.finished(request_id)
    end()
    assert ending(status) == ("completed", None)
    assert words_of(stack.receipt(request_id)) == {"found": 5, "deleted": 3, "already_absent": 2}


def test_ids_that_no_project_holds_match_nothing(stack: Stack, family: People) -> None:
    unknown = {"ids": ["b52a4a1e-5d0e-4f7a-9c55-2123456789ab"]}
    request_id = stack.post("/api/erasures", erasure("all", unknown))
    assert ending(stack.finished(request_id)) == ("completed", "nothing_matched")


def test_no_person_and_no_secret_is_in_ledger_log_or_internal_queues(stack: Stack) -> None:
    stack.assert_nowhere("anna-4711", "ben-4712", "tag-anna", "nobody", "Family of", "live-")


def test_an_image_that_comes_back_after_a_clean_look_is_erased_again(azurite: Azurite, folder: Path) -> None:
    with running_stack(azurite, folder, {"ERASURE_VERIFY_INTERVAL_SECONDS": "3"}) as stack:
        gallery = Gallery(stack.emulator)
        family = people(stack, gallery, "Comes back")
        stack.control.reappear(family.anna[2:3], seconds=5000)
        request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
        eventually(lambda: stack.status(request_id)["request_status"] == "verifying" or None, "the last look")
        stack.control.advance(5000)
        assert list(gallery.rows(family.project, family.anna[2:3])) == family.anna[2:3]
        status, receipt = stack.finished(request_id), stack.receipt(request_id)
        assert ending(status) == ("completed", None)
        assert gallery.rows(family.project, family.anna) == {}
        assert words_of(receipt) == {"found": 5, "deleted": 5}
        assert receipt["stores"]["images"]["rounds"] == 2
        gallery.close()


def test_a_deletion_that_never_comes_true_ends_at_the_deadline_and_names_what_is_left(
    azurite: Azurite, folder: Path
) -> None:
    with running_stack(azurite, folder, {"ERASURE_VERIFY_DEADLINE_HOURS": "0.0008"}) as stack:
        gallery = Gallery(stack.emulator)
        family = people(stack, gallery, "Never")
        stack.control.switch(delete_effect="never")
        request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
        status, receipt = stack.finished(request_id), stack.receipt(request_id)
        assert ending(status) == ("partially_completed", "verify_deadline")
        assert sorted(entry["id"] for entry in status["failures"]) == sorted(family.anna)
        assert words_of(receipt) == {"found": 5, "failed": 5}
        assert receipt["stores"]["images"]["verified"] is False
        stack.assert_nowhere("anna-4711", "tag-anna")
        gallery.close()
