"""The timers: lost work is set going again a bounded number of times, and what has expired goes."""

from datetime import timedelta

import pytest

from request_function.retention import remove_expired
from request_function.watchdog import resend_lost_work
from tests.unit.in_process import Process, Region

EXPORT = {"scope": {"projects": "all"}}
KEEP = {"options": {"trained_iterations": "keep"}}
STALLED = 1201


@pytest.fixture
def world(living: Region) -> Region:
    living.control.reset()
    living.control.seed("Pets", 2)
    return Region(living.emulator, living.session)


def lose_messages(world: Region) -> int:
    """Take every message out of the work queues, and say how many that were."""
    return sum(len(list(world.queues.drain(queue))) for queue in ("export-work", "deletion-work"))


def test_a_request_whose_message_was_lost_is_set_going_again(world: Region) -> None:
    process = world.process()
    request_id = process.post(EXPORT)
    assert lose_messages(world) == 1
    assert resend_lost_work(process.services) == 0
    world.pass_time(STALLED)
    assert resend_lost_work(process.services) == 1
    assert process.finish(request_id)["request_status"] in ("completed", "partially_completed")


def test_two_watchdogs_send_it_once(world: Region) -> None:
    process = world.process()
    process.post(EXPORT)
    lose_messages(world)
    world.pass_time(STALLED)
    assert resend_lost_work(process.services) + resend_lost_work(process.services) == 1
    assert len(world.queues.waiting("export-work")) == 1


def test_what_is_lost_again_and_again_fails_with_its_reason(world: Region) -> None:
    process = world.process()
    request_id = process.post(EXPORT)
    for _ in range(4):
        lose_messages(world)
        world.pass_time(STALLED)
        assert resend_lost_work(process.services) == 1
    ended = process.finish(request_id)
    assert (ended["request_status"], ended["reason"]) == ("failed", "delivery_exhausted")


def test_a_request_that_only_waited_behind_others_is_worked_through_and_not_given_up(world: Region) -> None:
    process = world.process()
    request_id = process.post(EXPORT)
    for _ in range(5):
        world.pass_time(STALLED)
        resend_lost_work(process.services)
    ended = process.finish(request_id)
    assert (ended["request_status"], ended["reason"]) == ("completed", None)


def test_a_request_that_waits_and_looks_again_has_not_lost_its_message(world: Region) -> None:
    quick = Region(world.emulator, world.session, {"WATCHDOG_AFTER_SECONDS": "60"})
    process = quick.process()
    world.control.switch(delete_effect="until_told")
    request_id = process.post({"scope": {"level": "items", "projects": "all", "images": {"tags": ["first"]}}, **KEEP})
    process.work_until(lambda: process.status(request_id)["progress"]["phase"] == "images_check")
    lose_messages(quick)
    quick.pass_time(70)
    assert resend_lost_work(process.services) == 1
    assert process.services.ledger.read(request_id).record.resent == 1
    process.work_until(lambda: process.services.ledger.read(request_id).record.resent == 0)
    assert process.status(request_id)["progress"]["phase"] == "images_check"
    world.control.release_deletes()
    assert process.finish(request_id)["request_status"] == "completed"


def test_units_that_only_waited_behind_others_are_worked_through_and_not_given_up(world: Region) -> None:
    process = world.process()
    request_id = process.post(EXPORT)
    process.work_until(lambda: process.status(request_id)["request_status"] == "exporting")
    for _ in range(5):
        world.pass_time(STALLED)
        resend_lost_work(process.services)
    ended = process.finish(request_id)
    assert (ended["request_status"], ended["reason"]) == ("completed", None)


def test_a_final_request_is_left_alone(world: Region) -> None:
    process = world.process()
    process.finish(process.post(EXPORT))
    world.pass_time(10 * STALLED)
    assert resend_lost_work(process.services) == 0


def package_of(world: Region, request_id: str) -> list[str]:
    return [entry.name for entry in world.exports.entries(f"{request_id}/")]


def finished(process: Process) -> str:
    request_id = process.post(EXPORT)
    process.finish(request_id)
    return request_id


def test_a_package_goes_when_it_has_expired_and_the_record_stays(world: Region) -> None:
    process = world.process()
    request_id = finished(process)
    world.clock.advance((timedelta(days=30) - timedelta(minutes=10)).total_seconds())
    assert remove_expired(process.services) == 0
    assert package_of(world, request_id)
    world.clock.advance(timedelta(minutes=20).total_seconds())
    assert remove_expired(process.services) == 1
    assert package_of(world, request_id) == []
    assert not list(world.requests.entries(f"{request_id}/plan/"))
    assert world.requests.read(f"{request_id}/receipt.json") is not None
    assert process.status(request_id)["completed_time"]
    assert remove_expired(process.services) == 0


def test_a_request_that_still_runs_never_expires(world: Region) -> None:
    process = world.process()
    request_id = process.post(EXPORT)
    world.clock.advance(timedelta(days=60).total_seconds())
    assert remove_expired(process.services) == 0
    assert process.status(request_id)["request_status"] == "pending"
