"""Image bytes in a storage account, in practice a second account of Azurite.

Written on `http.client` with one account SAS: the Storage SDK costs ten times the CPU per call, and filling a project
with thousands of pictures is what this module is for.
"""

import base64
import http.client
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import AccountSasPermissions, BlobServiceClient, ResourceTypes, generate_account_sas

from local.custom_vision.model import BlobName
from local.custom_vision.sas import LinkSigner

_SECONDS = 30
_TRIES = 3
_DELETERS = 4
_SAS_LIFE = timedelta(days=30)


class StorageError(Exception):
    """The storage account refuses an operation; the text names method, status and code, never a link."""


class AzureBlobs:
    """The account of a connection string. Containers are made on first use and remembered for `clear`.

    All methods but `close` may be called from many threads.
    """

    def __init__(self, connection_string: str) -> None:
        parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
        name, key = parts["AccountName"], parts["AccountKey"]
        self._service = BlobServiceClient.from_connection_string(connection_string)
        self._signer = LinkSigner(self._service.url, name, base64.b64decode(key))
        self._address = urlsplit(self._service.url)
        permissions = AccountSasPermissions(read=True, write=True, delete=True, create=True)
        expiry = datetime.now(UTC) + _SAS_LIFE
        self._sas = generate_account_sas(name, key, ResourceTypes(container=True, object=True), permissions, expiry)
        self._idle: list[http.client.HTTPConnection] = []
        self._deleters = ThreadPoolExecutor(_DELETERS, "blob-delete")
        self._containers: set[str] = set()
        self._lock = threading.Lock()

    def put(self, blob: BlobName, data: bytes, media_type: str) -> None:
        """Write (or replace) a blob."""
        self._ensure(blob.container)
        self._call("PUT", blob, data, {"x-ms-blob-type": "BlockBlob", "Content-Type": media_type}, allowed=(201,))

    def alias(self, blob: BlobName, source: BlobName) -> None:
        """Write a blob with another one's bytes (of no known type); nothing if there is no such source."""
        data = self.read(source)
        if data is not None:
            self.put(blob, data, "application/octet-stream")

    def delete(self, blobs: list[BlobName]) -> None:
        """Delete blobs; those that are not there are passed over."""
        list(self._deleters.map(lambda blob: self._call("DELETE", blob, allowed=(202, 404)), blobs))

    def read(self, blob: BlobName) -> bytes | None:
        """The bytes, or None."""
        status, data = self._call("GET", blob, allowed=(200, 404))
        return data if status == http.HTTPStatus.OK else None

    def names(self) -> set[BlobName]:
        """All blobs in the containers that this emulator made."""
        return {
            BlobName(container, name)
            for container in self._made()
            for name in self._service.get_container_client(container).list_blob_names()
        }

    def link(self, blob: BlobName, expiry: float, *, broken: bool = False) -> str:
        """A signed link, valid until `expiry` by the storage account's clock."""
        return self._signer.link(blob.container, blob.name, expiry, broken=broken)

    def expire_links(self) -> bool:
        """A storage account does not take back links that it signed."""
        return False

    def clear(self) -> None:
        """Delete every container that this emulator made, if another one in the same account has not done so."""
        for container in self._made():
            with suppress(ResourceNotFoundError):
                self._service.delete_container(container)
            with self._lock:
                self._containers.discard(container)

    def close(self) -> None:
        """Close all connections."""
        self._deleters.shutdown(cancel_futures=True)
        self._service.close()
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _made(self) -> list[str]:
        with self._lock:
            return sorted(self._containers)

    def _ensure(self, container: str) -> None:
        with self._lock:
            if container in self._containers:
                return
        # 409: left from an earlier run or made by another thread just now; either way it is there.
        self._call("PUT", BlobName(container, ""), extra="restype=container&", allowed=(201, 409))
        with self._lock:
            self._containers.add(container)

    def _call(
        self,
        method: str,
        blob: BlobName,
        data: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        extra: str = "",
        allowed: tuple[int, ...],
    ) -> tuple[int, bytes]:
        path = "/".join(part for part in (self._address.path.rstrip("/"), blob.container, blob.name) if part)
        sent = {"x-ms-version": "2021-12-02", "Content-Length": str(len(data))} | dict(headers or {})
        status, body = self._exchange(method, f"{path}?{extra}{self._sas}", data, sent)
        if status not in allowed:
            raise StorageError(f"{method} answered {status}")
        return status, body

    def _exchange(self, method: str, target: str, data: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """One request; again when a kept connection turns out to be closed (Azurite closes them after 5 seconds)."""
        for attempt in range(_TRIES):
            connection = self._connection(fresh=attempt > 0)
            try:
                connection.request(method, target, data, headers)
                answer = connection.getresponse()
                body = answer.read()
            except (http.client.HTTPException, OSError):
                connection.close()
                if attempt + 1 == _TRIES:
                    raise
            else:
                with self._lock:
                    self._idle.append(connection)
                return answer.status, body
        raise AssertionError("the last try returns or raises")

    def _connection(self, *, fresh: bool) -> http.client.HTTPConnection:
        with self._lock:
            if self._idle and not fresh:
                return self._idle.pop()
        kind = http.client.HTTPSConnection if self._address.scheme == "https" else http.client.HTTPConnection
        return kind(self._address.hostname or "", self._address.port, timeout=_SECONDS)
