"""The end of a request, in this order: receipt, its signature, the record's final state; then the selector goes."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.domain.errors import ConfigurationError
from shared.domain.planned import nothing_deleted
from shared.domain.receipt import Ending, looked_at, receipt_of
from shared.domain.record import MAX_FAILURES, RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import parse_rfc3339
from shared.domain.work import DELETION_WORK, WorkMessage
from shared.ledger import Versioned
from shared.reading_ahead import together
from shared.services import Services

__all__ = ["Ending", "clean_up", "finish", "signature_of"]

_log = logging.getLogger(__name__)


def finish(services: Services, current: Versioned, ending: Ending) -> RequestRecord:
    """
    End a request truthfully, whatever part of it has been done before.

    The receipt that stands decides: status, reason and time of the record are taken from it. Raises `Superseded` if the
    record has changed meanwhile; the message comes again then.
    """
    request_id = current.record.subject_request_id
    signed = services.receipt_keys.signs
    if ending.looked_at is None:
        ending = _with_plan(ending, current.record, services.ledger.plan(request_id))
    content = services.ledger.keep_receipt(
        request_id, receipt_of(current.record, ending, services.now(), signed=signed)
    )
    _keep_signature(services, request_id, content)
    receipt = json.loads(content)
    completed_time = parse_rfc3339(receipt["completed_time"])
    final = current.record.evolve(
        completed_time,
        status=RequestStatus(receipt["request_status"]),
        reason=receipt["reason"],
        completed_time=completed_time,
        phase=None,
        counts=receipt["stores"],
        failures=tuple(ending.failures)[:MAX_FAILURES],
        drift=receipt["drift"],
    )
    services.ledger.write(current, final)
    _remove_traces(services, final)
    _tell_parent(services, final)
    return final


def _with_plan(ending: Ending, record: RequestRecord, plan: Mapping[str, Any] | None) -> Ending:
    """Take from the plan what an ending does not say; an erasure that names no store has carried out nothing of it."""
    ending = replace(ending, looked_at=looked_at(plan))
    if plan is None or record.plan_hash is None or record.is_export or ending.stores:
        return ending
    unmatched = plan.get("selectors_without_match", 0)
    return replace(ending, stores=nothing_deleted(plan), selectors_without_match=unmatched)


def clean_up(services: Services, record: RequestRecord) -> None:
    """Do what belongs to the final state, again if it must be: the signature, names and selector, the index."""
    content = services.ledger.receipt_bytes(record.subject_request_id)
    if content is not None:
        _keep_signature(services, record.subject_request_id, content)
    _remove_traces(services, record)


def signature_of(services: Services, request_id: str, content: bytes) -> bytes | None:
    """
    Give the JWS of the receipt that stands, made now if a receipt that calls itself signed has none; else None.

    Raises `ConfigurationError` if it is missing and there is no key any more.
    """
    if not json.loads(content)["signed"]:
        return None
    standing = services.ledger.signature(request_id)
    return standing or services.ledger.keep_signature(request_id, services.receipt_keys.sign(content))


def _keep_signature(services: Services, request_id: str, content: bytes) -> None:
    """A key that was taken away between two writes must not keep a request from ending."""
    try:
        signature_of(services, request_id, content)
    except ConfigurationError as error:
        _log.error("request %s: its receipt has no signature yet: %s", request_id, error)


def _tell_parent(services: Services, record: RequestRecord) -> None:
    """Wake the erasure that has waited for this export; it would look again by itself, only later."""
    parent = record.notes.get("parent")
    if parent is not None:
        services.queues.send(DELETION_WORK, WorkMessage(request_id=parent).to_json())


def _remove_traces(services: Services, record: RequestRecord) -> None:
    if record.status is RequestStatus.CANCELLED:
        services.packages.delete_package(record.subject_request_id)
    together(
        lambda: services.ledger.forget_plan_names(record.subject_request_id),
        lambda: services.ledger.delete_selector(record.subject_request_id),
    )
    services.ledger.mark_in_index(record, "final")  # last: until then the watchdog looks after the rest
