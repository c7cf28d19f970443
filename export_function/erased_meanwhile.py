"""
Erasures that run beside an export: what they take away does not get into the package, or out of it again.

Units read the tombstones before and after they write; the end of the export reads them once more. So whatever comes
between two looks is seen by the next one, and what comes after the last is cleaned by the erasure itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, Self

from export_function.derived import derive_project
from export_function.leftovers import Written
from export_function.plan import (
    DERIVED,
    IMAGES,
    ITERATION,
    ITERATION_IMAGES,
    PREDICTIONS,
    PROJECT,
)
from export_function.rounds import outcomes_of
from export_function.unit_work import UnitWork
from shared.cleaning.places import covers, is_doomed, is_rows, may_change, place
from shared.cleaning.scrubbing import as_it_lies, scrub_project, scrub_rows
from shared.cleaning.searching import tag_count
from shared.domain.record import RequestRecord
from shared.domain.work import UnitOutcome, WorkUnit
from shared.packages import package_prefix, project_path
from shared.reading_ahead import together
from shared.services import Services
from shared.tombstones import Marks, Tombstones, marks_of, standing

type Row = Mapping[str, Any]
type Write = Callable[[UnitWork], UnitOutcome]

LEFT_OUT = "left_out"
"""In a unit's outcome: ids by store that it did not write because an erasure was about to take them away."""

ITEM_STORE = {IMAGES: "images", ITERATION_IMAGES: "images", PREDICTIONS: "predictions"}
OF_A_PROJECT = frozenset({PROJECT, ITERATION, DERIVED, *ITEM_STORE})


def without_erased(work: UnitWork, write: Write) -> tuple[UnitOutcome, RequestRecord]:
    """
    Do a unit's work without what erasures take away (`work.erased`), again if that changed meanwhile.

    Gives the request's record too, as it was when all of it had been written.
    """
    while True:
        outcome = _write(work, write) if work.unit.kind in OF_A_PROJECT else write(work)
        now, record = _look_afterwards(work)
        if now == work.erased:
            return outcome, record
        if not work.erased.is_within(now):
            _remove_rows(work, outcome)
        work = replace(work, erased=now, rows_begun=None)


def _look_afterwards(work: UnitWork) -> tuple[Tombstones, RequestRecord]:
    """Look what erasures take away, and how far the request is, since the unit has written."""
    return together(
        lambda: erased_of(work.services, work.record, work.unit),
        lambda: work.services.ledger.read(work.request_id).record,
    )


def erased_of(services: Services, record: RequestRecord, unit: WorkUnit) -> Tombstones:
    """Give what erasures take away of a unit's project; nothing for units that are of none."""
    if unit.kind not in OF_A_PROJECT:
        return Tombstones()
    return standing(services.ledger, unit.project_id or "", record.received_time)


def _write(work: UnitWork, write: Write) -> UnitOutcome:
    _remove_pictures(work)
    outcome = UnitOutcome(unit_id=work.unit.unit_id, counts={}) if work.erased.whole else write(work)
    if work.erased:
        outcome = replace(outcome, files=[_without_rows(work, row) for row in outcome.files])
    left_out = {store: ids for store, ids in _left_out(work) if ids}
    return replace(outcome, details={**outcome.details, LEFT_OUT: left_out}) if left_out else outcome


def _without_rows(work: UnitWork, row: Row) -> Row:
    """Take rows out of a page that an earlier try has written: units keep what was written first."""
    where = place(row["path"])
    if where is None or not is_rows(where[1]):
        return row
    scrub_rows(work.services.packages, work.request_id, *where, work.erased)
    return as_it_lies(work.services.packages, work.request_id, row) or row


def _remove_rows(work: UnitWork, outcome: UnitOutcome) -> None:
    """Remove pages that lack what was withdrawn meanwhile, so that they are written once more."""
    prefix = package_prefix(work.request_id)
    pages = [row["path"] for row in outcome.files if (where := place(row["path"])) and is_rows(where[1])]
    work.services.packages.blobs.delete_all(prefix + path for path in pages)


