"""Retention: packages and the pages of plans go after EXPORT_RETENTION_DAYS; records and receipts stay."""

from __future__ import annotations

import logging

from shared.domain.errors import DamagedRecord, UnknownRequest
from shared.index_entries import IndexEntry
from shared.services import Services

_log = logging.getLogger(__name__)


def remove_expired(services: Services) -> int:
    """Remove what has expired of every final request; gives how many requests that were."""
    return sum(_expire(services, entry) for entry in services.ledger.index() if entry.state == "final")


def _expire(services: Services, entry: IndexEntry) -> int:
    try:
        record = services.ledger.read(entry.request_id).record
    except UnknownRequest:
        return 0
    except DamagedRecord as error:
        _log.error("%s; its package, if it has one, stays", error)
        return 0
    if not services.has_expired(record):
        return 0
    services.packages.delete_package(entry.request_id)
    services.ledger.delete_pages(entry.request_id)
    services.ledger.mark_in_index(record, "expired")
    return 1
