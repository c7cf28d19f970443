"""Every way to ask for an erasure, crossed with what may go wrong: exactly what was planned is gone, nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.erasure.faults import FAULTS
from tests.erasure.gallery import Gallery, gallery
from tests.erasure.oracle import NOTHING, Expectation, difference, expected_of_items, expected_of_projects
from tests.erasure.pairs import Case, name_of, pairwise
from tests.erasure.truth import Facts
from tests.erasure.world import ACCOUNT_NAME, Driver, World, erasure

SELECTORS = ("ids", "tag name", "tag id", "metadata", "union", "nothing")
ITEMS = pairwise(
    {
        "selector": SELECTORS,
        "trained": ("keep", "unpublish", "delete"),
        "published": ("none", "old", "new", "both"),
        "delete_tags": (False, True),
        "predictions": (False, True),
        "conflict": (False, True),
        "fault": tuple(FAULTS),
    },
    lambda case: case["selector"] != "nothing" or (case["predictions"] and case["fault"] not in ("404", "vanishing")),
)
PROJECTS = pairwise(
    {
        "which": ("pets", "birds", "empty", "all"),
        "published": ("none", "both"),
        "predictions": (0, 2),
        "fault": tuple(FAULTS),
    },
)
ACCOUNTS = pairwise({"published": ("none", "both"), "fault": tuple(FAULTS)})
SOMEBODY_ELSE = {"404", "vanishing"}
"""Faults in which an image goes by another hand."""


def body_of_items(there: Gallery, case: Case) -> dict[str, Any]:
    parts: dict[str, Any] = {"predictions": {"ids": list(there.predictions[1:3])}} if case["predictions"] else {}
    if case["selector"] != "nothing":
        parts |= {"images": there.selector(case["selector"]), "trained_iterations": case["trained"]}
        parts["delete_tags"] = case["delete_tags"]
    return erasure("items", **parts)


def without_the_vanished(facts: Facts, there: Gallery, fault: str) -> Facts:
    """Take what another hand took out of what may be there."""
    gone = {"404": {there.snapshot}, "vanishing": {there.fresh, there.ben[-1]}}.get(fault, set())
    names = {one.replace("-", "") for one in gone}
    return {
        key: fact
        for key, fact in facts.items()
        if not (key[0] == "image" and key[-1] in gone) and not (key[0] == "blob" and key[-1][2:] in names)
    }


def check_receipt(receipt: Mapping[str, Any], expected: Expectation, *, somebody_else: bool) -> None:
    """Every planned thing has one word, and the words say what has happened."""
    stores = {store: words for store, words in receipt["stores"].items() if store != "account"}
    found = {store: words["found"] for store, words in stores.items() if words["found"] or store == "images"}
    wanted = expected.found()
    if not somebody_else:
        assert found == wanted
    for store, words in stores.items():
        ended = sum(words[word] for word in ("deleted", "already_absent", "no_longer_matching", "failed"))
        assert ended == words["found"], f"{store}: {words}"
        assert (words["failed"], words["verified"]) == (0, True), f"{store}: {words}"
        assert words["no_longer_matching"] == 0 or store == "tags"
        if not somebody_else:
            assert words["already_absent"] == 0, f"{store}: {words}"
        assert words["rounds"] >= (1 if words["found"] else 0)
    assert stores["images"]["conflicting"] == len(expected.conflicting)
    assert receipt["drift"] == 0


def check_residuals(receipt: Mapping[str, Any], body: Mapping[str, Any], expected: Expectation) -> None:
    """What remains is named, and nothing that does not remain."""
    codes = {entry["code"]: entry["ids"] for entry in receipt["residuals"]}
    assert codes.get("trained_model_learned_from_items", []) == sorted(expected.learned)
    kept = {key[-1] for key in expected.after if key[0] == "tag"} & expected.selected_tags
    assert codes.get("tag_named_after_person", []) == sorted(kept)
    assert set(codes) <= {
        "trained_model_learned_from_items",
        "tag_named_after_person",
        "stored_predictions_not_searched",
        "kept_export",
    }
    assert ("stored_predictions_not_searched" in codes) == ("predictions" not in body["scope"])


@pytest.mark.parametrize("case", ITEMS, ids=name_of)
def test_items_are_erased_everywhere_and_nothing_else_is_touched(world: World, case: Case) -> None:
    there = gallery(world, conflict=case["conflict"], publish=case["published"])
    body, driver = body_of_items(there, case), Driver(world.process())
    expected = expected_of_items(world.emulator, body)
    FAULTS[case["fault"]](world, there)
    driver.process.post(body)
    status = driver.finish()
    after = without_the_vanished(expected.after, there, case["fault"])
    assert difference(after, world.facts()) == NOTHING
    receipt = world.receipt()
    ending = ("partially_completed", "conflicting_images") if expected.conflicting else ("completed", None)
    assert (status["request_status"], status["reason"]) == ending
    assert (receipt["request_status"], receipt["reason"]) == ending
    check_receipt(receipt, expected, somebody_else=case["fault"] in SOMEBODY_ELSE)
    check_residuals(receipt, body, expected)


@pytest.mark.parametrize("case", PROJECTS, ids=name_of)
def test_projects_are_erased_whole_and_the_others_stay(world: World, case: Case) -> None:
    there = gallery(world, publish=case["published"], predictions=case["predictions"])
    every = {"pets": there.pets, "birds": there.birds, "empty": there.empty}
    wanted = list(every.values()) if case["which"] == "all" else [every[case["which"]]]
    parts: dict[str, Any] = {} if case["which"] == "all" else {"projects": wanted}
    if parts:
        parts["confirm"] = {"projects": [case["which"].capitalize()]}
    expected, driver = expected_of_projects(world.emulator, wanted), Driver(world.process())
    FAULTS[case["fault"]](world, there)
    driver.process.post(erasure("projects", **parts))
    status = driver.finish()
    untouched = case["fault"] in SOMEBODY_ELSE and not {there.pets, there.birds} <= set(wanted)
    found = world.facts()
    after = without_the_vanished(expected.after, there, case["fault"]) if untouched else expected.after
    if untouched:
        found = without_the_vanished(found, there, case["fault"])
    assert difference(after, found) == NOTHING
    assert (status["request_status"], status["reason"]) == ("completed", None)
    check_receipt(world.receipt(), expected, somebody_else=case["fault"] in SOMEBODY_ELSE)
    codes = {entry["code"]: entry["ids"] for entry in world.receipt()["residuals"]}
    assert codes["project_data_30_days"] == codes["copies_of_project"] == sorted(wanted)
    assert "trained_model_learned_from_items" not in codes


@pytest.mark.parametrize("case", ACCOUNTS, ids=name_of)
def test_an_account_is_erased_with_all_that_it_holds_and_purged(make_world: Any, case: Case) -> None:
    path = (
        "/subscriptions/5ab5c411-0000-4000-a000-000000000001/resourceGroups/emulated"
        f"/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT_NAME}"
    )
    world: World = make_world(CUSTOM_VISION_RESOURCE_ID=path)
    there, driver = gallery(world, publish=case["published"]), Driver(world.process())
    assert world.control.seed_account(ACCOUNT_NAME, serves=True) == path
    world.control.seed_account("bystander")
    expected = expected_of_projects(world.emulator, [there.pets, there.birds, there.empty])
    expected.after.pop(("account", "present", ACCOUNT_NAME))
    FAULTS[case["fault"]](world, there)
    driver.process.post(erasure("account", account=path))
    status = driver.finish()
    assert difference(expected.after, world.facts()) == NOTHING
    assert (status["request_status"], status["reason"]) == ("completed", None)
    receipt = world.receipt()
    assert receipt["stores"]["account"] == receipt["stores"]["account"] | {"found": 1, "deleted": 1, "verified": True}
    check_receipt(receipt, expected, somebody_else=case["fault"] in SOMEBODY_ELSE)
