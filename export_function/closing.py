"""
The end of an export: what the units wrote is checked against the storage account and the service's counts, and listed.

Memory stays flat: outcomes are read one after the other beside a listing in the same order, twice: once to count, and
once to list the files in the manifest when it is known how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

from export_function.contents import Contents, Reading
from export_function.derived import write_gallery, write_overview
from export_function.last_look import LastLook, look_again
from export_function.leftovers import Written, remove_account, remove_leftovers
from export_function.manifest import left_out, manifest_of, status_of, stores_of
from export_function.plan import IMAGES, found_counts
from export_function.rounds import counted_last, last_units
from export_function.totals import Totals
from export_function.unit_work import failure, gap
from export_function.unread import unread_of
from export_function.written_pictures import PICTURES, is_there, kind_of_picture, store_of_picture
from export_function.zip_parts import PartAssigner, needs_of
from shared.domain.canonical import readable
from shared.domain.receipt import Ending, looked_at
from shared.domain.record import RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import UnitOutcome, add_counts
from shared.file_pages import MANIFEST, write_pages
from shared.reading_ahead import ahead, begun, together, with_first_read
from shared.services import Services

type Json = dict[str, Any]
type Row = Mapping[str, Any]

PROJECTS_AHEAD = 2
"""Projects whose outcomes and pictures are begun to be read: the one that is counted and the next one."""

SPARED = "it was left out for an erasure that then did not erase it"
MOVED = "images or iterations came or went while the export ran; what came was exported as far as possible"
NOT_SHOWN = "the service counts as many images as were listed, and did not show all of them when they were read"


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
    is_lacking: bool = False
    """Whether something came after the last reading: a list that did not stand still to the end."""

    def __post_init__(self) -> None:
        self._contents = Contents(self.services, self.record, self.request, self.plan)
        self._totals = Totals()
        self._not_shown: set[str] = set()

    @property
    def request_id(self) -> str:
        """The request's id."""
        return self.record.subject_request_id

    def close(self) -> Closed:
        """Check, derive the pages for people, list everything in the manifest, and say how the export ends."""
        created = rfc3339(self.record.phase_time or self.services.now())  # the same however often this is repeated
        totals, packages = self._totals, self.services.packages
        with self._read_early() as reads:
            projects = self._contents.projects
            with begun(lambda: look_again(self.services, self.record, self.request, self.plan, projects)) as look:
                self._count(reads())
                gallery = write_gallery(packages, self.request_id, time=created)
                self._reconcile(look())
        stores = stores_of(totals.counts, self._service_counts())
        head = manifest_of(
            self.request,
            request_id=self.request_id,
            created_time=created,
            stores=stores,
            gaps=totals.gaps,
            files=(),
            erased=totals.erased_items,
        )
        overview, rows = together(
            lambda: write_overview(packages, gallery, manifest_head=head, gaps=totals.gaps),
            lambda: with_first_read(self._contents.rows()),
        )
        parts = self._list_files(head, [overview, *gallery.rows], rows)
        stable = all(project["stable"] for project in self.plan["projects"]) and not self.is_lacking
        status, reason = status_of(stores, totals.gaps, narrowed=self.request.narrowed, lists_stable=stable)
        ending = Ending(
            status=status,
            reason=reason,
            stores=stores,
            failures=totals.failures,
            looked_at=looked_at(self.plan),
        )
        return Closed(ending=ending, parts=parts, tombstones=self._contents.marks.state)

    def _read_early(self) -> AbstractContextManager[Callable[[], Iterator[Reading]]]:
        """Begin to read what the planned projects hold, a few of them ahead, while erasures are looked for."""
        return begun(lambda: with_first_read(ahead(self.plan["projects"], self._contents.read, PROJECTS_AHEAD)))

    def _count(self, reads: Iterator[Reading]) -> None:
        """Add up all outcomes, and look for every picture in the storage account."""
        contents, totals = self._contents, self._totals
        totals.counts = found_counts({"projects": contents.projects})
        for entry in contents.caught_up:
            totals.counts = add_counts(totals.counts, {store: {"found": n} for store, n in entry["counts"].items()})
        totals.erased_items += sum(
            counts.get(store, 0) for counts in contents.counts_of_whole_projects for store, _ in PICTURES.values()
        )
        for project, read in zip(self.plan["projects"], reads, strict=True):
            if project["id"] not in contents.erased.whole_projects:
                self._count_units(project, read)
        self._count_extra_units()

    def _reconcile(self, look: LastLook) -> None:
        """Compare with what the service says now, and name what was not asked for."""
        totals = self._totals
        for project in self._contents.projects:
            self._reconcile_project(project, look)
        for unread, failed in unread_of(self.plan):
            totals.miss(unread, failed, not_available=1)
        totals.gaps.extend(look.came)
        self.is_lacking |= bool(look.came)
        totals.gaps.extend(left_out(self.request))

    def _count_units(self, project: Json, read: Reading) -> None:
        contents, (outcomes, listings) = self._contents, read
        written, lost = Written(), set[tuple[str, str]]()
        latest = last_units(self.record, project)
        for outcome in outcomes:
            self._totals.add(outcome)
            if outcome.details.get("unseen") and outcome.unit_id in latest:
                self._not_shown.add(project["id"])
            written.see(outcome)
            self._count_erased(project["id"], outcome)
            for row in outcome.files:
                if not contents.erased.is_gone(row) and not is_there(row, listings):
                    lost.add(self._lost(row))
        written.settle(lambda: contents.outcomes(project))
        written.missing |= lost
        remove_leftovers(self.services.packages, self.request_id, project["id"], written)

    def _count_extra_units(self) -> None:
        listed, lacking = set[str](), False
        for outcome in self._contents.extra_outcomes():
            self._totals.add(outcome)
            listed |= {row["path"] for row in outcome.files}
            lacking |= bool(outcome.failures or outcome.gaps)
        if lacking:
            remove_account(self.services.packages, self.request_id, listed)

    def _count_erased(self, project_id: str, outcome: UnitOutcome) -> None:
        """Take what an erasure took away out of the counts; what was left out for one that then did not is missing."""
        erased, totals = self._contents.erased, self._totals
        if tags := erased.tags_taken(project_id, outcome):
            totals.count("tags", found=-tags, written=-tags)
        for row in outcome.files:
            store = store_of_picture(row)
            if store and erased.is_gone(row):
                totals.erase(store, found=-1, written=-1)
        for store, item_id, is_right in erased.left_out(project_id, outcome):
            if is_right:
                totals.erase(store, found=-1)
            else:
                missing = gap(store, item_id, "list_moved", SPARED)
                totals.miss(missing, failure(store, item_id, "list_moved", None, "erasure"), failed=1)

    def _lost(self, row: Row) -> tuple[str, str]:
        """Name a picture that is not there as it was announced, and give its store and id."""
        name = kind_of_picture(row) or ""
        store, item_id = PICTURES[name][0], row["ids"][name]
        missing = gap(store, item_id, "copy_refused", "the copy is not in the storage account as announced")
        failed = failure(store, item_id, "copy_refused", None, "Copy Blob From URL")
        self._totals.miss(missing, failed, written=-1, failed=1)
        return store, item_id

    def _reconcile_project(self, project: Json, look: LastLook) -> None:
        """Name what could not be listed, and lists that still have another count than the package."""
        for entry in project["refused"]:
            missing = gap(entry["store"], entry["id"], entry["code"], f"{entry['operation']} was refused")
            self._totals.miss(missing, entry, not_available=1)
        if self.request.narrowed:
            return
        if not project["stable"]:
            self._name_moved(project, "the lists never stood still while they were read")
        elif project["id"] in look.moved:
            self.is_lacking |= project["id"] in look.grown
            self._name_moved(project, MOVED)
        elif project["id"] in self._not_shown:
            self.is_lacking = True
            self._name_moved(project, NOT_SHOWN)

    def _name_moved(self, project: Json, detail: str) -> None:
        self._totals.gaps.append(gap(IMAGES, project["id"], "list_moved", detail))

    def _list_files(self, head: Json, index: Sequence[Row], rows: Iterator[Row]) -> list[Json]:
        """
        Write the manifest and its pages, with the zip that each file will be in; gives the parts of the zips.

        `rows`: those of all files but the pages for people, whose reading has begun.
        """
        listed: Iterator[Row] = chain(index, rows)
        assigner = PartAssigner(needs_of(listed)) if self.request.options["package"] == "zip" else None
        if assigner:
            listed = map(assigner.assign, chain(index, self._contents.rows()))
        pages = write_pages(self.services.packages, self.request_id, listed)
        manifest = readable(head | {"files": pages})
        self.services.packages.write_plain(self.request_id, MANIFEST, manifest)
        parts, digest = assigner.parts.values() if assigner else (), sha256(manifest).hexdigest()
        return [{"part": part.number, "first": part.first, "last": part.last, "manifest": digest} for part in parts]

    def _service_counts(self) -> dict[str, int | None]:
        if self.request.narrowed:
            return {}
        return {IMAGES: sum(counted_last(self.record, project) for project in self._contents.projects)}
