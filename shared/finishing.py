"""The end of a request, in this order: the receipt, the record's final state, then the selector is deleted."""

from __future__ import annotations

from shared.domain.receipt import Ending, receipt_of
from shared.domain.record import MAX_FAILURES, RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import parse_rfc3339
from shared.ledger import Versioned
from shared.services import Services

__all__ = ["Ending", "clean_up", "finish"]


def finish(services: Services, current: Versioned, ending: Ending) -> RequestRecord:
    """
    End a request truthfully, whatever part of it has been done before.

    The receipt that stands decides: status, reason and time of the record are taken from it. Raises `Superseded` if the
    record has changed meanwhile; the message comes again then.
    """
    request_id = current.record.subject_request_id
    receipt = services.ledger.keep_receipt(request_id, receipt_of(current.record, ending, services.now()))
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
    clean_up(services, final)
    return final


def clean_up(services: Services, record: RequestRecord) -> None:
    """Do what follows the final state, again if it must be: names and selector go, the index says final."""
    if record.status is RequestStatus.CANCELLED:
        services.packages.delete_package(record.subject_request_id)
    services.ledger.forget_plan_names(record.subject_request_id)
    services.ledger.delete_selector(record.subject_request_id)
    services.ledger.mark_in_index(record, "final")
