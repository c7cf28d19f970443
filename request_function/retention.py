"""Retention: packages and the pages of plans go after EXPORT_RETENTION_DAYS; records and receipts stay."""

from __future__ import annotations

from shared.domain.errors import UnknownRequest
from shared.ledger import IndexEntry
from shared.services import Services


def remove_expired(services: Services) -> int:
    """Remove what has expired of every final request; gives how many requests that were."""
    return sum(_expire(services, entry) for entry in services.ledger.index() if entry.state == "final")


def _expire(services: Services, entry: IndexEntry) -> int:
    try:
        record = services.ledger.read(entry.request_id).record
    except UnknownRequest:
        return 0
    if not services.has_expired(record):
        return 0
    services.packages.delete_package(entry.request_id)
    services.ledger.delete_pages(entry.request_id)
    services.ledger.mark_in_index(record, "expired")
    return 1
