"""The call budget across four hosts: what reaches Custom Vision in each second, and an erasure beside exports."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from benchmarks.counting_proxy import CountingProxy, Seen, counting_proxy
from benchmarks.exporting import BARE
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import BenchFailed, Surroundings, call
from local.functions_host.process import HostProcess

HOSTS = 4
CALLS_PER_SECOND = 20
EXPORTS = 2
IMAGES = 600
"""Of each export. They are in a virtual network, where each picture is a call of its own."""
ERASED = 1000


def call_rate(plan: Plan, around: Surroundings) -> list[Table]:
    """Exports by four hosts at a budget, an erasure in their midst; the same erasure alone for comparison."""
    images, erased = plan.scaled(IMAGES, 20), plan.scaled(ERASED, 20)
    projects = [around.seeded(f"rate {uuid4()}", images)["project"] for _ in range(EXPORTS)]
    targets = [around.seeded(f"rate {uuid4()}", erased, iterations=1)["project"] for _ in range(2)]
    with counting_proxy(int(around.emulator.url.rpartition(":")[2])) as proxy:
        settings = {"CUSTOM_VISION_ENDPOINT": proxy.url, "CUSTOM_VISION_CALLS_PER_SECOND": str(CALLS_PER_SECOND)}
        with around.hosts(HOSTS, **settings) as hosts:
            alone = _erased(around, hosts[0], targets[0])
            proxy.clear()
            around.control.virtual_network("all")
            try:
                beside, kept_up = _beside_exports(around, hosts, projects, targets[1], proxy)
            finally:
                around.control.virtual_network("off")
    return [_rates(proxy.seen()), _shares(proxy.seen(), targets[1], alone, beside, kept_up)]


def _beside_exports(
    around: Surroundings, hosts: Sequence[HostProcess], projects: Sequence[str], target: str, proxy: CountingProxy
) -> tuple[float, bool]:
    """Give the erasure's seconds, and whether exports were still calling when it ended."""
    ids = []
    for host, project in zip(hosts, projects, strict=False):
        body = {"scope": {"projects": [project]}, "options": BARE}
        ids.append(call("POST", f"{host.url}/api/exports", body)["subject_request_id"])
    _until_busy(proxy, 2 * CALLS_PER_SECOND)
    took = _erased(around, hosts[-1], target)
    ended = time.monotonic()
    records = [around.ended(hosts[0], one) for one in ids]
    if any(record["request_status"] != "completed" for record in records):
        raise BenchFailed(f"exports ended {[record['request_status'] for record in records]}")
    return took, any(one.at > ended for one in proxy.seen())


def _until_busy(proxy: CountingProxy, calls: int) -> None:
    deadline = time.monotonic() + 120
    while len(proxy.seen()) < calls:
        if time.monotonic() > deadline:
            raise BenchFailed("the exports do not call Custom Vision")
        time.sleep(0.1)


def _erased(around: Surroundings, host: HostProcess, project: str) -> float:
    scope: Mapping[str, Any] = {"level": "items", "projects": [project], "images": {"tags": ["first"]}}
    began = time.monotonic()
    around.follow(host, "erasures", {"scope": scope, "options": {"trained_iterations": "keep"}})
    return time.monotonic() - began


def most_in_a_second(times: Sequence[float]) -> int:
    """Give the largest number of times within any second, wherever it begins; `times` in order."""
    return max((number - bisect_left(times, at - 1.0, hi=number) + 1 for number, at in enumerate(times)), default=0)


def _rates(seen: Sequence[Seen]) -> Table:
    times = sorted(one.at for one in seen)
    per_second = Counter(int(at - times[0]) for at in times)
    lasted, most = times[-1] - times[0], most_in_a_second(times)
    head = ("calls a second allowed", "most in any second / allowed", "mean / allowed", "most in any second")
    table = Table(f"Call budget across {HOSTS} hosts", (*head, "most in a whole second", "calls", "seconds"))
    ratios = (ratio(most, CALLS_PER_SECOND), ratio(len(times) / lasted, CALLS_PER_SECOND))
    counts = (str(most), str(max(per_second.values())), str(len(times)), f"{lasted:.0f}")
    table.add(str(CALLS_PER_SECOND), *ratios, *counts)
    return table


def _shares(seen: Sequence[Seen], project: str, alone: float, beside: float, kept_up: bool) -> Table:
    own = [one.at for one in seen if project in one.target]
    during = sum(own[0] <= one.at <= own[-1] for one in seen)
    lasted = own[-1] - own[0]
    head = ("beside / alone", "its share of the calls meanwhile", "its calls a second", "its calls")
    more = ("alone s", "beside exports s", "exports called to its end")
    title = f"An erasure posted while {EXPORTS} exports use the budget (a fifth of it is kept for erasures)"
    table = Table(title, (*head, *more))
    shares = (ratio(beside, alone), ratio(len(own), during), ratio(len(own), lasted), str(len(own)))
    table.add(*shares, f"{alone:.1f}", f"{beside:.1f}", "yes" if kept_up else "no")
    return table
