"""Saving the pages of a plan that is being made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from shared.domain.work import WorkUnit
from shared.ledger import RequestLedger
from shared.reading_ahead import ahead

PAGES_AT_ONCE = 8


def save_pages(ledger: RequestLedger, request_id: str, units: Iterable[WorkUnit], number: int) -> Iterator[WorkUnit]:
    """
    Save units as pages under free numbers from `number` on, and give them with their numbers, in their order.

    A few pages are written at once, but the first one alone: it finds where the pages end that an earlier planner may
    have left, so that the others need not look for it each. Memory: the pages under way.
    """
    ordered = iter(units)
    for first in ordered:
        saved = ledger.save_page(request_id, replace(first, number=number))
        yield saved
        following = (replace(unit, number=at) for at, unit in enumerate(ordered, start=saved.number + 1))
        yield from ahead(following, partial(ledger.save_page, request_id), PAGES_AT_ONCE)
