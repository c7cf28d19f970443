"""Between the hosts and their storage: everything written is looked at, some of it doubled, delayed or unanswered."""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from random import Random
from urllib.parse import parse_qs, unquote, urlsplit

from tests.acceptance.stack import WORK_QUEUES
from tests.acceptance.storage_proxy import Fate, StorageCall, StorageProxy
from tests.chaos.secret_scan import NOTES, Scan, Stage

_TEXT = re.compile(rb"<MessageText>(.*?)</MessageText>", re.DOTALL)

DOUBLED = 0.1
UNANSWERED = 0.01
SLOW, SLOW_SECONDS = 0.02, 0.4
LONG_SECONDS = 3600
LONGEST_CALL_SECONDS = 60.0


@dataclass
class Gate:
    """
    Lets calls through that change something, or holds them back; knows which are under way.

    Taking a message off a queue is one of them: whose work is held would take too long, and be taken again and again.
    """

    _under_way: set[int] = field(default_factory=set)
    _is_closed: bool = False
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def enter(self, call: StorageCall) -> None:
        """Begin a call; one that changes something waits while the gate is closed."""
        if call.is_write or call.takes_messages:
            with self._changed:
                self._changed.wait_for(lambda: not self._is_closed)
                self._under_way.add(id(call))

    def leave(self, call: StorageCall) -> None:
        """End a call, however it ended."""
        with self._changed:
            self._under_way.discard(id(call))
            self._changed.notify_all()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Hold changes back for the length of the block, which begins when none is under way."""
        with self._changed:
            self._is_closed = True
        try:
            with self._changed:
                done = self._changed.wait_for(lambda: not self._under_way, LONGEST_CALL_SECONDS)
            assert done, f"{len(self._under_way)} calls did not end within {LONGEST_CALL_SECONDS:.0f} seconds"
            yield
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()


@dataclass
class Wire:
    """What happens on the way to the storage, for all hosts together; `sent`: (queue, text) of every message."""

    scan: Scan
    random: Random
    is_wild: bool = True
    gate: Gate = field(default_factory=Gate)
    sent: list[tuple[str, str]] = field(default_factory=list)
    sleepers: Counter[str] = field(default_factory=Counter)
    doubled: int = 0
    unanswered: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def attach(self, proxy: StorageProxy, kills: Moment) -> None:
        """Stand between one host and the storage; `kills` may end that host before or after a call."""

        def before(call: StorageCall) -> None:
            self.gate.enter(call)
            kills.before(call)
            self._look_at(call)
            if self.is_wild and self._chance(SLOW):
                time.sleep(SLOW_SECONDS)

        def after(call: StorageCall) -> None:
            self._count_sleepers(call)
            kills.after(call)

        proxy.before, proxy.decide, proxy.after, proxy.ended = before, self._fate, after, self.gate.leave

    @property
    def notes(self) -> list[dict[str, str]]:
        """What was told of messages that were refused or given up, in place of them."""
        told = [text for queue, text in list(self.sent) if queue in NOTES and "message_sha256" in text]
        return [json.loads(text) for text in told]

    def _chance(self, probability: float) -> bool:
        with self._lock:
            return self.random.random() < probability

    def _fate(self, call: StorageCall) -> Fate:
        if not self.is_wild or not call.is_write:
            return Fate.PASS
        if call.puts_message(*WORK_QUEUES) and self._chance(DOUBLED):
            self.doubled += 1
            self._count_sleepers(call)
            return Fate.TWICE
        if self._chance(UNANSWERED):
            self.unanswered += 1
            return Fate.UNANSWERED
        return Fate.PASS

    def _count_sleepers(self, call: StorageCall) -> None:
        """Messages that come back in hours only: what waits for an approval looks then whether it has expired."""
        delay = int(parse_qs(urlsplit(call.target).query).get("visibilitytimeout", ["0"])[0])
        for queue in WORK_QUEUES:
            if delay > LONG_SECONDS and call.puts_message(queue):
                with self._lock:
                    self.sleepers[queue] += 1

    def _look_at(self, call: StorageCall) -> None:
        """Hold what is written against the rules of its place, now: it may be overwritten in a moment."""
        if not call.is_write or not call.body:
            return
        path = unquote(urlsplit(call.target).path).split("/", 2)[2]  # without the account
        if call.service == "queue":
            queue = path.split("/")[0]
            for text in _messages(call.body):
                self.scan.message(queue, text, Stage.RUNNING)
                self.sent.append((queue, text))
        elif "/" in path:  # else a batch of calls, which nobody keeps: each has a signature of its own in its head
            self.scan.blob(path, call.body, Stage.RUNNING)


def _messages(body: bytes) -> list[str]:
    return [unescape(text.decode()) for text in _TEXT.findall(body)]


def readable(text: str) -> str:
    """A message's text, out of base64 if it is in it."""
    try:
        return b64decode(text, validate=True).decode()
    except ValueError:
        return text


@dataclass
class Moment:
    """When a host dies: at its nth write from now on, before it gets there or after; or at a time of its own."""

    strike: Callable[[], None]
    _left: int | None = None
    _is_before: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arm(self, writes: int, *, is_before: bool) -> None:
        """Choose the write."""
        with self._lock:
            self._left, self._is_before = writes, is_before

    def disarm(self) -> None:
        """Let all writes live."""
        with self._lock:
            self._left = None

    def before(self, call: StorageCall) -> None:
        """Count a write that is about to be made."""
        if self._is_before and self._is_it(call):
            self.strike()

    def after(self, call: StorageCall) -> None:
        """Count a write that has been made."""
        if not self._is_before and self._is_it(call):
            self.strike()

    def _is_it(self, call: StorageCall) -> bool:
        """The writes of the app's own state; leases, timers and pictures would drown them."""
        if not call.is_write or "azure-webjobs-hosts" in call.target or "/images/files/" in call.target:
            return False
        with self._lock:
            if self._left is None:
                return False
            self._left -= 1
            if self._left >= 0:
                return False
            self._left = None
            return True
