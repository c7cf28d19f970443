"""A blob store that works only as long as a lease holds: it is renewed, and asked after, with every call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from shared.ports import BlobEntry, BlobStore, StoredBlob, WrittenFile


class LeasedBlobs:
    """The `BlobStore` port; `keep` renews the lease or raises, and then nothing more is read or written."""

    def __init__(self, inner: BlobStore, keep: Callable[[], None]) -> None:
        self._inner = inner
        self._keep = keep

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Pass on."""
        return self._held().create(name, content, content_type=content_type, metadata=metadata)

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Pass on."""
        return self._held().put(name, content, content_type=content_type, metadata=metadata)

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Pass on."""
        return self._held().replace(name, content, etag=etag, content_type=content_type, metadata=metadata)

    def read(self, name: str) -> StoredBlob | None:
        """Pass on."""
        return self._held().read(name)

    def append(self, name: str, line: bytes) -> int:
        """Pass on."""
        return self._held().append(name, line)

    def delete(self, name: str) -> bool:
        """Pass on."""
        return self._held().delete(name)

    def delete_all(self, names: Iterable[str]) -> int:
        """Pass on."""
        return self._held().delete_all(self._each(names))

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        """Pass on."""
        return self._held().entries(prefix, with_metadata=with_metadata, page_size=page_size)

    def entries_page(
        self, prefix: str, *, continuation: str | None, page_size: int
    ) -> tuple[Sequence[BlobEntry], str | None]:
        """Pass on."""
        return self._held().entries_page(prefix, continuation=continuation, page_size=page_size)

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        """Pass on, as long as the lease holds at every chunk: otherwise nothing becomes visible."""
        return self._held().write_stream(name, self._each(chunks), content_type=content_type)

    def read_stream(self, name: str) -> Iterator[bytes]:
        """Pass on."""
        return self._each(self._held().read_stream(name))

    def copy_from_link(
        self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None, content_type: str
    ) -> None:
        """Pass on."""
        self._held().copy_from_link(
            name, link, source_etag=source_etag, source_md5=source_md5, content_type=content_type
        )

    def read_link(self, name: str, *, expires: datetime) -> str:
        """Pass on."""
        return self._held().read_link(name, expires=expires)

    def ensure(self) -> None:
        """Pass on."""
        self._held().ensure()

    def _held(self) -> BlobStore:
        self._keep()
        return self._inner

    def _each[T](self, items: Iterable[T]) -> Iterator[T]:
        for item in items:
            self._keep()
            yield item
