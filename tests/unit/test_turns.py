"""Doubled, late and reordered messages of a step leave one chain of messages, and no step is missed for it."""

import json
from random import Random
from typing import Any

import pytest

from delete_function.fulfilment import ErasureFulfilment
from export_function.rebuilding import REBUILD
from request_function.watchdog import resend_lost_work
from shared.acceptance import wake
from shared.domain.errors import StorageUnavailable, Throttled
from shared.domain.record import RequestRecord
from shared.domain.work import DELETION_WORK, UnitOutcome
from shared.lifecycle import handle
from shared.ports import QueuedMessage
from tests.erasure.world import Driver
from tests.unit.in_process import Process, Region

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
ERASURE = {
    "subject_request_id": ID,
    "scope": {"level": "items", "projects": "all", "images": {"metadata": {"subject": "anna"}}},
    "options": {"trained_iterations": "keep"},
}
WATCHDOG_AFTER = 60.0
PAUSE = 20.0
"""Longer than the wait after the first looks."""
THROTTLED_SECONDS = 40.0
FULFILMENT = ErasureFulfilment(REBUILD)


@pytest.fixture
def world(living: Region) -> Region:
    """Give a region in which nothing that is deleted goes away until it is told to."""
    living.control.reset()
    living.control.seed("Pets", 2, metadata={"subject": ["anna", "ben"]})
    living.control.switch(delete_effect="until_told")
    return Region(living.emulator, living.session, {"WATCHDOG_AFTER_SECONDS": str(WATCHDOG_AFTER)})


@pytest.fixture
def process(world: Region) -> Process:
    """Give an app that has deleted, and looks again and again whether it has taken effect."""
    started = world.process()
    started.post(ERASURE)
    started.work_until(lambda: started.status(ID)["progress"]["phase"] == "images_check" and bool(steps(world)))
    return started


def steps(world: Region) -> list[dict[str, Any]]:
    """Give the messages that are to take the request's next step, those that cannot be seen yet too."""
    return [message for message in world.queues.waiting(DELETION_WORK) if "unit_id" not in message]


def record_of(process: Process) -> RequestRecord:
    return process.services.ledger.read(ID).record


def due(world: Region) -> QueuedMessage:
    """Wait for the message of the next step and take it for good."""
    world.pass_time(PAUSE)
    (message,) = world.queues.receive(DELETION_WORK)
    world.queues.remove(DELETION_WORK, message)
    return message


def deliver(process: Process, message: QueuedMessage, *, delivery: int = 1, **changes: int) -> None:
    content = {**json.loads(message.content), **changes}
    handle(process.erasing, FULFILMENT, json.dumps(content).encode(), delivery)


def completes(world: Region, process: Process) -> bool:
    """Let what was deleted be gone, work until no message is left, and say whether the request was completed."""
    world.control.release_deletes()
    return bool(process.finish(ID)["request_status"] == "completed")


def test_a_message_of_a_step_that_comes_twice_with_a_pause_between_is_followed_once(
    world: Region, process: Process
) -> None:
    message = due(world)
    deliver(process, message)
    world.pass_time(PAUSE)
    before = record_of(process)
    deliver(process, message)
    assert (len(steps(world)), record_of(process)) == (1, before)
    assert completes(world, process)


@pytest.mark.parametrize("seed", range(4))
def test_doubled_and_reordered_messages_of_a_step_come_to_one(world: Region, process: Process, seed: int) -> None:
    dice = Random(seed)
    at_once = world.queues.put_raw
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(12):

            def late(queue: str, content: bytes, *, delay_seconds: float = 0) -> None:
                for _ in range(dice.choice((1, 2))):
                    at_once(queue, content, delay_seconds=delay_seconds + dice.uniform(0, 2 * PAUSE))

            patch.setattr(world.queues, "put_raw", late)
            world.pass_time(PAUSE)
            Driver(process).deliver_visible()
    process.work_until(lambda: len(steps(world)) == 1)
    assert completes(world, process)


def test_messages_that_wait_longer_than_the_watchdog_does_start_no_chains(world: Region, process: Process) -> None:
    late, sent, at_once = 2.5 * WATCHDOG_AFTER, [], world.queues.put_raw

    def behind_others(queue: str, content: bytes, *, delay_seconds: float = 0) -> None:
        sent.append(json.loads(content))
        at_once(queue, content, delay_seconds=delay_seconds + late)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.queues, "put_raw", behind_others)
        for _ in range(60):
            world.pass_time(WATCHDOG_AFTER)
            Driver(process).deliver_visible()
            resend_lost_work(process.services)
    assert any("resent" in message for message in sent), "the watchdog did take messages for lost"
    followed = [message for message in sent if "unit_id" not in message and "resent" not in message]
    assert 5 < len(followed) <= 60 * WATCHDOG_AFTER / late
    assert completes(world, process)


