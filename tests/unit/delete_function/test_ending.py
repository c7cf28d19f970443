"""How an erasure ends: its reason, its status and the receipt's table, derived from plan, words and proof."""

from collections.abc import Mapping
from typing import Any

import pytest

from delete_function.own_exports import withdraw
from delete_function.plan import PlanBuilder, ProjectTarget
from delete_function.result import NOT_CONFIGURED, Proof, Words, dry_run_ending, ending_of
from shared import tombstones
from shared.domain.receipt import Ending
from shared.domain.resources import Iteration
from shared.domain.subject_request import RequestStatus
from shared.domain.work import PlannedItem, UnitOutcome
from tests.verify.ledgers import Ledger

P1, P2 = (f"00000000-0000-4000-8000-00000000010{digit}" for digit in range(2))
ITERATION = "00000000-0000-4000-8000-000000000200"
A, B, C = (f"00000000-0000-4000-8000-00000000030{digit}" for digit in range(3))
REQUEST = "0f8fad5b-d9cb-469f-a165-70867728950e"
RESIDUALS = [{"code": "kept_export", "ids": [], "detail": "…", "source": "…"}]
OWN = {"found": 2, "deleted": 2, "failed": 0, "verified": True, "rounds": 1, "packages": 1}
ZERO = {"deleted": 0, "already_absent": 0, "no_longer_matching": 0, "failed": 0}


def target(**changes: Any) -> ProjectTarget:
    usual: dict[str, Any] = {
        "resource": "one.example",
        "project_id": P1,
        "name": "Reception",
        "whole": False,
        "iterations": [Iteration.from_row({"id": ITERATION, "publishName": "live"})],
        "images": [PlannedItem(item_id=A), PlannedItem(item_id=B)],
        "looked_at": 7,
    }
    return ProjectTarget(**usual | changes)


NOTHING = target(images=())


def plan_of(*targets: ProjectTarget, account: Mapping[str, Any] | None = None) -> dict[str, Any]:
    builder = PlanBuilder()
    for one in targets:
        builder.add(one, [])
    return builder.plan(REQUEST, "now", selectors_without_match=3, residuals=[], account=account)


def words_of(store: str = "images", kind: str | None = None, *, code: str = "refused", **ids: list[str]) -> Words:
    failures = [
        {"store": store, "id": item, "code": code, "operation": "unit", "status": None}
        for item in ids.get("failed", ())
    ]
    counts = {store: {word: len(items) for word, items in ids.items()}}
    words = Words()
    words.add(UnitOutcome(unit_id=f"{kind or store}-00001", counts=counts, failures=failures, details={"ids": ids}))
    return words


DONE = words_of(deleted=[A, B])


def ending(
    words: Words = DONE, proof: Proof | None = None, *targets: ProjectTarget, account: Mapping[str, Any] | None = None
) -> Ending:
    return ending_of(plan_of(*(targets or (target(),)), account=account), words, proof or Proof(), RESIDUALS)


def how(found: Ending) -> tuple[str, str | None]:
    return found.status.value, found.reason


def test_what_was_all_erased_and_seen_gone_is_complete() -> None:
    assert how(ending()) == ("completed", None)


CONFLICTING = target(conflicting=[PlannedItem(item_id=C)])
FAILED = words_of(deleted=[A], failed=[B])
OPEN = Proof(own_exports=OWN | {"verified": False})
DRIFT = Proof(new=[C])


@pytest.mark.parametrize(
    ("words", "proof", "of", "reason"),
    [
        (FAILED, Proof(), target(), "items_failed"),
        (DONE, OPEN, target(), "export_running"),
        (DONE, Proof(), CONFLICTING, "conflicting_images"),
        (DONE, DRIFT, target(), "drift"),
        (FAILED, Proof(new=[C], own_exports=OPEN.own_exports), CONFLICTING, "items_failed"),
        (DONE, Proof(new=[C], own_exports=OPEN.own_exports), CONFLICTING, "export_running"),
        (DONE, DRIFT, CONFLICTING, "conflicting_images"),
        (FAILED, Proof(reason="verify_deadline", new=[C]), CONFLICTING, "verify_deadline"),
        (DONE, Proof(reason="expired"), target(), "expired"),
    ],
)
def test_the_first_reason_that_holds_is_why_it_is_only_partly_complete(
    words: Words, proof: Proof, of: ProjectTarget, reason: str
) -> None:
    assert how(ending(words, proof, of)) == ("partially_completed", reason)


@pytest.mark.parametrize("code", ["account_not_empty", "blocked_by_published_iteration", "blocked"])
def test_a_failure_with_a_telling_code_is_the_reason(code: str) -> None:
    assert how(ending(words_of(deleted=[A], failed=[B], code=code))) == ("partially_completed", code)


