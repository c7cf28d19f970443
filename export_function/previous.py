"""
The package before of a scheduled export: found in the ledger, and what of it can be taken over.

A picture is taken over where the service still gives the same id and creation time; its bytes are then copied inside
the storage account. A model is taken over where its link is dead by now. Every package is complete by itself: nothing
in it points to another.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from export_function.plan import IMAGES, ITERATION_IMAGES
from export_function.unit_work import UnitWork
from shared.domain.errors import DamagedRecord, Superseded, UnknownRequest
from shared.domain.receipt import Ending
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import rfc3339
from shared.domain.work import UnitOutcome, kind_of
from shared.file_pages import MANIFEST, manifest_of_package
from shared.packages import package_prefix, project_path
from shared.services import Services

ABOUT_TO_EXPIRE = timedelta(minutes=15)
"""
Longer than retention may take to remove a package that it has found expired (host.json `functionTimeout`).

A monthly schedule meets its package before about when that expires: to move the expiry on then would come too late.
"""

USABLE = frozenset({RequestStatus.COMPLETED, RequestStatus.PARTIALLY_COMPLETED})


def find_previous(services: Services, record: RequestRecord) -> RequestRecord | None:
    """Give the newest export of the same series that has a package of its own which has not expired."""
    series = record.notes.get("series")
    if series is None:
        return None
    for entry in services.ledger.index():
        if entry.state != "final" or not entry.type.is_export or entry.request_id == record.subject_request_id:
            continue
        other = _read(services, entry.request_id)
        if other and other.notes.get("series") == series and _has_package(services, other):
            return other
    return None


def _has_package(services: Services, record: RequestRecord) -> bool:
    """Whether an export has a package of its own that is still there, and will be while it is worked with."""
    if record.status not in USABLE or record.unchanged_since:
        return False
    if services.expiry_of(record) - services.now() < ABOUT_TO_EXPIRE:
        return False
    return services.packages.read(record.subject_request_id, MANIFEST) is not None


def is_unchanged(services: Services, before: RequestRecord, plan: Mapping[str, Any]) -> bool:
    """Whether all accounts, all projects and all their rows are those of the package before, which must be complete."""
    if plan.get("unread") or None in _fingerprints(plan).values():
        return False
    if before.status is not RequestStatus.COMPLETED or _has_lost_items(services, before):
        return False
    earlier = services.ledger.plan(before.subject_request_id) or {"projects": []}
    return _fingerprints(earlier) == _fingerprints(plan)


def _has_lost_items(services: Services, record: RequestRecord) -> bool:
    """Whether erasures took anything out of the package: some of it may have been spared since, and belong in again."""
    manifest = manifest_of_package(services.packages, record.subject_request_id)
    return manifest is None or manifest["erased_on_request"] > 0


def _fingerprints(plan: Mapping[str, Any]) -> dict[str, str | None]:
    of_projects = {project["id"]: project.get("fingerprint") for project in plan["projects"]}
    return of_projects | {"account": plan.get("account_fingerprint")}


def prolong(services: Services, before: RequestRecord) -> None:
    """Let the package before expire as late as one that had been made now; of two writers one is enough."""
    current = services.ledger.read(before.subject_request_id)
    notes = {**current.record.notes, "kept_since": rfc3339(services.now())}
    try:
        services.ledger.write(current, current.record.evolve(services.now(), notes=notes))
    except Superseded:
        return


def unchanged_ending(before: RequestRecord) -> Ending:
    """Give the end of a run that found nothing changed: complete, with the counts of the package that stands for it."""
    return Ending(status=RequestStatus.COMPLETED, stores=before.counts)


def _read(services: Services, request_id: str) -> RequestRecord | None:
    try:
        return services.ledger.read(request_id).record
    except (UnknownRequest, DamagedRecord):
        return None


@dataclass(frozen=True, kw_only=True)
class PreviousPackage:
    """
    What one project of the package before holds.

    `runs` of ascending ids as they were planned; `later`: units that brought what came meanwhile, with their rounds.
    """

    services: Services
    request_id: str
    runs: Sequence[Mapping[str, Any]]
    later: Sequence[tuple[str, int]] = ()

    @classmethod
    def of(cls, services: Services, request_id: str, project_id: str) -> PreviousPackage | None:
        """Open a project of a package; None if the package does not hold it."""
        plan = services.ledger.plan(request_id) or {"projects": []}
        project = next((project for project in plan["projects"] if project["id"] == project_id), None)
        if project is None:
            return None
        runs = [run for run in project.get("runs", ()) if kind_of(run["unit"]) in (IMAGES, ITERATION_IMAGES)]
        return cls(services=services, request_id=request_id, runs=runs, later=_later(services, request_id, project_id))

    def pictures(self, image_ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Give the manifest rows of those of some images (ascending ids) whose bytes the package holds."""
        wanted = set(image_ids)
        found: dict[str, Mapping[str, Any]] = {}
        for outcome in self._outcomes(image_ids):
            for row in outcome.files:
                image_id = row["ids"].get("image_id")
                if image_id in wanted:
                    found[image_id] = row
        return found

    def _outcomes(self, image_ids: Sequence[str]) -> Iterator[UnitOutcome]:
        """Read the outcomes of the units whose run of ids meets the wanted one."""
        if not image_ids:
            return
        for source in {run["source"] for run in self.runs}:
            runs = [run for run in self.runs if run["source"] == source]
            firsts = [run["first"] for run in runs]
            begin = max(bisect_right(firsts, image_ids[0]) - 1, 0)
            end = bisect_right(firsts, image_ids[-1])
            units = [run["unit"] for run in runs[begin:end]]
            yield from self.services.ledger.outcomes(self.request_id, units)
        yield from self.services.ledger.outcomes_by_round(self.request_id, self.later)


def _later(services: Services, request_id: str, project_id: str) -> list[tuple[str, int]]:
    """Give the units with images that further rounds of an export have added to a project."""
    record = _read(services, request_id)
    entries = record.notes.get("caught_up", ()) if record else ()
    added = (
        (unit, entry["round"]) for entry in entries if entry["project_id"] == project_id for unit in entry["units"]
    )
    return [(unit, round_) for unit, round_ in added if kind_of(unit) in (IMAGES, ITERATION_IMAGES)]


@dataclass(frozen=True, kw_only=True)
class PreviousIteration:
    """
    What the package before holds of one iteration.

    `created`: the iteration's creation time as it stands there; `models`: the blobs of its exported models.
    """

    created: str
    models: Sequence[str]

    @classmethod
    def of(cls, work: UnitWork) -> PreviousIteration | None:
        """Look at the unit's iteration in the package before; None without one, or if it does not hold that."""
        before = work.record.notes.get("previous")
        packages = work.services.packages
        folder = project_path(work.project_id, work.folder)
        details = packages.read(before, f"{folder}iteration.json") if before else None
        if before is None or details is None:
            return None
        blobs = packages.blobs.entries(package_prefix(before) + f"{folder}models/")
        return cls(created=str(json.loads(details).get("created")), models=[entry.name for entry in blobs])

    def model(self, kind: str) -> str | None:
        """Give the blob of the one model of a kind (its name without number and ending), None if there is not one."""
        of_kind = [blob for blob in self.models if _kind_of_model(blob) == kind]
        return of_kind[0] if len(of_kind) == 1 else None


def _kind_of_model(blob: str) -> str:
    stem = blob.rpartition("/")[2].rpartition(".")[0]
    return stem.partition("-")[2]
