"""A package store beside which something else happens at a chosen write."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shared.ports import WrittenFile
from tests.fakes import InMemoryBlobStore


class InterruptedBlobs(InMemoryBlobStore):
    """Lets `happen` run once: right before the write of this number (from 1), or right after it, refused or not."""

    def __init__(self, *, at: int, happen: Callable[[], None], afterwards: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.at, self._happen, self._afterwards = at, happen, afterwards
        self.writes = 0
        self._counting = threading.Lock()

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write if absent, with what happens beside it."""
        with self._beside():
            return super().create(name, content, content_type=content_type, metadata=metadata)

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write, with what happens beside it; copies and streams come through here as well."""
        with self._beside():
            return super().put(name, content, content_type=content_type, metadata=metadata)

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        """Read the whole stream first, as the write is one moment."""
        return super().write_stream(name, list(chunks), content_type=content_type)

    @contextmanager
    def _beside(self) -> Iterator[None]:
        with self._counting:
            self.writes += 1
            now = self.writes == self.at
        if now and not self._afterwards:
            self._happen()
        try:
            yield
        finally:
            if now and self._afterwards:
                self._happen()
