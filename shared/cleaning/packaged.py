"""
Which of some items earlier packages hold although the service has them no longer.

Asked while an erasure is planned, for ids that no list of the service shows: the picture of somebody that was deleted
by hand, or a stored prediction that the service has dropped after its 30 days, still lies in what was exported before.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from shared.cleaning.held_ids import may_hold
from shared.cleaning.passing import exports_kept
from shared.cleaning.searching import held_of
from shared.domain.record import RequestRecord
from shared.domain.work import WorkUnit
from shared.services import Services
from shared.tombstones import Tombstones

_PAGE = re.compile(r".+/plan/\d{5,}\.jsonl")
_STORE_OF_UNIT = {"images": "images", "iteration_images": "images", "predictions": "predictions"}


@dataclass
class Packaged:
    """What packages hold of one project; `resource` is the host that it was exported from, `packages` which ones."""

    resource: str
    items: Tombstones = field(default_factory=Tombstones)
    packages: set[str] = field(default_factory=set)

    def add(self, package_id: str, items: Tombstones) -> None:
        """Take in what one package holds."""
        self.items.add(items)
        self.packages.add(package_id)


def find_packaged(
    services: Services, wanted: Tombstones, projects: Collection[str] | None, exempt: Collection[str]
) -> dict[str, Packaged]:
    """
    Find which of the wanted ids packages hold, or will hold when their export ends; by project.

    `projects` narrows to some, None means every project of any package; `exempt` packages are left out. Of a package
    that has ended its rows and pictures count, of an export that runs its plan: what it has yet to read of an item that
    is gone it will not find. Reads one index of ids for each package and project, and the rows only where it has one
    of the ids. May raise `StorageUnavailable`.
    """
    found: dict[str, Packaged] = {}
    for record in exports_kept(services, projects) if wanted else ():
        if record.subject_request_id in exempt or services.has_expired(record):
            continue
        plan = services.ledger.plan(record.subject_request_id)
        for project in plan["projects"] if plan else ():
            if projects is None or project["id"] in projects:
                held = _held(services, record, project["id"], wanted)
                if held:
                    of_project = found.setdefault(project["id"], Packaged(project["resource"]))
                    of_project.add(record.subject_request_id, held)
    return found


def _held(services: Services, record: RequestRecord, project_id: str, wanted: Tombstones) -> Tombstones:
    package_id = record.subject_request_id
    if not record.status.is_final:
        return _planned(services, package_id, project_id, wanted)
    if not may_hold(services, package_id, project_id, wanted):
        return Tombstones()
    held = held_of(services.packages, package_id, {project_id: wanted})
    return Tombstones(images=held.images, predictions=held.predictions)


def _planned(services: Services, package_id: str, project_id: str, wanted: Tombstones) -> Tombstones:
    found = Tombstones()
    for unit in planned_units(services, package_id):
        store = _STORE_OF_UNIT.get(unit.kind)
        if store and unit.project_id == project_id:
            of_store, sought = getattr(found, store), getattr(wanted, store)
            of_store.update(sought.intersection(unit.item_ids))
    return found


def is_of_images(unit: WorkUnit) -> bool:
    """Whether an export's unit is about images, of the workspace or of an iteration."""
    return _STORE_OF_UNIT.get(unit.kind) == "images"


def planned_units(services: Services, package_id: str) -> Iterator[WorkUnit]:
    """Give every page of an export's plan, those that further rounds have added included."""
    blobs = services.ledger.blobs
    for entry in blobs.entries(f"{package_id}/plan/"):
        blob = blobs.read(entry.name) if _PAGE.fullmatch(entry.name) else None
        if blob is not None:
            yield WorkUnit.from_page(blob.content)