def test_a_message_without_a_turn_takes_the_step_and_the_one_that_waited_is_overtaken(
    world: Region, process: Process
) -> None:
    waiting = due(world)
    wake(process.services, ID, is_export=False)
    Driver(process).deliver_visible()
    looked = record_of(process)
    deliver(process, waiting)
    assert (record_of(process), len(steps(world))) == (looked, 1)
    assert completes(world, process)


def test_a_message_that_is_lost_after_the_record_was_written_is_sent_by_the_watchdog(
    world: Region, process: Process
) -> None:
    message = due(world)
    deliver(process, message)
    due(world)
    deliver(process, message)
    assert steps(world) == []
    world.pass_time(PAUSE + WATCHDOG_AFTER)
    assert resend_lost_work(process.services) == 1
    assert len(steps(world)) == 1
    assert completes(world, process)


def killed_after_the_write(process: Process, message: QueuedMessage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a step in a process that dies when it has written the record, before it sends what follows."""

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(process.erasing.queues, "send", dies)
        with pytest.raises(KeyboardInterrupt):
            deliver(process, message)


def test_a_process_that_dies_between_record_and_message_holds_a_request_up_for_its_lease_only(
    world: Region, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = due(world)
    killed_after_the_write(process, message, monkeypatch)
    assert steps(world) == []
    looked = record_of(process)
    deliver(process, message, delivery=2)
    assert (len(steps(world)), record_of(process)) == (1, looked)
    world.pass_time(PAUSE)
    Driver(process).deliver_visible()
    assert record_of(process) != looked, "the next look is taken, and no watchdog was needed"
    assert completes(world, process)


def test_what_follows_a_step_and_was_sent_twice_goes_on_as_one(world: Region, process: Process) -> None:
    message = due(world)
    deliver(process, message)
    deliver(process, message, delivery=2)
    assert len(steps(world)) == 2
    world.pass_time(2 * PAUSE)
    Driver(process).deliver_visible()
    assert len(steps(world)) == 1
    deliver(process, message, delivery=3)
    assert len(steps(world)) == 1, "another step has been taken since"
    assert completes(world, process)


@pytest.mark.parametrize("counter", ["poisoned", "resent"])
def test_a_request_is_not_given_up_for_a_message_that_was_overtaken(
    world: Region, process: Process, counter: str
) -> None:
    message = due(world)
    deliver(process, message)
    deliver(process, message, **{counter: 4})
    assert process.status(ID)["request_status"] == "in_progress"
    assert completes(world, process)


def test_a_step_that_cannot_be_taken_now_is_tried_again_by_the_message_that_waits_for_it(
    world: Region, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record was written and the answer lost: the turn has moved on, and what follows was not sent."""
    message, write = due(world), process.erasing.ledger.write

    def lost(*arguments: Any) -> None:
        write(*arguments)
        raise StorageUnavailable("write blob")

    with monkeypatch.context() as patch:
        patch.setattr(process.erasing.ledger, "write", lost)
        deliver(process, message)
    assert len(steps(world)) == 1
    world.pass_time(PAUSE)
    looked = record_of(process)
    Driver(process).deliver_visible()
    assert record_of(process) != looked
    assert completes(world, process)


@pytest.mark.parametrize("back", [2.0, 600.0])
def test_a_clock_that_goes_backwards_does_not_stop_a_request(world: Region, process: Process, back: float) -> None:
    deliver(process, due(world))
    following = due(world)
    world.clock.advance(-PAUSE - back)
    deliver(process, following)
    assert len(steps(world)) == 1, "it comes again when it is time"
    assert completes(world, process)


def test_a_unit_that_the_watchdog_sent_again_waits_with_one_message_however_late_they_come(
    world: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = world.process()
    process.post(ERASURE)
    process.work_until(lambda: process.status(ID)["progress"]["phase"] == "images")
    with monkeypatch.context() as patch:
        patch.setattr(ErasureFulfilment, "run_unit", throttled)
        Driver(process).deliver_visible()
        for _ in range(2):
            world.pass_time(THROTTLED_SECONDS + 1.5 * WATCHDOG_AFTER)
            assert resend_lost_work(process.services) == 1
            Driver(process).deliver_visible()
        for _ in range(3):
            world.pass_time(THROTTLED_SECONDS + 1.5 * WATCHDOG_AFTER)
            Driver(process).deliver_visible()
            assert len(world.queues.waiting(DELETION_WORK)) == 1
    world.control.switch(delete_effect="delayed")
    assert completes(world, process)


def throttled(*_: object, **__: object) -> UnitOutcome:
    raise Throttled("delete images", retry_after=THROTTLED_SECONDS)
