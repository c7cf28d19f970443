"""One export unit: read Custom Vision, write into the package, say what became of every item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from export_function.pictures import PictureTask
from export_function.plan import IMAGES, PROJECT
from shared.domain.errors import GdprError, ServiceUnavailable, SourceRefusal, TransientError
from shared.domain.record import RequestRecord
from shared.domain.resources import Image, Row
from shared.domain.retry import redelivery_delay
from shared.domain.selection import matches
from shared.domain.subject_request import ImageSelector
from shared.domain.times import rfc3339
from shared.domain.work import Counts, UnitOutcome, WorkMessage, WorkUnit
from shared.packages import project_path
from shared.ports import CustomVision
from shared.services import Services

COPY_ATTEMPTS = 3
"""Deliveries of a unit before a picture that cannot be had is recorded as failed."""


def run_unit(services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
    """Do one unit of an export; may run twice, and beside itself, with the same result."""
    work = UnitWork.of(services, record, unit)
    return work.images(message.attempt) if unit.kind == IMAGES else work.project()


@dataclass(frozen=True, kw_only=True)
class UnitWork:
    """One unit with everything that it needs."""

    services: Services
    record: RequestRecord
    unit: WorkUnit
    client: CustomVision
    project_id: str
    selector: ImageSelector | None

    @classmethod
    def of(cls, services: Services, record: RequestRecord, unit: WorkUnit) -> UnitWork:
        """Gather what a unit needs: the client of its resource, and the selector of a narrowed export."""
        request = services.ledger.selector(record.subject_request_id)
        return cls(
            services=services,
            record=record,
            unit=unit,
            client=services.resource(unit.resource),
            project_id=unit.project_id or "",
            selector=request.images if request else None,
        )

    def project(self) -> UnitOutcome:
        """Write a project's own data: its details, its tags, the list of its iterations."""
        now = rfc3339(self.services.now())
        project = self.client.get_project(self.project_id)
        iterations = [iteration.row for iteration in self.client.get_iterations(self.project_id)]
        files = [
            self._json("project.json", self._shown(project.row), "GetProject", now),
            self._json("iterations.json", [self._shown(row) for row in iterations], "GetIterations", now),
        ]
        counts: Counts = {"projects": {"written": 1}, "iterations": _all_written(len(iterations))}
        if self.selector is None:
            tags = [tag.row for tag in self.client.get_tags(self.project_id)]
            files.append(self._json("tags.json", tags, "GetTags", now))
            counts["tags"] = _all_written(len(tags))
        return UnitOutcome(unit_id=self.unit.unit_id, counts=counts, files=files)

    def _shown(self, row: Row) -> dict[str, Any]:
        """In an export narrowed to one person projects and iterations are named, nothing more."""
        return dict(row) if self.selector is None else {key: row[key] for key in ("id", "name") if key in row}

    def _json(self, name: str, value: object, operation: str, now: str) -> dict[str, Any]:
        path = project_path(self.project_id, name)
        return self.services.packages.write_json(
            self.record.subject_request_id,
            path,
            value,
            operation=operation,
            ids={"project_id": self.project_id},
            time=now,
        )

    def images(self, attempt: int) -> UnitOutcome:
        """Write up to 256 images: their rows as read now, and their original bytes."""
        rows = self.client.get_images_by_ids(self.project_id, self.unit.item_ids)
        present = sorted((row for row in rows if self._is_meant(row)), key=lambda image: image.id)
        results = self._copy_all(present)
        failed = [result for result in results if isinstance(result.row, GdprError)]
        self._perhaps_later([result.row for result in failed], attempt)
        kept = [result.image for result in results if result.row is not None]
        return self._images_outcome(results, self._rows_file(kept), failed)

    def _perhaps_later(self, errors: Sequence[object], attempt: int) -> None:
        """Raise if another delivery of the unit may bring what is missing; return when it is time to record it."""
        for error in errors:
            if isinstance(error, TransientError) and redelivery_delay(attempt, error) is not None:
                raise error
        if errors and attempt < COPY_ATTEMPTS:
            raise ServiceUnavailable("copy pictures", retry_after=1)

    def _is_meant(self, image: Image) -> bool:
        return self.selector is None or matches(self.selector, image)

    def _copy_all(self, images: Sequence[Image]) -> list[Copied]:
        task = PictureTask(
            services=self.services,
            client=self.client,
            request_id=self.record.subject_request_id,
            project_id=self.project_id,
            with_sha256=self.record.notes["options"]["checksums"] == "sha256",
        )
        with ThreadPoolExecutor(self.services.settings.copy_concurrency) as pool:
            return list(pool.map(_copier(task), images))

    def _rows_file(self, images: Sequence[Image]) -> dict[str, Any]:
        return self.services.packages.write_rows(
            self.record.subject_request_id,
            project_path(self.project_id, f"images/{self.unit.number:05d}.jsonl"),
            [image.row for image in images],
            operation="GetImagesByIds",
            ids={"project_id": self.project_id},
            time=rfc3339(self.services.now()),
        )

    def _images_outcome(
        self, results: Sequence[Copied], rows_file: dict[str, Any], failed: Sequence[Copied]
    ) -> UnitOutcome:
        written = [result.row for result in results if isinstance(result.row, dict)]
        gone = set(self.unit.item_ids) - {result.image.id for result in results if result.row is not None}
        tags = {tag_id for result in results if result.row is not None for tag_id, _ in result.image.tags}
        counts = {"written": len(written), "vanished": len(gone), "failed": len(failed)}
        return UnitOutcome(
            unit_id=self.unit.unit_id,
            counts={IMAGES: counts},
            files=[rows_file, *sorted(written, key=lambda row: str(row["path"]))],
            gaps=[_gap(item, "vanished") for item in sorted(gone)] + [_gap(c.image.id, "copy_refused") for c in failed],
            failures=[_failure(copied) for copied in failed],
            details={"tag_ids": sorted(tags)} if self.selector else {},
        )


