"""What all queues promise (shared.ports.Queues), in memory and on Azurite."""

import json
from datetime import timedelta

import pytest

from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_queues import AzureStorageQueues
from tests.conftest import Storage
from tests.contract.conftest import QueueWorld
from tests.fakes import InMemoryQueues, SettableClock

AT_LEAST = 1.0
"""Of two seconds of invisibility, whatever the grain of the service's clock."""


def bodies(world: QueueWorld) -> list[object]:
    return [json.loads(message.content) for message in world.queues.receive(world.name)]


def test_a_message_arrives_as_compact_json(queue_world: QueueWorld) -> None:
    queue_world.queues.send(queue_world.name, {"subject_request_id": "1", "unit": 2})
    (message,) = queue_world.queues.receive(queue_world.name)
    assert message.content == b'{"subject_request_id":"1","unit":2}'
    assert message.dequeue_count == 1


def test_every_character_survives(queue_world: QueueWorld) -> None:
    text = "ä<&>\"' \u0000\u001f\u007f\uffff 漢 \U0001f600"
    queue_world.queues.send(queue_world.name, {"text": text})
    assert bodies(queue_world) == [{"text": text}]


def test_a_queue_that_nobody_made_is_empty(queue_world: QueueWorld) -> None:
    assert list(queue_world.queues.receive(queue_world.name)) == []


def test_a_taken_message_is_hidden_and_comes_back_counted(queue_world: QueueWorld) -> None:
    queue_world.queues.send(queue_world.name, {"n": 1})
    taken = queue_world.seconds()
    first = queue_world.queues.receive(queue_world.name, hidden_seconds=2)
    again = queue_world.receive_within(2)
    assert queue_world.seconds() - taken >= AT_LEAST
    assert [message.message_id for message in first] == [again.message_id]
    assert again.dequeue_count == 2


def test_a_delayed_message_is_invisible_at_first(queue_world: QueueWorld) -> None:
    sent = queue_world.seconds()
    queue_world.queues.send(queue_world.name, {"n": 1}, delay_seconds=1.6)
    assert queue_world.receive_within(2).dequeue_count == 1
    assert queue_world.seconds() - sent >= AT_LEAST


def test_a_delay_over_seven_days_is_cut_and_not_refused(queue_world: QueueWorld) -> None:
    queue_world.queues.send(queue_world.name, {"n": 1}, delay_seconds=30 * 24 * 3600)
    assert list(queue_world.queues.receive(queue_world.name)) == []


def test_at_most_32_are_taken_at_once_and_none_twice(queue_world: QueueWorld) -> None:
    for number in range(40):
        queue_world.queues.send(queue_world.name, {"n": number})
    first = queue_world.queues.receive(queue_world.name, limit=100)
    second = queue_world.queues.receive(queue_world.name)
    assert (len(first), len(second)) == (32, 8)
    assert sorted(json.loads(message.content)["n"] for message in [*first, *second]) == list(range(40))


def test_fewer_are_taken_when_fewer_are_asked_for(queue_world: QueueWorld) -> None:
    for number in range(3):
        queue_world.queues.send(queue_world.name, {"n": number})
    assert list(queue_world.queues.receive(queue_world.name, limit=0)) == []
    assert len(queue_world.queues.receive(queue_world.name, limit=2)) == 2


def test_a_removed_message_is_gone_and_removing_it_again_is_no_error(queue_world: QueueWorld) -> None:
    queue_world.queues.send(queue_world.name, {"n": 1})
    (message,) = queue_world.queues.receive(queue_world.name, hidden_seconds=1)
    queue_world.queues.remove(queue_world.name, message)
    queue_world.queues.remove(queue_world.name, message)
    queue_world.queues.send(queue_world.name, {"n": 2})
    assert bodies(queue_world) == [{"n": 2}]


def test_removing_from_a_queue_that_is_not_there_is_no_error(queue_world: QueueWorld) -> None:
    queue_world.queues.send(queue_world.name, {"n": 1})
    (message,) = queue_world.queues.receive(queue_world.name)
    queue_world.queues.remove(f"{queue_world.name}-other", message)


def test_a_lost_receipt_removes_nothing_from_the_next_taker(queue_world: QueueWorld) -> None:
    queue_world.queues.send(queue_world.name, {"n": 1})
    (lost,) = queue_world.queues.receive(queue_world.name, hidden_seconds=1)
    held = queue_world.receive_within(1, hidden_seconds=1)
    queue_world.queues.remove(queue_world.name, lost)
    back = queue_world.receive_within(1)
    assert (back.message_id, back.dequeue_count) == (held.message_id, 3)


def test_a_message_of_64_kib_passes_and_a_longer_one_is_refused(queue_world: QueueWorld) -> None:
    fitting = "x" * (64 * 1024 - len('{"t":""}'))
    queue_world.queues.send(queue_world.name, {"t": fitting})
    with pytest.raises(ValueError, match="message"):
        queue_world.queues.send(queue_world.name, {"t": fitting + "x"})
    assert bodies(queue_world) == [{"t": fitting}]


@pytest.mark.azurite
def test_a_queue_deleted_meanwhile_is_made_again(connection: StorageConnection, storage: Storage) -> None:
    queues, name = AzureStorageQueues(connection.queues()), storage.name("work")
    queues.send(name, {"n": 1})
    connection.queues().delete_queue(name)
    assert list(queues.receive(name)) == []
    queues.send(name, {"n": 2})
    assert [json.loads(message.content) for message in queues.receive(name)] == [{"n": 2}]


@pytest.mark.azurite
def test_a_message_never_expires(connection: StorageConnection, storage: Storage) -> None:
    queues, name = AzureStorageQueues(connection.queues()), storage.name("work")
    queues.send(name, {"n": 1})
    (peeked,) = connection.queues().get_queue_client(name).peek_messages()
    assert peeked.expires_on is not None
    assert peeked.expires_on.year == 9999


@pytest.mark.azurite
def test_text_that_somebody_else_put_there_is_given_as_it_is(connection: StorageConnection, storage: Storage) -> None:
    name = storage.name("public")
    client = connection.queues().create_queue(name)
    client.send_message("eyJhIjoxfQ==")
    (message,) = AzureStorageQueues(connection.queues()).receive(name)
    assert message.content == b"eyJhIjoxfQ=="


def test_a_receipt_is_not_in_the_text_of_a_message() -> None:
    queues = InMemoryQueues(SettableClock())
    queues.send("work", {"n": 1})
    (message,) = queues.receive("work")
    assert message.receipt not in repr(message)


def test_draining_takes_what_is_visible_and_leaves_what_is_not() -> None:
    clock = SettableClock()
    queues = InMemoryQueues(clock)
    queues.send("work", {"n": 1})
    queues.send("work", {"n": 2}, delay_seconds=60)
    assert [json.loads(message.content) for message in queues.drain("work")] == [{"n": 1}]
    assert queues.next_visible() == clock.now() + timedelta(seconds=60)
    clock.advance(60)
    assert len(list(queues.drain("work"))) == 1
    assert queues.waiting("work") == []


def test_making_a_queue_twice_is_no_error_and_leaves_it_empty(queue_world: QueueWorld) -> None:
    queue_world.queues.ensure(queue_world.name)
    queue_world.queues.ensure(queue_world.name)
    assert bodies(queue_world) == []
