"""Writing to queues: outputs of functions and messages that go to a poison queue."""

from collections.abc import Callable

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.queue import QueueClient

from local.functions_host.functions import QueueBinding
from local.functions_host.queue_messages import encode_body, output_bodies
from local.functions_host.storage import Storage, create_if_absent
from local.functions_host.values import Datum


class QueueOutput:
    """Puts messages on queues, creates a queue that is missing, and wakes this host's own listener of it."""

    def __init__(self, storage: Storage, encoding: str) -> None:
        self._storage = storage
        self._encoding = encoding
        self._clients: dict[tuple[str, str], QueueClient] = {}
        self._wakers: dict[str, list[Callable[[], None]]] = {}

    def on_message(self, queue_url: str, wake: Callable[[], None]) -> None:
        """Have `wake` called when a message has been put on that queue."""
        self._wakers.setdefault(queue_url, []).append(wake)

    async def write(self, output: QueueBinding, datum: Datum) -> None:
        """Write one output's value; BadOutput before anything is written if it has no form for a queue."""
        texts = [encode_body(body, self._encoding) for body in output_bodies(datum)]
        for text in texts:
            await self.put(self._client(output.connection, output.queue_name), text)

    async def put(self, client: QueueClient, text: str) -> None:
        """Put one message, visible at once, kept for seven days; raises AzureError."""
        try:
            await self._storage.call(client.send_message, text)
        except ResourceNotFoundError:
            await create_if_absent(self._storage, client.create_queue)
            await self._storage.call(client.send_message, text)
        for wake in self._wakers.get(client.url, ()):
            wake()

    def _client(self, connection: str, queue_name: str) -> QueueClient:
        key = (connection, queue_name)
        if key not in self._clients:
            self._clients[key] = self._storage.queue(connection, queue_name)
        return self._clients[key]
