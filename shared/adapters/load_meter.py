"""What this process is like at the moment: how much it computes, and how long its threads wait for their turn."""

from __future__ import annotations

import time

from shared.domain.copy_limit import LATE_SECONDS, LOOK_EVERY_SECONDS, Load

WEIGHT_OF_NEWEST = 0.3


class LoadMeter:
    """Measures the load of this process, at most once in LOOK_EVERY_SECONDS; to be used by one thread at a time."""

    def __init__(self) -> None:
        self._looked, self._used = time.perf_counter(), time.process_time()
        self._lateness = 0.0

    def load(self) -> Load | None:
        """Give the load since the last time; None if that is not long ago. It waits half a millisecond for it."""
        passed = time.perf_counter() - self._looked
        if passed < LOOK_EVERY_SECONDS:
            return None
        used = time.process_time()
        share = (used - self._used) / passed
        self._lateness += WEIGHT_OF_NEWEST * (_lateness() - self._lateness)
        self._looked, self._used = time.perf_counter(), time.process_time()
        return Load(share, self._lateness)


def _lateness() -> float:
    began = time.perf_counter()
    time.sleep(LATE_SECONDS)
    return time.perf_counter() - began - LATE_SECONDS
