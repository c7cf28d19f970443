"""A plan of which an id or an action was changed after it was made is found, by the hash that was approved."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from local.verify_audit.checking import Audit, check
from request_function.retention import remove_expired
from tests.erasure.gallery import gallery
from tests.erasure.packages import exported
from tests.erasure.test_account import PATH
from tests.erasure.world import ACCOUNT_NAME, ID, Driver, World, approve, erasure
from tests.unit.in_process import Region, region

OTHER = "99999999-1111-4111-8111-111111111111"
SETTINGS = {"ALLOW_ACCOUNT_DELETION": "true", "CUSTOM_VISION_RESOURCE_ID": PATH}


@pytest.fixture(scope="module")
def living() -> Iterator[Region]:
    with region() as one:
        yield one


@pytest.fixture
def world(living: Region) -> World:
    return World(living.emulator, living.session, SETTINGS)


def problems(world: World) -> list[str]:
    return list(check(world.process().services.ledger, Audit()))


def bodies(world: World) -> dict[str, dict[str, Any]]:
    """Fill a world, and give erasures of all that a plan can hold."""
    there = gallery(world, conflict=True, publish="new")
    exported(world)
    gone = there.anna[1]
    world.control.delete_images(there.pets, [gone])
    with world.emulator.world.lock:
        world.emulator.world.projects.pop(there.birds)
    world.control.seed_account(ACCOUNT_NAME, serves=True)
    items: dict[str, Any] = {"images": {"tags": ["anna"], "ids": [gone, there.fresh, there.ben[-1]]}}
    items |= {"predictions": {"ids": list(there.predictions)}, "trained_iterations": "delete", "delete_tags": True}
    return {
        "items": erasure(**items, require_approval=True),
        "projects": erasure("projects", require_approval=True),
        "account": erasure("account", account=PATH, require_approval=True),
    }


def planned(world: World, level: str) -> Driver:
    driver = Driver(world.process())
    driver.process.post(bodies(world)[level])
    driver.reach("awaiting_approval")
    return driver


def pages(world: World) -> list[str]:
    return [entry.name for entry in world.requests.entries(f"{ID}/plan/0")]


def replaced(world: World, name: str, old: str, new: str) -> bool:
    """Change a blob; False if there is nothing to change."""
    blob = world.requests.read(name)
    assert blob is not None
    world.requests.put(name, blob.content.replace(old.encode(), new.encode()))
    return old.encode() in blob.content


def a_planned_id(world: World, page: str) -> str | None:
    blob = world.requests.read(page)
    assert blob is not None
    head, *rows = (json.loads(line) for line in blob.content.splitlines())
    return None if head["kind"] == "conflicting" or not rows else str(rows[-1]["item_id"])


@pytest.mark.parametrize("level", ["items", "projects", "account"])
def test_the_plan_of_an_erasure_is_whole_from_its_making_until_its_pages_go(world: World, level: str) -> None:
    driver = planned(world, level)
    assert problems(world) == []
    approve(driver.process)
    driver.finish()
    assert problems(world) == []
    world.pass_time(31 * 24 * 3600)
    assert remove_expired(driver.process.services) > 0
    assert pages(world) == []
    assert problems(world) == []


@pytest.mark.parametrize("level", ["items", "projects"])
@pytest.mark.parametrize("ended", [False, True])
def test_another_id_on_any_page_of_a_plan_is_found(world: World, level: str, ended: bool) -> None:
    driver = planned(world, level)
    if ended:
        approve(driver.process)
        driver.finish()
    changed = 0
    for page in pages(world):
        item = a_planned_id(world, page)
        if item is None:
            continue
        before = world.requests.read(page)
        assert before is not None
        replaced(world, page, item, OTHER)
        assert problems(world) == [f"{ID}/plan/: ids or actions are not those of its plan_hash"], page
        world.requests.put(page, before.content)
        changed += 1
    assert changed >= 3
    assert problems(world) == []


def test_a_page_that_is_made_to_mean_a_whole_project_or_another_one_is_found(world: World) -> None:
    planned(world, "items")
    for page in pages(world):
        kept = world.requests.read(page)
        assert kept is not None
        head = json.loads(kept.content.splitlines()[0])
        for changes in ({"details": {"whole": True}}, {"project_id": OTHER}) if head["kind"] != "conflicting" else ():
            rows = kept.content.splitlines()[1:]
            world.requests.put(page, b"\n".join([json.dumps(head | changes).encode(), *rows]) + b"\n")
            assert problems(world) == [f"{ID}/plan/: ids or actions are not those of its plan_hash"], (page, changes)
        world.requests.put(page, kept.content)


@pytest.mark.parametrize(
    ("old", "new"),
    [('"action": "delete"', '"action": "keep"'), ('"whole": false', '"whole": true'), ("images-", "tags-")],
)
def test_another_action_in_a_plan_is_found(world: World, old: str, new: str) -> None:
    planned(world, "items")
    assert replaced(world, f"{ID}/plan.json", old, new)
    assert [problem.partition(": ")[0] for problem in problems(world)] == [f"{ID}/plan/"]


def test_a_plan_that_names_another_hash_is_found(world: World) -> None:
    driver = planned(world, "items")
    plan_hash = driver.process.services.ledger.read(ID).record.plan_hash
    assert replaced(world, f"{ID}/plan.json", str(plan_hash), "sha256:" + "0" * 64)
    assert problems(world) == [f"{ID}/plan.json: says another plan_hash than the record"]


@pytest.mark.parametrize("name", ["plan.json", "plan/00002.jsonl"])
def test_a_plan_or_a_page_of_it_that_was_removed_or_spoilt_is_found(world: World, name: str) -> None:
    planned(world, "items")
    kept = world.requests.read(f"{ID}/{name}")
    assert kept is not None
    world.requests.put(f"{ID}/{name}", kept.content[:-30])
    assert [problem.startswith(f"{ID}/plan") for problem in problems(world)] == [True]
    world.requests.delete(f"{ID}/{name}")
    assert [problem.startswith(f"{ID}/plan") for problem in problems(world)] == [True]


def test_the_account_that_goes_is_part_of_the_plan(world: World) -> None:
    planned(world, "account")
    assert any(replaced(world, page, f"accounts/{ACCOUNT_NAME}", "accounts/another") for page in pages(world))
    assert problems(world) == [f"{ID}/plan/: ids or actions are not those of its plan_hash"]
