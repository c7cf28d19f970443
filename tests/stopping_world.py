"""A blob store whose process dies at a chosen write, to walk through every point of a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from shared.ports import BlobEntry, BlobStore, StoredBlob, WrittenFile


class WorldStopped(BaseException):
    """The process died. A BaseException, so that no handler of the app can take it for an error of its own."""


class StoppingBlobStore:
    """
    A `BlobStore` whose process dies right after its `stop_after`-th write (0: instead of the first).

    Writes are create, put, replace, append, delete, each name of delete_all, copies and streams. A write that was
    refused counts too. When the world has stopped, every further call stops as well.
    """

    def __init__(self, inner: BlobStore, *, stop_after: int) -> None:
        self._inner = inner
        self._left = stop_after
        self._lock = threading.Lock()

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Count and pass on."""
        return self._write(
            lambda: self._inner.create(name, content, content_type=content_type, metadata=metadata),
        )

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Count and pass on."""
        return self._write(lambda: self._inner.put(name, content, content_type=content_type, metadata=metadata))

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Count and pass on."""
        return self._write(
            lambda: self._inner.replace(name, content, etag=etag, content_type=content_type, metadata=metadata)
        )

    def append(self, name: str, line: bytes) -> int:
        """Count and pass on."""
        return self._write(lambda: self._inner.append(name, line))

    def delete(self, name: str) -> bool:
        """Count and pass on."""
        return self._write(lambda: self._inner.delete(name))

    def delete_all(self, names: Iterable[str]) -> int:
        """Delete one by one, so that the world can stop between two names."""
        return sum(self.delete(name) for name in names)

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        """Count and pass on."""
        return self._write(lambda: self._inner.write_stream(name, chunks, content_type=content_type))

    def copy_from_link(
        self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None, content_type: str
    ) -> None:
        """Count and pass on."""
        self._write(
            lambda: self._inner.copy_from_link(
                name, link, source_etag=source_etag, source_md5=source_md5, content_type=content_type
            )
        )

    def read(self, name: str) -> StoredBlob | None:
        """Pass on."""
        return self._living().read(name)

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        """Pass on."""
        return self._living().entries(prefix, with_metadata=with_metadata, page_size=page_size)

    def entries_page(
        self, prefix: str, *, continuation: str | None, page_size: int
    ) -> tuple[Sequence[BlobEntry], str | None]:
        """Pass on."""
        return self._living().entries_page(prefix, continuation=continuation, page_size=page_size)

    def read_stream(self, name: str) -> Iterator[bytes]:
        """Pass on."""
        return self._living().read_stream(name)

    def read_link(self, name: str, *, expires: datetime) -> str:
        """Pass on."""
        return self._living().read_link(name, expires=expires)

    def ensure(self) -> None:
        """Pass on."""
        self._living().ensure()

    def _living(self) -> BlobStore:
        with self._lock:
            if self._left < 0:
                raise WorldStopped
        return self._inner

    def _write[T](self, write: Callable[[], T]) -> T:
        """Do the write, unless the world has stopped; stop it afterwards if this was the last one."""
        with self._lock:
            if self._left <= 0:
                self._left = -1
                raise WorldStopped
            self._left -= 1
            last = self._left == 0
            if last:
                self._left = -1
        try:
            return write()
        finally:
            if last:
                raise WorldStopped
