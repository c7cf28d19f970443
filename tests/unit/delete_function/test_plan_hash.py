"""What the hash of an erasure's plan covers: ids and actions, as a person approves them."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest

from delete_function.plan import ProjectTarget
from shared.domain.canonical import canonical
from shared.domain.resources import Iteration
from shared.domain.work import PlannedItem
from tests.unit.delete_function.targets import (
    ACCOUNT,
    ITERATIONS,
    LEFT,
    OTHER,
    P1,
    P2,
    PLAIN,
    PUBLISHED,
    USUAL,
    A,
    B,
    C,
    D,
    E,
    F,
    packaged,
    packaged_plan,
    plan_of,
    target,
)


def hash_of(*targets: ProjectTarget, account: dict[str, Any] | None = None) -> str:
    return str(plan_of(*targets, account=account)["plan_hash"])


DIFFERENT: Sequence[dict[str, Any]] = (
    {"project_id": P2},
    {"whole": True},
    {"trained_iterations": "unpublish"},
    {"trained_iterations": "delete"},
    {"iterations": ITERATIONS[:1]},
    {"images": USUAL["images"][:1]},
    {"images": (PlannedItem(item_id=A), PlannedItem(item_id=C))},
    {"prediction_ids": (D,)},
    {"tag_ids": ()},
    {"images": (), "prediction_ids": (A, B, D, E)},
)


@pytest.mark.parametrize("changes", DIFFERENT)
def test_another_id_or_action_is_another_plan(changes: dict[str, Any]) -> None:
    assert hash_of(target(**changes)) != hash_of(target())


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "renamed"},
        {"images": USUAL["images"][::-1]},
        {"images": (PlannedItem(item_id=A), PlannedItem(item_id=B))},
        {"prediction_ids": (D, E)},
        {"iterations": tuple(Iteration(one.id, {**one.row, "name": "renamed"}) for one in ITERATIONS)},
    ],
)
def test_names_and_orders_do_not_make_another_plan(changes: dict[str, Any]) -> None:
    assert hash_of(target(**changes)) == hash_of(target())


def test_an_account_makes_another_plan() -> None:
    hashes = {hash_of(account=account) for account in (None, ACCOUNT, ACCOUNT | {"name": "another"})}
    assert len(hashes) == 3
    assert hash_of(account=ACCOUNT) == hash_of(account=ACCOUNT | {"unit": "account-00001"})


def test_the_hash_is_taken_of_lines_that_an_approver_can_write_down() -> None:
    head = {
        "project": P1,
        "whole": False,
        "iterations": {PUBLISHED: "delete", PLAIN: "delete", OTHER: "keep", LEFT: "keep"},
        "tags": [P2, F],
    }
    lines = [
        canonical(head).decode(),
        f"  image {A}",
        f"  image {B}",
        f"  prediction {D}",
        f"  prediction {E}",
        '{"account":"an-account"}',
    ]
    asked = target(trained_iterations="delete", tag_ids=(F, P2))
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert hash_of(asked, account=ACCOUNT) == f"sha256:{expected}"


def test_the_hash_tells_what_packages_hold_from_what_the_service_has() -> None:
    both = target(images=(*USUAL["images"], PlannedItem(item_id=C)), prediction_ids=(D, E, F))
    hashes = {plan["plan_hash"] for plan in (packaged_plan(target(), packaged()), plan_of(both), plan_of(target()))}
    assert len(hashes) == 3


def test_what_packages_hold_is_hashed_in_lines_of_its_own() -> None:
    head = {"project": P1, "whole": False, "iterations": {}, "tags": []}
    lines = [canonical(head).decode(), canonical({"packaged": P1}).decode(), f"  image {C}", f"  prediction {F}"]
    nothing = target(iterations=(), images=(), prediction_ids=(), tag_ids=(), conflicting=())
    expected = hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()
    assert packaged_plan(nothing, packaged())["plan_hash"] == f"sha256:{expected}"
