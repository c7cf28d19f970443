"""The host's own blobs in `azure-webjobs-hosts`: timer status and the locks that let one instance run a timer."""

import json
from typing import TYPE_CHECKING

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError

from local.functions_host.storage import Storage, create_if_absent
from local.functions_host.timer_status import TimerStatus, parse_status

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

_CONTAINER = "azure-webjobs-hosts"


class HostBlobs:
    """Blobs of one host id; apps that share a storage account need different ones."""

    def __init__(self, storage: Storage, connection: str, host_id: str) -> None:
        self._storage = storage
        self._container = storage.blob_service(connection).get_container_client(_CONTAINER)
        self._host_id = host_id

    async def prepare(self) -> None:
        """Create the container if it is not there."""
        await create_if_absent(self._storage, self._container.create_container)

    async def read_status(self, function: str) -> TimerStatus | None:
        """The stored status of a timer, or None where there is none that can be read."""
        blob = self._status_blob(function)
        try:
            return parse_status(await self._storage.call(lambda: blob.download_blob().readall()))
        except ResourceNotFoundError:
            return None

    async def write_status(self, function: str, status: TimerStatus) -> None:
        """Store a timer's status."""
        text = json.dumps(status.to_json()).encode()
        await self._storage.call(self._status_blob(function).upload_blob, text, overwrite=True)

    def lock(self, function: str, seconds: int) -> "TimerLock":
        """The lock of a timer, not yet held."""
        blob = self._container.get_blob_client(f"locks/{self._host_id}/{function}.Listener")
        return TimerLock(self._storage, blob, seconds)

    def _status_blob(self, function: str) -> "BlobClient":
        return self._container.get_blob_client(f"timers/{self._host_id}/{function}/status")


class TimerLock:
    """A blob lease: at most one instance holds it; it ends by itself after its time unless renewed."""

    def __init__(self, storage: Storage, blob: "BlobClient", seconds: int) -> None:
        self._storage = storage
        self._blob = blob
        self._lease: BlobLeaseClient | None = None
        self.seconds = seconds

    async def acquire(self) -> bool:
        """Try to get it; False when another instance holds it. Raises AzureError for anything else."""
        await create_if_absent(self._storage, lambda: self._blob.upload_blob(b"", overwrite=False))
        try:
            self._lease = await self._storage.call(self._blob.acquire_lease, self.seconds)
        except HttpResponseError as error:
            if error.status_code == 409:
                return False
            raise
        return True

    async def renew(self) -> bool:
        """Prolong it; False when it is lost."""
        if self._lease is None:
            return False
        try:
            await self._storage.call(self._lease.renew)
        except AzureError:
            return False
        return True

    async def release(self) -> None:
        """Give it back at once; raises AzureError."""
        if self._lease is not None:
            await self._storage.call(self._lease.release)
