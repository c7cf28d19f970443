"""Removing tombstones that nobody needs any more."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from shared.cleaning.passing import exports_kept, open_journals
from shared.domain.errors import UnknownRequest
from shared.services import Services
from shared.tombstones import CLOCKS_DIFFER_BY, all_pages

SLOWEST_TWIN = timedelta(minutes=10)
"""host.json `functionTimeout`: a second run of a unit may still write so long after its export has ended."""

_NEVER_RECORDED = datetime(1, 1, 1, tzinfo=UTC)


def remove_unneeded(services: Services) -> int:
    """
    Remove the tombstones of erasures that have ended and that no export needs any more; gives how many pages.

    An export needs them if it began before the erasure ended and is not final, or became so within `SLOWEST_TWIN`; so
    does a package whose cleaning for the erasure is not finished.
    """
    pages = list(all_pages(services.ledger.blobs))
    if not pages:
        return 0
    ended = _ends(services, {owner for _, owner in pages} - _in_open_passes(services))
    oldest = _oldest_running_export(services)
    gone = [n for n, o in pages if o in ended and (oldest is None or ended[o] < oldest - CLOCKS_DIFFER_BY)]
    return services.ledger.blobs.delete_all(gone)


def _in_open_passes(services: Services) -> set[str]:
    return {erasure for _, journal in open_journals(services) for erasure in (*journal.waiting, *journal.batch)}


def _ends(services: Services, request_ids: Iterable[str]) -> dict[str, datetime]:
    """Give when those of some erasures that have ended did so."""
    times = {request_id: _end(services, request_id) for request_id in request_ids}
    return {request_id: time for request_id, time in times.items() if time is not None}


def _end(services: Services, request_id: str) -> datetime | None:
    try:
        return services.ledger.read(request_id).record.completed_time
    except UnknownRequest:
        return _NEVER_RECORDED


def _oldest_running_export(services: Services) -> datetime | None:
    """Give when the oldest export began of which a unit may still write."""
    just_now = services.now() - SLOWEST_TWIN
    times = [r.received_time for r in exports_kept(services) if r.completed_time is None or r.completed_time > just_now]
    return min(times, default=None)
