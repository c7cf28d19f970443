"""
How many pictures one process copies at once: as many as it may, until the interpreter itself is what they wait for.

A copy waits for the network and needs the interpreter between two waits. Where the network is fast, a dozen copies keep
the interpreter busy, and each one more only lengthens the queue before it, for everything else in the process too: a
status that is read meanwhile stands in it ten times. Nothing is copied faster by that.
"""

from __future__ import annotations

from dataclasses import dataclass

LEAST = 4
MOST = 1024
BUSY_SHARE = 0.8
LATE_SECONDS = 0.0005
LOOK_EVERY_SECONDS = 0.05


@dataclass(frozen=True)
class Load:
    """What a process is like at a moment: its CPU seconds a second, and how late a thread of it gets its turn."""

    cpu_share: float
    lateness_seconds: float


def next_limit(limit: int, under_way: int, load: Load) -> int:
    """
    Say how many copies there may be at once from now on: from LEAST to MOST, as far as this process needs it.

    Fewer only where threads wait for turns and it is this process that uses up the time: on a machine that others keep
    busy threads wait as well, and fewer copies would not shorten that.
    """
    if load.cpu_share <= BUSY_SHARE or load.lateness_seconds < LATE_SECONDS / 2:
        return min(MOST, limit + max(2, limit // 4))
    if load.lateness_seconds <= LATE_SECONDS:
        return limit
    return max(LEAST, min(limit, under_way) * 4 // 5)
