"""One request or one yardstick measured: wall, CPU, memory and calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

from benchmarks.process_costs import costs_of, reset_peak
from benchmarks.surroundings import Surroundings
from local.azurite.accounts import APP_ACCOUNT, SERVICE_ACCOUNT
from local.functions_host.process import HostProcess


@dataclass(frozen=True, kw_only=True)
class Figures:
    """
    Seconds of wall and CPU, MiB of memory, numbers of calls. Of several hosts CPU is the sum, memory the largest.

    `idle` is the host's memory before the request; `phases` the wall of each phase in seconds, from the request's own
    history, which `record` holds whole; `app_calls` go to the app's blobs, `source_calls` to the pictures' links,
    `api_calls` to Custom Vision. `by_operation` splits the latter, `by_blob` the app's by operation and kind of blob.
    """

    wall: float
    cpu: float
    peak: float
    idle: float = 0.0
    app_calls: int = 0
    source_calls: int = 0
    api_calls: int = 0
    connections: int = 0
    phases: Mapping[str, float] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)
    by_operation: Mapping[str, int] = field(default_factory=dict)
    by_blob: Mapping[str, int] = field(default_factory=dict)


def measured(
    around: Surroundings,
    host: HostProcess,
    route: str,
    body: Mapping[str, Any],
    *,
    beside: Sequence[HostProcess] = (),
    ends: Collection[str] = ("completed",),
) -> Figures:
    """Follow one request from POST to its end; its calls and the costs of the host, and of others beside it."""
    figures = started(around, [host, *beside])
    record = around.follow(host, route, body, ends)
    return replace(figures(), phases=phases_of(record["history"]), record=record)


def started(around: Surroundings, hosts: Sequence[HostProcess]) -> Callable[[], Figures]:
    """Count and measure from now on; what is returned gives the figures up to its own call."""
    pids = [one.pid for one in hosts]
    around.blobs.reset()
    around.control.reset_calls()
    for pid in pids:
        reset_peak(pid)
    before, began = [costs_of(pid) for pid in pids], time.perf_counter()

    def figures() -> Figures:
        wall, after = time.perf_counter() - began, [costs_of(pid) for pid in pids]
        counts = around.blobs.counts()
        api = {name: sum(by_status.values()) for name, by_status in around.control.calls().items()}
        return Figures(
            wall=wall,
            cpu=sum(one.cpu for one in after) - sum(one.cpu for one in before),
            peak=max(one.peak for one in after),
            idle=max(one.rss for one in before),
            app_calls=calls_of(counts["calls"], APP_ACCOUNT),
            source_calls=calls_of(counts["calls"], SERVICE_ACCOUNT),
            api_calls=sum(api.values()),
            connections=counts["connections"],
            by_operation=api,
            by_blob={
                name.partition(" ")[2]: number
                for name, number in counts["kinds"].items()
                if name.startswith(f"{APP_ACCOUNT} ")
            },
        )

    return figures


def of_yardstick(took: Mapping[str, float]) -> Figures:
    """Give a yardstick's figures."""
    return Figures(wall=took["wall"], cpu=took["cpu"], peak=took["peak"])


def calls_of(calls: Mapping[str, int], account: str) -> int:
    """Sum up the calls to one account."""
    return sum(number for name, number in calls.items() if name.startswith(f"{account} "))


def phases_of(history: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Give the seconds of each phase, from the times of a request's history; a phase that comes twice is summed."""
    seconds: dict[str, float] = {}
    for entry, following in pairwise(history):
        name = entry["phase"] or entry["status"]
        length = datetime.fromisoformat(following["time"]) - datetime.fromisoformat(entry["time"])
        seconds[name] = seconds.get(name, 0.0) + length.total_seconds()
    return seconds


def middle(runs: Sequence[Figures]) -> Figures:
    """Give the median of every figure of several runs; of memory the largest."""

    def of(read: Callable[[Figures], float]) -> float:
        return median(read(run) for run in runs)

    return Figures(
        wall=of(lambda run: run.wall),
        cpu=of(lambda run: run.cpu),
        peak=max(run.peak for run in runs),
        idle=of(lambda run: run.idle),
        app_calls=round(of(lambda run: run.app_calls)),
        source_calls=round(of(lambda run: run.source_calls)),
        api_calls=round(of(lambda run: run.api_calls)),
        connections=max(run.connections for run in runs),
        phases={name: median(run.phases.get(name, 0.0) for run in runs) for name in runs[0].phases},
    )
