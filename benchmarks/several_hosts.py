"""Several hosts on one export: how much faster, and whether any work is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from benchmarks.exporting import BARE
from benchmarks.measuring import Figures, measured
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import LEDGER, Surroundings
from local.azurite.accounts import APP_ACCOUNT

HOSTS = (1, 2, 4)
IMAGES = 16 * 256
"""Sixteen units: with one at a time in each host these are sixteen, eight and four turns."""
ONE_UNIT_AT_A_TIME = {
    "COPY_CONCURRENCY": "8",
    "AzureFunctionsJobHost__extensions__queues__batchSize": "1",
    "AzureFunctionsJobHost__extensions__queues__newBatchThreshold": "0",
}
"""Eight copies under way in each host, so that their latency is the limit and not the machine that all hosts share."""
LATENCY_MILLISECONDS = 200


@dataclass(frozen=True)
class Shared:
    """An export by so many hosts; `twice` counts what was done more than once."""

    hosts: int
    app: Figures
    copied_twice: int
    units: int
    units_twice: int


def several_hosts(plan: Plan, around: Surroundings) -> list[Table]:
    """The same export by one, two and four hosts, every call to blobs waiting 200 ms."""
    images = plan.scaled(IMAGES, 8)
    project = around.seeded(f"hosts {uuid4()}", images)["project"]
    with around.host() as host:  # the first export of all makes the container, and copies again what came before it
        around.follow(host, "exports", _body(around.seeded(f"first {uuid4()}", 1)["project"]))
    latency = plan.scaled(LATENCY_MILLISECONDS, 10)
    with around.latency(api_seconds=0, blob_milliseconds=latency):
        found = [_shared(around, number, project, images) for number in HOSTS]
    return [_table(f"Export of {images} images by several hosts ({latency} ms at every call to blobs)", found)]


def _shared(around: Surroundings, number: int, project: str, images: int) -> Shared:
    with around.hosts(number, **ONE_UNIT_AT_A_TIME) as (first, *others):
        app = measured(around, first, "exports", _body(project), beside=others)
        copies = around.blobs.counts()["calls"].get(f"{APP_ACCOUNT} CopyBlobFromURL", 0)
    lines = _lines(around, app.record["subject_request_id"])
    return Shared(number, app, copies - images, len(set(lines)), len(lines) - len(set(lines)))


def _body(project: str) -> dict[str, Any]:
    return {"scope": {"projects": [project]}, "options": BARE}


def _lines(around: Surroundings, request_id: str) -> list[bytes]:
    """Give one line for each time that a unit was finished."""
    folder = f"{APP_ACCOUNT}/{LEDGER}"
    names = around.blobs.names(f"{folder}/{request_id}/units/")
    tallies = [around.blobs.peek(f"{folder}/{name}") or b"" for name in names if name.endswith(".tally")]
    return [line for tally in tallies for line in tally.splitlines()]


def _table(title: str, found: list[Shared]) -> Table:
    one = found[0].app
    head = ("hosts", "one host's wall / theirs", "of the units alone", "CPU / one host's", "wall s", "planning s")
    more = ("units s", "end s", "CPU s", "largest host MiB", "units", "units twice", "copies twice")
    table = Table(title, (*head, *more))
    for each in found:
        app, data = each.app, each.app.phases.get("data", 0.0)
        ratios = (ratio(one.wall, app.wall), ratio(one.phases.get("data", 0.0), data), ratio(app.cpu, one.cpu))
        walls = (app.wall, app.phases.get("planning", 0.0), data, app.phases.get("closing", 0.0), app.cpu)
        twice = (str(each.units), str(each.units_twice), str(each.copied_twice))
        table.add(str(each.hosts), *ratios, *(f"{wall:.1f}" for wall in walls), f"{app.peak:.0f}", *twice)
    return table
