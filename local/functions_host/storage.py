"""Clients of Azure Storage, made once per connection, and the threads that their blocking calls run in."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.queue import ExponentialRetry, QueueClient, QueueServiceClient

from local.functions_host.connections import ConnectionString, IdentityConnection, find_connection
from local.functions_host.settings import SettingsError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobServiceClient

_THREADS = 10  # as many as the pool of connections that a service client keeps
_TIMES: dict[str, Any] = {"connection_timeout": 5, "read_timeout": 30}


class Storage:
    """The host's way to queues and blobs. Sync SDK calls run in threads of their own, away from the loop."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="storage")
        self._queue_services: dict[str, QueueServiceClient] = {}

    async def call[**P, T](self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
        """Run a blocking call in one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(function, *args, **options))

    def queue(self, connection: str, queue_name: str) -> QueueClient:
        """A client of one queue (text as it is, not encoded); SettingsError if the connection is not usable."""
        if connection not in self._queue_services:
            found = find_connection(connection, "queue", self._settings)
            service = QueueServiceClient
            self._queue_services[connection] = _make_client(service, service.from_connection_string, connection, found)
        return self._queue_services[connection].get_queue_client(queue_name)

    def blob_service(self, connection: str) -> "BlobServiceClient":
        """A client of the connection's blobs; SettingsError as above."""
        # Imported here: an app without timers starts a third of a second earlier.
        from azure.storage.blob import BlobServiceClient as Service

        found = find_connection(connection, "blob", self._settings)
        return _make_client(Service, Service.from_connection_string, connection, found)

    def close(self) -> None:
        """Let the threads end; calls that run are not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _make_client[S](
    by_address: Callable[..., S],
    by_string: Callable[..., S],
    name: str,
    connection: ConnectionString | IdentityConnection,
) -> S:
    retry = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=2)
    try:
        if isinstance(connection, ConnectionString):
            return by_string(connection.text, retry_policy=retry, **_TIMES)
        return by_address(connection.service_uri, credential=_credential(connection), retry_policy=retry, **_TIMES)
    except ValueError:
        # Not chained: the text of the original may repeat the connection string, which holds a key.
        raise SettingsError(f"The setting {name} is not a usable connection to Azure Storage.") from None


def _credential(connection: IdentityConnection) -> "TokenCredential":
    from azure.identity import DefaultAzureCredential, ManagedIdentityCredential

    if connection.managed:
        return ManagedIdentityCredential(client_id=connection.client_id)
    return DefaultAzureCredential()


async def create_if_absent(storage: Storage, create: Callable[[], object]) -> None:
    """Run a create call (of a queue, container or blob); that it is there already is a success."""
    try:
        await storage.call(create)
    except ResourceExistsError:
        return


def describe(error: AzureError) -> str:
    """An SDK error in a few words for a log: type, status and code, never its text (which holds addresses)."""
    if isinstance(error, HttpResponseError) and error.status_code:
        code = getattr(error, "error_code", None)
        return f"{type(error).__name__} {error.status_code}" + (f" {getattr(code, 'value', code)}" if code else "")
    return type(error).__name__
