"""
Tombstones: which items erasures take away, so that no export writes them any more and packages lose them.

They are pages of ids per project in the ledger (`erased/{project_id}/{request_id}-NNNNN.jsonl`), written before an
erasure's first delete; where a whole project goes, one page covers it. An item that was not erased after all is
withdrawn. Ids only, no names.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import batched, chain

from shared.domain.canonical import canonical
from shared.domain.errors import AlreadyExists, DamagedRecord, Superseded, UnknownRequest
from shared.domain.id_set import IdSet
from shared.domain.record import RequestRecord
from shared.ledger import RequestLedger
from shared.packages import JSON_LINES, checked
from shared.ports import BlobStore
from shared.reading_ahead import ahead

IDS_A_PAGE = 5000
PROJECTS_AT_ONCE = 4
IMAGE, PREDICTION, PROJECT, TAG = "image", "prediction", "project", "tag"
CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""How far the clocks of two hosts may be apart when a beginning is compared with an end."""

_ROOT = "erased/"


@dataclass
class Tombstones:
    """
    What erasures take away of one project: ids in lower case, or the whole of it.

    `tags` concern what has been written already: an export that reads finds them gone from the workspace.
    """

    whole: bool = False
    images: MutableSet[str] = field(default_factory=IdSet)
    predictions: MutableSet[str] = field(default_factory=IdSet)
    tags: MutableSet[str] = field(default_factory=IdSet)

    def __bool__(self) -> bool:
        return self.whole or bool(self.images or self.predictions or self.tags)

    def covers_image(self, image_id: str) -> bool:
        """Whether an image is taken away."""
        return self.whole or image_id in self.images

    def covers_prediction(self, prediction_id: str) -> bool:
        """Whether a stored prediction is taken away."""
        return self.whole or prediction_id in self.predictions

    def is_within(self, other: Tombstones) -> bool:
        """Whether others cover all of it."""
        pairs = ((self.images, other.images), (self.predictions, other.predictions), (self.tags, other.tags))
        return other.whole or (not self.whole and all(own <= others for own, others in pairs))

    def add(self, other: Tombstones) -> None:
        """Take in what others cover."""
        self.whole = self.whole or other.whole
        self.images |= other.images
        self.predictions |= other.predictions
        self.tags |= other.tags


def write(
    blobs: BlobStore,
    request_id: str,
    project_id: str,
    *,
    image_ids: Iterable[str] = (),
    prediction_ids: Iterable[str] = (),
    whole: bool = False,
) -> None:
    """
    Write an erasure's tombstones of one project before its first delete; the same call again changes nothing.

    `blobs` is the ledger's container. The ids must come in the same order each time; `whole` covers the project.
    """
    if whole:
        rows: Iterator[tuple[str, str]] = iter([(PROJECT, project_id)])
    else:
        rows = chain(((IMAGE, item) for item in image_ids), ((PREDICTION, item) for item in prediction_ids))
    for number, page in enumerate(batched(rows, IDS_A_PAGE, strict=False), start=1):
        try:
            blobs.create(_page(project_id, request_id, number), _content(page), content_type=JSON_LINES)
        except AlreadyExists:
            continue


def write_tags(blobs: BlobStore, request_id: str, project_id: str, tag_ids: Iterable[str]) -> None:
    """
    Write the tombstones of tags that an erasure has deleted; the same call again changes nothing.

    A page of their own, the one with the number 0: tags go last, when those of the items have long been written.
    """
    rows = ((TAG, tag_id) for tag_id in sorted(tag_ids))
    try:
        blobs.create(_page(project_id, request_id, 0), _content(rows), content_type=JSON_LINES)
    except AlreadyExists:
        return


def standing(
    ledger: RequestLedger, project_id: str, since: datetime, among: Collection[str] | None = None
) -> Tombstones:
    """
    Give what an export that began at `since` must not hold of a project; `among` narrows to some ids.

    All tombstones count but those of an erasure that had ended when the export began (by then the items that it erased
    were gone from the service, and items that it did not erase are there to stay), or that ended before it erased
    anything.
    """
    found = Tombstones()
    ended: dict[str, bool] = {}
    for name, request_id in _pages(ledger.blobs, project_id):
        if request_id not in ended:
            ended[request_id] = _is_over(ledger, request_id, since)
        if not ended[request_id]:
            found.add(_read(ledger.blobs, name, among))
    return found


