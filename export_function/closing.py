"""
The end of an export: what the units wrote is checked against the storage account and the service's counts, and listed.

Memory stays flat: outcomes are read one after the other beside a listing in the same order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from export_function.exporting import failure
from export_function.manifest import (
    ROWS_A_PAGE,
    asked_for,
    gap,
    manifest_of,
    status_of,
    stores_of,
    unavailable,
)
from export_function.plan import IMAGES, found_counts
from shared.domain.canonical import canonical, readable
from shared.domain.receipt import Ending
from shared.domain.record import MAX_FAILURES
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import Counts, UnitOutcome, add_counts
from shared.packages import JSON_LINES, package_prefix, project_path
from shared.services import Services

type Json = dict[str, Any]


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
    """Gathers what one export's units left behind."""

    services: Services
    request: SubjectRequest
    request_id: str
    plan: Json
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
        listing = _Listing(self.services, self.request_id, project["id"])
        tag_ids: set[str] = set()
        vanished = 0
        for outcome in self.services.ledger.outcomes(self.request_id, project["units"]):
            self.counts = add_counts(self.counts, outcome.counts)
            self.gaps.extend(dict(entry) for entry in outcome.gaps)
            self.failures.extend(dict(entry) for entry in outcome.failures[: MAX_FAILURES - len(self.failures)])
            pages.add(self._confirmed(outcome, listing))
            tag_ids.update(outcome.details.get("tag_ids", ()))
            vanished += outcome.counts.get(IMAGES, {}).get("vanished", 0)
        if self.request.narrowed:
            pages.add([self._carried_tags(project, tag_ids)])
        self._reconcile(project, vanished)

    def _confirmed(self, outcome: UnitOutcome, listing: _Listing) -> list[Mapping[str, Any]]:
        """Keep the rows of pictures that are really there with the size that was announced; name the others."""
        kept = []
        for row in outcome.files:
            image_id = row["ids"].get("image_id")
            if image_id is None or listing.has(row["path"], row["bytes"]):
                kept.append(row)
            else:
                self._lost(image_id)
        return kept

    def _lost(self, image_id: str) -> None:
        self.counts = add_counts(self.counts, {IMAGES: {"written": -1, "failed": 1}})
        self.gaps.append(gap(IMAGES, image_id, "copy_refused", "the copy is not in the storage account as announced"))
        self.failures.append(failure(IMAGES, image_id, "copy_refused", "Copy Blob From URL", None))

    def _carried_tags(self, project: Json, tag_ids: set[str]) -> Json:
        client = self.services.resource(project["resource"])
        tags = [tag.row for tag in client.get_tags(project["id"]) if tag.id in tag_ids]
        self.counts = add_counts(self.counts, {"tags": {"found": len(tags), "written": len(tags)}})
        return self.services.packages.write_json(
            self.request_id,
            project_path(project["id"], "tags.json"),
            tags,
            operation="GetTags",
            ids={"project_id": project["id"]},
            time=rfc3339(self.services.now()),
        )

    def _reconcile(self, project: Json, vanished: int) -> None:
        """Compare with the service's count once more: what came or went while the export ran is named."""
        if self.request.narrowed:
            return
        client = self.services.resource(project["resource"])
        now, planned = client.get_image_count(project["id"]), project["counts"]["images"]
        if now != planned - vanished or not project["stable"]:
            detail = f"{planned} images when planned, {now} when the export ended"
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

    def __init__(self, services: Services, request_id: str, project_id: str) -> None:
        self._prefix = package_prefix(request_id)
        pictures = self._prefix + project_path(project_id, "images/files/")
        self._entries: Iterator[tuple[str, int]] = (
            (entry.name, entry.size) for entry in services.packages.blobs.entries(pictures)
        )
        self._current = next(self._entries, None)

    def has(self, path: str, size: int) -> bool:
        """Say whether the picture is there with this size; must be asked in ascending order of paths."""
        name = self._prefix + path
        while self._current is not None and self._current[0] < name:
            self._current = next(self._entries, None)
        return self._current == (name, size)
