"""Hands out turns to copy a picture, so that a process copies no more at once than makes it faster."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.domain.copy_limit import LOOK_EVERY_SECONDS, MOST, Load, next_limit


class CopyPace:
    """
    Hands out turns to copy; one for all exports of a process. At first there is no limit that they reach.

    `measure` gives the load, or None if the last one is still new; it is called by one thread at a time.
    """

    def __init__(self, measure: Callable[[], Load | None]) -> None:
        self._measure = measure
        self._measuring = threading.Lock()
        self._free = threading.Condition()
        self._limit, self._under_way = MOST, 0

    @property
    def limit(self) -> int:
        """How many copies there may be at once at this moment."""
        return self._limit

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until one copy more may be made, and hold its place meanwhile."""
        self._adjust()
        while not self._taken():
            self._adjust()
        try:
            yield
        finally:
            with self._free:
                self._under_way -= 1
                self._free.notify()

    def _taken(self) -> bool:
        with self._free:
            is_free = self._free.wait_for(lambda: self._under_way < self._limit, LOOK_EVERY_SECONDS)
            self._under_way += is_free
            return is_free

    def _adjust(self) -> None:
        if not self._measuring.acquire(blocking=False):
            return
        try:
            load = self._measure()
        finally:
            self._measuring.release()
        if load is not None:
            with self._free:
                self._limit = next_limit(self._limit, self._under_way, load)
                self._free.notify_all()
