"""Blobs that fit into memory, read and written whole: in two ways of calling for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.storage.blob import BlobClient, BlobServiceClient, ContentSettings

from shared.adapters.blob_calls import Repeats, quoted
from shared.ports import StoredBlob


@dataclass(frozen=True, kw_only=True)
class Write:
    """
    One Put Blob: what is written, and under which condition.

    `only_if_absent`: If-None-Match: *. `only_over`: If-Match, an ETag in quotes. Neither: whatever was there.
    `repeats` notes whether the call was sent more than once.
    """

    content: bytes
    content_type: str
    metadata: Mapping[str, str] | None = None
    only_if_absent: bool = False
    only_over: str | None = None
    repeats: Repeats = field(default_factory=Repeats)


class SmallBlobs(Protocol):
    """A way of reading and writing the blobs of one container whole. Fails with exceptions of the SDK's classes."""

    def read(self, name: str) -> StoredBlob:
        """Read a blob (Get Blob)."""
        ...

    def write(self, name: str, write: Write) -> str:
        """Write a blob (Put Blob) and give its ETag in quotes."""
        ...

    def append(self, name: str, line: bytes) -> int:
        """Add to an append blob that is there (Append Block) and give how often it has been added to."""
        ...

    def delete(self, name: str) -> None:
        """Delete a blob with its snapshots (Delete Blob)."""
        ...


class SdkSmallBlobs:
    """Small blobs through the Storage SDK."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    def read(self, name: str) -> StoredBlob:
        """See `SmallBlobs`; a call per MiB, which fails if the blob is overwritten between two of them."""
        download = self._blob(name).download_blob()
        properties = download.properties
        return StoredBlob(download.readall(), quoted(str(properties.etag)), dict(properties.metadata or {}))

    def write(self, name: str, write: Write) -> str:
        """See `SmallBlobs`."""
        condition: dict[str, Any] = {"overwrite": not write.only_if_absent}
        if write.only_over is not None:
            condition |= {"etag": write.only_over, "match_condition": MatchConditions.IfNotModified}
        written = self._blob(name).upload_blob(
            write.content,
            content_settings=ContentSettings(content_type=write.content_type),
            metadata=dict(write.metadata) if write.metadata else None,
            retry_hook=write.repeats,
            **condition,
        )
        return quoted(written["etag"])

    def append(self, name: str, line: bytes) -> int:
        """See `SmallBlobs`."""
        return int(str(self._blob(name).append_block(line)["blob_committed_block_count"]))

    def delete(self, name: str) -> None:
        """See `SmallBlobs`."""
        self._blob(name).delete_blob(delete_snapshots="include")

    def _blob(self, name: str) -> BlobClient:
        return self._container.get_blob_client(name)
