"""Time that moves only when everybody sleeps: threads meet in an order that depends on nothing but their delays."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


class VirtualTime:
    """Runs functions in threads and lets them sleep without waiting."""

    def __init__(self) -> None:
        self._turn = threading.Condition()
        self._seconds = 0.0
        self._awake = 0
        self._sleepers: list[float] = []

    @property
    def seconds(self) -> float:
        with self._turn:
            return self._seconds

    def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            return
        with self._turn:
            until = self._seconds + seconds
            self._sleepers.append(until)
            self._rest()
            while self._seconds < until:
                self._turn.wait()

    def _rest(self) -> None:
        self._awake -= 1
        if self._awake == 0 and self._sleepers:
            self._seconds = min(self._sleepers)
            ready = [until for until in self._sleepers if until <= self._seconds]
            self._sleepers = [until for until in self._sleepers if until > self._seconds]
            self._awake = len(ready)
            self._turn.notify_all()

    def run(self, *functions: Callable[[], None]) -> None:
        """Run all to their ends."""
        self._awake = len(functions)
        failures: list[BaseException] = []
        threads = [threading.Thread(target=self._life, args=(function, failures)) for function in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _life(self, function: Callable[[], None], failures: list[BaseException]) -> None:
        try:
            function()
        except BaseException as failure:  # noqa: BLE001 (raised again in the test's own thread)
            failures.append(failure)
        finally:
            with self._turn:
                self._rest()


class SkewedClock:
    """A machine's clock that is wrong by a constant."""

    def __init__(self, time: VirtualTime, wrong_by: float = 0.0) -> None:
        self._time, self._wrong_by = time, wrong_by

    def now(self) -> datetime:
        return START + timedelta(seconds=self._time.seconds + self._wrong_by)