@dataclass(frozen=True, slots=True)
class Marks:
    """
    One look at the tombstones of some projects.

    `state`: a text that changes whenever tombstones come, go or are withdrawn; `projects`: those that have any, be they
    withdrawn by now.
    """

    state: str
    projects: frozenset[str]


def marks_of(blobs: BlobStore, project_ids: Iterable[str]) -> Marks:
    """Look which of some projects have tombstones, at a few of them at once."""
    state, marked = sha256(), set[str]()

    def look(project_id: str) -> tuple[str, list[str]]:
        return project_id, [f"{entry.name} {entry.etag}\n" for entry in blobs.entries(_prefix(project_id))]

    for project_id, lines in ahead(project_ids, look, PROJECTS_AT_ONCE):
        state.update("".join(lines).encode())
        marked.update([project_id] if lines else [])
    return Marks(state.hexdigest(), frozenset(marked))


def of_erasures(blobs: BlobStore, project_id: str, request_ids: Collection[str]) -> Tombstones:
    """Give what some erasures take away of a project."""
    found = Tombstones()
    for name, request_id in _pages(blobs, project_id):
        if request_id in request_ids:
            found.add(_read(blobs, name, None))
    return found


def keep_only(blobs: BlobStore, request_id: str, project_id: str, erased: Tombstones) -> None:
    """
    Withdraw what an erasure did not erase: of its tombstones of a project those stay that `erased` covers.

    A page that covers the whole project stays only if `erased.whole`. Pages stay, if empty, so that writing them again
    brings nothing back.
    """
    for entry in blobs.entries(f"{_prefix(project_id)}{checked(request_id)}-"):
        _keep_rows(blobs, entry.name, erased)


def all_pages(blobs: BlobStore) -> Iterator[tuple[str, str]]:
    """Give every page of tombstones: its name, and the erasure that it belongs to."""
    return ((entry.name, _owner(entry.name)) for entry in blobs.entries(_ROOT))


def _is_over(ledger: RequestLedger, request_id: str, since: datetime) -> bool:
    record = _record(ledger, request_id)
    if record is None or record.completed_time is None:
        return False
    return not record.ever_in_progress or record.completed_time + CLOCKS_DIFFER_BY < since


def _record(ledger: RequestLedger, request_id: str) -> RequestRecord | None:
    try:
        return ledger.read(request_id).record
    except (UnknownRequest, DamagedRecord):
        return None


def _page(project_id: str, request_id: str, number: int) -> str:
    return f"{_prefix(project_id)}{checked(request_id)}-{number:05d}.jsonl"


def _prefix(project_id: str) -> str:
    return f"{_ROOT}{checked(project_id)}/"


def _owner(name: str) -> str:
    """Give the erasure that a page belongs to: its name ends with `{request_id}-NNNNN.jsonl`."""
    return name.rpartition("/")[2][:36]


def _pages(blobs: BlobStore, project_id: str) -> Iterator[tuple[str, str]]:
    return ((entry.name, _owner(entry.name)) for entry in blobs.entries(_prefix(project_id)))


def _content(rows: Iterable[tuple[str, str]]) -> bytes:
    return b"".join(canonical({"kind": kind, "id": item}) + b"\n" for kind, item in rows)


def _rows(content: bytes) -> Iterator[Mapping[str, str]]:
    return map(json.loads, content.splitlines())


def _read(blobs: BlobStore, name: str, among: Collection[str] | None) -> Tombstones:
    blob = blobs.read(name)
    found = Tombstones()
    for row in _rows(blob.content if blob else b""):
        if row["kind"] == PROJECT:
            found.whole = True
        elif among is None or row["id"] in among:
            of_kind = {IMAGE: found.images, PREDICTION: found.predictions, TAG: found.tags}
            of_kind[row["kind"]].add(row["id"])
    return found


def _keep_rows(blobs: BlobStore, name: str, erased: Tombstones) -> None:
    """Write a page again without what does not belong there; of two writers both want the same."""
    while (blob := blobs.read(name)) is not None:
        kept = [(row["kind"], row["id"]) for row in _rows(blob.content) if _is_erased(row, erased)]
        content = _content(kept)
        if content == blob.content:
            return
        try:
            blobs.replace(name, content, etag=blob.etag, content_type=JSON_LINES)
        except Superseded:
            continue


def _is_erased(row: Mapping[str, str], erased: Tombstones) -> bool:
    match row["kind"]:
        case "project":
            return erased.whole
        case "image":
            return erased.covers_image(row["id"])
        case "tag":
            return row["id"] in erased.tags
        case _:
            return erased.covers_prediction(row["id"])
