"""
Accepting a request: the record first, then what was asked, then the message that starts the work.

Each step may be repeated; a caller that got no answer sends the same request again and gets the same answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.domain.canonical import canonical, keyed_digest
from shared.domain.errors import Conflict
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, RequestType, SubjectRequest
from shared.domain.times import due_time
from shared.domain.work import DELETION_WORK, EXPORT_WORK, WorkMessage
from shared.ledger import Versioned
from shared.services import Services


def work_queue(type_: RequestType) -> str:
    """Give the internal queue on which a request of this type is worked through."""
    return EXPORT_WORK if type_.is_export else DELETION_WORK


def accept(
    services: Services,
    request: SubjectRequest,
    *,
    origin: str,
    verified_requester: str | None = None,
    retry_of: str | None = None,
    notes: Mapping[str, Any] | None = None,
) -> RequestRecord:
    """
    Record a valid request and start it; the same id and body again give the record that stands.

    `request.request_id` must be set; `origin` is http, queue or timer; `verified_requester` is the caller's id where
    the platform has established it; `notes` go into the record. Raises `Conflict` if the id belongs to another request.
    """
    fresh = _new_record(services, request, origin, verified_requester)
    record = replace(fresh, retry_of=retry_of, notes={**fresh.notes, **(notes or {})})
    created = services.ledger.create(record)
    standing = created or services.ledger.read(record.subject_request_id)
    if created is None and not _is_same(services, standing.record, request):
        raise Conflict("this subject_request_id belongs to another request", reason="id_in_use")
    if not standing.record.status.is_final:
        services.ledger.keep_selector(record.subject_request_id, request)
    if standing.record.status is RequestStatus.PENDING:
        start(services, standing.record)
    return standing.record


def start(services: Services, record: RequestRecord) -> None:
    """Send the message that makes a request take its next step."""
    message = WorkMessage(request_id=record.subject_request_id)
    services.queues.send(work_queue(record.subject_request_type), message.to_json())


def wake(services: Services, request_id: str, *, is_export: bool) -> RequestRecord:
    """Make a known request take its next step; `UnknownRequest` or `Conflict` (of the other kind) otherwise."""
    record = services.ledger.read(request_id).record
    if record.is_export is not is_export:
        raise Conflict("this subject_request_id belongs to a request of the other kind", reason="id_in_use")
    if not record.status.is_final:
        start(services, record)
    return record


def body_hash(services: Services, salt: str, request: SubjectRequest) -> str:
    """Give the keyed hash by which a repetition of a request is recognised; the salt is the record's own."""
    return keyed_digest((services.settings.ledger_hash_key or "") + salt, canonical(request.comparable()))


def _is_same(services: Services, record: RequestRecord, request: SubjectRequest) -> bool:
    return secrets.compare_digest(record.body_hash, body_hash(services, record.body_salt, request))


def _new_record(
    services: Services, request: SubjectRequest, origin: str, verified_requester: str | None
) -> RequestRecord:
    now, salt = services.now(), secrets.token_hex(16)
    record = RequestRecord(
        subject_request_id=request.request_id or "",
        subject_request_type=request.type,
        regulation=request.regulation,
        status=RequestStatus.PENDING,
        received_time=now,
        expected_completion_time=due_time(now, request.regulation),
        updated_time=now,
        body_salt=salt,
        body_hash=body_hash(services, salt, request),
        origin=origin,
        submitted_time=request.submitted_time,
        requested_by=_requester(request, verified_requester),
        dry_run=bool(request.options.get("dry_run")),
        level=request.level,
        notes={
            "options": _kept_options(request),
            "narrowed": request.narrowed,
            "predictions": request.wants_predictions,
        },
    )
    return record.evolve(now)


def _requester(request: SubjectRequest, verified: str | None) -> dict[str, Any] | None:
    if verified is not None:
        return {"id": verified, "verified": True}
    return {"id": request.requested_by, "verified": False} if request.requested_by else None


def _kept_options(request: SubjectRequest) -> dict[str, Any]:
    """Options without `confirm`, which holds names; what stays is flags, words and ids."""
    return {name: value for name, value in request.options.items() if name != "confirm"}


def is_planned(current: Versioned) -> bool:
    """Whether a request has got beyond planning."""
    return current.record.status not in (RequestStatus.PENDING, RequestStatus.PLANNING)
