"""
In-memory twins of the storage ports, held to the same contract as the adapters (tests/contract).

They keep real state and real rules (ETags, conditions, order, visibility); nothing of them is scripted.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple

from shared.domain.errors import AlreadyExists, SourceRefusal, StorageUnavailable, Superseded
from shared.ports import BlobEntry, Clock, QueuedMessage, StoredBlob, WrittenFile
from tests.stopping_world import StoppingBlobStore, WorldStopped

__all__ = [
    "Fetched",
    "InMemoryBlobStore",
    "InMemoryQueues",
    "SettableClock",
    "StoppingBlobStore",
    "WorldStopped",
]

LARGEST_APPEND_BYTES = 4 * 1024 * 1024
LARGEST_MESSAGE_BYTES = 64 * 1024
LONGEST_DELAY_SECONDS = 7 * 24 * 3600
READ_CHUNK_BYTES = 64 * 1024


class SettableClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, start: datetime = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Give the time that was set."""
        with self._lock:
            return self._now

    def advance(self, seconds: float) -> datetime:
        """Move on and give the new time."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            return self._now


class Fetched(NamedTuple):
    """A picture as its link gives it, with the ETag that the source has now."""

    content: bytes
    etag: str | None = None


type Fetch = Callable[[str], bytes | Fetched | SourceRefusal]
"""What is behind a link."""


def nothing_there(link: str) -> SourceRefusal:
    """Fetch for stores whose test copies nothing."""
    return SourceRefusal("source_absent", status=404)


@dataclass(frozen=True, slots=True)
class _Blob:
    content: bytes
    etag: str
    last_modified: datetime
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    appends: int = 0


class InMemoryBlobStore:
    """The `BlobStore` port in memory; `fetch` is what `copy_from_link` finds behind a link."""

    def __init__(self, *, clock: Clock | None = None, fetch: Fetch = nothing_there) -> None:
        self._clock = clock or SettableClock()
        self._fetch = fetch
        self._blobs: dict[str, _Blob] = {}
        self._lock = threading.RLock()
        self._etags = count(1)

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write only if absent."""
        with self._lock:
            if name in self._blobs:
                raise AlreadyExists("create blob")
            return self._set(name, content, content_type, metadata)

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write whatever was there."""
        with self._lock:
            return self._set(name, content, content_type, metadata)

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write only over the state with this ETag."""
        with self._lock:
            there = self._blobs.get(name)
            if there is None or there.etag != etag:
                raise Superseded("replace blob")
            return self._set(name, content, content_type, metadata)

    def read(self, name: str) -> StoredBlob | None:
        """Read whole; None if absent."""
        with self._lock:
            there = self._blobs.get(name)
        return None if there is None else StoredBlob(there.content, there.etag, dict(there.metadata))

    def append(self, name: str, line: bytes) -> int:
        """Add at the end of a blob that was made by `append`."""
        if len(line) > LARGEST_APPEND_BYTES:
            raise ValueError("too long for an append")
        with self._lock:
            there = self._blobs.get(name)
            if there is not None and not there.appends:
                raise StorageUnavailable("append to blob (InvalidBlobType)", status=409)
            before, appends = (there.content, there.appends) if there else (b"", 0)
            self._set(name, before + line, "application/x-ndjson", None, appends=appends + 1)
            return appends + 1

    def delete(self, name: str) -> bool:
        """Delete; False if it was absent."""
        with self._lock:
            return self._blobs.pop(name, None) is not None

    def delete_all(self, names: Iterable[str]) -> int:
        """Delete many and give how many there were."""
        return sum(self.delete(name) for name in names)

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        """List in order of name, page by page: what is written meanwhile may appear on a later page."""
        page, continuation = self._page(prefix, None, page_size, with_metadata=with_metadata)
        yield from page
        while continuation is not None:
            page, continuation = self._page(prefix, continuation, page_size, with_metadata=with_metadata)
            yield from page

    def entries_page(
        self, prefix: str, *, continuation: str | None, page_size: int
    ) -> tuple[Sequence[BlobEntry], str | None]:
        """List one page; the continuation is the next name."""
        return self._page(prefix, continuation, page_size, with_metadata=False)

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        """Write when the stream has ended well."""
        content = b"".join(chunks)
        self.put(name, content, content_type=content_type)
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return WrittenFile(len(content), md5, hashlib.sha256(content).hexdigest())

    def read_stream(self, name: str) -> Iterator[bytes]:
        """Read in chunks; KeyError at the call if absent."""
        with self._lock:
            content = self._blobs[name].content
        return (content[at : at + READ_CHUNK_BYTES] for at in range(0, len(content), READ_CHUNK_BYTES))

    def copy_from_link(
        self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None, content_type: str
    ) -> None:
        """Write what `fetch` gives, if it still is what was seen."""
        found = self._fetch(link)
        if isinstance(found, SourceRefusal):
            raise found
        source = Fetched(found) if isinstance(found, bytes) else found
        if source_etag is not None and source.etag is not None and source.etag != source_etag:
            raise SourceRefusal("source_changed", status=412)
        if source_md5 is not None and hashlib.md5(source.content, usedforsecurity=False).digest() != source_md5:
            raise SourceRefusal("source_changed", status=400)
        self.put(name, source.content, content_type=content_type, metadata={"origin": "copy"})

    def read_link(self, name: str, *, expires: datetime) -> str:
        """Give a text that names blob and expiry; nothing opens it."""
        return f"memory://{name}?se={expires.isoformat()}"

    def ensure(self) -> None:
        """Do nothing: a container in memory is always there."""

    def content_type(self, name: str) -> str:
        """Give the content type of a blob; KeyError if absent."""
        with self._lock:
            return self._blobs[name].content_type

    def _set(
        self,
        name: str,
        content: bytes,
        content_type: str,
        metadata: Mapping[str, str] | None,
        *,
        appends: int = 0,
    ) -> str:
        etag = f'"0x{next(self._etags):X}"'
        self._blobs[name] = _Blob(content, etag, self._clock.now(), content_type, dict(metadata or {}), appends=appends)
        return etag

    def _page(
        self, prefix: str, start: str | None, size: int, *, with_metadata: bool
    ) -> tuple[list[BlobEntry], str | None]:
        with self._lock:
            names = sorted(name for name in self._blobs if name.startswith(prefix) and name >= (start or ""))
            page = [_entry(name, self._blobs[name], with_metadata=with_metadata) for name in names[:size]]
        return page, names[size] if len(names) > size else None


