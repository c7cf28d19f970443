"""An export whose copies are late, refused for a while, refused for good, or have no source any more."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid4

from benchmarks.exporting import BARE
from benchmarks.measuring import Figures, measured
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import Surroundings
from local.azurite.accounts import APP_ACCOUNT

IMAGES = 2000
GONE = 20
"""Further images whose bytes the service has lost."""
LATE_MILLISECONDS = 2000
PACKAGES = "gdpr-exports"
SHARES: Mapping[str, Mapping[str, int]] = {
    "well": {},
    "10 % come late": {"late": 100},
    "5 % are busy once": {"busy": 50},
    "5 % are never done": {"unreadable": 50},
    "all of these": {"late": 100, "busy": 50, "unreadable": 50},
}


def bad_copies(plan: Plan, around: Surroundings) -> list[Table]:
    """The same export with each trouble; it has to end truthfully, whatever that costs."""
    images, gone = plan.scaled(IMAGES, 40), plan.scaled(GONE, 2)
    project = around.seeded(f"bad copies {uuid4()}", images)["project"]
    body = {"scope": {"projects": [project]}, "options": BARE}
    found, late_seconds = {}, plan.scaled(LATE_MILLISECONDS, 50) / 1000
    with around.host() as host:
        around.follow(host, "exports", body)  # the first export of a host is slower, and makes the container
        for name, shares in SHARES.items():
            around.blobs.set_bad_copies(late_seconds=late_seconds, **shares)
            found[name] = measured(around, host, "exports", body)
        for one in around.control.add_images(project, gone, unique_bytes=True):
            around.control.delete_blob(project, one)
        found[f"all, and {gone} without bytes"] = measured(around, host, "exports", body, ends=("partially_completed",))
    around.blobs.set_bad_copies()
    title = f"Export of {images} images when copies go wrong (late: by {late_seconds:.2g} s)"
    return [_table(title, found, around, project)]


def _table(title: str, found: Mapping[str, Figures], around: Surroundings, project: str) -> Table:
    head = ("copies", "wall / well", "CPU / well", "wall s", "CPU s", "our storage calls", "source reads")
    table = Table(title, (*head, "images found", "written", "failed or gone", "really there", "ended"))
    well = found["well"]
    for name, app in found.items():
        took = (ratio(app.wall, well.wall), ratio(app.cpu, well.cpu), f"{app.wall:.1f}", f"{app.cpu:.1f}")
        counts = app.record["counts"]["images"]
        missing = sum(counts.get(word, 0) for word in ("vanished", "failed", "not_available"))
        there = _pictures(around, app.record["subject_request_id"], project)
        told = (str(counts["found"]), str(counts["written"]), str(missing), str(there), app.record["request_status"])
        table.add(name, *took, str(app.app_calls), str(app.source_calls), *told)
    return table


def _pictures(around: Surroundings, request_id: str, project: str) -> int:
    return len(around.blobs.names(f"{APP_ACCOUNT}/{PACKAGES}/{request_id}/projects/{project}/images/files/"))
