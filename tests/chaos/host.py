"""One host that can be beaten: killed at a moment, and started again."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

from local.functions_host.process import HostDidNotStart, HostProcess
from tests.acceptance.storage_proxy import StorageProxy
from tests.chaos.wire import Moment


@dataclass
class Host:
    """One host process, its way to the storage, and the moment at which it dies."""

    process: HostProcess
    proxy: StorageProxy
    moment: Moment
    struck: threading.Event = field(default_factory=threading.Event)
    start_seconds: float = 2.0
    _once: threading.Lock = field(default_factory=threading.Lock)

    def strike(self) -> None:
        """SIGKILL, once until the next revival."""
        with self._once:
            if not self.struck.is_set():
                self.process.kill()
                self.struck.set()

    def revive(self) -> None:
        """Start again, as often as it takes: without its storage a host may not come up."""
        self.moment.disarm()
        began = time.monotonic()
        for _ in range(20):
            with suppress(HostDidNotStart):
                self.process.start()
                break
        else:
            raise AssertionError("a host did not start again")
        self.start_seconds = max(2.0, time.monotonic() - began)
        self.struck.clear()
