"""What is measured: each scenario prints its own table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from uuid import uuid4

from benchmarks.bad_copies import bad_copies
from benchmarks.call_rate import call_rate
from benchmarks.cold_import import CLIENTS, import_figures
from benchmarks.exporting import BARE, calls_table, exported, memory_table, phases_table, ratios_table, runs_of
from benchmarks.hops import hops
from benchmarks.idle import idle
from benchmarks.large import large, large_package
from benchmarks.measuring import Figures, measured, of_yardstick
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.several_hosts import several_hosts
from benchmarks.small_jobs import small_jobs
from benchmarks.status_reads import status_reads
from benchmarks.surroundings import Surroundings

IMAGES_OF_ONE = 20
MOST_TIMES_IN_ERASURES = 5
"""The largest erasure beside the smallest: every image is listed some twenty times by app and script together."""
API_MILLISECONDS = 50
BLOB_MILLISECONDS = 20


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
    found = [exported(around, images, runs_of(plan, images), BARE) for images in plan.images]
    return [
        ratios_table("Export (no zip, no CSV or COCO)", found),
        phases_table(found),
        calls_table(found),
        memory_table(found),
    ]


def latency(plan: Plan, around: Surroundings) -> list[Table]:
    """The same with a wait at every call, as a data centre has it; the smallest number of images only."""
    with around.latency(api_seconds=API_MILLISECONDS / 1000, blob_milliseconds=BLOB_MILLISECONDS):
        found = [exported(around, min(plan.images), 1, BARE)]
    title = f"Export with latency ({API_MILLISECONDS} ms Custom Vision, {BLOB_MILLISECONDS} ms blobs)"
    return [ratios_table(title, found), phases_table(found)]


def package(plan: Plan, around: Surroundings) -> list[Table]:
    """Export with everything: CSV, COCO, index pages and zips."""
    found = [exported(around, min(plan.images), 1, {"package": "zip"})]
    return [
        ratios_table("Export with zip, CSV and COCO", found),
        phases_table(found),
        calls_table(found),
        memory_table(found),
    ]


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
    "hops": hops,
    "idle": idle,
    "status": status_reads,
    "copies": bad_copies,
    "hosts": several_hosts,
    "rate": call_rate,
    "jobs": small_jobs,
    "large": large,
    "large-package": large_package,
}
"""By the name that `--scenario` takes, in the order in which they run."""


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
