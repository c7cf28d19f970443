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


def large(plan: Plan, around: Surroundings) -> list[Table]:
    """Export without zip and derived files; erase every image of another project, of which there is no package."""
    exports, erasures = [], []
    for images in _sizes(plan):
        exports.append((images, _exported(around, images, BARE)))
        erasures.append((images, _erased(around, images)))
    images, last = erasures[-1]
    units = math.ceil(images / UNIT)
    return [
        _memory({"export": exports, "erasure": erasures}),
        _floor(erasures),
        shares(f"Calls to Custom Vision for the erasure of {images} images", last.by_operation, units, "unit"),
        shares(f"Calls to blobs for the erasure of {images} images", last.by_blob, units, "unit", most=20),
    ]


def large_package(plan: Plan, around: Surroundings) -> list[Table]:
    """Export with everything: CSV, COCO, index pages and zips."""
    return [_memory({"with zip": [(images, _exported(around, images, {"package": "zip"})) for images in _sizes(plan)]})]


def _sizes(plan: Plan) -> list[int]:
    return sorted({plan.scaled(size, 4) for size in IMAGES})


def floor_calls(images: int) -> int:
    """
    Give the least calls of an erasure of all images of an untrained project.

    A planned listing, the units' second reading, the deletes, and two verifying readings by id: a list that no longer
    shows an image does not prove that the image is gone.
    """
    return 5 * math.ceil(images / UNIT)


def _exported(around: Surroundings, images: int, options: Mapping[str, Any]) -> Figures:
    project = around.seeded(f"large {uuid4()}", images)["project"]
    with around.host() as host:
        return measured(around, host, "exports", {"scope": {"projects": [project]}, "options": options})


def _erased(around: Surroundings, images: int) -> Figures:
    project = around.seeded(f"large {uuid4()}", images)["project"]
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
