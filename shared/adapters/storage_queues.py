"""The app's queues on Azure Queue Storage."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence

from azure.storage.queue import QueueClient, QueueMessage, QueueServiceClient

from shared.adapters.storage_errors import SDK_ERRORS, Failure, failure_of, translated
from shared.ports import QueuedMessage

LONGEST_DELAY_SECONDS = 7 * 24 * 3600
LARGEST_MESSAGE_BYTES = 64 * 1024
LARGEST_BATCH = 32
NEVER_EXPIRES = -1


def message_text(message: Mapping[str, object]) -> str:
    """
    Write a message as compact JSON; ValueError above 64 KiB (Put Message refuses it).

    ASCII with escapes: the body travels inside XML, which cannot hold every character of a JSON text.
    """
    text = json.dumps(message, separators=(",", ":"), ensure_ascii=True)
    if len(text) > LARGEST_MESSAGE_BYTES:
        raise ValueError(f"a queue message holds at most {LARGEST_MESSAGE_BYTES} bytes, not {len(text)}")
    return text


def whole_seconds(seconds: float, *, least: int) -> int:
    """Round up to the whole seconds that the service takes, within `least` and 7 days."""
    return max(least, math.ceil(min(seconds, LONGEST_DELAY_SECONDS)))


class AzureStorageQueues:
    """
    The `Queues` port on one storage account. Any number of threads may share it.

    Messages never expire: after the usual 7 days a request of a stopped app would be lost without a trace, and a
    message must outlive its own delay, which may be 7 days too.
    """

    def __init__(self, service: QueueServiceClient) -> None:
        self._service = service
        self._clients: dict[str, QueueClient] = {}

    def send(self, queue: str, message: Mapping[str, object], *, delay_seconds: float = 0) -> None:
        """
        Put a JSON message on a queue (Put Message), invisible for `delay_seconds` (rounded up, at most 7 days).

        Makes the queue if it is absent. ValueError for a message over 64 KiB. May send twice after a lost answer.
        """
        text, delay = message_text(message), whole_seconds(delay_seconds, least=0)
        client = self._client(queue)
        with translated("send message"):
            self._with_queue(
                client, lambda: client.send_message(text, visibility_timeout=delay, time_to_live=NEVER_EXPIRES)
            )

    def ensure(self, queue: str) -> None:
        """Make the queue if it is absent (Create Queue)."""
        with translated("create queue"):
            _create_queue(self._client(queue))

    def receive(self, queue: str, *, limit: int = 32, hidden_seconds: float = 300) -> Sequence[QueuedMessage]:
        """Take up to `limit` messages with one Get Messages (never more than 32), hidden for at least a second."""
        if limit < 1:
            return []
        taken = self._client(queue).receive_messages(
            messages_per_page=min(limit, LARGEST_BATCH), visibility_timeout=whole_seconds(hidden_seconds, least=1)
        )
        with translated("receive messages"):
            try:
                return [_queued(message) for message in next(taken.by_page(), ())]
            except SDK_ERRORS as error:
                if failure_of(error) is Failure.PARENT_ABSENT:
                    return []
                raise

    def remove(self, queue: str, message: QueuedMessage) -> None:
        """
        Delete a taken message (Delete Message).

        No error if it is gone, nor if it became visible and somebody else took it: then it is theirs to remove.
        """
        with translated("remove message"):
            try:
                self._client(queue).delete_message(message.message_id, message.receipt)
            except SDK_ERRORS as error:
                if failure_of(error) not in (Failure.ABSENT, Failure.PARENT_ABSENT):
                    raise

    def _client(self, queue: str) -> QueueClient:
        if queue not in self._clients:
            self._clients[queue] = self._service.get_queue_client(queue)
        return self._clients[queue]

    def _with_queue(self, client: QueueClient, call: Callable[[], object]) -> None:
        """Call; make the queue and call again if there was none (never asked for beforehand: one call per message)."""
        try:
            call()
        except SDK_ERRORS as error:
            if failure_of(error) is not Failure.PARENT_ABSENT:
                raise
            _create_queue(client)
            call()


def _create_queue(client: QueueClient) -> None:
    try:
        client.create_queue()
    except SDK_ERRORS as error:
        if failure_of(error) is not Failure.EXISTS:
            raise


def _queued(message: QueueMessage) -> QueuedMessage:
    return QueuedMessage(
        message_id=str(message.id),
        content=str(message.content).encode(),
        dequeue_count=int(message.dequeue_count or 0),
        receipt=str(message.pop_receipt),
    )
