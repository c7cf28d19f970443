"""What a host costs that has nothing to do."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from benchmarks.counting_proxy import CountingProxy, Seen, counting_proxy
from benchmarks.measuring import started
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import POLLING, Surroundings, storage_behind

SETTLE_SECONDS = 20
WATCHED_SECONDS = 120
GOAL_CALLS_A_SECOND = 2
AS_DEPLOYED = {POLLING: "", "AZURE_FUNCTIONS_ENVIRONMENT": "Production"}
"""Queues polled as host.json says, and timers' locks renewed as by a deployed host (one of a developer: oftener)."""


def idle(plan: Plan, around: Surroundings) -> list[Table]:
    """Count the calls of an idle host to queues and blobs, polled as host.json says."""
    with _proxies(around) as proxies:
        ports = {name: proxy.port for name, proxy in proxies.items()}
        with around.host(AzureWebJobsStorage=storage_behind(ports), **AS_DEPLOYED) as host:
            time.sleep(plan.scaled(SETTLE_SECONDS, 2))  # the pauses between two looks grow to their longest
            for proxy in proxies.values():
                proxy.clear()
            figures = started(around, [host])
            time.sleep(plan.scaled(WATCHED_SECONDS, 3))
            done = figures()
            calls = Counter(kind_of(one) for proxy in proxies.values() for one in proxy.seen())
    if done.app_calls:
        calls["data: " + ", ".join(around.blobs.counts()["calls"])] = done.app_calls
    return [_table(calls, done.wall, done.cpu, done.idle)]


@contextlib.contextmanager
def _proxies(around: Surroundings) -> Iterator[dict[str, CountingProxy]]:
    with contextlib.ExitStack() as stack:
        names = ("blob", "queue")
        yield {name: stack.enter_context(counting_proxy(around.azurite.ports[name])) for name in names}


def kind_of(one: Seen) -> str:
    """Name a call to storage by method and the path below the account, a blob's by its container."""
    parts = urlsplit(one.target).path.strip("/").split("/")[1:]
    where = "/".join(parts[:2] if parts[-1:] == ["messages"] else parts[:1])
    return f"{one.method} {where}"


def _table(calls: Mapping[str, int], seconds: float, cpu: float, memory: float) -> Table:
    table = Table(
        f"An idle host ({seconds:.0f} s, {cpu / seconds * 100:.1f} % of a core, {memory:.0f} MiB)",
        ("calls to storage", f"calls a second / {GOAL_CALLS_A_SECOND}", "calls a second", "calls"),
    )
    total = sum(calls.values())
    for name, number in [("all", total), *sorted(calls.items(), key=lambda pair: -pair[1])]:
        table.add(name, ratio(number / seconds, GOAL_CALLS_A_SECOND), f"{number / seconds:.2f}", str(number))
    return table
