"""The host put together: what it runs, how it starts, how it drains and stops."""

import asyncio
import hashlib
import random
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.functions_host.admin import Admin
from local.functions_host.backoff import PollingBackoff
from local.functions_host.functions import (
    FunctionDefinition,
    FunctionError,
    HttpTrigger,
    QueueBinding,
    TimerTrigger,
)
from local.functions_host.host_blobs import HostBlobs
from local.functions_host.host_json import HostOptions
from local.functions_host.invocations import Invoker
from local.functions_host.logs import HOST_LOGGER, describe_exception
from local.functions_host.manual_run import manual_input
from local.functions_host.queue_listener import QueueListener
from local.functions_host.queue_output import QueueOutput
from local.functions_host.server import Server, url_of
from local.functions_host.settings import AppSettings, LocalSettings
from local.functions_host.storage import Storage
from local.functions_host.timer_listener import TimerListener
from local.functions_host.web_app import WebApp

STORAGE = "AzureWebJobsStorage"


@dataclass(frozen=True)
class HostPlan:
    """Everything that is decided before the host starts."""

    app_dir: Path
    settings: AppSettings
    local: LocalSettings
    options: HostOptions
    extension_bundle: dict[str, Any]
    functions: Sequence[FunctionDefinition]
    errors: Sequence[FunctionError]

    @property
    def host_id(self) -> str:
        """The id that locks and timer status are kept under: the setting's, else one per app folder."""
        given = self.settings.get("AzureFunctionsWebHost__hostid")
        return given or hashlib.sha256(str(self.app_dir).encode()).hexdigest()[:32]


class Host:
    """Serves one app until a signal comes. Construct it inside the loop; SettingsError if storage cannot be reached."""

    def __init__(self, plan: HostPlan) -> None:
        self._plan = plan
        self._storage = Storage(plan.settings)
        self._output = QueueOutput(self._storage, plan.options.queues.message_encoding)
        self._invoker = Invoker(self._output)
        self._by_hand: set[asyncio.Task[Any]] = set()
        self._listeners = self._make_listeners()
        self._web = self._make_web()
        self._signals = 0
        self._stop = asyncio.Event()
        self._failed = False

    async def serve(self, listener: socket.socket) -> int:
        """Serve on the bound socket until SIGTERM or SIGINT, then drain. The exit code: 0, or 1 after a failure."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)
        server = Server(self._web)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await server.ready.wait()
        tasks = [asyncio.create_task(item.run()) for item in self._listeners]
        for task in tasks:
            task.add_done_callback(self._on_listener_end)
        print(f"Functions host is listening at {url_of(listener)}", flush=True)
        await self._stop.wait()
        await self._drain(tasks)
        server.should_exit = True
        await serving
        self._storage.close()
        return 1 if self._failed else 0

    def stop(self) -> None:
        """Begin to drain, as after a first signal."""
        self._stop.set()

    def _on_signal(self) -> None:
        self._signals += 1
        self._stop.set()

    def _on_listener_end(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            HOST_LOGGER.error("A listener of the host failed, so the host stops: %s", describe_exception(error))
            self._failed = True
            self._stop.set()

    async def _drain(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        HOST_LOGGER.info("Stopping: nothing new is started, what runs may end")
        self._web.drain()
        for item in self._listeners:
            item.stop()
        deadline = time.monotonic() + self._plan.local.drain_seconds
        while not self._is_idle(tasks):
            if time.monotonic() > deadline or self._signals > 1:
                HOST_LOGGER.warning("Stopped with work still running; its messages come back after their lease")
                return
            await asyncio.sleep(0.05)
        HOST_LOGGER.info("Stopped")

    def _is_idle(self, tasks: Sequence[asyncio.Task[None]]) -> bool:
        return all(task.done() for task in tasks) and not self._by_hand and not self._web.open_requests

    def _make_listeners(self) -> list[QueueListener | TimerListener]:
        plan = self._plan
        enabled = [function for function in plan.functions if not function.disabled]
        has_timers = any(isinstance(function.trigger, TimerTrigger) for function in enabled)
        blobs = HostBlobs(self._storage, "Storage", plan.host_id) if has_timers else None
        listeners: list[QueueListener | TimerListener] = []
        for function in enabled:
            match function.trigger:
                case QueueBinding() as trigger:
                    listeners.append(self._queue_listener(function, trigger))
                case TimerTrigger() as trigger if blobs is not None:
                    lock_seconds = 15 if plan.local.development else 60
                    listeners.append(TimerListener(function, trigger, blobs, self._invoker, lock_seconds))
        return listeners

    def _queue_listener(self, function: FunctionDefinition, trigger: QueueBinding) -> QueueListener:
        options = self._plan.options.queues
        return QueueListener(
            function,
            trigger,
            options,
            self._plan.local.lease_seconds,
            self._storage,
            self._output,
            self._invoker,
            PollingBackoff(options.max_polling_interval.total_seconds(), random.random),
        )

    def _make_web(self) -> WebApp:
        plan = self._plan
        admin = Admin(plan.host_id, plan.functions, plan.errors, plan.extension_bundle, self._run_by_hand)
        return WebApp(
            plan.functions,
            self._invoker,
            admin,
            keys=plan.local.keys,
            body_limit_bytes=plan.local.body_limit_bytes,
            homepage=not plan.settings.is_true("AzureWebJobsDisableHomepage"),
        )

    def _run_by_hand(self, function: FunctionDefinition, text: str) -> None:
        value, metadata = manual_input(function, text)
        task = asyncio.create_task(self._invoker.run(function, value, metadata))
        self._by_hand.add(task)
        task.add_done_callback(self._by_hand.discard)


def describe_functions(plan: HostPlan) -> str:
    """What was found, one line per function, for a person."""
    width = max(
        [len(function.name) for function in plan.functions] + [len(error.name) for error in plan.errors], default=0
    )
    lines = [f"  {function.name:<{width}}  {_described(function)}" for function in plan.functions]
    lines += [f"  {error.name:<{width}}  in error: {error.reason}" for error in plan.errors]
    return "\n".join(["Functions:", *lines])


def _described(function: FunctionDefinition) -> str:
    match function.trigger:
        case HttpTrigger() as trigger:
            methods = ",".join(sorted(trigger.methods)) if trigger.methods else "any method"
            text = f"http   {methods} /{trigger.route.text}"
        case QueueBinding() as trigger:
            text = f"queue  {trigger.queue_name}"
        case TimerTrigger() as trigger:
            text = f"timer  {trigger.text}"
    return f"{text} (disabled)" if function.disabled else text
