"""A record that something else has written over stops its own request, and nothing else."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from export_function.fulfilment import ExportFulfilment
from local.verify_receipt.__main__ import SCHEMA
from local.verify_receipt.numbers import contradictions
from request_function import reading
from request_function.approval import Approval, decide
from request_function.poison import watch_poison_queues
from request_function.reading import ListQuery, list_requests
from request_function.retention import remove_expired
from request_function.retry import retry
from request_function.watchdog import resend_lost_work
from shared.domain.errors import DamagedRecord
from shared.domain.work import EXPORT_WORK
from shared.lifecycle import LAST_DELIVERY, handle
from tests.unit.in_process import Process, Region

EXPORT = {"scope": {"projects": "all"}}
ERASURE: dict[str, Any] = {
    "scope": {"level": "items", "projects": "all", "images": {"metadata": {"subject": "anna"}}},
    "options": {"trained_iterations": "keep"},
}
DAMAGES = [
    pytest.param(lambda _: b"", id="empty"),
    pytest.param(lambda _: b"\x00\xff", id="no text"),
    pytest.param(lambda whole: whole[:200], id="cut off"),
    pytest.param(lambda _: b"null", id="null"),
    pytest.param(lambda _: b"{}", id="no fields"),
    pytest.param(lambda whole: json.dumps(json.loads(whole) | {"more": 1}).encode(), id="a field too many"),
]
type Damage = Callable[[bytes], bytes]
EXPIRED = 31 * 86400


@pytest.fixture
def world(living: Region) -> Region:
    living.control.reset()
    living.control.seed("Pets", 2, metadata={"subject": ["anna", "ben"]})
    return Region(living.emulator, living.session)


def requested(world: Region, process: Process, body: dict[str, Any] = EXPORT) -> str:
    world.pass_time(1)
    return process.post(body)


def hurt(world: Region, request_id: str, damage: Damage) -> bytes:
    """Write over a record, and give it as it was."""
    name = f"{request_id}/record.json"
    blob = world.requests.read(name)
    assert blob is not None
    world.requests.put(name, damage(blob.content))
    return blob.content


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_watchdog_looks_after_the_requests_behind_a_damaged_one(world: Region, damage: Damage) -> None:
    process = world.process()
    before, damaged, after = (requested(world, process) for _ in range(3))
    list(world.queues.drain(EXPORT_WORK))
    whole = hurt(world, damaged, damage)
    world.pass_time(1300)
    assert resend_lost_work(process.services) == 2
    assert {process.finish(one)["request_status"] for one in (before, after)} == {"completed"}
    world.requests.put(f"{damaged}/record.json", whole)
    assert resend_lost_work(process.services) == 1
    assert process.finish(damaged)["request_status"] == "completed"


def test_the_watchdog_looks_after_the_requests_behind_one_whose_plan_is_damaged(world: Region) -> None:
    process = world.process()
    before, damaged, after = (requested(world, process) for _ in range(3))
    process.work_until(lambda: process.status(damaged)["request_status"] == "exporting")
    assert process.status(damaged)["progress"]["phase"] == "data"
    list(world.queues.drain(EXPORT_WORK))
    world.requests.put(f"{damaged}/plan.json", b"")
    world.pass_time(1300)
    assert resend_lost_work(process.services) == 2
    assert {process.finish(one)["request_status"] for one in (before, after)} == {"completed"}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_list_shows_the_requests_around_a_damaged_one(world: Region, damage: Damage) -> None:
    process = world.process()
    before, damaged, after = (requested(world, process) for _ in range(3))
    hurt(world, damaged, damage)
    shown = list_requests(process.services, ListQuery.read({}))["requests"]
    assert [entry["subject_request_id"] for entry in shown] == [after, before]
    with pytest.raises(DamagedRecord) as raised:
        process.status(damaged)
    assert damaged in str(raised.value)


def test_what_has_expired_goes_although_a_record_is_damaged(world: Region) -> None:
    process = world.process()
    _, damaged, _ = (process.finish(requested(world, process))["subject_request_id"] for _ in range(3))
    hurt(world, damaged, lambda _: b"")
    world.clock.advance(EXPIRED)
    assert remove_expired(process.services) == 2
    kept = {entry.name.split("/")[0] for entry in world.exports.entries()}
    assert kept == {damaged}, "whether its package has expired cannot be told"


def test_an_erasure_waits_for_a_damaged_record_of_a_package_and_cleans_that_package_too(world: Region) -> None:
    process = world.process()
    packages = [process.finish(requested(world, process))["subject_request_id"] for _ in range(2)]
    whole = hurt(world, packages[1], lambda _: b"")
    erasure = requested(world, process, ERASURE)
    until = world.clock.now() + timedelta(minutes=30)
    process.work_until(lambda: world.clock.now() > until)
    assert process.status(erasure)["completed_time"] is None
    world.requests.put(f"{packages[1]}/record.json", whole)
    assert process.finish(erasure)["request_status"] == "completed"
    assert {package: pictures(world, package) for package in packages} == dict.fromkeys(packages, 1)


def pictures(world: Region, package: str) -> int:
    return sum("/images/files/" in entry.name for entry in world.exports.entries(f"{package}/"))


def test_an_erasure_that_a_damaged_record_keeps_waiting_too_long_ends_and_does_not_claim_to_be_complete(
    world: Region,
) -> None:
    process = world.process()
    package = process.finish(requested(world, process))["subject_request_id"]
    hurt(world, package, lambda _: b"")
    ended = process.finish(requested(world, process, ERASURE))
    assert (ended["request_status"], ended["reason"]) == ("failed", "delivery_exhausted")
    assert ended["failures"] == [failure_of(package, "planning")]


def failure_of(package: str, operation: str) -> dict[str, Any]:
    return {
        "store": "own_exports",
        "id": package,
        "code": "record_damaged",
        "operation": operation,
        "status": None,
    }


def planned_erasure(world: Region, process: Process) -> str:
    """Give an erasure that is planned and waits for its approval, which comes when work goes on."""
    erasure = requested(world, process, ERASURE | {"options": {**ERASURE["options"], "require_approval": True}})
    process.work_until(lambda: process.status(erasure)["request_status"] == "awaiting_approval")
    return erasure


def approve(process: Process, erasure: str) -> None:
    plan_hash = reading.plan(process.services, erasure)["plan_hash"]
    decide(process.services, erasure, Approval.read({"decision": "approve", "plan_hash": plan_hash}, None))


def test_an_erasure_cleans_all_other_packages_and_names_the_one_whose_record_is_damaged(
    world: Region, caplog: pytest.LogCaptureFixture
) -> None:
    process = world.process()
    packages = [process.finish(requested(world, process))["subject_request_id"] for _ in range(3)]
    erasure = planned_erasure(world, process)
    whole = hurt(world, packages[1], lambda _: b"")
    approve(process, erasure)
    until = world.clock.now() + timedelta(minutes=30)
    process.work_until(lambda: world.clock.now() > until)
    waiting = process.status(erasure)
    assert (waiting["request_status"], waiting["progress"]["phase"]) == ("in_progress", "own_exports")
    assert [pictures(world, package) for package in packages] == [1, 2, 1]
    world.clock.advance(72 * 3600)
    ended = process.finish(erasure)
    assert (ended["request_status"], ended["reason"]) == ("partially_completed", "export_running")
    assert ended["failures"] == [failure_of(packages[1], "own_exports")]
    receipt = json.loads(reading.receipt(process.services, erasure))
    assert receipt["stores"]["own_exports"] | {"verified": False, "unread": 1} == (receipt["stores"]["own_exports"])
    assert contradictions(receipt) == []
    Draft202012Validator(json.loads(SCHEMA.read_bytes())).validate(receipt)
    told = [r for r in caplog.records if r.levelname == "ERROR" and "what its package holds is not known" in r.message]
    assert [(erasure in r.message, packages[1] in r.message) for r in told] == [(True, True)], "once, not at every look"
    world.requests.put(f"{packages[1]}/record.json", whole)
    again = retry(process.services, erasure, None).subject_request_id
    process.work_until(lambda: process.status(again)["request_status"] == "awaiting_approval")
    approve(process, again)
    assert process.finish(again)["request_status"] == "completed"
    assert [pictures(world, package) for package in packages] == [1, 1, 1]


NO_OBJECTS = (b"", b"{", b"[]", b"null", b'{"projects": 1}')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        *[("plan.json", content) for content in (*NO_OBJECTS, b"{}", b'{"projects": ["a"]}')],
        *[("cleaning.json", content) for content in NO_OBJECTS],
    ],
)
def test_a_damaged_plan_or_journal_of_an_export_is_named_like_its_record(
    world: Region, name: str, content: bytes
) -> None:
    process = world.process()
    packages = [process.finish(requested(world, process))["subject_request_id"] for _ in range(2)]
    erasure = planned_erasure(world, process)
    world.requests.put(f"{packages[0]}/{name}", content)
    approve(process, erasure)
    until = world.clock.now() + timedelta(minutes=30)
    process.work_until(lambda: world.clock.now() > until)
    assert [pictures(world, package) for package in packages] == [2, 1]
    world.clock.advance(72 * 3600)
    ended = process.finish(erasure)
    assert (ended["reason"], ended["failures"]) == ("export_running", [failure_of(packages[0], "own_exports")])


def test_an_erasure_goes_on_when_a_record_that_it_waits_for_has_been_put_right(world: Region) -> None:
    process = world.process()
    packages = [process.finish(requested(world, process))["subject_request_id"] for _ in range(2)]
    erasure = planned_erasure(world, process)
    whole = hurt(world, packages[1], lambda _: b"")
    approve(process, erasure)
    until = world.clock.now() + timedelta(hours=5)
    process.work_until(lambda: world.clock.now() > until)
    world.requests.put(f"{packages[1]}/record.json", whole)
    ended = process.finish(erasure)
    assert (ended["request_status"], ended["reason"], ended["failures"]) == ("completed", None, [])
    assert [pictures(world, package) for package in packages] == [1, 1]


def test_a_record_that_is_damaged_while_the_last_look_is_waited_for_is_not_passed_over(world: Region) -> None:
    process = world.process()
    package = process.finish(requested(world, process))["subject_request_id"]
    erasure = requested(world, process, ERASURE)
    process.work_until(lambda: process.status(erasure)["request_status"] == "verifying")
    hurt(world, package, lambda _: b"")
    until = world.clock.now() + timedelta(hours=5)
    process.work_until(lambda: world.clock.now() > until)
    assert process.status(erasure)["progress"]["phase"] == "own_exports"
    world.clock.advance(72 * 3600)
    ended = process.finish(erasure)
    assert (ended["reason"], ended["failures"]) == ("export_running", [failure_of(package, "own_exports")])


def test_a_damaged_record_of_an_export_of_other_projects_holds_up_no_erasure(world: Region) -> None:
    world.control.seed("Birds", 2)
    process = world.process()
    birds = process.finish(requested(world, process, {"scope": {"projects": ["Birds"]}}))["subject_request_id"]
    hurt(world, birds, lambda _: b"")
    pets = {**ERASURE, "scope": {**ERASURE["scope"], "projects": ["Pets"]}}
    assert process.finish(requested(world, process, pets))["request_status"] == "completed"


def test_work_for_a_damaged_record_is_tried_a_few_times_and_then_left_to_the_watchdog(world: Region) -> None:
    process = world.process()
    damaged = requested(world, process)
    whole = hurt(world, damaged, lambda _: b"")
    for _ in range(4):
        (message,) = list(world.queues.drain(EXPORT_WORK))
        with pytest.raises(DamagedRecord):
            handle(process.services, ExportFulfilment(), message.content, LAST_DELIVERY)
        world.queues.put_raw(f"{EXPORT_WORK}-poison", message.content)  # as the host does
        watch_poison_queues(process.services)
    (message,) = list(world.queues.drain(EXPORT_WORK))
    world.queues.put_raw(f"{EXPORT_WORK}-poison", message.content)
    watch_poison_queues(process.services)
    assert world.queues.waiting(EXPORT_WORK) == [], "it does not go on for ever"
    world.requests.put(f"{damaged}/record.json", whole)
    world.pass_time(1300)
    assert resend_lost_work(process.services) == 1
    assert process.finish(damaged)["request_status"] == "completed"
