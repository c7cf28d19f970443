"""The hops of an export through its queue, apart from its work, and how an export grows with its images."""

from __future__ import annotations

from uuid import uuid4

from benchmarks.exporting import BARE, Exported, exported, runs_of
from benchmarks.measuring import Figures, measured, middle
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import POLLING, Surroundings

GOAL_SECONDS = 3
GOAL_GROWTH = 1.05
"""An export of ten times the images may take 10.5 times as long."""
GOAL_CONNECTIONS = 64


def hops(plan: Plan, around: Surroundings) -> list[Table]:
    """Export one image, with the bench's polling and with that of host.json; then what is asked for, without hops."""
    project = around.seeded(f"hops {uuid4()}", 1)["project"]
    polled = {"0.1 s": {}, "as host.json says": {POLLING: ""}}
    ones = {name: _one_image(around, project, plan.runs, settings) for name, settings in polled.items()}
    found = [exported(around, images, runs_of(plan, images), BARE) for images in plan.images]
    return [_hops_table(ones), _growth_table(found, ones["0.1 s"])]


def _one_image(around: Surroundings, project: str, runs: int, settings: dict[str, str]) -> Figures:
    body = {"scope": {"projects": [project]}, "options": BARE}
    with around.host(**settings) as host:
        measured(around, host, "exports", body)
        return middle([measured(around, host, "exports", body) for _ in range(runs)])


def _hops_table(ones: dict[str, Figures]) -> Table:
    names = list(dict.fromkeys(name for one in ones.values() for name in one.phases))
    title = "An export of one image: the hops of every export, and its constant work (a warm host)"
    table = Table(title, ("queues polled", f"wall / {GOAL_SECONDS} s", "wall s", "CPU s", *names))
    for polling, one in ones.items():
        phases = (f"{one.phases.get(name, 0):.2f}" for name in names)
        table.add(polling, ratio(one.wall, GOAL_SECONDS), f"{one.wall:.2f}", f"{one.cpu:.2f}", *phases)
    return table


def _growth_table(found: list[Exported], one: Figures) -> Table:
    head = ("images", "(wall - hops) / SDK", "(wall - hops) / requests", f"growth / {GOAL_GROWTH} x images")
    more = ("wall s", "without hops s", "SDK wall s", "requests wall s", f"connections / {GOAL_CONNECTIONS}")
    table = Table("Exports without their hops, and how they grow", (*head, *more))
    first = found[0]
    for each in found:
        work = each.app.wall - one.wall
        grown = ratio(each.app.wall / first.app.wall, GOAL_GROWTH * each.images / first.images)
        ratios = (ratio(work, each.sdk.wall), ratio(work, each.plain.wall), "-" if each is first else grown)
        walls = (f"{wall:.1f}" for wall in (each.app.wall, work, each.sdk.wall, each.plain.wall))
        table.add(str(each.images), *ratios, *walls, ratio(each.app.connections, GOAL_CONNECTIONS))
    return table
