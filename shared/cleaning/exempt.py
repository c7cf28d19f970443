"""Which of the packages that an erasure shall leave alone are there, and hold something that it is about."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from shared.cleaning.finding import holds_files_of
from shared.domain.errors import UnknownRequest
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.services import Services


def exempt_packages(
    services: Services, erasure_id: str, named: Collection[str], projects: Collection[str] | None
) -> dict[str, datetime | None]:
    """
    Give those of the named requests that keep a package of some projects (None: of any), with the time of its end.

    That is None for an export that still runs. What is no export, is not there, was cancelled, has expired or is about
    other projects keeps nothing, and is left out. May raise `StorageUnavailable`.
    """
    found: dict[str, datetime | None] = {}
    for package_id in named:
        record = _export(services, package_id)
        if record is not None and _keeps(services, erasure_id, record, projects):
            found[package_id] = services.expiry_of(record) if record.status.is_final else None
    return found


def _export(services: Services, package_id: str) -> RequestRecord | None:
    try:
        record = services.ledger.read(package_id).record
    except UnknownRequest:
        return None
    return record if record.is_export else None


def _keeps(services: Services, erasure_id: str, record: RequestRecord, projects: Collection[str] | None) -> bool:
    gone = record.status in (RequestStatus.CANCELLED, RequestStatus.CANCELLING) or services.has_expired(record)
    plan = None if gone else services.ledger.plan(record.subject_request_id)
    if gone or plan is None:
        return not gone and not record.status.is_final
    planned = {project["id"] for project in plan["projects"]}
    concerned = planned if projects is None else planned.intersection(projects)
    if not record.status.is_final:
        return bool(concerned)
    return holds_files_of(services, erasure_id, record.subject_request_id, concerned)
