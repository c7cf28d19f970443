"""Answers about requests, read from the ledger."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from itertools import islice
from typing import Any

from shared.acceptance import start
from shared.cleaning import is_being_rebuilt
from shared.domain.errors import (
    Conflict,
    DamagedRecord,
    Gone,
    InvalidRequest,
    StorageUnavailable,
    Superseded,
    UnknownRequest,
    Violation,
)
from shared.domain.fields import unknown_parameters
from shared.domain.identifiers import guid
from shared.domain.phases import counted_phase
from shared.domain.record import RequestRecord
from shared.domain.status_view import status_view, summary_view
from shared.domain.subject_request import RequestStatus, RequestType
from shared.domain.work import kind_of
from shared.finishing import signature_of
from shared.index_entries import IndexEntry
from shared.ledger import Versioned
from shared.reading_ahead import ahead
from shared.services import Services

DEFAULT_LIMIT = 50
MAX_LIMIT = 200
IDS_SHOWN = 1000
MAX_MARKER = 2048
SEAL_BYTES = 6
CANCEL_TRIES = 10
RECORDS_AHEAD = 8


def known_id(text: str) -> str:
    """Give the request id in lower case; `UnknownRequest` if it can be none."""
    request_id = guid(text)
    if request_id is None:
        raise UnknownRequest("there is no such request")
    return request_id


def status(services: Services, request_id: str) -> dict[str, Any]:
    """Give a request with its progress."""
    return view_of(services, services.ledger.read(request_id).record)


def view_of(services: Services, record: RequestRecord) -> dict[str, Any]:
    """Give a record with the progress of its units."""
    tally = services.ledger.tally(record.subject_request_id, counted_phase(record), record.round)
    return status_view(record, tally)


def cancel(services: Services, request_id: str) -> dict[str, Any]:
    """
    Take a request back: an export while it is not final, an erasure until it begins to erase.

    Raises `Conflict` if it is too late. A request that moves on at the same instant is read again.
    """
    for _ in range(CANCEL_TRIES):
        try:
            return _cancel(services, services.ledger.read(request_id))
        except Superseded:
            continue
    raise Conflict("the request moves on too fast to be taken back now; ask again")


def _cancel(services: Services, current: Versioned) -> dict[str, Any]:
    record = current.record
    if record.status in (RequestStatus.CANCELLED, RequestStatus.CANCELLING):
        return view_of(services, record)
    if record.status.is_final:
        raise Conflict(f"the request has ended: {record.status.value}")
    if record.ever_in_progress:
        raise Conflict("the erasure has begun and cannot be taken back")
    cancelling = record.evolve(services.now(), status=RequestStatus.CANCELLING, phase="cancelling")
    services.ledger.write(current, cancelling)
    start(services, cancelling)
    return view_of(services, cancelling)


def plan(services: Services, request_id: str) -> dict[str, Any]:
    """Give the plan as it was frozen, with the first 1,000 ids of each kind per project (exports: none)."""
    record = services.ledger.read(request_id).record
    frozen = services.ledger.plan(request_id)
    if frozen is None or record.plan_hash is None:
        raise Conflict("there is no plan yet" if not record.status.is_final else "the request ended without a plan")
    return {
        "subject_request_id": request_id,
        "plan_hash": frozen["plan_hash"],
        "planned_time": frozen["planned_time"],
        "projects": [_project(services, record, project) for project in frozen["projects"]],
        "residuals": frozen["residuals"],
    }


def _project(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: project[name] for name in ("id", "name", "counts", "iterations")}
    if record.is_export:
        return shown
    return shown | {
        "image_ids": _ids(services, record, _of_kind(project, "images", "listed_images")),
        "conflicting_image_ids": _ids(services, record, project["conflicting_pages"]),
        "prediction_ids": _ids(services, record, _of_kind(project, "predictions")),
    }


def _of_kind(project: Mapping[str, Any], *kinds: str) -> list[str]:
    """Give the pages of some kinds: of a whole project the images stand on pages of evidence."""
    return [unit for unit in [*project["units"], *project["listed_pages"]] if kind_of(unit) in kinds]


def _ids(services: Services, record: RequestRecord, unit_ids: Sequence[str]) -> list[str]:
    units = services.ledger.units(record.subject_request_id, unit_ids)
    return list(islice((item for unit in units for item in unit.item_ids), IDS_SHOWN))


def receipt(services: Services, request_id: str) -> bytes:
    """Give the receipt's exact bytes; `Conflict` before the request is final."""
    record = services.ledger.read(request_id).record
    content = services.ledger.receipt_bytes(request_id) if record.status.is_final else None
    if content is None:
        raise Conflict("the request has not ended yet")
    return content


def signed_receipt(services: Services, request_id: str) -> bytes | None:
    """Give the receipt's JWS, None for an unsigned one; `Conflict` before the request is final."""
    return signature_of(services, request_id, receipt(services, request_id))


