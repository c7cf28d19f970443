"""A message while this host holds it: the lease is renewed, the newest pop receipt kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from azure.core.exceptions import AzureError, HttpResponseError
from azure.storage.queue import QueueClient
from azure.storage.queue import QueueMessage as StoredMessage

from local.functions_host.logs import HOST_LOGGER
from local.functions_host.queue_messages import MessageFacts
from local.functions_host.storage import Storage, describe


class LeasedMessage:
    """A fetched message. All calls raise the SDK's AzureError; a lost receipt shows as HttpResponseError 400 or 404."""

    def __init__(self, storage: Storage, client: QueueClient, message: StoredMessage, lease_seconds: float) -> None:
        self._storage = storage
        self._client = client
        self._lease_seconds = lease_seconds
        self._pop_receipt = str(message.pop_receipt)
        self.text = str(message.content)
        self.facts = _facts(message)

    @property
    def dequeue_count(self) -> int:
        """How often the message has been delivered, this time included."""
        return self.facts.dequeue_count

    @asynccontextmanager
    async def renewed(self) -> AsyncIterator[None]:
        """Renew the lease at half its time while the block runs."""
        done = asyncio.Event()
        renewal = asyncio.create_task(self._renew_until(done))
        try:
            yield
        finally:
            done.set()
            # A renewal on its way changes the receipt: whoever deletes next must have the newest.
            await renewal

    async def delete(self) -> None:
        """Delete the message with its newest receipt."""
        await self._storage.call(self._client.delete_message, self.facts.id, self._pop_receipt)

    async def release(self, seconds: int) -> None:
        """Give the message back: visible again after so many seconds."""
        await self._set_visibility(seconds)

    async def _renew_until(self, done: asyncio.Event) -> None:
        while True:
            try:
                await asyncio.wait_for(done.wait(), self._lease_seconds / 2)
                return
            except TimeoutError:
                if not await self._renew():
                    return

    async def _renew(self) -> bool:
        try:
            await self._set_visibility(int(self._lease_seconds))
        except AzureError as error:
            if isinstance(error, HttpResponseError) and error.status_code in (400, 404):
                HOST_LOGGER.warning("A message's lease is lost (%s): it may run a second time", describe(error))
                return False
            HOST_LOGGER.warning("A message's lease could not be renewed (%s); tried again", describe(error))
        return True

    async def _set_visibility(self, seconds: int) -> None:
        updated = await self._storage.call(
            self._client.update_message, self.facts.id, self._pop_receipt, visibility_timeout=seconds
        )
        self._pop_receipt = str(updated.pop_receipt)


def _facts(message: StoredMessage) -> MessageFacts:
    if message.inserted_on is None or message.expires_on is None or message.next_visible_on is None:
        raise ValueError("a fetched message came without its times")
    return MessageFacts(
        id=message.id,
        pop_receipt=str(message.pop_receipt),
        dequeue_count=message.dequeue_count or 1,
        insertion_time=message.inserted_on,
        expiration_time=message.expires_on,
        next_visible_time=message.next_visible_on,
    )
