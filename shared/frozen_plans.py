"""Frozen plans that this process has read lately: every step of a request needs its plan, which does not change."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

MOST_PLANS = 16
LARGEST_PLAN = 64 * 1024
KEPT_SECONDS = 600.0


@dataclass
class FrozenPlans:
    """
    Plans of requests that have not ended, by request id; `read` gives the bytes of one from storage, None if absent.

    From when it is frozen until its request has ended a plan stays as it is, so what was read once need not be read
    again. When the request ends its names become null; so a plan is kept for ten minutes at most, and whoever shows a
    plan reads the blob. Memory: `MOST_PLANS` of at most `LARGEST_PLAN` bytes.
    """

    read: Callable[[str], bytes | None]
    seconds: Callable[[], float] = time.monotonic
    _kept: OrderedDict[str, tuple[float, bytes]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, request_id: str) -> dict[str, Any] | None:
        """Give a request's plan, a new object each time; None before it is frozen."""
        content = self._lately(request_id) or self.read(request_id)
        if content is None:
            return None
        self.keep(request_id, content)
        return dict(json.loads(content))

    def keep(self, request_id: str, content: bytes) -> None:
        """Keep a plan as it was written or read, unless it is kept already or too large."""
        with self._lock:
            if len(content) <= LARGEST_PLAN and request_id not in self._kept:
                self._kept[request_id] = self.seconds(), content
            while len(self._kept) > MOST_PLANS:
                self._kept.popitem(last=False)

    def drop(self, request_id: str) -> None:
        """Forget a plan whose request has ended."""
        with self._lock:
            self._kept.pop(request_id, None)

    def _lately(self, request_id: str) -> bytes | None:
        with self._lock:
            since, content = self._kept.get(request_id, (0.0, None))
            if content is not None and self.seconds() - since >= KEPT_SECONDS:
                del self._kept[request_id]
                return None
            if content is not None:
                self._kept.move_to_end(request_id)
            return content
