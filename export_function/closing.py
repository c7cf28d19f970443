"""
The end of an export: what the units wrote is checked against the storage account and the service's counts, and listed.

Memory stays flat: outcomes are read one after the other beside a listing in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from export_function.catching_up import has_moved
from export_function.manifest import (
    asked_for,
    manifest_of,
    status_of,
    stores_of,
    unavailable,
)
from export_function.plan import IMAGES, PREDICTIONS, found_counts
from export_function.unit_work import failure, gap
from shared.domain.canonical import canonical, readable
from shared.domain.receipt import Ending
from shared.domain.record import MAX_FAILURES
from shared.domain.resources import Row
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import Counts, UnitOutcome, add_counts
from shared.packages import JSON_LINES, package_prefix, project_path
from shared.ports import BlobEntry
from shared.services import Services

type Json = dict[str, Any]

ROWS_A_PAGE = 1000
PICTURES = {"image_id": IMAGES, "prediction_id": PREDICTIONS}
"""Which id in a file's row says that it is a picture, and of which store."""


@dataclass
class FilePages:
    """Writes the manifest's pages of file rows as they fill up."""

    services: Services
    request_id: str
    written: list[Json] = field(default_factory=list)
    _rows: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add file rows."""
        self._rows.extend(rows)
        while len(self._rows) >= ROWS_A_PAGE:
            self._write(ROWS_A_PAGE)

    def finish(self) -> list[Json]:
        """Write what is left and give the entries of all pages."""
        if self._rows:
            self._write(len(self._rows))
        return self.written

    def _write(self, number: int) -> None:
        rows, self._rows = self._rows[:number], self._rows[number:]
        content = b"".join(canonical(row) + b"\n" for row in rows)
        path = f"files/{len(self.written) + 1:05d}.jsonl"
        self.services.packages.write_plain(self.request_id, path, content, JSON_LINES)
        self.written.append({"path": path, "rows": len(rows), "sha256": hashlib.sha256(content).hexdigest()})


@dataclass
class Closing:
    """Gathers what one export's units left behind; `caught_up` are the rounds for what came while it ran."""

    services: Services
    request: SubjectRequest
    request_id: str
    plan: Json
    caught_up: Sequence[Json] = ()
    counts: Counts = field(default_factory=dict)
    gaps: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)

    def close(self) -> Ending:
        """Check, list, write the manifest, and say how the export ends."""
        pages = FilePages(self.services, self.request_id)
        self.counts = found_counts(self.plan)
        for project in self.plan["projects"]:
            self._project(project, pages)
        missing, gaps = unavailable(asked_for(self.request))
        self.counts, self.gaps = add_counts(self.counts, missing), [*self.gaps, *gaps]
        stores = stores_of(self.counts, self._service_counts())
        self._write_manifest(stores, pages.finish())
        stable = all(project["stable"] for project in self.plan["projects"])
        status, reason = status_of(stores, self.gaps, narrowed=self.request.narrowed, lists_stable=stable)
        return Ending(
            status=status,
            reason=reason,
            stores=stores,
            failures=self.failures[:MAX_FAILURES],
            looked_at=self._looked_at(),
        )

    def _project(self, project: Json, pages: FilePages) -> None:
        listings = {
            "image_id": _Listing(self.services, self.request_id, project["id"], "images/files/"),
            "prediction_id": _Listing(self.services, self.request_id, project["id"], "predictions/files/"),
        }
        tag_ids: set[str] = set()
        for outcome in self._outcomes(project):
            self.counts = add_counts(self.counts, outcome.counts)
            self.gaps.extend(dict(entry) for entry in outcome.gaps)
            self.failures.extend(dict(entry) for entry in outcome.failures[: MAX_FAILURES - len(self.failures)])
            pages.add(self._confirmed(outcome, listings))
            tag_ids.update(outcome.details.get("tag_ids", ()))
        if self.request.images is not None:
            pages.add([self._carried_tags(project, tag_ids)])
        self._reconcile(project)

    def _outcomes(self, project: Json) -> Iterator[UnitOutcome]:
        """Read the outcomes of a project's units, then those of the rounds that caught up."""
        yield from self.services.ledger.outcomes(self.request_id, project["units"])
        for entry in self.caught_up:
            if entry["project_id"] == project["id"]:
                self.counts = add_counts(self.counts, {store: {"found": n} for store, n in entry["counts"].items()})
                yield from self.services.ledger.outcomes(self.request_id, entry["units"], entry["round"])

    def _confirmed(self, outcome: UnitOutcome, listings: Mapping[str, _Listing]) -> list[Mapping[str, Any]]:
        """Keep the rows of pictures that are really there with the size that was announced; name the others."""
        kept = []
        for row in outcome.files:
            kind = next((name for name in PICTURES if name in row["ids"]), None)
            if kind is None or listings[kind].has(row["path"], row["bytes"]):
                kept.append(row)
            else:
                self._lost(PICTURES[kind], row["ids"][kind])
        return kept

    def _lost(self, store: str, item_id: str) -> None:
        self.counts = add_counts(self.counts, {store: {"written": -1, "failed": 1}})
        self.gaps.append(gap(store, item_id, "copy_refused", "the copy is not in the storage account as announced"))
        self.failures.append(failure(store, item_id, "copy_refused", None, "Copy Blob From URL"))

    def _carried_tags(self, project: Json, tag_ids: set[str]) -> Json:
        """Write the tags that the rows of one person carry: the workspace's, or an iteration's where it has none."""
        client = self.services.resource(project["resource"])
        sources = [source["iteration_id"] for source in project["sources"]]
        tags: dict[str, Row] = {}
        for iteration_id in sources:
            if tag_ids - tags.keys():
                rows = client.get_tags(project["id"], iteration_id=iteration_id)
                tags = {tag.id: tag.row for tag in rows if tag.id in tag_ids} | tags
        self.counts = add_counts(self.counts, {"tags": {"found": len(tags), "written": len(tags)}})
        return self.services.packages.write_json(
            self.request_id,
            project_path(project["id"], "tags.json"),
            [tags[tag_id] for tag_id in sorted(tags)],
            operation="GetTags",
            ids={"project_id": project["id"]},
            time=rfc3339(self.services.now()),
        )

    def _reconcile(self, project: Json) -> None:
        """Name a list that still has another count than the package, after what came has been read as well."""
        if self.request.narrowed:
            return
        if not project["stable"]:
            self.gaps.append(
                gap(IMAGES, project["id"], "list_moved", "the lists never stood still while they were read")
            )
        elif has_moved(self.services, project):
            detail = "images or iterations came or went while the export ran; what came was exported as far as possible"
            self.gaps.append(gap(IMAGES, project["id"], "list_moved", detail))

    def _service_counts(self) -> dict[str, int | None]:
        if self.request.narrowed:
            return {}
        return {IMAGES: sum(project["service_count"] for project in self.plan["projects"])}

    def _looked_at(self) -> dict[str, int]:
        return {
            "projects": len(self.plan["projects"]),
            "iterations": self.counts.get("iterations", {}).get("found", 0),
            "images": sum(project["looked_at"] for project in self.plan["projects"]),
        }

    def _write_manifest(self, stores: Json, files: list[Json]) -> None:
        manifest = manifest_of(
            self.request,
            request_id=self.request_id,
            created_time=rfc3339(self.services.now()),
            stores=stores,
            gaps=self.gaps,
            files=files,
        )
        self.services.packages.write_plain(self.request_id, "manifest.json", readable(manifest))


class _Listing:
    """What the storage account lists of a project's pictures, walked once in the order of the outcomes."""

    def __init__(self, services: Services, request_id: str, project_id: str, folder: str) -> None:
        self._prefix = package_prefix(request_id)
        pictures = self._prefix + project_path(project_id, folder)
        self._list: Callable[[], Iterator[BlobEntry]] = partial(services.packages.blobs.entries, pictures)
        self._restart()

    def _restart(self) -> None:
        """Begin the listing anew: each source of a project, and each round, begins again with the lowest ids."""
        self._entries = ((entry.name, entry.size) for entry in self._list())
        self._current = next(self._entries, None)
        self._last: str | None = None

    def has(self, path: str, size: int) -> bool:
        """Say whether the picture is there with this size; asked in ascending order it walks the listing once."""
        name = self._prefix + path
        if self._last is not None and name < self._last:
            self._restart()
        self._last = name
        while self._current is not None and self._current[0] < name:
            self._current = next(self._entries, None)
        return self._current == (name, size)