@dataclass(frozen=True, slots=True)
class Copied:
    """A picture and what became of it: its manifest row, None if it vanished, or why it could not be had."""

    image: Image
    row: dict[str, Any] | SourceRefusal | TransientError | None


def _copier(task: PictureTask) -> Callable[[Image], Copied]:
    def copy(image: Image) -> Copied:
        try:
            return Copied(image, task.copy(image))
        except (SourceRefusal, TransientError) as error:
            return Copied(image, error)

    return copy


def _all_written(number: int) -> dict[str, int]:
    return {"found": number, "written": number}


def _gap(item_id: str, code: str) -> dict[str, Any]:
    details = {
        "vanished": "it was there when the export was planned and gone when it was read",
        "copy_refused": "the service lists it, but its bytes could not be had",
    }
    return {"store": IMAGES, "id": item_id, "code": code, "detail": details[code]}


def _failure(copied: Copied) -> dict[str, Any]:
    status = copied.row.status if isinstance(copied.row, SourceRefusal | TransientError) else None
    return failure(IMAGES, copied.image.id, "copy_refused", "GetImagesByIds", status)


def failure(store: str, item_id: str | None, code: str, operation: str, status: int | None) -> dict[str, Any]:
    """Give the entry of one failed item."""
    return {"store": store, "id": item_id, "code": code, "operation": operation, "status": status}


def given_up(unit: WorkUnit, code: str, operation: str, status: int | None) -> UnitOutcome:
    """Give the outcome of a unit that could not be done at all: every item of it failed, and is named."""
    store = IMAGES if unit.kind == IMAGES else "projects"
    ids: Sequence[str | None] = unit.item_ids or [unit.project_id]
    gaps = [{"store": store, "id": item, "code": "refused", "detail": f"given up: {code}"} for item in ids]
    counts: Counts = {store: {"failed": len(ids)}}
    if unit.kind == PROJECT:
        counts |= {"tags": {"not_available": 1}, "iterations": {"not_available": 1}}
    failures = [failure(store, item, code, operation, status) for item in ids]
    return UnitOutcome(unit_id=unit.unit_id, counts=counts, gaps=gaps, failures=failures)
