"""Ties in a list that is paged by offset: however the service orders them, every row comes."""

import random
from collections.abc import Sequence
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.overlapping_pages import MARGIN, OVERLAP, PAGE, overlapping_pages

type Row = tuple[int, int]
"""The time by which a list is ordered, and a number."""


class TiedList:
    """A list that puts the rows of each tie in another order whenever a page is asked for."""

    def __init__(self, ties: Sequence[int], seed: int = 0) -> None:
        ends = [*accumulate(ties)]
        self.ties = [
            [(time, number) for number in range(end - length, end)]
            for time, (length, end) in enumerate(zip(ties, ends, strict=True), start=1)
        ]
        self.rows = {row for tie in self.ties for row in tie}
        self.asked: list[int] = []
        self._order = random.Random(seed)

    def page(self, offset: int) -> Sequence[Row]:
        self.asked.append(offset)
        rows = [row for tie in self.ties for row in self._order.sample(tie, len(tie))]
        return rows[offset : offset + PAGE]


def read(tied: TiedList, expected: int = 0) -> set[Row]:
    pages = overlapping_pages(tied.page, lambda row: row[0], expected=expected)
    return {row for page in pages for row in page}


@given(st.lists(st.integers(1, PAGE - 1), max_size=30), st.integers(0, 9), st.booleans())
def test_every_row_comes_whatever_the_ties_as_long_as_none_fills_a_page(
    ties: list[int], seed: int, foreseen: bool
) -> None:
    tied = TiedList(ties, seed)
    assert read(tied, len(tied.rows) if foreseen else 0) == tied.rows


@given(st.lists(st.integers(1, 4), min_size=1, max_size=900), st.integers(0, 9))
def test_short_ties_cost_one_call_for_every_240_rows(ties: list[int], seed: int) -> None:
    tied = TiedList(ties, seed)
    assert read(tied, len(tied.rows)) == tied.rows
    assert len(tied.asked) <= max(0, len(tied.rows) - OVERLAP) // (PAGE - OVERLAP) + 1


def test_the_page_after_a_long_tie_begins_a_little_before_the_tie() -> None:
    tied = TiedList([200, 64, 64])
    assert read(tied) == tied.rows
    assert tied.asked == [0, 200 - MARGIN]


@given(st.lists(st.integers(1, PAGE - 1 - MARGIN), max_size=30), st.integers(0, 9), st.randoms())
def test_no_row_is_passed_over_where_a_few_of_those_before_go_between_two_pages(
    ties: list[int], seed: int, chance: random.Random
) -> None:
    tied, gone = TiedList(ties, seed), set[Row]()

    def page(offset: int) -> Sequence[Row]:
        shown = tied.page(offset)
        passed = sorted(row for row in tied.rows - gone if row[0] < shown[-1][0]) if len(shown) == PAGE else []
        for row in passed[: chance.randint(0, MARGIN)]:
            gone.add(row)
            tied.ties[row[0] - 1].remove(row)
        return shown

    pages = overlapping_pages(page, lambda row: row[0])
    assert {row for shown in pages for row in shown} >= tied.rows - gone


@pytest.mark.parametrize("foreseen", [False, True])
def test_a_tie_of_more_than_a_page_ends_like_any_other_list(foreseen: bool) -> None:
    tied = TiedList([10, 3 * PAGE, 10])
    assert len(read(tied, len(tied.rows) if foreseen else 0)) <= len(tied.rows)
    assert tied.asked[-1] + PAGE > len(tied.rows)


def test_rows_without_a_time_are_paged_all_the_same() -> None:
    rows = [*range(600)]
    pages = list(overlapping_pages(lambda offset: rows[offset : offset + PAGE], lambda _: None))
    assert sorted({row for page in pages for row in page}) == rows