def _left_out(work: UnitWork) -> Iterator[tuple[str, list[str]]]:
    """Give what the unit does not write, by the store in which it would count."""
    kind, unit = work.unit.kind, work.unit
    if kind in ITEM_STORE:
        ids = unit.details["with_bytes"] if kind == ITERATION_IMAGES else unit.item_ids
        yield ITEM_STORE[kind], [item for item in ids if covers(work.erased, ITEM_STORE[kind], item)]
    elif work.erased.whole and kind == PROJECT:
        yield "projects", [work.project_id]
    elif work.erased.whole and kind == ITERATION:
        yield "iterations", [work.iteration_id or ""]


def _remove_pictures(work: UnitWork) -> None:
    """Take back what an earlier try of the unit wrote of it."""
    blobs, prefix = work.services.packages.blobs, package_prefix(work.request_id)
    for store, ids in _left_out(work):
        if work.unit.kind in ITEM_STORE:
            paths = (prefix + project_path(work.project_id, f"{store}/files/{item}.") for item in ids)
            blobs.delete_all(entry.name for path in paths for entry in blobs.entries(path))


@dataclass(frozen=True)
class ErasedMeanwhile:
    """What erasures took away by the end of an export, by project; projects that no erasure is about are not in it."""

    services: Services
    request_id: str
    by_project: Mapping[str, Tombstones]

    @classmethod
    def taken_out(
        cls, services: Services, record: RequestRecord, plan: Row, formats: Sequence[str], marks: Marks
    ) -> Self:
        """
        Remove it from what the units wrote, and make COCO and CSV of those projects again.

        `marks` say which projects have tombstones: what comes after that look is cleaned by the erasure itself.
        """
        # Of a project without units nothing is in the package, and nothing may get in.
        marked = {p["id"]: p for p in plan["projects"] if p["units"] and p["id"] in marks.projects}
        read = {project_id: standing(services.ledger, project_id, record.received_time) for project_id in marked}
        erased = cls(services, record.subject_request_id, read)
        for project_id, tombstones in erased.by_project.items():
            scrub_project(services.packages, erased.request_id, project_id, tombstones)
            if formats and not tombstones.whole:
                written = Written.of(partial(outcomes_of, services, record, marked[project_id]))
                derive_project(
                    services.packages,
                    erased.request_id,
                    project_id,
                    formats=formats,
                    time=plan["planned_time"],
                    is_held=written.has,
                )
        return erased

    @cached_property
    def whole_projects(self) -> frozenset[str]:
        """Give the projects of which nothing stays."""
        return frozenset(project_id for project_id, tombstones in self.by_project.items() if tombstones.whole)

    def is_gone(self, row: Row) -> bool:
        """Whether a file that a unit wrote is an erased item's."""
        return bool(self.by_project) and is_doomed(row["path"], self.by_project)

    def as_it_is(self, row: Row) -> Row:
        """Give a file's row as the file is now."""
        if not self.by_project or not may_change(row["path"], self.by_project):
            return row
        return as_it_lies(self.services.packages, self.request_id, row) or row

    def tags_taken(self, project_id: str, outcome: UnitOutcome) -> int:
        """Give how many tags were taken out of a project's list of tags after the unit of an outcome had written it."""
        wrote = any(row["path"] == project_path(project_id, "tags.json") for row in outcome.files)
        if not wrote or not self.by_project.get(project_id, Tombstones()).tags:
            return 0
        left = tag_count(self.services.packages, self.request_id, project_id, Tombstones(whole=True))
        return max(outcome.counts.get("tags", {}).get("written", 0) - left, 0)

    def left_out(self, project_id: str, outcome: UnitOutcome) -> Iterator[tuple[str, str, bool]]:
        """Give store and id of what a unit left out, and whether that was right: the erasure still stands."""
        tombstones = self.by_project.get(project_id, Tombstones())
        for store, ids in outcome.details.get(LEFT_OUT, {}).items():
            items = store in ITEM_STORE.values()
            for item in ids:
                yield store, item, covers(tombstones, store, item) if items else tombstones.whole


def marks_seen(services: Services, plan: Row) -> Marks:
    """Look at the tombstones of the projects of an export."""
    return marks_of(services.ledger.blobs, [project["id"] for project in plan["projects"]])
