import json
import random
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import get_args

import pytest

from shared.adapters.call_budget import (
    LONGEST_SPAN,
    PATIENCE_SECONDS,
    Purpose,
    SharedCallBudget,
    blob_name,
    next_span,
    parsed_book,
)
from shared.adapters.call_slots import Book
from shared.domain.errors import StorageUnavailable, Throttled
from shared.ports import StoredBlob
from tests.fakes import InMemoryBlobStore
from tests.unit.adapters.virtual_time import SkewedClock, VirtualTime

RATE = 10.0


class SlowStore(InMemoryBlobStore):
    """Storage that takes its time, counts what it is asked, and can be away."""

    def __init__(self, time: VirtualTime, latency: float = 0.02) -> None:
        super().__init__()
        self._time, self._latency = time, latency
        self.calls = 0
        self.away = False

    def _answer(self) -> None:
        self.calls += 1
        self._time.sleep(self._latency)
        if self.away:
            raise StorageUnavailable("write")

    def read(self, name: str) -> StoredBlob | None:
        self._answer()
        return super().read(name)

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._answer()
        return super().create(name, content, content_type=content_type, metadata=metadata)

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._answer()
        return super().replace(name, content, etag=etag, content_type=content_type, metadata=metadata)


class Instance:
    """One machine that calls as often as it may."""

    def __init__(
        self,
        time: VirtualTime,
        store: SlowStore,
        *,
        purpose: Purpose = "export",
        wrong_by: float = 0,
        busy: float = 0,
        rate: float = RATE,
    ) -> None:
        self._time, self._purpose, self._busy = time, purpose, busy
        clock = SkewedClock(time, wrong_by)
        self.budget = SharedCallBudget(store, "host", calls_per_second=rate, clock=clock, sleep=time.sleep)
        self.calls: list[float] = []
        self.waits: list[float] = []

    def work(self, seconds: float) -> None:
        while self._time.seconds < seconds:
            began = self._time.seconds
            try:
                self.budget.acquire(self._purpose)
            except Throttled as refused:
                self._time.sleep(refused.retry_after or 0.0)
                continue
            self.calls.append(self._time.seconds)
            self.waits.append(self._time.seconds - began)
            self._time.sleep(random.uniform(0, self._busy))


def run(time: VirtualTime, instances: Sequence[Instance], seconds: float) -> list[float]:
    time.run(*[lambda one=one: one.work(seconds) for one in instances])
    return sorted(call for one in instances for call in one.calls)


def busiest_second(calls: Sequence[float]) -> int:
    return max(bisect_right(calls, start + 1.0) - index for index, start in enumerate(calls))


@pytest.mark.parametrize("busy", [0.0, 0.05, 0.4])
@pytest.mark.parametrize("purpose", get_args(Purpose.__value__))
def test_four_instances_with_clocks_apart_keep_the_rate_together(purpose: Purpose, busy: float) -> None:
    time = VirtualTime()
    store = SlowStore(time)
    skews = (-0.05, -0.02, 0.03, 0.05)
    calls = run(time, [Instance(time, store, purpose=purpose, wrong_by=skew, busy=busy) for skew in skews], 20)
    assert busiest_second(calls) <= RATE * 1.1
    assert len(calls) >= 20 * RATE * 0.65


def test_one_steady_instance_uses_its_share_and_calls_storage_twice_a_second() -> None:
    time = VirtualTime()
    store = SlowStore(time)
    calls = run(time, [Instance(time, store)], 20)
    assert len(calls) >= 20 * RATE * 0.8 * 0.9
    assert store.calls <= 20 / LONGEST_SPAN * 1.2


@pytest.mark.parametrize("rate", [30.0, 1000.0, 100_000.0])
def test_calls_that_follow_more_slowly_than_the_rate_allows_still_share_a_reservation(rate: float) -> None:
    time = VirtualTime()
    store = SlowStore(time)
    calls = run(time, [Instance(time, store, busy=0.4, rate=rate)], 20)
    assert len(calls) >= 60
    assert store.calls <= 20 / LONGEST_SPAN * 1.2


def test_two_instances_that_call_slowly_do_not_take_each_others_rate() -> None:
    time = VirtualTime()
    store = SlowStore(time)
    pair = [Instance(time, store, busy=0.1, rate=30.0) for _ in range(2)]
    calls = run(time, pair, 20)
    assert busiest_second(calls) <= 30 * 1.1
    assert min(len(one.calls) for one in pair) >= 100


