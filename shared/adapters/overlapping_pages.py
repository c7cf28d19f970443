"""
Paging by offset over an order with ties: each page begins a little before the end of the page before.

Images of one upload batch share their time of creation, and the service gives such a tie in another order with every
answer (Training API v3.3, GetImages). If a page ended within a tie and the next one began there, an image might stand
on both pages or on none. So a page that follows begins before the tie in which the page before ended: wherever the
images of a tie stand, one page shows all of them, also if a few images before them were deleted between the two pages.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from itertools import takewhile

from shared.reading_ahead import ahead

PAGE = 256
OVERLAP = 16
"""Rows that two pages share. Recorded ties have one to four; before longer ones the next page begins earlier."""
MARGIN = 4
"""Rows before the last tie that two pages share: without any, each row deleted before it might hide one of the tie."""
PAGES_AHEAD = 3

_STEP = PAGE - OVERLAP


def overlapping_pages[T](
    read: Callable[[int], Sequence[T]], time_of: Callable[[T], object], *, expected: int = 0
) -> Iterator[Sequence[T]]:
    """
    Give the pages of at most `PAGE` rows that `read` gives for an offset, until one is short; rows may come twice.

    `time_of` gives what rows are ordered by. Pages of the first `expected` rows are asked for a few ahead of the one
    that is needed, as long as no tie is longer than the overlap without the margin. A tie of a whole page or more
    cannot be bridged: there it is for the caller to see that rows are missing.
    """
    start, foreseen = 0, expected
    while True:
        offsets = range(start, max(foreseen - OVERLAP, start) + 1, _STEP)  # a page that would be the last is short
        with closing(_read_all(offsets, read)) as pages:
            for offset, page in zip(offsets, pages, strict=False):
                yield page
                if len(page) < PAGE:
                    return
                start, own = offset + _STEP, len(page) - len(_last_tie(page, time_of))
                if 0 < own < _STEP + MARGIN:
                    start, foreseen = offset + max(own - MARGIN, 1), 0
                    break


def _read_all[T](offsets: range, read: Callable[[int], Sequence[T]]) -> Generator[Sequence[T]]:
    if len(offsets) > 1:
        yield from ahead(offsets, read, PAGES_AHEAD)
    else:
        yield from map(read, offsets)


def _last_tie[T](page: Sequence[T], time_of: Callable[[T], object]) -> Sequence[T]:
    """Give the rows at the end of a page that have the time of its last row; rows without a time tie with none."""
    time = time_of(page[-1])
    return list(takewhile(lambda row: time_of(row) == time, reversed(page))) if time else page[-1:]
