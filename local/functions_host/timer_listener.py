"""One timer trigger: fires its function by the schedule, on one instance at a time, never beside itself."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime

from azure.core.exceptions import AzureError

from local.functions_host.functions import FunctionDefinition, TimerTrigger
from local.functions_host.host_blobs import HostBlobs, TimerLock
from local.functions_host.invocations import Invoker
from local.functions_host.logs import HOST_LOGGER
from local.functions_host.storage import describe
from local.functions_host.timer_status import (
    TimerStatus,
    after_run,
    before_first_run,
    is_past_due,
    is_waiting,
    trigger_json,
)
from local.functions_host.values import Datum

# Another instance's lock is asked for this often: a killed host is replaced soon after its lease ends.
_RETRY_SECONDS = 5.0
# Sleeps are cut, so that a clock that was set (or a machine that slept) is noticed.
_LONGEST_SLEEP_SECONDS = 60.0


class TimerListener:
    """Runs one timer until told to stop."""

    def __init__(
        self,
        function: FunctionDefinition,
        trigger: TimerTrigger,
        blobs: HostBlobs,
        invoker: Invoker,
        lock_seconds: int,
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._blobs = blobs
        self._invoker = invoker
        self._lock = blobs.lock(function.name, lock_seconds)
        self._stop = asyncio.Event()
        self._lost = asyncio.Event()
        self._run_on_startup = trigger.run_on_startup
        self._failing = False

    def stop(self) -> None:
        """Fire no more; a run that is on its way goes on."""
        self._stop.set()

    async def run(self) -> None:
        """Wait for the lock, fire by the schedule while it is held; returns after `stop` and the last run."""
        while not self._stop.is_set():
            self._lost.clear()
            try:
                await self._blobs.prepare()
                self._note_failure(None)
                if await self._lock.acquire():
                    await self._run_locked()
            except AzureError as error:
                self._note_failure(describe(error))
            await self._sleep(_RETRY_SECONDS)

    def _note_failure(self, what: str | None) -> None:
        """Say once that the storage cannot be reached, and once that it can be again."""
        if what is not None and not self._failing:
            text = "%s cannot reach the host's storage (AzureWebJobsStorage): %s; it goes on trying"
            HOST_LOGGER.warning(text, self._function.name, what)
        elif what is None and self._failing:
            HOST_LOGGER.info("%s can reach the host's storage again", self._function.name)
        self._failing = what is not None

    async def _run_locked(self) -> None:
        renewal = asyncio.create_task(self._keep(self._lock))
        try:
            await self._fire_by_schedule()
        finally:
            renewal.cancel()
            with suppress(asyncio.CancelledError):
                await renewal
        if not self._lost.is_set():
            await self._lock.release()

    async def _keep(self, lock: TimerLock) -> None:
        while await lock.renew():
            await asyncio.sleep(lock.seconds / 3)
        HOST_LOGGER.warning("%s lost its lock to another instance", self._function.name)
        self._lost.set()

    async def _fire_by_schedule(self) -> None:
        status = await self._at_start()
        while await self._wait_until(status.next):
            status = await self._fire(status, past_due=False)

    async def _at_start(self) -> TimerStatus:
        schedule, now = self._trigger.schedule, _now()
        stored = await self._blobs.read_status(self._function.name) if self._trigger.use_monitor else None
        past_due = stored is not None and is_past_due(stored, schedule, now)
        at_startup, self._run_on_startup = self._run_on_startup, False
        if past_due or at_startup:
            return await self._fire(stored, past_due=past_due)
        if stored is not None and is_waiting(stored, schedule, now):
            return stored
        fresh = before_first_run(schedule, now)
        await self._remember(fresh)
        return fresh

    async def _fire(self, status: TimerStatus | None, *, past_due: bool) -> TimerStatus:
        started = _now()
        given = status if self._trigger.use_monitor else None
        await self._invoker.run(self._function, Datum("json", trigger_json(given, past_due=past_due)))
        done = after_run(self._trigger.schedule, started)
        await self._remember(done)
        return done

    async def _remember(self, status: TimerStatus) -> None:
        if self._trigger.use_monitor:
            await self._blobs.write_status(self._function.name, status)

    async def _wait_until(self, moment: datetime) -> bool:
        """True when the moment has come; False when stopped or the lock is lost before."""
        while not (self._stop.is_set() or self._lost.is_set()):
            remaining = (moment - _now()).total_seconds()
            if remaining <= 0:
                return True
            await self._sleep(min(remaining, _LONGEST_SLEEP_SECONDS))
        return False

    async def _sleep(self, seconds: float) -> None:
        waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._lost)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _now() -> datetime:
    return datetime.now(UTC)
