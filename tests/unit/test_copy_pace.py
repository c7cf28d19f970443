"""Fewer pictures are copied at once where the process itself is what they wait for, and never fewer otherwise."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.load_meter import LoadMeter
from shared.copy_pace import CopyPace
from shared.domain.copy_limit import (
    BUSY_SHARE,
    LATE_SECONDS,
    LEAST,
    LOOK_EVERY_SECONDS,
    MOST,
    Load,
    next_limit,
)

SATURATED = Load(cpu_share=1.0, lateness_seconds=10 * LATE_SECONDS)
WAITING_FOR_THE_NETWORK = Load(cpu_share=0.3, lateness_seconds=0.0)
STARVED_BY_OTHERS = Load(cpu_share=0.3, lateness_seconds=100 * LATE_SECONDS)


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (SATURATED, 38),
        (WAITING_FOR_THE_NETWORK, 60),
        (STARVED_BY_OTHERS, 60),
        (Load(1.0, LATE_SECONDS), 48),
        (Load(1.0, 0.0), 60),
        (Load(BUSY_SHARE, 10 * LATE_SECONDS), 60),
    ],
)
def test_only_a_process_that_keeps_its_own_threads_waiting_copies_fewer_at_once(load: Load, expected: int) -> None:
    assert next_limit(48, 48, load) == expected


def test_places_that_nobody_uses_are_given_up_first() -> None:
    assert next_limit(MOST, 48, SATURATED) == 38


@given(
    limit=st.integers(LEAST, MOST),
    under_way=st.integers(0, MOST),
    share=st.floats(0, 4),
    lateness=st.floats(0, 10),
)
def test_the_limit_stays_between_its_bounds(limit: int, under_way: int, share: float, lateness: float) -> None:
    assert LEAST <= next_limit(limit, under_way, Load(share, lateness)) <= MOST


@given(limit=st.integers(LEAST, MOST))
def test_from_any_limit_the_most_is_reached_again_within_two_seconds_of_looks(limit: int) -> None:
    for _ in range(int(2 / LOOK_EVERY_SECONDS)):
        limit = next_limit(limit, limit, WAITING_FOR_THE_NETWORK)
    assert limit == MOST


def test_no_more_than_the_limit_are_under_way_and_each_gets_its_turn() -> None:
    pace = saturated_pace()
    under_way, most, lock = 0, 0, threading.Lock()

    def copy(_: int) -> int:
        nonlocal under_way, most
        with pace.turn():
            with lock:
                under_way += 1
                most = max(most, under_way)
            with lock:
                under_way -= 1
        return 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(copy, range(500))) == 500
    assert most <= LEAST


def test_who_waits_for_a_turn_gets_it_when_the_process_has_time_again_though_nobody_ends() -> None:
    loads = itertools.chain([SATURATED] * 40, itertools.repeat(WAITING_FOR_THE_NETWORK))
    pace = CopyPace(lambda: next(loads))
    take_turns(pace)
    held, met = 2 * LEAST, threading.Barrier(2 * LEAST, timeout=20)

    def hold(_: int) -> bool:
        with pace.turn():
            met.wait()
        return True

    with ThreadPoolExecutor(held) as pool:
        assert all(pool.map(hold, range(held)))


def test_a_turn_is_given_back_when_a_copy_fails() -> None:
    pace = CopyPace(lambda: SATURATED)
    for _ in range(LEAST + 1):
        with pytest.raises(OSError, match="lost"), pace.turn():
            raise OSError("lost")
    with pace.turn():
        assert pace.limit == LEAST


def test_a_meter_is_looked_at_twenty_times_a_second_at_most_and_tells_what_the_process_used() -> None:
    meter = LoadMeter()
    assert meter.load() is None
    while (load := meter.load()) is None:
        pass
    assert load.cpu_share > 0
    assert load.lateness_seconds > 0


def take_turns(pace: CopyPace) -> None:
    for _ in range(30):
        with pace.turn():
            pass
    assert pace.limit == LEAST


def saturated_pace() -> CopyPace:
    pace = CopyPace(lambda: SATURATED)
    take_turns(pace)
    return pace
