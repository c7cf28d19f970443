"""An export beside the yardsticks over the same project, and the tables of its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from benchmarks.measuring import Figures, measured, middle, of_yardstick
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import Surroundings

CHEAP_IMAGES = 2000
"""Up to here a scenario runs several times and gives medians."""
BARE: Mapping[str, Any] = {"package": "none", "formats": []}


@dataclass(frozen=True)
class Exported:
    """An export of so many images, and the yardsticks over the same project."""

    images: int
    app: Figures
    sdk: Figures
    plain: Figures


def runs_of(plan: Plan, images: int) -> int:
    """Give how often an export of so many images is measured."""
    return plan.runs if images <= CHEAP_IMAGES else 1


def exported(around: Surroundings, images: int, runs: int, options: Mapping[str, Any]) -> Exported:
    """Run the app (a fresh host each time) and the yardsticks in turn, so that a noisy moment hits all of them."""
    project = around.seeded(f"export {uuid4()}", images)["project"]
    body = {"scope": {"projects": [project]}, "options": options}
    app, sdk, plain = [], [], []
    for _ in range(runs):
        sdk.append(of_yardstick(around.yardstick("sdk", project)))
        with around.host() as host:
            app.append(measured(around, host, "exports", body))
        plain.append(of_yardstick(around.yardstick("requests", project)))
    return Exported(images, middle(app), middle(sdk), middle(plain))


def ratios_table(title: str, found: Sequence[Exported]) -> Table:
    """Set the app beside both yardsticks."""
    head = ("images", "wall / SDK", "CPU / SDK", "wall / requests", "CPU / requests")
    table = Table(title, (*head, "wall s", "CPU s", "CPU ms an image", "SDK wall, CPU s", "requests wall, CPU s"))
    for one in found:
        app, sdk, plain = one.app, one.sdk, one.plain
        ratios = [ratio(app.wall, sdk.wall), ratio(app.cpu, sdk.cpu)]
        ratios += [ratio(app.wall, plain.wall), ratio(app.cpu, plain.cpu)]
        took = [f"{app.wall:.1f}", f"{app.cpu:.1f}", f"{app.cpu / one.images * 1000:.2f}"]
        others = [f"{other.wall:.1f}, {other.cpu:.1f}" for other in (sdk, plain)]
        table.add(str(one.images), *ratios, *took, *others)
    return table


def phases_table(found: Sequence[Exported]) -> Table:
    """Show the seconds of each phase."""
    names = list(dict.fromkeys(name for one in found for name in one.app.phases))
    table = Table("Where the wall goes (seconds, hops of the queue included)", ("images", *names))
    for one in found:
        table.add(str(one.images), *(f"{one.app.phases.get(name, 0):.2f}" for name in names))
    return table


def calls_table(found: Sequence[Exported]) -> Table:
    """Show the calls to storage, to the pictures and to Custom Vision."""
    table = Table(
        "Calls (blobs; those to queues are not counted)",
        ("images", "our storage an image", "our storage", "source an image", "API", "connections at once"),
    )
    for one in found:
        app, images = one.app, one.images
        each = (f"{app.app_calls / images:.3f}", str(app.app_calls), f"{app.source_calls / images:.3f}")
        table.add(str(images), *each, str(app.api_calls), str(app.connections))
    return table


def memory_table(found: Sequence[Exported]) -> Table:
    """Set the peak of memory beside that of the fewest images."""
    smallest = found[0].app
    head = ("images", f"peak / that of {found[0].images}", "peak - idle MiB", "peak MiB", "idle host MiB")
    table = Table("Memory of the host's process tree", head)
    for one in found:
        app = one.app
        table.add(
            str(one.images),
            ratio(app.peak, smallest.peak),
            f"{app.peak - app.idle:.0f}",
            f"{app.peak:.0f}",
            f"{app.idle:.0f}",
        )
    return table