def test_of_several_telling_codes_the_most_telling_is_the_reason() -> None:
    words = words_of(failed=[A], code="blocked")
    words.add(words_outcome("iterations-00002", "blocked_by_published_iteration", ITERATION))
    assert ending(words).reason == "blocked_by_published_iteration"


def words_outcome(unit_id: str, code: str, item: str) -> UnitOutcome:
    entry = {"store": "iterations", "id": item, "code": code, "operation": "unit", "status": 400}
    details = {"ids": {"failed": [item]}}
    return UnitOutcome(unit_id=unit_id, counts={"iterations": {"failed": 1}}, failures=[entry], details=details)


def test_a_person_of_whom_nothing_is_there_is_complete_and_the_reason_says_so() -> None:
    assert how(ending(Words(), None, NOTHING)) == ("completed", "nothing_matched")


def test_what_only_conflicts_is_not_called_nothing() -> None:
    only = target(images=(), conflicting=[PlannedItem(item_id=C)])
    assert how(ending(Words(), None, only)) == ("partially_completed", "conflicting_images")


@pytest.mark.parametrize(
    ("of", "account"),
    [
        (target(images=(), whole=True), None),
        (target(images=(), tag_ids=[A]), None),
        (NOTHING, {"name": "a", "unit": "u"}),
    ],
)
def test_a_project_a_tag_or_an_account_is_something(of: ProjectTarget, account: Mapping[str, Any] | None) -> None:
    assert how(ending(Words(), None, of, account=account)) == ("completed", None)


def test_the_receipt_gets_all_that_is_known() -> None:
    words = words_of(deleted=[A, B])
    words.request_ids.append("r1")
    found = ending(words, Proof(new=[C]), target(), target(project_id=P2))
    assert (found.residuals, found.failures, found.drift) == (RESIDUALS, [], 1)
    assert found.looked_at == {"projects": 2, "iterations": 2, "images": 14}
    assert (found.selectors_without_match, found.service_request_ids) == (3, ["r1"])
    assert ending(FAILED).failures == FAILED.failures != []


def test_the_table_has_the_images_always_and_other_stores_where_the_plan_concerns_them() -> None:
    assert ending(Words(), None, NOTHING).stores == {
        "images": {"found": 0, "conflicting": 0, **ZERO, "verified": True, "rounds": 0}
    }
    concerned = ending(Words(), None, target(tag_ids=[C], prediction_ids=[C]))
    assert list(concerned.stores) == ["predictions", "images", "tags"]
    assert concerned.stores["tags"]["found"] == 1


def test_a_store_that_was_not_planned_and_has_a_word_is_told() -> None:
    words = words_of("iterations", "unpublish", unpublished=[ITERATION])
    assert ending(words).stores["iterations"] == {"found": 0, **ZERO, "unpublished": 1, "verified": True, "rounds": 0}


def test_only_a_store_without_a_failure_is_verified_and_none_where_the_proof_was_cut_short() -> None:
    words = words_of("tags", failed=[C])
    words.add(
        UnitOutcome(unit_id="images-00002", counts={"images": {"deleted": 2}}, details={"ids": {"deleted": [A, B]}})
    )
    asked = target(tag_ids=[C])
    stores = ending(words, None, asked).stores
    assert {store: row["verified"] for store, row in stores.items()} == {"images": True, "tags": False}
    cut = ending(words, Proof(reason="verify_deadline"), asked).stores
    assert {row["verified"] for row in cut.values()} == {False}


def test_the_rounds_of_a_store_are_those_of_the_phase_that_took_most() -> None:
    words = words_of("iterations", "unpublish", unpublished=[ITERATION])
    found = ending(words, Proof(rounds={"images": 2, "unpublish": 3, "iterations": 1}))
    assert {store: row["rounds"] for store, row in found.stores.items()} == {"images": 2, "iterations": 3}


def test_what_came_back_is_counted_where_anything_did() -> None:
    found = ending(words_of(deleted=[A, B]), Proof(came_back={"images": [A, B], "tags": []}), target(tag_ids=[C]))
    assert found.stores["images"]["came_back"] == 2
    assert "came_back" not in found.stores["tags"]


def test_the_apps_own_packages_are_told_where_they_are_concerned() -> None:
    assert "own_exports" not in ending().stores
    found = ending(DONE, Proof(own_exports=OWN))
    assert found.stores["own_exports"] == OWN
    assert how(found) == ("completed", None)


def test_a_failure_in_the_apps_own_packages_is_one() -> None:
    assert ending(DONE, Proof(own_exports=OWN | {"failed": 1, "verified": False})).reason == "items_failed"


UNREAD = Proof(own_exports=OWN | {"verified": False, "unread": [A, B]})


def test_exports_whose_record_is_damaged_are_counted_and_named_and_the_erasure_is_not_complete() -> None:
    found = ending(DONE, UNREAD)
    assert found.stores["own_exports"] == OWN | {"verified": False, "unread": 2}
    assert how(found) == ("partially_completed", "export_running")
    named = {"store": "own_exports", "code": "record_damaged", "operation": "own_exports", "status": None}
    assert found.failures == [named | {"id": A}, named | {"id": B}]


