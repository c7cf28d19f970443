"""
How many calls a resource may get: `CallBudget`, asked before every exchange with Custom Vision.

`SharedCallBudget` keeps `CUSTOM_VISION_CALLS_PER_SECOND` over all instances of the application, by slots that are
reserved in one blob per resource. `UnlimitedBudget` is for what is not counted: Azure Resource Manager, and tests.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Literal, Protocol

from shared.adapters.call_slots import Book, Lane, Slot, lane_spacing, reserve
from shared.domain.errors import AlreadyExists, Superseded, Throttled
from shared.ports import BlobStore, Clock

type Purpose = Literal["export", "erasure"]

PATIENCE_SECONDS = 5.0
PATIENCE_TURNS = 4  # with less than one call a second: as many as ask at once for the pages of one list, and one more
LONGEST_SPAN = 0.5
FIRST_SPAN = 0.125
SHORTEST_LEAD, LONGEST_LEAD = 0.01, 2.0
WRITE_TRIES = 10
OTHERS_STAY_SECONDS = 60.0

_LANES: Mapping[Purpose, Sequence[Lane]] = {"export": ("shared",), "erasure": ("erasures", "shared")}


class CallBudget(Protocol):
    """Permission to call one resource."""

    def acquire(self, purpose: Purpose) -> None:
        """
        Wait for the permission to make one call, a few seconds at most (a few calls' time at a rate below 1).

        Errors: `Throttled` with `retry_after` when it would take longer, `StorageUnavailable` when calls cannot be
        counted.
        """
        ...


class UnlimitedBudget:
    """Permits everything at once."""

    def acquire(self, purpose: Purpose) -> None:
        """Return."""


class SharedCallBudget:
    """
    Keeps one resource's rate over all processes and machines that use the same container.

    Slots are reserved ahead for up to half a second while calls follow upon each other (then storage is called about
    twice a second), and one by one where calls are rare. Slots that are lost are a reason for fewer only where another
    process reserves too. One object per process and resource; safe to share among threads. The bound and its condition
    (clocks within 0.1 s) are those of `call_slots`.
    """

    def __init__(
        self,
        blobs: BlobStore,
        host: str,
        *,
        calls_per_second: float,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._clock = clock
        self._ledger = _BookBlob(blobs, blob_name(host), self._now)
        self._spacing = lane_spacing(calls_per_second)
        self._sleep, self._patience = sleep, max(patience, PATIENCE_TURNS * self._spacing["shared"])
        self._lock = Lock()
        self._slots: list[Slot] = []
        self._span, self._lost = 0.0, 0
        self._granted = 0.0

    def acquire(self, purpose: Purpose) -> None:
        """
        Wait for a slot and take it, up to `patience` seconds and a little, or a few slots at a rate below 1.

        Who reads a list begins again after `Throttled`, so with less it would come to no end.
        Errors: `Throttled`, `StorageUnavailable`.
        """
        deadline = self._now() + self._patience
        while not self._wait_for(self._take(_LANES[purpose], deadline)):
            if self._now() > deadline:
                raise Throttled("CallBudget", retry_after=1.0)

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _wait_for(self, slot: Slot) -> bool:
        """Sleep until the slot's time; False if the sleep took too long and the slot is void."""
        while (early := slot.time - self._now()) > 0:
            self._sleep(early)
        return slot.usable(self._now())

    def _take(self, lanes: Sequence[Lane], deadline: float) -> Slot:
        with self._lock:
            while (slot := self._next_slot(lanes)) is None:
                self._reserve(lanes, deadline)
            return slot

    def _next_slot(self, lanes: Sequence[Lane]) -> Slot | None:
        now = self._now()
        kept = [slot for slot in self._slots if slot.usable(now)]
        self._lost += len(self._slots) - len(kept)
        self._slots = kept
        found = next((slot for slot in kept if slot.lane in lanes), None)
        if found:
            kept.remove(found)
            self._granted = found.time
        return found

    def _reserve(self, lanes: Sequence[Lane], deadline: float) -> None:
        """Reserve further slots."""
        began = self._now()
        near = self._spacing["shared"]
        if not self._ledger.is_shared:  # what is lost then is nobody's loss
            near, self._lost = max(near, LONGEST_SPAN), 0
        self._span = next_span(self._span, eager=began - self._granted <= near, lost=self._lost)
        slots = self._ledger.take(self._spacing, lanes, span=self._span, deadline=deadline)
        self._lost = 0
        self._slots = sorted([*self._slots, *slots], key=lambda slot: slot.time)


class _BookBlob:
    """
    The book of one resource in its blob, written only over the state that was read.

    The first slot lies as far ahead as writing it down takes, by the last write: else it would be void by then, or
    time be lost. `is_shared`: whether another process has written it lately. Then it is read before each write, since
    what this one knows of it is old: a write that is refused for that costs as much, and the reading comes on top.
    """

    def __init__(self, blobs: BlobStore, name: str, now: Callable[[], float]) -> None:
        self._blobs, self._name, self._now = blobs, name, now
        self._known: tuple[Book, str | None] | None = None
        self._own_etag: str | None = None
        self._others_seen = 0.0
        self._lead = SHORTEST_LEAD

    @property
    def is_shared(self) -> bool:
        return self._now() - self._others_seen < OTHERS_STAY_SECONDS

    def take(
        self, spacing: Mapping[Lane, float], lanes: Sequence[Lane], *, span: float, deadline: float
    ) -> Sequence[Slot]:
        """Reserve slots that begin before `deadline`; `Throttled` if there are none or too many others write."""
        for _ in range(WRITE_TRIES):
            book, etag = self._read() if self._known is None or self.is_shared else self._known
            earliest = self._now() + self._lead
            changed, slots = reserve(book, spacing, lanes, earliest=earliest, span=span)
            if slots[0].time > deadline:
                self._known = None
                raise Throttled("CallBudget", retry_after=slots[0].time - earliest)
            try:
                self._write(changed, etag)
            except (AlreadyExists, Superseded):
                self._known, self._others_seen = None, self._now()
                continue
            return slots
        raise Throttled("CallBudget", retry_after=1.0)

    def _read(self) -> tuple[Book, str | None]:
        stored = self._blobs.read(self._name)
        if stored is None:
            return Book({}), None
        if stored.etag != self._own_etag and self._own_etag:
            self._others_seen = self._now()
        return parsed_book(stored.content), stored.etag

    def _write(self, book: Book, etag: str | None) -> None:
        began, content = self._now(), json.dumps(book.free).encode()
        if etag is None:
            self._own_etag = self._blobs.create(self._name, content)
        else:
            self._own_etag = self._blobs.replace(self._name, content, etag=etag)
        self._known = book, self._own_etag
        self._lead = min(max(1.5 * (self._now() - began), SHORTEST_LEAD), LONGEST_LEAD)


def next_span(span: float, *, eager: bool, lost: int) -> float:
    """
    Give the seconds to reserve next.

    Twice as many as before while calls follow upon each other (`eager`) and no slot was lost that another process may
    have wanted, half as many otherwise; one slot at a time (0) where calls come now and then, because slots that nobody
    uses are lost to everybody.
    """
    if not eager:
        return 0.0
    if lost == 0:
        return min(LONGEST_SPAN, max(FIRST_SPAN, span * 2))
    return span / 2 if span > FIRST_SPAN else 0.0


def parsed_book(content: bytes) -> Book:
    """Read a stored book; what cannot be read counts as nothing given out."""
    try:
        stored = json.loads(content)
    except ValueError:
        return Book({})
    lanes: tuple[Lane, ...] = ("shared", "erasures")
    known = stored if isinstance(stored, dict) else {}
    return Book({lane: float(known[lane]) for lane in lanes if _is_time(known.get(lane))})


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def blob_name(host: str) -> str:
    """Give the blob that holds a resource's book, in the container of the requests."""
    return f"_budget/{re.sub(r'[^a-z0-9.-]', '_', host.lower())}.json"
