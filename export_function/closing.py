"""
The end of an export: what the units wrote is checked against the storage account and the service's counts, and listed.

Memory stays flat: outcomes are read one after the other beside a listing in the same order, twice: once to count, and
once to list the files in the manifest when it is known how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from export_function.derived import write_index
from export_function.erased_meanwhile import ErasedMeanwhile, marks_seen
from export_function.leftovers import Written, remove_account, remove_leftovers
from export_function.manifest import left_out, manifest_of, status_of, stores_of
from export_function.moved_lists import has_moved
from export_function.plan import IMAGES, found_counts
from export_function.rounds import counted_last, outcomes_of
from export_function.unit_work import failure, gap
from export_function.unread import came_meanwhile, unread_of
from export_function.vanished import STORE as ITERATIONS
from export_function.written_pictures import PICTURES, Listing, is_there, kind_of_picture, store_of_picture
from export_function.zip_parts import PartAssigner, needs_of
from shared.domain.canonical import readable
from shared.domain.receipt import Ending
from shared.domain.record import MAX_FAILURES, RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import Counts, UnitOutcome, add_counts
from shared.file_pages import MANIFEST, write_pages
from shared.services import Services
from shared.tombstones import Marks

type Json = dict[str, Any]
type Row = Mapping[str, Any]

SPARED = "it was left out for an erasure that then did not erase it"


@dataclass(frozen=True, kw_only=True)
class Closed:
    """
    A package with its manifest.

    `ending`: how the export ends; `parts`: those that its zips will have (none without zips); `tombstones`: the state
    of what erasures took away that was seen.
    """

    ending: Ending
    parts: Sequence[Json]
    tombstones: str


@dataclass
class Closing:
    """Gathers what one export's units left behind."""

    services: Services
    record: RequestRecord
    request: SubjectRequest
    plan: Json
    counts: Counts = field(default_factory=dict)
    gaps: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    erased_items: int = 0
    _vanished: set[str] = field(default_factory=set)
    is_lacking: bool = False
    """Whether something came after the last reading: a list that did not stand still to the end."""

    @property
    def request_id(self) -> str:
        """The request's id."""
        return self.record.subject_request_id

    @cached_property
    def _erased(self) -> ErasedMeanwhile:
        """What erasures have taken away by now; it is taken out of the package when it is first asked for."""
        formats = self.request.options["formats"]
        return ErasedMeanwhile.taken_out(self.services, self.record, self.plan, formats, self._marks)

    @cached_property
    def _marks(self) -> Marks:
        """The last look at the tombstones: what comes after it, the erasure cleans itself."""
        return marks_seen(self.services, self.plan)

    @cached_property
    def _projects(self) -> list[Json]:
        """The planned projects but those that an erasure takes away as a whole."""
        return [project for project in self.plan["projects"] if project["id"] not in self._erased.whole_projects]

    @cached_property
    def _caught_up(self) -> list[Json]:
        """What the further rounds brought to those projects."""
        left = {project["id"] for project in self._projects}
        return [entry for entry in self.record.notes.get("caught_up", ()) if entry["project_id"] in left]

    def close(self) -> Closed:
        """Check, derive the pages for people, list everything in the manifest, and say how the export ends."""
        self._count()
        stores = stores_of(self.counts, self._service_counts())
        created = rfc3339(self.record.phase_time or self.services.now())  # the same however often this is repeated
        head = manifest_of(
            self.request,
            request_id=self.request_id,
            created_time=created,
            stores=stores,
            gaps=self.gaps,
            files=(),
            erased=self.erased_items,
        )
        index = write_index(self.services.packages, self.request_id, manifest_head=head, gaps=self.gaps, time=created)
        parts = self._list_files(head, index)
        stable = all(project["stable"] for project in self.plan["projects"]) and not self.is_lacking
        status, reason = status_of(stores, self.gaps, narrowed=self.request.narrowed, lists_stable=stable)
        ending = Ending(
            status=status,
            reason=reason,
            stores=stores,
            failures=self.failures[:MAX_FAILURES],
            looked_at=self._looked_at(),
        )
        return Closed(ending=ending, parts=parts, tombstones=self._marks.state)

    def _count(self) -> None:
        """Add up all outcomes, look for every picture in the storage account, and compare with the service's counts."""
        self.counts = found_counts({"projects": self._projects})
        for entry in self._caught_up:
            self.counts = add_counts(self.counts, {store: {"found": n} for store, n in entry["counts"].items()})
        self._count_whole_projects()
        for project in self._projects:
            self._count_units(project)
        self._count_extra_units()
        for project in self._projects:
            self._reconcile(project)
        for unread, failed in unread_of(self.plan):
            self.counts = add_counts(self.counts, {unread["store"]: {"not_available": 1}})
            self.gaps.append(unread)
            self.failures.append(failed)
        if self.request.projects == "all" and not self.request.narrowed:
            came = came_meanwhile(self.services, self.record, self.plan)
            self.gaps.extend(came)
            self.is_lacking |= bool(came)
        self.gaps.extend(left_out(self.request))

    def _count_units(self, project: Json) -> None:
        listings, written, lost = self._listings(project), Written(), set[tuple[str, str]]()
        for outcome in self._outcomes(project):
            self._count_outcome(outcome)
            written.see(outcome)
            self._count_erased(project["id"], outcome)
            for row in outcome.files:
                if not self._erased.is_gone(row) and not is_there(row, listings):
                    lost.add(self._lost(row))
        written.settle(lambda: self._outcomes(project))
        written.missing |= lost
        remove_leftovers(self.services.packages, self.request_id, project["id"], written)

    def _count_extra_units(self) -> None:
        listed, lacking = set[str](), False
        for outcome in self._extra_outcomes():
            self._count_outcome(outcome)
            listed |= {row["path"] for row in outcome.files}
            lacking |= bool(outcome.failures or outcome.gaps)
        if lacking:
            remove_account(self.services.packages, self.request_id, listed)

    def _count_outcome(self, outcome: UnitOutcome) -> None:
        self.counts = add_counts(self.counts, outcome.counts)
        self.gaps.extend(dict(entry) for entry in outcome.gaps if not self._is_named(entry))
        self.failures.extend(dict(entry) for entry in outcome.failures[: MAX_FAILURES - len(self.failures)])

    def _is_named(self, entry: Row) -> bool:
        """Whether another unit of the same iteration has named it as deleted."""
        if (entry["store"], entry["code"]) != (ITERATIONS, "vanished"):
            return False
        before = len(self._vanished)
        self._vanished.add(entry["id"])
        return len(self._vanished) == before

    def _count_whole_projects(self) -> None:
        gone = self._erased.whole_projects
        counts = [project["counts"] for project in self.plan["projects"] if project["id"] in gone]
        counts += [e["counts"] for e in self.record.notes.get("caught_up", ()) if e["project_id"] in gone]
        self.erased_items += sum(count.get(store, 0) for count in counts for store, _ in PICTURES.values())

    def _count_erased(self, project_id: str, outcome: UnitOutcome) -> None:
        """Take what an erasure took away out of the counts; what was left out for one that then did not is missing."""
        for row in outcome.files:
            store = store_of_picture(row)
            if store and self._erased.is_gone(row):
                self._move(store, found=-1, written=-1)
        for store, item_id, is_right in self._erased.left_out(project_id, outcome):
            if is_right:
                self._move(store, found=-1)
            else:
                self.counts = add_counts(self.counts, {store: {"failed": 1}})
                self.gaps.append(gap(store, item_id, "list_moved", SPARED))
                self.failures.append(failure(store, item_id, "list_moved", None, "erasure"))

    def _move(self, store: str, **words: int) -> None:
        self.counts = add_counts(self.counts, {store: words})
        self.erased_items += 1

    def _extra_outcomes(self) -> Iterator[UnitOutcome]:
        return self.services.ledger.outcomes(self.request_id, self.plan["extra_units"])

    def _outcomes(self, project: Json) -> Iterator[UnitOutcome]:
        """Read the outcomes of a project's units, then those of the rounds that caught up."""
        return outcomes_of(self.services, self.record, project)

    def _rows(self) -> Iterator[Row]:
        """Give the rows of all files that are really there as announced."""
        for project in self._projects:
            listings = self._listings(project)
            for outcome in self._outcomes(project):
                left = (row for row in outcome.files if not self._erased.is_gone(row))
                yield from (self._erased.as_it_is(row) for row in left if is_there(row, listings))
        for outcome in self._extra_outcomes():
            yield from outcome.files

    def _listings(self, project: Json) -> dict[str, Listing]:
        """Give what there is of a project's pictures, by the name of their id, to be walked once."""
        return {
            name: Listing(self.services, self.request_id, project["id"], folder)
            for name, (_, folder) in PICTURES.items()
        }

    def _lost(self, row: Row) -> tuple[str, str]:
        """Name a picture that is not there as it was announced, and give its store and id."""
        name = kind_of_picture(row) or ""
        store, item_id = PICTURES[name][0], row["ids"][name]
        self.counts = add_counts(self.counts, {store: {"written": -1, "failed": 1}})
        self.gaps.append(gap(store, item_id, "copy_refused", "the copy is not in the storage account as announced"))
        self.failures.append(failure(store, item_id, "copy_refused", None, "Copy Blob From URL"))
        return store, item_id

    def _reconcile(self, project: Json) -> None:
        """Name what could not be listed, and lists that still have another count than the package."""
        for entry in project["refused"]:
            self.counts = add_counts(self.counts, {entry["store"]: {"not_available": 1}})
            self.gaps.append(gap(entry["store"], entry["id"], entry["code"], f"{entry['operation']} was refused"))
            self.failures.append(entry)
        if self.request.narrowed:
            return
        if not project["stable"]:
            self.gaps.append(
                gap(IMAGES, project["id"], "list_moved", "the lists never stood still while they were read")
            )
        elif has_moved(self.services, self.record, project):
            self.is_lacking |= has_moved(self.services, self.record, project, only_grown=True)
            detail = "images or iterations came or went while the export ran; what came was exported as far as possible"
            self.gaps.append(gap(IMAGES, project["id"], "list_moved", detail))

    def _list_files(self, head: Json, index: Sequence[Row]) -> list[Json]:
        """Write the manifest and its pages, with the zip that each file will be in; gives the parts of the zips."""
        assigner = PartAssigner(needs_of(self._listed(index))) if self.request.options["package"] == "zip" else None
        rows = map(assigner.assign, self._listed(index)) if assigner else self._listed(index)
        pages = write_pages(self.services.packages, self.request_id, rows)
        manifest = head | {"files": pages}
        self.services.packages.write_plain(self.request_id, MANIFEST, readable(manifest))
        parts = assigner.parts.values() if assigner else ()
        return [{"part": part.number, "first": part.first, "last": part.last} for part in parts]

    def _listed(self, index: Sequence[Row]) -> Iterator[Row]:
        yield from index
        yield from self._rows()

    def _service_counts(self) -> dict[str, int | None]:
        if self.request.narrowed:
            return {}
        return {IMAGES: sum(counted_last(self.record, project) for project in self._projects)}

    def _looked_at(self) -> dict[str, int]:
        return {
            "projects": len(self.plan["projects"]),
            "iterations": sum(len(project["sources"]) - 1 for project in self.plan["projects"]),
            "images": sum(project["looked_at"] for project in self.plan["projects"]),
        }
