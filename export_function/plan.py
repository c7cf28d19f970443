"""What an export consists of: the frozen plan and its units. Pure: values in, values out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.work import Counts, PlannedItem, WorkUnit, partition

PROJECT = "project"
IMAGES = "images"
DATA_PHASE = "data"

NOT_BUILT = ("account", "performance", "predictions", "exported_models")
"""Stores that a package does not hold yet; each is named in every manifest that was asked for it."""


@dataclass(frozen=True, kw_only=True)
class ProjectInventory:
    """What was found of one project: the ids to export, the service's count, and whether the list stood still."""

    resource: str
    project_id: str
    name: str
    image_ids: Sequence[str]
    service_count: int
    stable: bool


@dataclass
class PlanBuilder:
    """Turns inventories into units, project by project, so that no more than one project is held at a time."""

    projects: list[dict[str, Any]] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def units_of(self, inventory: ProjectInventory, first_number: int) -> list[WorkUnit]:
        """Give the units of a project: its own data, then its images in runs of 256, numbered from `first_number`."""
        runs: list[tuple[str, tuple[PlannedItem, ...]]] = [(PROJECT, ())]
        runs += [(IMAGES, run) for run in partition(PlannedItem(item_id=item) for item in inventory.image_ids)]
        return [
            WorkUnit(
                kind=kind,
                number=first_number + offset,
                resource=inventory.resource,
                project_id=inventory.project_id,
                items=items,
            )
            for offset, (kind, items) in enumerate(runs)
        ]

    def add(self, inventory: ProjectInventory, unit_ids: Sequence[str], looked_at: int) -> None:
        """Note a project and the ids under which its units were saved."""
        self._hash.update(f"{inventory.project_id}\n".encode())
        for image_id in sorted(inventory.image_ids):
            self._hash.update(f"  {image_id}\n".encode())
        self.projects.append(
            {
                "id": inventory.project_id,
                "name": inventory.name,
                "resource": inventory.resource,
                "counts": {"images": len(inventory.image_ids), "predictions": 0, "iterations": 0, "tags": 0},
                "service_count": inventory.service_count,
                "stable": inventory.stable,
                "looked_at": looked_at,
                "iterations": [],
                "units": list(unit_ids),
            }
        )

    def plan(self, request_id: str, planned_time: str) -> dict[str, Any]:
        """Give the plan to freeze; its hash covers ids, not names."""
        return {
            "subject_request_id": request_id,
            "plan_hash": f"sha256:{self._hash.hexdigest()}",
            "planned_time": planned_time,
            "projects": self.projects,
            "residuals": [],
        }


def unit_ids(plan: Mapping[str, Any]) -> list[str]:
    """Give the ids of all units of a plan."""
    return [unit_id for project in plan["projects"] for unit_id in project["units"]]


def found_counts(plan: Mapping[str, Any]) -> Counts:
    """Give what is known to be there before the first unit runs."""
    projects = plan["projects"]
    return {"projects": {"found": len(projects)}, "images": {"found": sum(p["counts"]["images"] for p in projects)}}
