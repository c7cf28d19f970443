"""The app's blobs: one container of Azure Blob Storage behind the `BlobStore` port."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched

from azure.storage.blob import BlobClient, BlobServiceClient

from shared.adapters.blob_calls import (
    MOVED_ON,
    OCCUPIED,
    batch_statuses,
    create_append_blob,
    is_there,
    quoted,
    unless_absent,
)
from shared.adapters.blob_copies import Copies, SdkCopies, refusal_of
from shared.adapters.blob_links import ReadLinks
from shared.adapters.blob_lists import Lists, Page, SdkLists
from shared.adapters.blob_small import SdkSmallBlobs, SmallBlobs, Write
from shared.adapters.blob_streams import download_chunks, upload_blocks
from shared.adapters.storage_errors import SDK_ERRORS, Failure, answer, failure_of, translated
from shared.domain.errors import AlreadyExists, GdprError, StorageUnavailable, Superseded
from shared.ports import BlobEntry, StoredBlob, WrittenFile

LARGEST_APPEND_BYTES = 4 * 1024 * 1024
NAMES_PER_BATCH = 256
READ_ATTEMPTS = 5


class AzureBlobStore:
    """
    The `BlobStore` port on one container. Any number of threads may share it.

    The container is made by the first write that finds it absent, and counts as empty for reads. ETags are in quotes
    everywhere. Every failure that no method names is `StorageUnavailable`, a missing role or key included: its text
    holds the operation, the storage error code and the status, never a name, a URL or a key.
    """

    def __init__(
        self,
        service: BlobServiceClient,
        container: str,
        *,
        copies: Copies | None = None,
        lists: Lists | None = None,
        small: SmallBlobs | None = None,
    ) -> None:
        self._copies = copies or SdkCopies(service, container)
        self._lists = lists or SdkLists(service, container)
        self._small = small or SdkSmallBlobs(service, container)
        self._container = service.get_container_client(container)
        self._links = ReadLinks(service, container)

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write only if absent (Put Blob, If-None-Match: *) and give the ETag; `AlreadyExists` otherwise."""
        write = Write(content=content, content_type=content_type, metadata=metadata, only_if_absent=True)
        with translated("create blob"):
            return self._ensured(lambda: self._conditional(name, write, lost_by=OCCUPIED, error=AlreadyExists))

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write whatever was there (Put Blob) and give the ETag."""
        write = Write(content=content, content_type=content_type, metadata=metadata)
        with translated("put blob"):
            return self._ensured(lambda: self._small.write(name, write))

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write only over the state with this ETag (Put Blob, If-Match), give the new one; `Superseded` otherwise."""
        write = Write(content=content, content_type=content_type, metadata=metadata, only_over=quoted(etag))
        with translated("replace blob"):
            return self._conditional(name, write, lost_by=MOVED_ON, error=Superseded)

    def read(self, name: str) -> StoredBlob | None:
        """
        Read a small blob whole (Get Blob); None if absent.

        Always one state: what is overwritten between two calls, where it takes several, is read again.
        """
        with translated("read blob"):
            for _ in range(READ_ATTEMPTS):
                try:
                    return unless_absent(lambda: self._small.read(name))
                except SDK_ERRORS as error:
                    if failure_of(error) is not Failure.CHANGED:
                        raise
        raise StorageUnavailable("read blob (overwritten again and again)")

    def append(self, name: str, line: bytes) -> int:
        """
        Add up to 4 MiB at the end of an append blob (Append Block), made if absent; ValueError above.

        Gives how often it has been appended to with this.

        May add twice after a lost answer. At most 50,000 times a blob.
        """
        if len(line) > LARGEST_APPEND_BYTES:
            raise ValueError(f"an append holds at most {LARGEST_APPEND_BYTES} bytes, not {len(line)}")
        with translated("append to blob"):
            number = unless_absent(lambda: self._small.append(name, line))
            if number is None:
                self._ensured(lambda: create_append_blob(self._blob(name)))
                number = self._small.append(name, line)
            return number

    def delete(self, name: str) -> bool:
        """Delete with its snapshots (Delete Blob); False if it was absent, which a lost answer can pretend."""
        with translated("delete blob"):
            return is_there(lambda: self._small.delete(name))

    def delete_all(self, names: Iterable[str]) -> int:
        """Delete many (Blob Batch, 256 a call; one by one what a batch refuses). Gives how many there were."""
        return sum(self._delete_batch(batch) for batch in batched(names, NAMES_PER_BATCH, strict=False))

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        """List in order of name, lazily, one List Blobs per page."""
        marker: str | None = None
        while True:
            rows, marker = self._page(prefix, marker=marker, size=page_size, with_metadata=with_metadata)
            yield from rows
            if marker is None:
                return

    def entries_page(
        self, prefix: str, *, continuation: str | None, page_size: int
    ) -> tuple[Sequence[BlobEntry], str | None]:
        """List one page (List Blobs) and give the marker of the next, None at the end."""
        return self._page(prefix, marker=continuation, size=page_size, with_metadata=False)

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        """
        Write from a stream with memory of a block or two (`BLOCK_BYTES`), visible only when whole.

        One Put Blob below a block, else Put Block and Put Block List; either way the MD5 is stored with the blob.
        If `chunks` raises, nothing becomes visible and the error passes (the service drops loose blocks in a week).
        """
        return upload_blocks(self._blob(name), chunks, content_type=content_type, write=self._ensured)

    def read_stream(self, name: str) -> Iterator[bytes]:
        """
        Read in chunks of up to 1 MiB, all of one state of the blob; KeyError if absent, at the call.

        A blob that is overwritten in the middle ends the stream with `Superseded`.
        """
        with translated("read blob"):
            download = unless_absent(self._blob(name).download_blob)
        if download is None:
            raise KeyError("no such blob")
        return download_chunks(download)

    def copy_from_link(
        self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None, content_type: str
    ) -> None:
        """
        Let the service fetch the bytes (Copy Blob From URL: synchronous, up to 256 MiB). Overwrites.

        The copy keeps the content type of its source: this call takes none, so `content_type` is not used, and a
        second call per picture would double the cost of an export. Metadata of the source stays behind.
        Errors: `SourceRefusal` for what the source side refused.
        """
        del content_type
        with translated("copy blob"):
            try:
                self._ensured(lambda: self._copies.copy(name, link, source_etag=source_etag, source_md5=source_md5))
            except SDK_ERRORS as error:
                if (refusal := refusal_of(error)) is None:
                    raise
                raise refusal from answer(error)

    def read_link(self, name: str, *, expires: datetime) -> str:
        """
        Give a read-only SAS link to one blob, by account key, or by user delegation under an identity.

        The latter lives for 7 days at most: ValueError above.
        """
        with translated("make read link"):
            return self._links.link(name, expires=expires)

    def ensure(self) -> None:
        """Make the container if it is absent (Create Container)."""
        with translated("create container"):
            try:
                self._container.create_container()
            except SDK_ERRORS as error:
                if failure_of(error) is not Failure.EXISTS:
                    raise

    def _blob(self, name: str) -> BlobClient:
        return self._container.get_blob_client(name)

    def _page(self, prefix: str, *, marker: str | None, size: int, with_metadata: bool) -> Page:
        """Read one page; an absent container is empty."""
        with translated("list blobs"):
            page = unless_absent(
                lambda: self._lists.page(prefix, marker=marker, size=size, with_metadata=with_metadata)
            )
        return page or ([], None)

    def _ensured[T](self, write: Callable[[], T]) -> T:
        """Write; make the container and write again if there was none. (Asking first would double every write.)"""
        try:
            return write()
        except SDK_ERRORS as error:
            if failure_of(error) is not Failure.PARENT_ABSENT:
                raise
        self.ensure()
        return write()

    def _conditional(
        self,
        name: str,
        write: Write,
        *,
        lost_by: frozenset[Failure],
        error: type[GdprError],
    ) -> str:
        """
        Write under a condition and give the ETag, or raise `error` where the condition was not met.

        A write whose answer was lost and that was sent again meets its own first success: then the blob holds
        what was to be written, and the write was won. Otherwise the winner of a phase would believe to have lost.
        """
        try:
            return self._small.write(name, write)
        except SDK_ERRORS as failed:
            if failure_of(failed) not in lost_by:
                raise
            there = self.read(name) if write.repeats.any else None
            if there is not None and there.content == write.content:
                return there.etag
            raise error("a condition of the write was not met") from answer(failed)

    def _delete_batch(self, names: Sequence[str]) -> int:
        with translated("delete blobs"):
            statuses = batch_statuses(self._container, names)
        deleted = sum(200 <= status < 300 for status in statuses)
        refused = [name for name, status in zip(names, statuses, strict=True) if status >= 300 and status != 404]
        return deleted + sum(self.delete(name) for name in refused)