@pytest.mark.parametrize("latency", [0.02, 0.2, 0.5])
def test_instances_that_call_now_and_then_wait_for_one_reading_and_one_writing_of_the_book(latency: float) -> None:
    time = VirtualTime()
    store = SlowStore(time, latency)
    instances = [Instance(time, store, busy=busy, rate=100_000.0) for busy in (9.0, 10.0, 11.0, 12.0)]
    run(time, instances, 300)
    waits = sorted(wait for one in instances for wait in one.waits[1:])
    assert len(waits) > 100
    assert waits[len(waits) // 2] <= 2.5 * latency + 0.02
    assert waits[len(waits) * 9 // 10] <= 6 * latency


def test_an_erasure_gets_its_calls_while_exports_take_all_they_can() -> None:
    time = VirtualTime()
    store = SlowStore(time)
    exports = [Instance(time, store) for _ in range(3)]
    erasure = Instance(time, store, purpose="erasure")
    calls = run(time, [*exports, erasure], 20)
    assert busiest_second(calls) <= RATE * 1.1
    assert len(erasure.calls) >= 20 * RATE * 0.15
    assert max(erasure.waits) < 1.5


def test_threads_of_one_instance_share_its_slots() -> None:
    time = VirtualTime()
    instance = Instance(time, SlowStore(time, latency=0.0), busy=0.3)
    time.run(*[lambda: instance.work(20)] * 4)
    calls = sorted(instance.calls)
    assert busiest_second(calls) <= RATE * 1.1
    assert len(calls) >= 20 * RATE * 0.8 * 0.9


def test_storage_that_is_slower_than_the_first_guess_still_lets_calls_through() -> None:
    time = VirtualTime()
    calls = run(time, [Instance(time, SlowStore(time, latency=0.4))], 10)
    assert len(calls) >= 10


def test_a_restarted_instance_does_not_forget_what_was_given_out() -> None:
    time = VirtualTime()
    store = SlowStore(time, latency=0.0)
    calls: list[float] = []

    def restart_all_the_time() -> None:
        for _ in range(30):
            Instance(time, store).budget.acquire("export")
            calls.append(time.seconds)

    time.run(restart_all_the_time)
    assert busiest_second(calls) <= RATE * 1.1


def test_a_wait_of_more_than_a_few_seconds_is_refused_with_its_length() -> None:
    time = VirtualTime()
    store = SlowStore(time, latency=0.0)
    instance = Instance(time, store)
    booked = SkewedClock(time).now().timestamp() + 20
    store.put(blob_name("host"), json.dumps({"shared": booked}).encode())
    with pytest.raises(Throttled) as refused:
        time.run(lambda: instance.budget.acquire("export"))
    assert refused.value.retry_after == pytest.approx(20, abs=0.1)
    assert time.seconds <= PATIENCE_SECONDS


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 1.0])
def test_at_a_low_rate_a_list_that_is_read_a_few_pages_ahead_comes_to_its_end(rate: float) -> None:
    time = VirtualTime()
    instance = Instance(time, SlowStore(time, latency=0.0), rate=rate)
    calls: list[float] = []

    def read_pages() -> None:
        for _ in range(4):
            instance.budget.acquire("erasure")
            calls.append(time.seconds)

    time.run(*[read_pages] * 3)
    assert len(calls) == 12
    assert busiest_second(sorted(calls)) == 1


def test_no_call_passes_uncounted_while_storage_is_away() -> None:
    time = VirtualTime()
    store = SlowStore(time)
    store.away = True
    with pytest.raises(StorageUnavailable):
        time.run(lambda: Instance(time, store).budget.acquire("erasure"))


@pytest.mark.parametrize("stored", [b"", b"{", b"[]", b'{"shared": "x"}', b'{"shared": NaN}', b'{"shared": true}'])
def test_an_unreadable_book_is_written_anew(stored: bytes) -> None:
    time = VirtualTime()
    store = SlowStore(time)
    store.put(blob_name("host"), stored)
    time.run(lambda: Instance(time, store).budget.acquire("export"))
    written = InMemoryBlobStore.read(store, blob_name("host"))
    assert written
    assert parsed_book(written.content).free["shared"] > SkewedClock(VirtualTime()).now().timestamp()


def test_a_book_is_read_as_it_was_written() -> None:
    assert parsed_book(b'{"shared": 1795000000.25, "erasures": 3, "other": 1}') == Book(
        {"shared": 1795000000.25, "erasures": 3.0}
    )


@pytest.mark.parametrize(
    ("span", "eager", "lost", "expected"),
    [
        (0.0, True, 0, 0.125),
        (0.125, True, 0, 0.25),
        (0.5, True, 0, 0.5),  # never more than half a second
        (0.5, True, 1, 0.25),
        (0.125, True, 1, 0.0),
        (0.5, False, 0, 0.0),  # calls now and then: one slot at a time
    ],
)
def test_the_span_follows_the_use(span: float, eager: bool, lost: int, expected: float) -> None:
    assert next_span(span, eager=eager, lost=lost) == expected


def test_the_blob_is_named_by_the_host_with_nothing_that_a_path_could_mean() -> None:
    assert blob_name("Name.cognitiveservices.azure.com") == "_budget/name.cognitiveservices.azure.com.json"
    assert blob_name("127.0.0.1:7080") == "_budget/127.0.0.1_7080.json"
    assert blob_name("[::1]:80/../x") == "_budget/___1__80_.._x.json"
