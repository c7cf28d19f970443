from bisect import bisect_right
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.call_budget import PATIENCE_SECONDS
from shared.adapters.call_slots import CLOCK_SPREAD, GRACE, HORIZON, MOST_SLOTS, Book, Lane, Slot, lane_spacing, reserve

LANES: dict[str, Sequence[Lane]] = {"export": ("shared",), "erasure": ("erasures", "shared")}
T0 = 1_795_000_000.0

type Asked = tuple[str, float, float, float, float]

rates = st.floats(0.01, 200, allow_nan=False)
reservations = st.lists(
    st.tuples(
        st.sampled_from(["export", "erasure"]),
        st.floats(0, 0.7),  # seconds since the reservation before
        st.floats(0, 0.5),  # span
        st.floats(-CLOCK_SPREAD / 2, CLOCK_SPREAD / 2),  # how wrong the reserving machine's clock is
        st.floats(0, GRACE),  # how late it uses its slots
    ),
    min_size=1,
    max_size=40,
)


def busiest_second(times: Sequence[float]) -> int:
    ordered = sorted(times)
    return max(bisect_right(ordered, start + 1.0) - index for index, start in enumerate(ordered))


@given(rates, reservations)
def test_no_second_has_more_than_a_tenth_above_the_rate_whoever_reserves(rate: float, asked: list[Asked]) -> None:
    book, spacing, now, calls = Book({}), lane_spacing(rate), T0, list[float]()
    for purpose, pause, span, wrong_by, late in asked:
        now += pause
        changed, slots = reserve(book, spacing, LANES[purpose], earliest=now + wrong_by, span=span)
        if slots[0].time > now + wrong_by + PATIENCE_SECONDS:
            continue  # refused, nothing is written
        book = changed
        calls += [slot.time - wrong_by + late for slot in slots]
    assert busiest_second(calls) <= max(1, rate * 1.1)


@given(rates, reservations)
def test_no_slot_is_given_out_twice_and_every_reservation_gives_one(rate: float, asked: list[Asked]) -> None:
    book, spacing, now, given_out = Book({}), lane_spacing(rate), T0, list[Slot]()
    for purpose, pause, span, _, _ in asked:
        now += pause
        changed, slots = reserve(book, spacing, LANES[purpose], earliest=now, span=span)
        if slots[0].time > now + PATIENCE_SECONDS:
            continue
        book = changed
        assert slots
        assert [slot.time for slot in slots] == sorted(slot.time for slot in slots)
        assert slots[-1].time <= slots[0].time + span
        given_out += slots
    assert len(set(given_out)) == len(given_out)


@pytest.mark.parametrize("rate", [2, 3, 5, 10, 25, 100])
def test_exports_alone_leave_about_a_fifth_of_the_rate_to_erasures(rate: float) -> None:
    spacing = lane_spacing(rate)
    share = (1 / spacing["erasures"]) / sum(1 / seconds for seconds in spacing.values())
    assert 0.15 <= share <= (0.5 if rate < 5 else 0.25)


@pytest.mark.parametrize(("rate", "least"), [(0.5, 0.49), (1, 0.88), (10, 9.5), (100, 95)])
def test_the_rate_is_nearly_used(rate: float, least: float) -> None:
    assert least <= sum(1 / seconds for seconds in lane_spacing(rate).values()) <= rate


def test_a_reservation_holds_few_slots_however_high_the_rate() -> None:
    book, slots = reserve(Book({}), lane_spacing(100_000), ("erasures", "shared"), earliest=T0, span=0.5)
    assert len(slots) <= 2 * (MOST_SLOTS + 2)
    assert min(book.free.values()) >= T0 + 0.5


def test_an_erasure_takes_its_own_lane_when_exports_have_booked_the_shared_one() -> None:
    spacing = lane_spacing(10)
    book, _ = reserve(Book({}), spacing, LANES["export"], earliest=T0, span=20)
    _, slots = reserve(book, spacing, LANES["erasure"], earliest=T0, span=0)
    assert slots == (Slot(T0, "erasures"),)


def test_an_erasure_alone_gets_the_whole_rate() -> None:
    _, slots = reserve(Book({}), lane_spacing(10), LANES["erasure"], earliest=T0, span=10)
    assert len(slots) >= 95
    assert {slot.lane for slot in slots} == set(get_args(Lane.__value__))


def test_a_rate_below_two_has_one_lane_which_both_use() -> None:
    assert set(lane_spacing(1)) == {"shared"}
    _, slots = reserve(Book({}), lane_spacing(1), LANES["erasure"], earliest=T0, span=0)
    assert slots[0].lane == "shared"


def test_a_book_of_a_clock_that_was_far_ahead_blocks_nobody() -> None:
    _, slots = reserve(Book({"shared": T0 + HORIZON + 2}), lane_spacing(10), ["shared"], earliest=T0, span=0)
    assert slots[0].time == T0


@pytest.mark.parametrize(
    ("now", "usable"),
    [(T0 - 5, True), (T0, True), (T0 + GRACE / 2, True), (T0 + 2 * GRACE, False), (T0 - HORIZON - 1, False)],
)
def test_a_slot_is_void_when_missed_or_when_the_clock_was_set_back(now: float, usable: bool) -> None:
    assert Slot(T0, "shared").usable(now) is usable
