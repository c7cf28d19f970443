"""
What the application needs from the outside, in its own words.

The adapters implement these protocols against Azure; tests hold an in-memory twin to the same contract. No
implementation lets a foreign exception through: all errors are those of `shared.domain.errors`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from shared.domain.resources import Image, Iteration, Project, Row, StoredPrediction, Tag

type Order = Literal["Oldest", "Newest"]


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """Give the present time, aware, UTC."""
        ...


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that was read whole."""

    content: bytes
    etag: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """A blob as a listing shows it. `size` in bytes; `md5` is what the store recorded, 16 bytes or None."""

    name: str
    size: int
    etag: str
    last_modified: datetime
    md5: bytes | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """What was written: size in bytes, digests in hex; None where the bytes were not seen here."""

    size: int
    md5: str | None
    sha256: str | None


class BlobStore(Protocol):
    """
    One blob container. Names are full paths inside it.

    Errors: `StorageUnavailable` for what may pass, `AlreadyExists` and `Superseded` where said.
    """

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write only if absent and give the ETag; `AlreadyExists` otherwise, atomically among any number of writers."""
        ...

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write whatever was there and give the ETag."""
        ...

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write only over the state with this ETag and give the new one; `Superseded` otherwise, absent included."""
        ...

    def read(self, name: str) -> StoredBlob | None:
        """Read a small blob whole; None if absent."""
        ...

    def append(self, name: str, line: bytes) -> int:
        """
        Add bytes at the end of an append blob, made if absent; gives how often it has been appended to with this.

        Where others append at the same moment, some of these may be missing in the number.

        May add twice after a lost answer. At most 50,000 times a blob.
        """
        ...

    def delete(self, name: str) -> bool:
        """Delete; False if it was absent."""
        ...

    def delete_all(self, names: Iterable[str]) -> int:
        """Delete many, in batches where the store has them; absent ones are no error. Gives how many there were."""
        ...

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        """List in order of name, lazily, one request per page. `with_metadata` fills `metadata`."""
        ...

    def entries_page(
        self, prefix: str, *, continuation: str | None, page_size: int
    ) -> tuple[Sequence[BlobEntry], str | None]:
        """List one page and give where to go on (an opaque text), None at the end."""
        ...

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        """
        Write from a stream with memory of a few blocks whatever the length, visible only when whole.

        If `chunks` raises, nothing becomes visible and the error passes.
        """
        ...

    def read_stream(self, name: str) -> Iterator[bytes]:
        """Read in chunks; `KeyError` if absent."""
        ...

    def copy_from_link(
        self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None, content_type: str
    ) -> None:
        """
        Let the store fetch the bytes itself (Copy Blob From URL: the copy is done when it answers; up to 256 MiB).

        The copy happens only if the source still has `source_etag` and `source_md5`. Overwrites.
        Errors: `SourceRefusal` for what the source side refused.
        """
        ...

    def read_link(self, name: str, *, expires: datetime) -> str:
        """Give a read-only SAS link to one blob (by account key, or by user delegation under an identity)."""
        ...

    def ensure(self) -> None:
        """Make the container if it is absent."""
        ...


@dataclass(frozen=True, slots=True)
class QueuedMessage:
    """A message taken from a queue by hand. `receipt` is opaque and for `remove` only."""

    message_id: str
    content: bytes
    dequeue_count: int
    receipt: str = field(repr=False)


class Queues(Protocol):
    """
    The Storage queues of the app.

    Messages are plain text (host.json `messageEncoding` is `none`); queues are made when first needed.
    """

    def send(self, queue: str, message: Mapping[str, object], *, delay_seconds: float = 0) -> None:
        """Put a JSON message on a queue, invisible for `delay_seconds` (at most 7 days; longer is cut to that)."""
        ...

    def ensure(self, queue: str) -> None:
        """Make the queue if it is absent, for whoever sends to it from outside."""
        ...

    def receive(self, queue: str, *, limit: int = 32, hidden_seconds: float = 300) -> Sequence[QueuedMessage]:
        """Take up to `limit` (at most 32) messages and hide them; empty if there are none or no such queue."""
        ...

    def remove(self, queue: str, message: QueuedMessage) -> None:
        """Delete a taken message; no error if it is gone already."""
        ...


@dataclass(frozen=True, slots=True)
class DeletionAnswer:
    """How a delete was answered: done (204) or accepted (202: it says nothing about when), and the request id."""

    accepted_only: bool
    request_id: str | None


@dataclass(frozen=True, slots=True)
class PredictionPage:
    """One page of stored predictions and the token of the next; None at the end."""

    predictions: Sequence[StoredPrediction]
    next_token: Mapping[str, object] | None


class CustomVision(Protocol):
    """
    One training resource (Training API v3.3).

    Every method may raise `TransientError` (with the delay, when longer than a few seconds in process) and
    `ServiceRefusal`. Ids are GUIDs in lower case. Batch limits are kept inside: callers pass any number of ids.
    """

    @property
    def host(self) -> str:
        """The endpoint's host name (and port on loopback)."""
        ...

    def get_projects(self) -> Sequence[Project]:
        """GetProjects."""
        ...

    def get_project(self, project_id: str) -> Project:
        """GetProject; `ResourceAbsent` if there is none."""
        ...

    def get_tags(self, project_id: str, *, iteration_id: str | None = None) -> Sequence[Tag]:
        """GetTags of the workspace, or of one iteration."""
        ...

    def get_tag(self, project_id: str, tag_id: str) -> Tag:
        """GetTag of the workspace; `ResourceAbsent` if there is none."""
        ...

    def get_iterations(self, project_id: str) -> Sequence[Iteration]:
        """GetIterations, in no particular order."""
        ...

    def get_iteration(self, project_id: str, iteration_id: str) -> Iteration:
        """GetIteration."""
        ...

    def image_pages(
        self, project_id: str, *, iteration_id: str | None = None, order: Order = "Oldest", expected: int = 0
    ) -> Iterator[Sequence[Image]]:
        """
        GetImages, take 256, page by page until a page is short; a moving list may repeat or skip rows.

        Pages of the first `expected` rows may be asked for before they are needed, the others are not.
        """
        ...

    def get_image_count(self, project_id: str, *, iteration_id: str | None = None) -> int:
        """GetImageCount."""
        ...

    def get_images_by_ids(
        self, project_id: str, image_ids: Sequence[str], *, iteration_id: str | None = None
    ) -> Sequence[Image]:
        """
        GetImagesByIds in batches of 256 (64 where a hop refuses the length).

        Unknown ids are simply missing in the answer, which comes in no particular order.
        """
        ...

    def get_iteration_performance(
        self, project_id: str, iteration_id: str, *, thresholds: Mapping[str, float] | None = None
    ) -> Row:
        """
        GetIterationPerformance; `ServiceRefusal` with the code for an untrained one.

        `thresholds`: `threshold` (probability) and `overlapThreshold` (boxes), each from 0 to 1; the service has its
        own for what is left out.
        """
        ...

    def image_performance_pages(self, project_id: str, iteration_id: str) -> Iterator[Sequence[Row]]:
        """GetImagePerformances, take 256, page by page."""
        ...

    def get_image_performance_count(self, project_id: str, iteration_id: str) -> int:
        """GetImagePerformanceCount."""
        ...

    def get_exports(self, project_id: str, iteration_id: str) -> Sequence[Row]:
        """GetExports."""
        ...

    def query_predictions(
        self, project_id: str, *, iteration_id: str | None = None, token: Mapping[str, object] | None = None
    ) -> PredictionPage:
        """QueryPredictions, 64 a page; `token` is the `next_token` of the page before."""
        ...

    def artifact(self, project_id: str, path: str) -> AbstractContextManager[Iterator[bytes]]:
        """GetArtifact as a stream (projects in a virtual network give relative paths instead of links)."""
        ...

    def delete_images(
        self, project_id: str, image_ids: Sequence[str], *, all_iterations: bool
    ) -> Sequence[DeletionAnswer]:
        """DeleteImages by ids, one answer per batch; with `all_iterations` also from every trained iteration."""
        ...

    def delete_all_images(self, project_id: str) -> DeletionAnswer:
        """DeleteImages with `allImages` and `allIterations`."""
        ...

    def delete_predictions(self, project_id: str, prediction_ids: Sequence[str]) -> Sequence[DeletionAnswer]:
        """DeletePrediction, 64 ids a call."""
        ...

    def unpublish_iteration(self, project_id: str, iteration_id: str) -> DeletionAnswer:
        """UnpublishIteration."""
        ...

    def delete_iteration(self, project_id: str, iteration_id: str) -> DeletionAnswer:
        """DeleteIteration; `StateConflict` while it is published."""
        ...

    def delete_tag(self, project_id: str, tag_id: str) -> DeletionAnswer:
        """DeleteTag."""
        ...

    def delete_project(self, project_id: str) -> DeletionAnswer:
        """DeleteProject; `StateConflict` while an iteration is published."""
        ...


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """
    What one ranged read of a link shows.

    `head`: the first bytes (at most 512); `size` in bytes of the whole; `etag` as the service gave it or None;
    `md5`: 16 bytes where the service has one.
    """

    head: bytes
    size: int
    etag: str | None
    md5: bytes | None


class PictureSource(Protocol):
    """Reads links of the service (absolute SAS links). `SourceRefusal` for a final no, `TransientError` otherwise."""

    def probe(self, link: str) -> SourceFacts:
        """Read the first bytes and the facts, with one ranged GET."""
        ...

    def stream(self, link: str, *, expected_size: int | None = None) -> AbstractContextManager[Iterator[bytes]]:
        """Read the bytes; `SourceRefusal("truncated")` if the stream ends before the announced length."""
        ...
