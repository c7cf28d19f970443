"""Image bytes in a storage account, in practice a second account of Azurite."""

import base64
import contextlib
import threading
from collections.abc import Iterable
from itertools import batched

from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobClient, BlobServiceClient, ContentSettings

from local.custom_vision.model import BlobName
from local.custom_vision.sas import LinkSigner

_DELETES_PER_CALL = 256  # the limit of Blob Batch


class AzureBlobs:
    """The account of a connection string. Containers are made on first use and remembered for `clear`."""

    def __init__(self, connection_string: str) -> None:
        parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
        self._service = BlobServiceClient.from_connection_string(connection_string)
        self._signer = LinkSigner(self._service.url, parts["AccountName"], base64.b64decode(parts["AccountKey"]))
        self._containers: set[str] = set()
        self._lock = threading.Lock()

    def put(self, blob: BlobName, data: bytes, media_type: str) -> None:
        """Write (or replace) a blob."""
        self._ensure(blob.container)
        settings = ContentSettings(content_type=media_type)
        self._client(blob).upload_blob(data, overwrite=True, content_settings=settings)

    def alias(self, blob: BlobName, source: BlobName) -> None:
        """Copy a blob within the account."""
        self._ensure(blob.container)
        self._client(blob).start_copy_from_url(self._client(source).url)

    def delete(self, blobs: list[BlobName]) -> None:
        """Delete blobs; those that are not there are passed over."""
        for container in {blob.container for blob in blobs}:
            client = self._service.get_container_client(container)
            names = (blob.name for blob in blobs if blob.container == container)
            for some in batched(names, _DELETES_PER_CALL, strict=False):
                client.delete_blobs(*some, raise_on_any_failure=False)

    def read(self, blob: BlobName) -> bytes | None:
        """The bytes, or None."""
        client = self._client(blob)
        return client.download_blob().readall() if client.exists() else None

    def names(self) -> set[BlobName]:
        """All blobs in the containers that this emulator made."""
        return {BlobName(container, name) for container in self._made() for name in self._list(container)}

    def link(self, blob: BlobName, expiry: float, *, broken: bool = False) -> str:
        """A signed link, valid until `expiry` by the storage account's clock."""
        return self._signer.link(blob.container, blob.name, expiry, broken=broken)

    def expire_links(self) -> bool:
        """A storage account does not take back links that it signed."""
        return False

    def clear(self) -> None:
        """Delete every container that this emulator made."""
        for container in self._made():
            self._service.delete_container(container)
            with self._lock:
                self._containers.discard(container)

    def close(self) -> None:
        """Close the connections."""
        self._service.close()

    def _client(self, blob: BlobName) -> BlobClient:
        return self._service.get_blob_client(blob.container, blob.name)

    def _list(self, container: str) -> Iterable[str]:
        return self._service.get_container_client(container).list_blob_names()

    def _made(self) -> list[str]:
        with self._lock:
            return sorted(self._containers)

    def _ensure(self, container: str) -> None:
        with self._lock:
            if container in self._containers:
                return
        # Left from an earlier run or made by another thread just now: either way it is there.
        with contextlib.suppress(ResourceExistsError):
            self._service.create_container(container)
        with self._lock:
            self._containers.add(container)
