"""One queue trigger: polls its queue, runs the function per message, deletes only what succeeded."""

import asyncio

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.storage.queue import QueueClient
from azure.storage.queue import QueueMessage as StoredMessage

from local.functions_host.backoff import PollingBackoff
from local.functions_host.functions import FunctionDefinition, QueueBinding
from local.functions_host.host_json import QueueOptions
from local.functions_host.invocations import Invoker
from local.functions_host.leased_message import LeasedMessage
from local.functions_host.logs import HOST_LOGGER
from local.functions_host.queue_messages import (
    Undecodable,
    decode_body,
    poison_queue_name,
    trigger_input,
    trigger_metadata,
)
from local.functions_host.queue_output import QueueOutput
from local.functions_host.storage import Storage, describe


class QueueListener:
    """Listens to one queue for one function until told to stop."""

    def __init__(
        self,
        function: FunctionDefinition,
        trigger: QueueBinding,
        options: QueueOptions,
        lease_seconds: float,
        storage: Storage,
        output: QueueOutput,
        invoker: Invoker,
        backoff: PollingBackoff,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._options = options
        self._lease_seconds = lease_seconds
        self._storage = storage
        self._output = output
        self._invoker = invoker
        self._backoff = backoff
        self._client: QueueClient = storage.queue(trigger.connection, trigger.queue_name)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._failing = False
        output.on_message(self._client.url, self._wake.set)

    async def run(self) -> None:
        """Fetch and process until `stop`; returns when what was fetched has been dealt with."""
        while not self._stopping:
            self._wake.clear()
            self._room.clear()
            if len(self._running) > self._options.new_batch_threshold:
                await self._room.wait()
            elif await self._fetch():
                self._backoff.reset()
            else:
                await self._pause(self._backoff.next_seconds())
        if self._running:
            await asyncio.wait(self._running)

    def stop(self) -> None:
        """Fetch no more; messages that run go on."""
        self._stopping = True
        self._wake.set()
        self._room.set()

    async def _fetch(self) -> bool:
        try:
            messages = await self._storage.call(self._receive)
            self._note_failure(None)
        except AzureError as error:
            self._note_failure(describe(error))
            return False
        for message in messages:
            self._start(LeasedMessage(self._storage, self._client, message, self._lease_seconds))
        return bool(messages)

    def _receive(self) -> list[StoredMessage]:
        batch, lease = self._options.batch_size, int(self._lease_seconds)
        try:
            # Both limits: one page, and no second request for the rest of a batch.
            return list(
                self._client.receive_messages(messages_per_page=batch, max_messages=batch, visibility_timeout=lease)
            )
        except ResourceNotFoundError:
            return []  # a missing queue is polled like an empty one

    def _note_failure(self, what: str | None) -> None:
        if what is not None and not self._failing:
            HOST_LOGGER.warning("%s cannot read its queue: %s; it goes on trying", self._function.name, what)
        elif what is None and self._failing:
            HOST_LOGGER.info("%s can read its queue again", self._function.name)
        self._failing = what is not None

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return

    def _start(self, message: LeasedMessage) -> None:
        task = asyncio.create_task(self._process(message))
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if len(self._running) <= self._options.new_batch_threshold:
            self._room.set()
        task.result()  # an error of the host itself must not stay unseen: the loop's handler reports it

    async def _process(self, message: LeasedMessage) -> None:
        try:
            await self._decide(message)
        except HttpResponseError as error:
            # Deletion, release or poisoning did not work (a lost receipt, for one): the message comes back by itself.
            HOST_LOGGER.info(
                "%s: a message could not be settled (%s) and may run again", self._function.name, describe(error)
            )
        except AzureError as error:
            HOST_LOGGER.warning(
                "%s: storage is out of reach (%s); the message comes back after its lease",
                self._function.name,
                describe(error),
            )

    async def _decide(self, message: LeasedMessage) -> None:
        if message.dequeue_count > self._options.max_dequeue_count:
            await self._poison(message, "it was taken too often without an end")
            return
        try:
            body = decode_body(message.text, self._options.message_encoding)
        except Undecodable:
            await self._poison(message, "it is not valid base64")
            return
        async with message.renewed():
            outcome = await self._invoker.run(
                self._function,
                trigger_input(body, binary=self._trigger.binary),
                trigger_metadata(message.facts, body),
            )
        if outcome.succeeded:
            await message.delete()
        elif message.dequeue_count >= self._options.max_dequeue_count:
            await self._poison(message, "its last try failed")
        else:
            await message.release(int(self._options.visibility_timeout.total_seconds()))
            if not self._options.visibility_timeout:
                self._wake.set()

    async def _poison(self, message: LeasedMessage, reason: str) -> None:
        name = poison_queue_name(self._trigger.queue_name)
        if name is None:
            HOST_LOGGER.error("%s: a message is given up (%s); it has no poison queue", self._function.name, reason)
            return
        await self._output.put(self._storage.queue(self._trigger.connection, name), message.text)
        await message.delete()
        HOST_LOGGER.error(
            "%s poisoned a message after %d deliveries: %s", self._function.name, message.dequeue_count, reason
        )
