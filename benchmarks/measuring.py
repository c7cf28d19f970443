"""One request or one yardstick measured: wall, CPU, memory and calls."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
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
    Seconds of wall and CPU, MiB of memory, numbers of calls.

    `idle` is the host's memory before the request; `phases` the wall of each phase in seconds, from the request's own
    history; `app_calls` go to the app's blobs, `source_calls` to the pictures' links, `api_calls` to Custom Vision.
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


def measured(around: Surroundings, host: HostProcess, route: str, body: Mapping[str, Any]) -> Figures:
    """Follow one request from POST to its end; its calls and the host's costs meanwhile."""
    around.blobs.reset()
    around.control.reset_calls()
    reset_peak(host.pid)
    before, began = costs_of(host.pid), time.perf_counter()
    record = around.follow(host, route, body)
    wall, after = time.perf_counter() - began, costs_of(host.pid)
    counts = around.blobs.counts()
    return Figures(
        wall=wall,
        cpu=after.cpu - before.cpu,
        peak=after.peak,
        idle=before.rss,
        app_calls=calls_of(counts["calls"], APP_ACCOUNT),
        source_calls=calls_of(counts["calls"], SERVICE_ACCOUNT),
        api_calls=sum(sum(by_status.values()) for by_status in around.control.calls().values()),
        connections=counts["connections"],
        phases=phases_of(record["history"]),
    )


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
