"""Running the pass that a package waits for, whoever asks for it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from shared.cleaning.cleaning_pass import CleaningPass, Rebuild
from shared.cleaning.journal import Journal, Lease, read, reopen
from shared.cleaning.places import Erased
from shared.domain.canonical import canonical
from shared.domain.errors import AlreadyExists, DamagedRecord, Superseded, UnknownRequest
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.services import Services
from shared.tombstones import Tombstones, of_erasures


def run_pass(services: Services, package_id: str, rebuild: Rebuild) -> bool:
    """
    Go on with a package's pass, or begin one if erasures wait; False if somebody is at it, or it is not finished yet.

    Errors: `Superseded` if the lease was lost meanwhile, `StorageUnavailable`.
    """
    lease = Lease.claim(services.ledger.blobs, services.clock, package_id)
    if lease is None:
        return False
    wanted = _Wanted(services, package_id, lease.journal)
    is_finished = CleaningPass(lease, services.packages, wanted.erased(), rebuild, services.clock).run()
    if is_finished:
        wanted.forget()
    _remove_if_expired(services, package_id)
    return is_finished


def finish_open_passes(services: Services, rebuild: Rebuild) -> int:
    """
    Go on with every pass that is open and that nobody is at: its erasure may have come to an end without it.

    For a timer; gives how many packages were finished. One listing of the index, and two reads for each export that
    has not expired. A package of which somebody else has taken hold meanwhile is left to them.
    """
    finished = 0
    for package_id, _ in open_journals(services):
        try:
            finished += run_pass(services, package_id, rebuild)
        except Superseded:
            continue
    return finished


def clean_again(services: Services, package_id: str, rebuild: Rebuild) -> None:
    """
    Clean a package once more for all that have cleaned it, since something older was written into it afterwards.

    Nothing is done where it was never cleaned. What this does not finish `finish_open_passes` goes on with.
    """
    plan = services.ledger.plan(package_id) or {"projects": []}
    if reopen(services.ledger.blobs, package_id, {project["id"] for project in plan["projects"]}):
        run_pass(services, package_id, rebuild)


def open_journals(services: Services) -> Iterator[tuple[str, Journal]]:
    """Give the packages for which a pass is waited for or underway."""
    for record in exports_kept(services):
        journal = read(services.ledger.blobs, record.subject_request_id)
        if journal.is_open and record.status.is_final and not services.has_expired(record):
            yield record.subject_request_id, journal


def exports_kept(services: Services, projects: Collection[str] | None = None) -> Iterator[RequestRecord]:
    """
    Give the records of all exports that run or have ended and not expired; the cancelled ones are left out.

    `DamagedRecord` after all others: whether its package holds something of some projects (None: of any) cannot be
    told, and no other waits for it.
    """
    damaged: list[str] = []
    yield from readable_exports(services, damaged)
    for package_id in damaged:
        if projects is None or may_be_about(services, package_id, projects):
            raise DamagedRecord(package_id)


def may_be_about(services: Services, package_id: str, projects: Collection[str]) -> bool:
    """Whether an export's plan names one of some projects; without a plan, or with a damaged one, it may be any."""
    try:
        plan = services.ledger.plan(package_id)
    except DamagedRecord:
        return True
    return plan is None or any(project["id"] in projects for project in plan["projects"])


def readable_exports(services: Services, damaged: list[str]) -> Iterator[RequestRecord]:
    """Give the same records; ids of exports whose record cannot be read are added to `damaged`."""
    for entry in services.ledger.index():
        if entry.type.is_export and entry.state != "expired":
            try:
                record = services.ledger.read(entry.request_id).record
            except UnknownRequest:
                continue
            except DamagedRecord:
                damaged.append(entry.request_id)
                continue
            if services.ledger.is_indexed_by(record, entry) and record.status is not RequestStatus.CANCELLED:
                yield record


@dataclass(frozen=True)
class _Wanted:
    """
    What a pass takes away, as it was when the pass began (`{package}/plan/cleaning-NNNNN`).

    A pass may be finished by others long after, when tombstones have been withdrawn or removed; half of it must not
    stay in the package for that.
    """

    services: Services
    package_id: str
    journal: Journal

    def erased(self) -> Erased:
        """Give it, by project."""
        blobs = self.services.ledger.blobs
        blob = blobs.read(self._name)
        if blob is None:
            try:
                blobs.create(self._name, canonical(self._standing()))
            except AlreadyExists:
                return self.erased()
            blob = blobs.read(self._name)
        kept = json.loads(blob.content) if blob else {}
        return {
            project_id: Tombstones(one["whole"], set(one["images"]), set(one["predictions"]), set(one.get("tags", ())))
            for project_id, one in kept.items()
        }

    def forget(self) -> None:
        """Remove it: the pass is finished."""
        self.services.ledger.blobs.delete(self._name)

    @property
    def _name(self) -> str:
        return f"{self.package_id}/plan/cleaning-{self.journal.passes:05d}"

    def _standing(self) -> dict[str, Any]:
        batch = self.journal.batch
        projects = {project_id for found in batch.values() for project_id in found["projects"]}
        return {project_id: self._of_project(project_id) for project_id in projects}

    def _of_project(self, project_id: str) -> dict[str, Any]:
        found = of_erasures(self.services.ledger.blobs, project_id, self.journal.batch.keys())
        items = {"images": found.images, "predictions": found.predictions, "tags": found.tags}
        return {"whole": found.whole} | {word: sorted(ids) for word, ids in items.items()}


def _remove_if_expired(services: Services, package_id: str) -> None:
    """Retention may have removed the package in the middle: then nothing of it may stay that was written since."""
    if services.has_expired(services.ledger.read(package_id).record):
        services.packages.delete_package(package_id)