def test_exports_whose_record_is_damaged_are_named_before_the_items_that_have_failed() -> None:
    found = ending(FAILED, UNREAD)
    assert [entry["id"] for entry in found.failures][:2] == [A, B]
    assert len(found.failures) == 2 + len(FAILED.failures)


def test_a_dry_run_says_what_it_found_and_that_nothing_was_deleted_or_verified() -> None:
    plan = plan_of(target(tag_ids=[C], conflicting=[PlannedItem(item_id=C)]))
    assert dry_run_ending(plan, RESIDUALS) == Ending(
        status=RequestStatus.COMPLETED,
        reason=None,
        stores={
            "images": {"found": 2, "conflicting": 1, **ZERO, "verified": False, "rounds": 0},
            "tags": {"found": 1, **ZERO, "verified": False, "rounds": 0},
        },
        residuals=RESIDUALS,
        looked_at={"projects": 1, "iterations": 1, "images": 7},
        selectors_without_match=3,
    )


def test_a_dry_run_without_a_match_says_so() -> None:
    found = dry_run_ending(plan_of(NOTHING), [])
    assert how(found) == ("completed", "nothing_matched")
    assert list(found.stores) == ["images"]


ONE_PACKAGE, OTHER_PACKAGE = (f"00000000-0000-4000-8000-00000000040{digit}" for digit in range(2))
OUT_OF_REACH = [
    {"store": "images", "id": A, "packages": [OTHER_PACKAGE, ONE_PACKAGE]},
    {"store": "predictions", "id": B, "packages": [ONE_PACKAGE]},
]
NAMED = [
    {"store": "own_exports", "id": one, "code": NOT_CONFIGURED, "operation": "planning", "status": None}
    for one in (ONE_PACKAGE, OTHER_PACKAGE)
]


def test_what_only_packages_hold_of_an_endpoint_that_is_gone_is_never_called_erased() -> None:
    plan = plan_of(NOTHING) | {"out_of_reach": OUT_OF_REACH}
    found = ending_of(plan, Words(), Proof(), [])
    assert how(found) == ("partially_completed", "items_failed")
    nothing = {**ZERO, "packages": 0, "rounds": 0}
    assert found.stores["own_exports"] == {"found": 2, **nothing, "failed": 2, "verified": False}
    assert found.failures == NAMED


def test_what_is_out_of_reach_is_told_beside_what_was_taken_out_of_other_packages() -> None:
    plan = plan_of(target()) | {"out_of_reach": OUT_OF_REACH}
    found = ending_of(plan, FAILED, Proof(own_exports=OWN), [])
    assert found.stores["own_exports"] == OWN | {"found": 4, "failed": 2, "verified": False}
    assert found.failures == [*NAMED, *FAILED.failures]


def test_a_dry_run_tells_what_is_out_of_reach() -> None:
    found = dry_run_ending(plan_of(NOTHING) | {"out_of_reach": OUT_OF_REACH}, [])
    own = found.stores["own_exports"]
    assert (own["found"], own["failed"], own["verified"]) == (2, 0, False)
    assert list(found.failures) == NAMED


def test_a_plan_of_before_packages_could_be_out_of_reach_can_still_be_read() -> None:
    plan = plan_of(target())
    del plan["out_of_reach"]
    assert how(ending_of(plan, DONE, Proof(), [])) == ("completed", None)
    assert how(dry_run_ending(plan, [])) == ("completed", None)


@pytest.mark.parametrize(("left_in", "kept"), [(P1, [P2]), (P2, [P1]), (None, [P1, P2])])
def test_packages_lose_the_whole_projects_of_which_nothing_was_left(left_in: str | None, kept: list[str]) -> None:
    services = Ledger().services()
    builder, words = PlanBuilder(), Words()
    unit_of: dict[str, str] = {}
    for project_id in (P1, P2):
        whole = target(project_id=project_id, whole=True, iterations=())
        units = [services.ledger.save_page(REQUEST, unit) for unit in whole.units()]
        builder.add(whole, [unit.unit_id for unit in units])
        unit_of[project_id] = next(unit.unit_id for unit in units if unit.kind == "images")
        words.add(UnitOutcome(unit_id=unit_of[project_id], counts={"images": {"deleted": 2}}))
        tombstones.write(services.ledger.blobs, REQUEST, project_id, whole=True)
    words.settle({unit_of[left_in]: [left_in]} if left_in else {}, "still_present")
    withdraw(services, REQUEST, builder.plan(REQUEST, "now", selectors_without_match=0, residuals=[]), words)
    marked = [p for p in (P1, P2) if tombstones.of_erasures(services.ledger.blobs, p, {REQUEST}).whole]
    assert marked == kept
