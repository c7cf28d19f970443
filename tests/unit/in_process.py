"""
The whole app in one process: storage and time in memory, Custom Vision by its emulator, and nothing that waits.

A `Region` is what outlives every crash: containers, queues, the clock, the service. A `Process` is one life of the app
on it, which may be told to die after a number of writes or messages.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import requests

from delete_function.fulfilment import ErasureFulfilment
from delete_function.intake import INTAKE as ERASURES
from export_function.fulfilment import ExportFulfilment
from export_function.intake import INTAKE as EXPORTS
from export_function.rebuilding import REBUILD
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from request_function import reading
from request_function.poison import watch_poison_queues
from request_function.watchdog import resend_lost_work
from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import StraightSession, make_session
from shared.adapters.picture_source import HttpPictureSource
from shared.bootstrap import Installation
from shared.domain.errors import SourceRefusal
from shared.fulfilment import Fulfilment
from shared.ledger import RequestLedger
from shared.lifecycle import handle
from shared.packages import PackageStore
from shared.ports import BlobStore, QueuedMessage, Queues
from shared.services import Services
from tests.fakes import Fetched, InMemoryBlobStore, InMemoryQueues, SettableClock, StoppingBlobStore, WorldStopped

SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "LEDGER_HASH_KEY": "ledger-hash-key",
    "COPY_CONCURRENCY": "1",
    "CUSTOM_VISION_CALLS_PER_SECOND": "1000",
}
WATCHDOG_EVERY = timedelta(minutes=5)
MOST_STEPS = 2000
NEVER = 10**9


class StoppingBeforeBlobStore(StoppingBlobStore):
    """Dies instead of the write that follows the `stop_after`-th: what the service was asked meanwhile has happened."""

    def _write[T](self, write: Callable[[], T]) -> T:
        with self._lock:
            self._left -= 1
            if self._left < 0:
                raise WorldStopped
        return write()


class OvertakenBlobStore(StoppingBlobStore):
    """Passes every write on; after the `after`-th the process is held up while `overtake` runs."""

    def __init__(self, inner: BlobStore, *, after: int, overtake: Callable[[], None]) -> None:
        super().__init__(inner, stop_after=NEVER)
        self._after = after
        self._overtake = overtake

    def _write[T](self, write: Callable[[], T]) -> T:
        try:
            return write()
        finally:
            self._after -= 1
            if self._after == 0:
                self._overtake()

    @property
    def was_overtaken(self) -> bool:
        """Whether there have been so many writes."""
        return self._after <= 0


class StoppingQueues:
    """Queues whose process dies right after its `stop_after`-th message was sent (0: instead of the first)."""

    def __init__(self, inner: Queues, *, stop_after: int) -> None:
        self._inner = inner
        self._left = stop_after
        self.sent = 0

    def send(self, queue: str, message: Mapping[str, object], *, delay_seconds: float = 0) -> None:
        """Send, and die if it was the last one."""
        if self._left > 0:
            self._inner.send(queue, message, delay_seconds=delay_seconds)
            self.sent += 1
        self._left -= 1
        if self._left <= 0:
            raise WorldStopped

    def receive(self, queue: str, *, limit: int = 32, hidden_seconds: float = 300) -> Sequence[QueuedMessage]:
        """Pass on."""
        return self._inner.receive(queue, limit=limit, hidden_seconds=hidden_seconds)

    def remove(self, queue: str, message: QueuedMessage) -> None:
        """Pass on."""
        self._inner.remove(queue, message)

    def ensure(self, queue: str) -> None:
        """Pass on."""
        self._inner.ensure(queue)


@dataclass(frozen=True, kw_only=True)
class CrashAt:
    """
    After how many writes to the ledger, to packages, or of messages a process dies; never by default.

    `before_ledger`: it dies instead of the write that follows so many.
    """

    ledger: int = NEVER
    before_ledger: int = NEVER
    packages: int = NEVER
    messages: int = NEVER


@dataclass
class Region:
    """What is there whatever happens to the app."""

    emulator: RunningEmulator
    session: StraightSession
    settings: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = SettableClock()
        self.requests = InMemoryBlobStore(clock=self.clock)
        self.exports = InMemoryBlobStore(clock=self.clock, fetch=self._fetch)
        self.queues = InMemoryQueues(self.clock)
        self.control = EmulatorControl(self.emulator.url)
        self._watched = self.clock.now()
        endpoint = {"CUSTOM_VISION_ENDPOINT": self.emulator.url, "CUSTOM_VISION_TRAINING_KEY": self.emulator.key}
        self._installation = Installation(SETTINGS | endpoint | dict(self.settings))

    def process(self, crash: CrashAt | None = None) -> "Process":
        """Start the app."""
        at = crash or CrashAt()
        queues = StoppingQueues(self.queues, stop_after=at.messages)
        before = StoppingBeforeBlobStore(self.requests, stop_after=at.before_ledger)
        ledger = StoppingBlobStore(before, stop_after=at.ledger)
        packages = StoppingBlobStore(self.exports, stop_after=at.packages)
        return Process(self, self._services(ledger, packages, queues), self._services(ledger, packages, queues))

    def process_on(self, ledger: BlobStore) -> "Process":
        """Start the app on this ledger."""
        services = self._services(ledger, self.exports, self.queues)
        return Process(self, services, services)

    def _services(self, ledger: BlobStore, packages: BlobStore, queues: Queues) -> Services:
        client = CustomVisionClient(
            self.emulator.url,
            key=self.emulator.key,
            credential=None,
            session=self.session,
            budget=UnlimitedBudget(),
            clock=self.clock,
            sleep=self.pass_time,
        )
        return replace(
            self._installation.services(),
            ledger=RequestLedger(ledger),
            packages=PackageStore(packages),
            queues=queues,
            clock=self.clock,
            vision={client.host: client},
            pictures=HttpPictureSource(self.session),
        )

    def pass_time(self, seconds: float) -> None:
        """Let time pass, here and in the service."""
        self.clock.advance(seconds)
        self.control.advance(seconds)

    def _fetch(self, link: str) -> Fetched | SourceRefusal:
        """Fetch as the storage service does when it copies."""
        try:
            answer = self.session.get(link, timeout=10)
        except requests.RequestException:
            return SourceRefusal("refused")
        if answer.status_code == 200:
            return Fetched(answer.content, answer.headers.get("ETag"))
        reason = "source_absent" if answer.status_code == 404 else "link_expired"
        return SourceRefusal(reason, status=answer.status_code)

    def wait_for_something(self, process: "Process") -> None:
        """Let time pass until a message can be seen or the watchdog is due, whichever is first."""
        watchdog = self._watched + WATCHDOG_EVERY
        visible = self.queues.next_visible() or watchdog
        self.pass_time(max((min(visible, watchdog) - self.clock.now()).total_seconds(), 0.001))
        if self.clock.now() >= watchdog:
            self._watched = self.clock.now()
            resend_lost_work(process.services)
            watch_poison_queues(process.services)

    def everything_kept(self) -> dict[str, bytes]:
        """Give every blob of both containers, by a name that begins with its container."""
        stores = {"requests": self.requests, "exports": self.exports}
        return {
            f"{container}/{entry.name}": blob.content
            for container, store in stores.items()
            for entry in store.entries()
            if (blob := store.read(entry.name)) is not None
        }


@dataclass
class Process:
    """One life of the app: it takes requests and works through messages until it dies."""

    region: Region
    services: Services
    erasing: Services

    def __post_init__(self) -> None:
        self._work: Mapping[str, tuple[Services, Fulfilment]] = {
            "export-work": (self.services, ExportFulfilment()),
            "deletion-work": (self.erasing, ErasureFulfilment(REBUILD)),
        }

    def post(self, body: Mapping[str, Any]) -> str:
        """Take a request as POST does and give its id."""
        is_erasure = "level" in body["scope"]
        intake, services = (ERASURES, self.erasing) if is_erasure else (EXPORTS, self.services)
        return intake.from_http(services, dict(body), None).subject_request_id

    def status(self, request_id: str) -> dict[str, Any]:
        """Read a request as GET does."""
        return reading.status(self.services, request_id)

    def work_until(self, done: Callable[[], bool], *, twice: bool = False) -> None:
        """Deliver messages, and let time pass where there are none, until it is done; `twice`: each message twice."""
        for _ in range(MOST_STEPS):
            if done():
                return
            if not self._deliver_one(twice):
                self.region.wait_for_something(self)
        raise AssertionError("the requests do not come to an end")

    def finish(self, request_id: str, *, twice: bool = False) -> dict[str, Any]:
        """Work until a request is final and every message is dealt with; gives the request."""
        self.work_until(lambda: self._has_ended(request_id), twice=twice)
        return self.status(request_id)

    def _has_ended(self, request_id: str) -> bool:
        waiting = [*self.region.queues.waiting("export-work"), *self.region.queues.waiting("deletion-work")]
        entries = [entry for entry in self.services.ledger.index() if entry.request_id == request_id]
        return self.status(request_id)["completed_time"] and not waiting and all(e.state == "final" for e in entries)

    def _deliver_one(self, twice: bool) -> bool:
        for queue, (services, fulfilment) in self._work.items():
            for message in self.region.queues.receive(queue, limit=1):
                for _ in range(2 if twice else 1):
                    handle(services, fulfilment, message.content, message.dequeue_count)
                self.region.queues.remove(queue, message)
                return True
        return False


@contextmanager
def region(**settings: str) -> Iterator[Region]:
    """Give an empty region with an emulator of its own."""
    session = make_session(8)
    with session, running_emulator(seed=7) as emulator:
        yield Region(emulator, session, settings)
