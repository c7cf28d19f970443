"""A hundred thousand images: does memory stay flat, and does an erasure keep to its floor?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

from benchmarks.exporting import BARE
from benchmarks.measuring import Figures, measured
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio, shares
from benchmarks.surroundings import Surroundings

IMAGES = (2000, 100_000)
CALLS_PER_SECOND = 20
UNIT = 256
_WHOLE: Mapping[str, Any] = {"package": "zip"}


def large(plan: Plan, around: Surroundings) -> list[Table]:
    """Export without and with everything; erase every image of another project, of which there is no package."""
    found: dict[str, list[tuple[int, Figures]]] = {"export": [], "export with zip, CSV, COCO": [], "erasure": []}
    for images in sorted({plan.scaled(size, 4) for size in IMAGES}):
        project = around.seeded(f"large {uuid4()}", images)["project"]
        found["export"].append((images, _exported(around, project, BARE)))
        found["export with zip, CSV, COCO"].append((images, _exported(around, project, _WHOLE)))
        erased = around.seeded(f"large {uuid4()}", images)["project"]
        found["erasure"].append((images, _erased(around, erased)))
    images, last = found["erasure"][-1]
    units = math.ceil(images / UNIT)
    return [
        _memory(found),
        _floor(found["erasure"]),
        shares(f"Calls to Custom Vision for the erasure of {images} images", last.by_operation, units, "unit"),
        shares(f"Calls to blobs for the erasure of {images} images", last.by_blob, units, "unit", most=20),
    ]


def floor_calls(images: int) -> int:
    """
    Give the calls that an erasure of all images of an untrained project cannot do without.

    A planned listing, the units' second reading, the deletes, and two listings of what is left: one page of nothing.
    """
    pages = math.ceil(images / UNIT)
    return 3 * pages + 2


def _exported(around: Surroundings, project: str, options: Mapping[str, Any]) -> Figures:
    with around.host() as host:
        return measured(around, host, "exports", {"scope": {"projects": [project]}, "options": options})


def _erased(around: Surroundings, project: str) -> Figures:
    scope = {"level": "items", "projects": [project], "images": {"tags": ["first", "second"]}}
    with around.host(CUSTOM_VISION_CALLS_PER_SECOND=str(CALLS_PER_SECOND)) as host:
        body = {"scope": scope, "options": {"trained_iterations": "keep"}}
        return measured(around, host, "erasures", body)


def _memory(found: Mapping[str, Sequence[tuple[int, Figures]]]) -> Table:
    head = ("work", "images", "peak / that of the fewest", "peak - idle MiB", "peak MiB", "idle host MiB")
    table = Table("Memory of the host's process tree, and what it took", (*head, "wall s", "CPU s", "CPU ms an image"))
    for name, runs in found.items():
        for images, one in runs:
            memory = (ratio(one.peak, runs[0][1].peak), f"{one.peak - one.idle:.0f}", f"{one.peak:.0f}")
            took = (f"{one.wall:.1f}", f"{one.cpu:.1f}", f"{one.cpu / images * 1000:.2f}")
            table.add(name, str(images), *memory, f"{one.idle:.0f}", *took)
    return table


def _floor(runs: Sequence[tuple[int, Figures]]) -> Table:
    title = f"Erasure of every image at {CALLS_PER_SECOND} calls a second, beside its floor"
    table = Table(title, ("images", "wall / floor", "calls / floor", "wall s", "floor s", "calls", "floor", "phases"))
    for images, one in runs:
        least = floor_calls(images)
        ratios = (ratio(one.wall, least / CALLS_PER_SECOND), ratio(one.api_calls, least))
        counts = (f"{one.wall:.1f}", f"{least / CALLS_PER_SECOND:.1f}", str(one.api_calls), str(least))
        table.add(str(images), *ratios, *counts, ", ".join(f"{name} {wall:.1f}" for name, wall in one.phases.items()))
    return table
