"""
The arithmetic of a call rate that several machines keep together: no I/O, no clock.

Calls happen at slots, points in time that are given out once, in order, and are void when missed. Because a missed
slot is never used later, no burst can follow a pause, and the number of calls in a second is bounded by the number of
slots in it. Two lanes of slots run side by side: `shared` for everybody, and `erasures`, about a fifth of the rate,
which exports cannot take; so an erasure never waits behind a large export.

The bound: in any second, over all machines, at most 110 % of the rate (a whole number of calls, at least 1), provided
that their clocks differ by `CLOCK_SPREAD` at most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

type Lane = Literal["shared", "erasures"]

CLOCK_SPREAD = 0.1
GRACE = 0.03  # how late, in seconds, a slot may still be used: threads wake a little late
EXCESS = 1.1
ERASURE_SHARE = 0.2
MOST_SLOTS = 256  # of a lane in one reservation: more than a process can use in half a second
HORIZON = 60.0  # reservations reach a few seconds ahead; a book that reaches further was written by a broken clock

_MARGIN = 1.001


@dataclass(frozen=True, slots=True)
class Slot:
    """Permission for one call at `time` (seconds since the epoch), good until `time + GRACE`."""

    time: float
    lane: Lane

    def usable(self, now: float) -> bool:
        """Tell whether the slot is not void: it lies ahead, or was a moment ago (and the clock was not set back)."""
        return self.time - HORIZON <= now <= self.time + GRACE


@dataclass(frozen=True, slots=True)
class Book:
    """What is given out: each lane is free from this time on (seconds since the epoch; absent = always was)."""

    free: Mapping[Lane, float]

    def free_from(self, lane: Lane, earliest: float, spacing: float) -> float:
        """Give the time of the lane's next slot at or after `earliest`; `spacing` is the lane's, in seconds."""
        free = self.free.get(lane, 0.0)
        return earliest if free > earliest + HORIZON + spacing else max(free, earliest)


def lane_spacing(calls_per_second: float) -> Mapping[Lane, float]:
    """
    Give the seconds between two slots of each lane, so that all lanes together keep the bound.

    A span of `1 + CLOCK_SPREAD + GRACE` seconds of slots can fall into one second of calls; the calls allowed in it
    are dealt out to the lanes. Below two calls a second there is nothing to deal out, and one lane only.
    """
    allowed = max(1, math.floor(calls_per_second * EXCESS))
    set_apart = max(1, round(allowed * ERASURE_SHARE)) if allowed > 1 else 0
    calls: dict[Lane, int] = {"shared": allowed - set_apart, "erasures": set_apart}
    span = _MARGIN * max(1 + CLOCK_SPREAD + GRACE, allowed / calls_per_second)
    return {lane: span / number for lane, number in calls.items() if number}


def reserve(
    book: Book, spacing: Mapping[Lane, float], lanes: Sequence[Lane], *, earliest: float, span: float
) -> tuple[Book, tuple[Slot, ...]]:
    """
    Take the slots of `lanes` from the first free one at or after `earliest` up to `span` seconds after it.

    Gives the new book and the slots in order of time; at least one, and `MOST_SLOTS` a lane or few more: where the rate
    has more of them in the span, some of those between stay unused. Slots that lie more than a few seconds ahead are
    not to be kept: nobody books further than `HORIZON`.
    """
    usable = [lane for lane in lanes if lane in spacing]
    step = {lane: max(spacing[lane], span / MOST_SLOTS) for lane in usable}
    free = {lane: book.free_from(lane, earliest, spacing[lane]) for lane in usable}
    until = min(free.values()) + span
    slots: list[Slot] = []
    while not slots or min(free.values()) <= until:
        lane = min(usable, key=lambda one: free[one])
        slots.append(Slot(free[lane], lane))
        free[lane] += step[lane]
    return Book({**book.free, **free}), tuple(slots)
