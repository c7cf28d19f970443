"""What a timer says while the host's storage cannot be reached."""

import asyncio
import logging
from typing import cast

import pytest
from azure.core.exceptions import ServiceRequestError

from local.functions_host import timer_listener
from local.functions_host.functions import FunctionDefinition, TimerTrigger
from local.functions_host.host_blobs import HostBlobs, TimerLock
from local.functions_host.invocations import Invoker
from local.functions_host.schedule import parse_schedule
from local.functions_host.timer_listener import TimerListener

TRIGGER = TimerTrigger("timer", "0 0 * * * *", parse_schedule("0 0 * * * *"), run_on_startup=False, use_monitor=True)
FUNCTION = FunctionDefinition("watchdog", "1", TRIGGER, outputs=(), disabled=False, bindings=())


class TakenLock:
    """A lock that another instance holds."""

    async def acquire(self) -> bool:
        return False


class FlakyBlobs:
    """Storage that fails as told, one answer a try; the listener is stopped at the last."""

    def __init__(self, *fails: bool) -> None:
        self.fails = list(fails)
        self.listener: TimerListener | None = None

    def lock(self, _function: str, _seconds: int) -> TimerLock:
        return cast("TimerLock", TakenLock())

    async def prepare(self) -> None:
        fails = self.fails.pop(0)
        if not self.fails and self.listener is not None:
            self.listener.stop()
        if fails:
            raise ServiceRequestError("cannot reach http://127.0.0.1:10000/secret")


def said(blobs: FlakyBlobs, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> list[str]:
    monkeypatch.setattr(timer_listener, "_RETRY_SECONDS", 0.0)
    caplog.set_level(logging.INFO, logger="functions_host")
    blobs.listener = TimerListener(FUNCTION, TRIGGER, cast("HostBlobs", blobs), cast("Invoker", None), 60)
    asyncio.run(blobs.listener.run())
    return [record.getMessage() for record in caplog.records if record.name == "functions_host"]


def test_an_outage_is_told_once_however_long_it_lasts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = said(FlakyBlobs(True, True, True, True), monkeypatch, caplog)
    assert told.startswith("watchdog cannot reach the host's storage (AzureWebJobsStorage): ServiceRequestError")
    assert "secret" not in told


def test_the_end_of_an_outage_is_told_and_so_is_the_next_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told = said(FlakyBlobs(True, False, False, True), monkeypatch, caplog)
    assert [line.split(" the host's storage")[0].removeprefix("watchdog ") for line in told] == [
        "cannot reach",
        "can reach",
        "cannot reach",
    ]
