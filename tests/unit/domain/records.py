"""Records for tests, and the moments of their changes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, RequestType

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
NINE = datetime(2026, 11, 24, 9, tzinfo=UTC)


def later(minutes: float) -> datetime:
    """Give a time after nine o'clock."""
    return NINE + timedelta(minutes=minutes)


def new_record(**changes: Any) -> RequestRecord:
    """Give a record as it is when its request has just been accepted."""
    facts: dict[str, Any] = {
        "subject_request_id": ID,
        "subject_request_type": RequestType.ERASURE,
        "regulation": "gdpr",
        "status": RequestStatus.PENDING,
        "received_time": NINE,
        "expected_completion_time": NINE + timedelta(days=30),
        "updated_time": NINE,
        "body_salt": "salt",
        "body_hash": "hash",
        "origin": "http",
    }
    return RequestRecord(**facts | changes).evolve(NINE)
