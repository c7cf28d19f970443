"""Several requests at once, and several hosts at once on the same messages: all end, each truthfully."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any
from uuid import UUID

import pytest

from shared.lifecycle import handle
from tests.erasure.checks import check_end
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference, expected_of_items, expected_of_projects
from tests.erasure.readings import ANNA
from tests.erasure.world import FULFILMENTS, ID, MOST_TURNS, Driver, World, approve, erasure

IDS = [str(UUID(int=number, version=4)) for number in range(1, 6)]


def words(world: World, request_id: str, store: str = "images") -> dict[str, int]:
    return {name: world.receipt(request_id)["stores"][store][name] for name in ("found", "deleted", "already_absent")}


@pytest.mark.parametrize("seed", range(3))
def test_two_requests_over_the_same_items_both_end_truthfully(world: World, seed: int) -> None:
    there = gallery(world)
    bodies = [
        erasure(request_id=IDS[0], images=ANNA, require_approval=True),
        erasure(request_id=IDS[1], images={"ids": list(there.anna[:3])}, require_approval=True),
    ]
    expected, driver = expected_of_items(world.emulator, bodies[0]), Driver(world.process(), Random(seed))
    for body in bodies:
        driver.process.post(body)
    for request_id in IDS[:2]:
        driver.reach("awaiting_approval", request_id)
        approve(driver.process, request_id)
    driver.finish(*IDS[:2])
    assert difference(expected.after, world.facts()) == NOTHING
    first, second = words(world, IDS[0]), words(world, IDS[1])
    assert (first["found"], second["found"]) == (len(there.anna), 3)
    for told in (first, second):
        assert told["deleted"] + told["already_absent"] == told["found"]
    assert first["deleted"] + second["deleted"] >= len(there.anna)
    assert {driver.status(one)["request_status"] for one in IDS[:2]} == {"completed"}


@pytest.mark.parametrize("seed", range(2))
def test_items_and_their_project_are_erased_by_two_requests_at_once(world: World, seed: int) -> None:
    there = gallery(world, publish="new")
    expected = expected_of_projects(world.emulator, [there.pets])
    driver = Driver(world.process(), Random(seed))
    one = erasure(request_id=IDS[0], images=ANNA, trained_iterations="delete", require_approval=True)
    whole = erasure("projects", request_id=IDS[1], projects=["Pets"], confirm={"projects": ["Pets"]})
    driver.process.post(one)
    driver.reach("awaiting_approval", IDS[0])
    driver.process.post(whole)
    approve(driver.process, IDS[0])
    driver.finish(*IDS[:2])
    assert difference(expected.after, world.facts()) == NOTHING
    assert {driver.status(one)["request_status"] for one in IDS[:2]} == {"completed"}
    for request_id in IDS[:2]:
        for store in world.receipt(request_id)["stores"].values():
            assert store["deleted"] + store["already_absent"] == store["found"]


def test_one_requests_failure_never_stops_anothers(world: World) -> None:
    there = gallery(world)
    world.control.seed("Fish", 3, tags=["anna"], metadata={"subject": "anna"})
    world.control.read_only("Fish")
    good = erasure(request_id=IDS[0], projects=[there.pets], images=ANNA)
    expected, driver = expected_of_items(world.emulator, good), Driver(world.process())
    driver.process.post(erasure(request_id=IDS[1], projects=["Fish"], images=ANNA))
    driver.process.post(erasure("projects", request_id=IDS[2], confirm={"projects": ["wrong"]}))
    driver.process.post(erasure(request_id=IDS[3], projects=["nobody"], images=ANNA))
    driver.process.post(good)
    driver.finish(*IDS[:4])
    endings = [(driver.status(one)["request_status"], driver.status(one)["reason"]) for one in IDS[:4]]
    assert endings == [
        ("completed", None),
        ("partially_completed", "blocked"),
        ("failed", "confirm_mismatch"),
        ("failed", "project_not_found"),
    ]
    assert difference(expected.after, world.facts()) == NOTHING


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("level", ["items", "projects"])
def test_mixed_and_doubled_messages_end_as_ordered_ones(world: World, level: str, seed: int) -> None:
    there = gallery(world, publish="both")
    if level == "items":
        body = erasure(images=ANNA, predictions={"ids": list(there.predictions)}, trained_iterations="delete")
        expected = expected_of_items(world.emulator, body)
    else:
        body = erasure("projects")
        expected = expected_of_projects(world.emulator, [there.pets, there.birds, there.empty])
    driver = Driver(world.process(), Random(seed))
    driver.process.post(body)
    driver.finish()
    check_end(world, driver.process, expected)


def race(world: World) -> None:
    """Let two hosts work on every message at the same time until the request is final."""
    hosts = [world.process() for _ in range(2)]
    with ThreadPoolExecutor(len(hosts)) as threads:
        for _ in range(MOST_TURNS):
            if Driver(hosts[0]).status()["completed_time"] and not world.queues.waiting("deletion-work"):
                return
            there = world.queues.receive("deletion-work")
            for message in there:
                runs = [
                    threads.submit(handle, host.erasing, FULFILMENTS["deletion-work"], message.content, 1)
                    for host in hosts
                ]
                for run in runs:
                    run.result()
                world.queues.remove("deletion-work", message)
            if not there:
                world.wait_for_something(hosts[0])
    raise AssertionError("the request does not come to an end")


@pytest.mark.parametrize("level", ["items", "projects"])
def test_two_hosts_that_race_for_every_message_end_as_one_does(make_world: Callable[..., World], level: str) -> None:
    for _ in range(3):
        world = make_world()
        there = gallery(world, publish="both")
        body: dict[str, Any] = erasure("projects")
        expected = expected_of_projects(world.emulator, [there.pets, there.birds, there.empty])
        if level == "items":
            world = make_world()
            there = gallery(world, publish="both")
            body = erasure(images=ANNA, predictions={"ids": list(there.predictions)}, trained_iterations="delete")
            expected = expected_of_items(world.emulator, body)
        process = world.process()
        process.post(body)
        race(world)
        check_end(world, process, expected)
        assert process.status(ID)["request_status"] == "completed"
