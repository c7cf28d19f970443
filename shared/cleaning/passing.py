"""Running the pass that a package waits for, whoever asks for it."""

from __future__ import annotations

from collections.abc import Iterator

from shared.cleaning.cleaning_pass import CleaningPass, Rebuild
from shared.cleaning.journal import Journal, Lease, read
from shared.cleaning.places import Erased
from shared.domain.errors import UnknownRequest
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.services import Services
from shared.tombstones import of_erasures


def run_pass(services: Services, package_id: str, rebuild: Rebuild) -> bool:
    """
    Go on with a package's pass, or begin one if erasures wait; False if somebody is at it, or it is not finished yet.

    Errors: `Superseded` if the lease was lost meanwhile, `StorageUnavailable`.
    """
    lease = Lease.claim(services.ledger.blobs, services.clock, package_id)
    if lease is None:
        return False
    erased = _erased_by(services, lease.journal)
    is_finished = CleaningPass(lease, services.packages, erased, rebuild, services.clock).run()
    _remove_if_expired(services, package_id)
    return is_finished


def finish_open_passes(services: Services, rebuild: Rebuild) -> int:
    """
    Go on with every pass that is open and that nobody is at: its erasure may have come to an end without it.

    For a timer; gives how many packages were finished. One listing of the index, and two reads for each export that
    has not expired.
    """
    return sum(run_pass(services, package_id, rebuild) for package_id, _ in open_journals(services))


def open_journals(services: Services) -> Iterator[tuple[str, Journal]]:
    """Give the packages for which a pass is waited for or underway."""
    for record in exports_kept(services):
        journal = read(services.ledger.blobs, record.subject_request_id)
        if journal.is_open and record.status.is_final and not services.has_expired(record):
            yield record.subject_request_id, journal


def exports_kept(services: Services) -> Iterator[RequestRecord]:
    """Give the records of all exports that run or have ended and not expired; the cancelled ones are left out."""
    for entry in services.ledger.index():
        if entry.type.is_export and entry.state != "expired":
            try:
                record = services.ledger.read(entry.request_id).record
            except UnknownRequest:
                continue
            if services.ledger.is_indexed_by(record, entry) and record.status is not RequestStatus.CANCELLED:
                yield record


def _erased_by(services: Services, journal: Journal) -> Erased:
    """Give what the erasures of a pass take away of the package's projects."""
    blobs, batch = services.ledger.blobs, journal.batch
    projects = {project_id for found in batch.values() for project_id in found["projects"]}
    return {project_id: of_erasures(blobs, project_id, batch.keys()) for project_id in projects}


def _remove_if_expired(services: Services, package_id: str) -> None:
    """Retention may have removed the package in the middle: then nothing of it may stay that was written since."""
    if services.has_expired(services.ledger.read(package_id).record):
        services.packages.delete_package(package_id)
