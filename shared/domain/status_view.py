"""What a caller sees of a request. Pure: a record and the tally of its units in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.phases import is_counting
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import rfc3339
from shared.domain.work import Tally, add_counts


def accepted_view(record: RequestRecord) -> dict[str, Any]:
    """Give the answer to a request that was accepted: the same to whoever sends it again, whatever became of it."""
    return {
        "subject_request_id": record.subject_request_id,
        "subject_request_type": record.subject_request_type.value,
        "request_status": RequestStatus.PENDING.value,
        "received_time": rfc3339(record.received_time),
        "expected_completion_time": rfc3339(record.expected_completion_time),
        **({"retry_of": record.retry_of} if record.retry_of else {}),
    }


def summary_view(record: RequestRecord) -> dict[str, Any]:
    """Give a request as a list shows it: everything but its progress."""
    return {
        "subject_request_id": record.subject_request_id,
        "subject_request_type": record.subject_request_type.value,
        "regulation": record.regulation,
        "request_status": record.status.value,
        "reason": record.reason,
        "retry_of": record.retry_of,
        "unchanged_since": record.unchanged_since,
        "dry_run": record.dry_run,
        "requested_by": dict(record.requested_by) if record.requested_by else None,
        "received_time": rfc3339(record.received_time),
        "expected_completion_time": rfc3339(record.expected_completion_time),
        "updated_time": rfc3339(record.updated_time),
        "completed_time": rfc3339(record.completed_time) if record.completed_time else None,
        "counts": record.counts,
        "failures": [dict(entry) for entry in record.failures],
        "drift": record.drift,
        "links": _links(record),
    }


def status_view(record: RequestRecord, tally: Tally) -> dict[str, Any]:
    """Give a request with its progress; counts move with the units that have their outcome."""
    view = summary_view(record)
    view["progress"] = {
        "phase": record.phase,
        "units_total": max(record.phase_units, len(tally.units)),
        "units_done": len(tally.units),
        "units_failed": len(tally.failed_units),
    }
    if is_counting(record):
        view["counts"] = add_counts(record.counts, tally.counts)
    return view


def _links(record: RequestRecord) -> Mapping[str, str | None]:
    own = f"/api/requests/{record.subject_request_id}"
    has_package = record.is_export and record.status is not RequestStatus.CANCELLED
    return {
        "self": own,
        "plan": f"{own}/plan",
        "receipt": f"{own}/receipt" if record.status.is_final else None,
        "package": f"{own}/package" if has_package else None,
        "export_first": record.notes.get("export_first"),
    }
