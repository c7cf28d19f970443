"""What is measured: each scenario prints its own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from benchmarks.cold_import import CLIENTS, import_figures
from benchmarks.measuring import Figures, measured, middle, of_yardstick
from benchmarks.report import Table, ratio
from benchmarks.surroundings import Surroundings

CHEAP_IMAGES = 2000
"""Up to here a scenario runs several times and gives medians."""
IMAGES_OF_ONE = 20
MOST_TIMES_IN_ERASURES = 5
"""The largest erasure beside the smallest: every image is listed some twenty times by app and script together."""
API_MILLISECONDS = 50
BLOB_MILLISECONDS = 20
_BARE: Mapping[str, Any] = {"package": "none", "formats": []}


@dataclass(frozen=True)
class Plan:
    """How much is measured: numbers of images, runs of what is cheap."""

    images: Sequence[int]
    runs: int


@dataclass(frozen=True)
class Exported:
    """An export of so many images, and the yardsticks over the same project."""

    images: int
    app: Figures
    sdk: Figures
    plain: Figures


def imports(plan: Plan, _around: Surroundings) -> list[Table]:
    """Cold import of the app against the public clients of its requirements."""
    found = import_figures(plan.runs)
    table = Table("Cold import", ("imported", "wall / clients", "CPU / clients", "wall ms", "CPU ms", "peak MiB"))
    clients = found["clients"]
    for name in ("app", "clients", *CLIENTS, "nothing"):
        one = found[name]
        ratios = (ratio(one.wall, clients.wall), ratio(one.cpu, clients.cpu))
        table.add(name, *ratios, f"{one.wall * 1000:.0f}", f"{one.cpu * 1000:.0f}", f"{one.peak:.0f}")
    return [table]


def export(plan: Plan, around: Surroundings) -> list[Table]:
    """Export with neither zip nor derived files, beside both yardsticks; memory against the number of images."""
    found = [_exported(around, images, _runs(plan, images), _BARE) for images in plan.images]
    return [_ratios("Export (no zip, no CSV or COCO)", found), _phases(found), _calls(found), _memory(found)]


def latency(plan: Plan, around: Surroundings) -> list[Table]:
    """The same with a wait at every call, as a data centre has it; the smallest number of images only."""
    around.blobs.set_latency(BLOB_MILLISECONDS)
    around.control.fault("delay", seconds=API_MILLISECONDS / 1000)
    try:
        found = [_exported(around, min(plan.images), 1, _BARE)]
    finally:
        around.control.clear_faults()
        around.blobs.set_latency(0)
    title = f"Export with latency ({API_MILLISECONDS} ms Custom Vision, {BLOB_MILLISECONDS} ms blobs)"
    return [_ratios(title, found), _phases(found)]


def package(plan: Plan, around: Surroundings) -> list[Table]:
    """Export with everything: CSV, COCO, index pages and zips."""
    found = [_exported(around, min(plan.images), 1, {"package": "zip"})]
    return [_ratios("Export with zip, CSV and COCO", found), _phases(found), _calls(found), _memory(found)]


def erasure(plan: Plan, around: Surroundings) -> list[Table]:
    """Erase one person of many, beside a script that lists, deletes and lists twice again."""
    most = MOST_TIMES_IN_ERASURES * min(plan.images)
    found = [(images, *_erased(around, images)) for images in sorted({min(images, most) for images in plan.images})]
    head = ("images", "wall / script", "CPU / script", "wall s", "CPU s", "API calls", "blob calls", "peak MiB")
    table = Table(f"Erasure of one person with {IMAGES_OF_ONE} images (one iteration)", head)
    for images, app, script in found:
        ratios = (ratio(app.wall, script.wall), ratio(app.cpu, script.cpu))
        took = (f"{app.wall:.1f}", f"{app.cpu:.1f}", str(app.api_calls), str(app.app_calls), f"{app.peak:.0f}")
        table.add(str(images), *ratios, *took)
    return [table]


SCENARIOS: Mapping[str, Callable[[Plan, Surroundings], list[Table]]] = {
    "import": imports,
    "export": export,
    "latency": latency,
    "package": package,
    "erasure": erasure,
}


def _runs(plan: Plan, images: int) -> int:
    return plan.runs if images <= CHEAP_IMAGES else 1


def _exported(around: Surroundings, images: int, runs: int, options: Mapping[str, Any]) -> Exported:
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


def _erased(around: Surroundings, images: int) -> tuple[Figures, Figures]:
    people = [f"person-{number}" for number in range(max(1, images // IMAGES_OF_ONE))]
    seeded = around.seeded(f"erasure {uuid4()}", images, metadata={"subject": people}, iterations=1)
    scope = {
        "level": "items",
        "projects": [seeded["project"]],
        "images": {"metadata": {"subject": people[0]}},
    }
    with around.host() as host:
        body = {"scope": scope, "options": {"trained_iterations": "keep"}}
        app = measured(around, host, "erasures", body)
    person = ["subject", people[-1]]
    script = around.yardstick("erase", seeded["project"], iterations=seeded["iterations"], person=person)
    return app, of_yardstick(script)


def _ratios(title: str, found: Sequence[Exported]) -> Table:
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


def _phases(found: Sequence[Exported]) -> Table:
    names = list(dict.fromkeys(name for one in found for name in one.app.phases))
    table = Table("Where the wall goes (seconds, hops of the queue included)", ("images", *names))
    for one in found:
        table.add(str(one.images), *(f"{one.app.phases.get(name, 0):.2f}" for name in names))
    return table


def _calls(found: Sequence[Exported]) -> Table:
    table = Table(
        "Calls (blobs; those to queues are not counted)",
        ("images", "our storage an image", "our storage", "source an image", "API", "connections at once"),
    )
    for one in found:
        app, images = one.app, one.images
        each = (f"{app.app_calls / images:.3f}", str(app.app_calls), f"{app.source_calls / images:.3f}")
        table.add(str(images), *each, str(app.api_calls), str(app.connections))
    return table


def _memory(found: Sequence[Exported]) -> Table:
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
