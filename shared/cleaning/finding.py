"""Which packages of this app hold something of some projects, and which exports may still bring it into one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from shared.cleaning.journal import read
from shared.cleaning.passing import may_be_about, readable_exports
from shared.domain.errors import DamagedRecord
from shared.domain.record import RequestRecord
from shared.packages import package_prefix, project_path
from shared.services import Services
from shared.tombstones import CLOCKS_DIFFER_BY


@dataclass
class Exports:
    """
    What a survey found, as ids of requests.

    `packages`: of exports that have ended; `running`: exports that began before a time and have not; `kept`: exempt
    packages that are there, with the time at which they expire; `unread`: exports whose record, plan or journal is
    damaged.
    """

    packages: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    kept: dict[str, datetime] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)

    def add_package(self, package_id: str, kept_until: datetime | None) -> None:
        """Take in a package that is there; `kept_until` is the end of one that is exempt."""
        if kept_until is None:
            self.packages.append(package_id)
        else:
            self.kept[package_id] = kept_until


def survey_exports(
    services: Services, erasure_id: str, project_ids: Collection[str], exempt: Collection[str], since: datetime
) -> Exports:
    """
    Find the exports that concern an erasure in some projects; `since`: when the items were gone from the service.

    An export that begins later finds nothing of them. One without a plan yet may concern any project. Packages that
    have expired or were cancelled do not count. May raise `StorageUnavailable`.
    """
    found, damaged = Exports(), list[str]()
    for record in readable_exports(services, damaged):
        package_id, is_exempt = record.subject_request_id, record.subject_request_id in exempt
        try:
            if not record.status.is_final:
                if not is_exempt and _may_hold(services, record, project_ids, since):
                    found.running.append(package_id)
            elif not services.has_expired(record) and holds_files_of(services, erasure_id, package_id, project_ids):
                found.add_package(package_id, services.expiry_of(record) if is_exempt else None)
        except DamagedRecord:  # its plan, or its journal
            damaged.append(package_id)
    concerned = (one for one in damaged if one not in exempt and may_be_about(services, one, project_ids))
    found.unread = sorted(concerned)
    return found


def _may_hold(services: Services, record: RequestRecord, project_ids: Collection[str], since: datetime) -> bool:
    if record.received_time > since + CLOCKS_DIFFER_BY:
        return False
    return may_be_about(services, record.subject_request_id, project_ids)


def holds_files_of(services: Services, erasure_id: str, package_id: str, project_ids: Collection[str]) -> bool:
    """
    Ask the listing, one call per project that the package's plan names: what lies there counts, of what was planned.

    An export writes nothing of other projects. Asking for them too would be most calls of an erasure in many projects
    where many packages are of few. A package in the middle of a cleaning counts too (its folder may be gone while its
    manifest still lists it), and one that was cleaned for this erasure.
    """
    plan = services.ledger.plan(package_id)
    planned = project_ids if plan is None else {project["id"] for project in plan["projects"]}.intersection(project_ids)
    folders = (package_prefix(package_id) + project_path(project_id, "") for project_id in planned)
    if any(next(iter(services.packages.blobs.entries(folder, page_size=1)), None) for folder in folders):
        return True
    journal = read(services.ledger.blobs, package_id)
    return journal.is_open or erasure_id in journal.done
