"""How the app reaches Azure Storage: the SDK's clients of one connection."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, ContainerClient, LinearRetry
from azure.storage.queue import LinearRetry as QueueLinearRetry
from azure.storage.queue import QueueServiceClient
from urllib3 import HTTPConnectionPool

from shared.adapters.lean_connections import LeanAdapter
from shared.adapters.storage_settings import Service, StorageSettings
from shared.domain.errors import ConfigurationError

type CredentialFactory = Callable[[str | None], TokenCredential]

BLOCK_BYTES = 1024 * 1024
"""
The size of a block in every streamed upload: what one call holds in memory, and a host writes up to six zips at once.
What is shorter than a block goes in one call.
"""
RANGE_BYTES = 1024 * 1024
"""The size of a range in every download. The SDK reserves eight times that: it makes a list of as many places."""
SINGLE_PUT_BYTES = 256 * 1024 * 1024
"""
Up to here bytes that are in memory anyway go in one Put Blob. The SDK would cut larger ones into blocks with ids that
depend on the position only, and two writers of one name could mix their blocks.
"""
CONNECT_SECONDS = 5
READ_SECONDS = 60
RETRIES = 3
RETRY_PAUSE_SECONDS = 1
"""The mean pause, between 0 and twice that; the SDK's own default starts at 15, too long for a held message."""
_HOSTS_PER_POOL = 4
_DOWNLOAD_CHUNK_BYTES = 256 * 1024


def default_credential(client_id: str | None) -> TokenCredential:
    """Make an unmodified DefaultAzureCredential; `client_id` picks a user-assigned identity."""
    # Imported here: it costs a good part of a cold start, and connection strings do without.
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id) if client_id else DefaultAzureCredential()


class StorageConnection:
    """
    The SDK clients of one connection, made when first asked for and then shared by all threads.

    `pool_size` is the number of sockets kept per host: the number of threads that call at the same time. Certificates
    of a private authority are taken from `REQUESTS_CA_BUNDLE`, as `requests` under the SDK does.
    """

    def __init__(
        self,
        settings: StorageSettings,
        *,
        credential_factory: CredentialFactory = default_credential,
        pool_size: int = 32,
    ) -> None:
        self._settings = settings
        self._credential_factory = credential_factory
        self._pool_size = pool_size
        self._blob_transport = _pooled_transport(pool_size)
        self._lean = LeanAdapter(hosts=_HOSTS_PER_POOL, pool_size=pool_size)
        self._lock = threading.RLock()
        self._credential: TokenCredential | None = None
        self._blobs: BlobServiceClient | None = None
        self._queues: QueueServiceClient | None = None

    def container(self, name: str) -> ContainerClient:
        """Give the client of one blob container; nothing is called."""
        return self.blobs().get_container_client(name)

    def blobs(self) -> BlobServiceClient:
        """Give the client of the account's blobs; nothing is called."""
        with self._lock:
            if self._blobs is None:
                self._blobs = self._make_blobs()
            return self._blobs

    def queues(self) -> QueueServiceClient:
        """Give the client of the account's queues; nothing is called."""
        with self._lock:
            if self._queues is None:
                self._queues = self._make_queues()
            return self._queues

    def blob_sockets(self, url: str) -> HTTPConnectionPool:
        """Give sockets for `url` past the SDK, with the certificates and proxies that its blob client has."""
        around = self._blob_transport.session.merge_environment_settings(url, {}, False, None, None)
        return self._lean.pool(url, around["verify"], around["proxies"])

    def close(self) -> None:
        """Close the sockets; the connection is of no use afterwards."""
        for client in (self._blobs, self._queues):
            if client is not None:
                client.close()
        self._lean.close()

    def _make_blobs(self) -> BlobServiceClient:
        retry = LinearRetry(backoff=RETRY_PAUSE_SECONDS, random_jitter_range=RETRY_PAUSE_SECONDS, retry_total=RETRIES)
        options = self._options(self._blob_transport) | {"retry_policy": retry} | _bounded_blocks()
        if self._settings.connection_string:
            return BlobServiceClient.from_connection_string(self._settings.connection_string, **options)
        return BlobServiceClient(self._url("blob", self._settings.blob_url), self._token(), **options)

    def _make_queues(self) -> QueueServiceClient:
        retry = QueueLinearRetry(
            backoff=RETRY_PAUSE_SECONDS, random_jitter_range=RETRY_PAUSE_SECONDS, retry_total=RETRIES
        )
        options = self._options(_pooled_transport(self._pool_size)) | {"retry_policy": retry}
        if self._settings.connection_string:
            return QueueServiceClient.from_connection_string(self._settings.connection_string, **options)
        return QueueServiceClient(self._url("queue", self._settings.queue_url), self._token(), **options)

    def _url(self, service: Service, url: str | None) -> str:
        if url is None:
            raise ConfigurationError([f"{self._settings.name}__{service}ServiceUri is not set"])
        return url

    def _token(self) -> TokenCredential:
        if self._credential is None:
            self._credential = self._credential_factory(self._settings.client_id)
        return self._credential

    def _options(self, transport: RequestsTransport) -> dict[str, Any]:
        # The SDK writes URLs and headers of every call at INFO; a logger of its own that nobody listens to ends that.
        return {"transport": transport, "logger": logging.Logger("unheard", logging.CRITICAL)}


def _bounded_blocks() -> dict[str, int]:
    return {
        "max_block_size": BLOCK_BYTES,
        "max_single_put_size": SINGLE_PUT_BYTES,
        "max_single_get_size": RANGE_BYTES,
        "max_chunk_get_size": RANGE_BYTES,
    }


def _pooled_transport(size: int) -> RequestsTransport:
    """Make the SDK's own transport with room for `size` sockets per host (its default of 10 throws the others away)."""
    transport = RequestsTransport(
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        connection_data_block_size=_DOWNLOAD_CHUNK_BYTES,
    )
    transport.open()
    for adapter in transport.session.adapters.values():
        adapter.init_poolmanager(_HOSTS_PER_POOL, size)
    return transport