def _entry(name: str, blob: _Blob, *, with_metadata: bool) -> BlobEntry:
    # As in Azure, an append blob has no MD5.
    md5 = None if blob.appends else hashlib.md5(blob.content, usedforsecurity=False).digest()
    metadata = dict(blob.metadata) if with_metadata else {}
    return BlobEntry(name, len(blob.content), blob.etag, blob.last_modified, md5, metadata)


@dataclass(slots=True)
class _Message:
    message_id: str
    content: bytes
    visible_from: datetime
    dequeue_count: int = 0
    receipt: str = ""


class InMemoryQueues:
    """The `Queues` port in memory; messages become visible as `clock` moves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: dict[str, list[_Message]] = defaultdict(list)
        self._lock = threading.Lock()
        self._ids = count(1)

    def send(self, queue: str, message: Mapping[str, object], *, delay_seconds: float = 0) -> None:
        """Put a JSON message, invisible for `delay_seconds`."""
        content = json.dumps(message, separators=(",", ":")).encode()
        if len(content) > LARGEST_MESSAGE_BYTES:
            raise ValueError("too long for a message")
        self.put_raw(queue, content, delay_seconds=delay_seconds)

    def put_raw(self, queue: str, content: bytes, *, delay_seconds: float = 0) -> None:
        """Put any bytes, as a foreign sender may."""
        delay = timedelta(seconds=min(max(delay_seconds, 0), LONGEST_DELAY_SECONDS))
        with self._lock:
            message_id = f"00000000-0000-0000-0000-{next(self._ids):012}"
            self._queues[queue].append(_Message(message_id, content, self._clock.now() + delay))

    def ensure(self, queue: str) -> None:
        """Make the queue if it is absent."""
        with self._lock:
            self._queues.setdefault(queue, [])

    def receive(self, queue: str, *, limit: int = 32, hidden_seconds: float = 300) -> Sequence[QueuedMessage]:
        """Take visible messages, oldest first, and hide them."""
        now = self._clock.now()
        with self._lock:
            visible = [message for message in self._queues[queue] if message.visible_from <= now]
            return [self._take(message, now, hidden_seconds) for message in visible[: min(limit, 32)]]

    def remove(self, queue: str, message: QueuedMessage) -> None:
        """Delete the message if the receipt is the last one given out for it."""
        with self._lock:
            kept = [
                m for m in self._queues[queue] if (m.message_id, m.receipt) != (message.message_id, message.receipt)
            ]
            self._queues[queue] = kept

    def waiting(self, queue: str) -> list[dict[str, object]]:
        """Give the JSON messages of a queue, hidden ones too, without taking them."""
        with self._lock:
            return [json.loads(message.content) for message in self._queues[queue]]

    def drain(self, queue: str) -> Iterator[QueuedMessage]:
        """Take and remove visible messages one by one until there are none (new ones included)."""
        while taken := self.receive(queue, limit=1):
            yield taken[0]
            self.remove(queue, taken[0])

    def next_visible(self) -> datetime | None:
        """Give the earliest time at which any message is visible, None if there is no message."""
        with self._lock:
            return min((m.visible_from for messages in self._queues.values() for m in messages), default=None)

    def _take(self, message: _Message, now: datetime, hidden_seconds: float) -> QueuedMessage:
        message.dequeue_count += 1
        message.receipt = f"{message.message_id}/{message.dequeue_count}"
        message.visible_from = now + timedelta(seconds=max(hidden_seconds, 1))
        return QueuedMessage(message.message_id, message.content, message.dequeue_count, message.receipt)