def package(services: Services, request_id: str, part: str) -> str:
    """Give the link to a part of a package; the form `none` has no parts but a place, which the conflict names."""
    record = services.ledger.read(request_id).record
    if not record.is_export or record.status is RequestStatus.CANCELLED:
        raise UnknownRequest("the request has no package")
    if not record.status.is_final:
        raise Conflict("the package is not ready yet")
    if services.has_expired(record):
        raise Gone("the package has expired")
    if is_being_rebuilt(services.ledger.blobs, request_id):
        raise Conflict("the package is being rebuilt: an erasure takes items out of it")
    if not part.isascii() or not part.isdigit():
        raise InvalidRequest([Violation("/part", "must be a whole number from 1 on")])
    if record.notes["options"].get("package") != "zip":
        raise Conflict(
            "the package has no zip: its files are in the container",
            container=services.settings.exports_container,
            prefix=f"{record.unchanged_since or request_id}/",
        )
    link = services.packages.part_link(request_id, int(part[:9]), services.now() + services.settings.package_link_life)
    if link is None:
        raise UnknownRequest("the package has no such part")
    return link


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """What a caller wants listed. `type_` and `status` narrow; `continuation` is what the page before gave."""

    status: RequestStatus | None
    type_: RequestType | None
    limit: int
    continuation: str | None

    @classmethod
    def read(cls, params: Mapping[str, str]) -> ListQuery:
        """Read the query; `InvalidRequest` with every violation."""
        violations = unknown_parameters(params, ("status", "type", "limit", "continuation"))
        query = cls(
            status=_word(RequestStatus, params, "status", violations),
            type_=_word(RequestType, params, "type", violations),
            limit=_limit(params.get("limit"), violations),
            continuation=_continuation(params.get("continuation"), violations),
        )
        if violations:
            raise InvalidRequest(violations)
        return query

    def wants(self, record: RequestRecord) -> bool:
        """Whether a request belongs into the answer."""
        return self.status in (None, record.status) and self.type_ in (None, record.subject_request_type)


def list_requests(services: Services, query: ListQuery) -> dict[str, Any]:
    """Give one page of requests, newest first; with a filter it may be short or empty although more follow."""
    entries, following = _index_page(services, query)
    records = ahead(entries, partial(_record_of, services), RECORDS_AHEAD)
    return {
        "requests": [summary_view(record) for record in records if record is not None and query.wants(record)],
        "continuation": continuation_to(following) if following else None,
    }


def _index_page(services: Services, query: ListQuery) -> tuple[Sequence[IndexEntry], str | None]:
    """List a page; a continuation that the storage account never gave is the caller's mistake, and it says so (400)."""
    try:
        return services.ledger.index_page(query.continuation, query.limit)
    except StorageUnavailable as error:
        if query.continuation is None or error.status != HTTPStatus.BAD_REQUEST:
            raise
        raise InvalidRequest([_not_given("/continuation")]) from None


def _not_given(pointer: str) -> Violation:
    return Violation(pointer, "must be what the page before gave")


def _record_of(services: Services, entry: IndexEntry) -> RequestRecord | None:
    """Read the record behind an index entry; None where it was never written, is under another, or is damaged."""
    try:
        record = services.ledger.read(entry.request_id).record
    except (UnknownRequest, DamagedRecord):
        return None
    return record if services.ledger.is_indexed_by(record, entry) else None


def _word[T: (RequestStatus, RequestType)](
    words: type[T], params: Mapping[str, str], name: str, violations: list[Violation]
) -> T | None:
    value = params.get(name)
    if not value:
        return None
    try:
        return words(value)
    except ValueError:
        violations.append(Violation(f"/{name}", f"must be one of {', '.join(word.value for word in words)}"))
        return None


def _limit(text: str | None, violations: list[Violation]) -> int:
    if not text:
        return DEFAULT_LIMIT
    if len(text) <= 6 and text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_LIMIT:
        return int(text)
    violations.append(Violation("/limit", f"must be a whole number from 1 to {MAX_LIMIT}"))
    return DEFAULT_LIMIT


def continuation_to(marker: str) -> str:
    """
    Wrap a marker of the storage account for the caller, with the beginning of its hash.

    Without it a text that was cut off or invented would be taken for a marker: some storage then lists from somewhere,
    or nothing, as if there were no more.
    """
    content = marker.encode()
    return base64.urlsafe_b64encode(_seal(content) + content).decode()


def _seal(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:SEAL_BYTES]


def _continuation(text: str | None, violations: list[Violation]) -> str | None:
    """Read a marker of the storage account: a line of ASCII, since others cannot even be repeated in its answer."""
    if not text:
        return None
    try:
        content = base64.b64decode(text, altchars=b"-_", validate=True)
        marker = content[SEAL_BYTES:].decode("ascii") if _seal(content[SEAL_BYTES:]) == content[:SEAL_BYTES] else ""
    except (binascii.Error, ValueError):
        marker = ""
    if not marker.isprintable() or not 0 < len(marker) <= MAX_MARKER:
        violations.append(_not_given("/continuation"))
        return None
    return marker
