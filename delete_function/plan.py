"""What an erasure will do: the frozen plan and its units. Pure: values in, values out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.canonical import canonical
from shared.domain.receipt import residual
from shared.domain.resources import Iteration
from shared.domain.work import Counts, WorkUnit, partition
from shared.inventory import ProjectFinding

IMAGES = "images"
CONFLICTING = "conflicting"
"""Kind of the pages that list images which match in an older row only; they are named and left alone."""


@dataclass
class PlanBuilder:
    """Turns findings into units, project by project; `trained_iterations` says what iterations with items are for."""

    trained_iterations: str
    projects: list[dict[str, Any]] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def units_of(self, finding: ProjectFinding, first_number: int) -> list[WorkUnit]:
        """Give the units that erase a project's images, and the pages that name its conflicting ones."""
        runs = [(IMAGES, run) for run in partition(finding.items)]
        runs += [(CONFLICTING, run) for run in partition(finding.conflicting_items)]
        return [
            WorkUnit(
                kind=kind,
                number=first_number + offset,
                resource=finding.resolved.resource,
                project_id=finding.resolved.project.id,
                items=items,
            )
            for offset, (kind, items) in enumerate(runs)
        ]

    def add(self, finding: ProjectFinding, unit_ids: Sequence[str]) -> None:
        """Note a project and the ids under which its pages were saved."""
        project = finding.resolved.project
        iterations = [self._iteration(iteration, finding) for iteration in finding.iterations]
        self._hash_project(finding, iterations)
        self.projects.append(
            {
                "id": project.id,
                "name": project.name,
                "resource": finding.resolved.resource,
                "counts": {"images": len(finding.items), "predictions": 0, "iterations": 0, "tags": 0},
                "iterations": iterations,
                "looked_at": finding.looked_at,
                "conflicting": len(finding.conflicting),
                "units": [unit_id for unit_id in unit_ids if unit_id.startswith(f"{IMAGES}-")],
                "conflicting_pages": [unit_id for unit_id in unit_ids if unit_id.startswith(f"{CONFLICTING}-")],
            }
        )

    def _iteration(self, iteration: Iteration, finding: ProjectFinding) -> dict[str, Any]:
        holds = finding.holds(iteration.id)
        return {
            "id": iteration.id,
            "name": iteration.name,
            "publish_name": iteration.publish_name,
            "holds": holds,
            "action": self.trained_iterations if holds else "keep",
        }

    def _hash_project(self, finding: ProjectFinding, iterations: Iterable[Mapping[str, Any]]) -> None:
        actions = {iteration["id"]: iteration["action"] for iteration in iterations}
        self._hash.update(canonical({"project": finding.resolved.project.id, "iterations": actions}) + b"\n")
        for item in finding.items:
            self._hash.update(f"  {item.item_id}\n".encode())

    def plan(self, request_id: str, planned_time: str, selectors_without_match: int) -> dict[str, Any]:
        """Give the plan to freeze; its hash covers ids and actions, not names."""
        return {
            "subject_request_id": request_id,
            "plan_hash": f"sha256:{self._hash.hexdigest()}",
            "planned_time": planned_time,
            "projects": self.projects,
            "selectors_without_match": selectors_without_match,
            "residuals": [entry["code"] for entry in residuals(self.projects)],
        }


def residuals(projects: Iterable[Mapping[str, Any]], kept_exports: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Say what will remain when the plan has been carried out."""
    projects = list(projects)
    learned = [i["id"] for project in projects for i in project["iterations"] if i["holds"] and i["action"] != "delete"]
    entries = [residual("kept_export", kept_exports)]
    if learned:
        entries.append(residual("trained_model_learned_from_items", learned))
    if projects:
        entries.append(residual("stored_predictions_not_searched", [project["id"] for project in projects]))
    return entries


def unit_ids(plan: Mapping[str, Any]) -> list[str]:
    """Give the ids of the units that erase images."""
    return [unit_id for project in plan["projects"] for unit_id in project["units"]]


def found_counts(plan: Mapping[str, Any]) -> Counts:
    """Give what will be erased, and what is named and left alone."""
    projects = plan["projects"]
    found = sum(project["counts"]["images"] for project in projects)
    return {IMAGES: {"found": found, "conflicting": sum(project["conflicting"] for project in projects)}}


def looked_at(plan: Mapping[str, Any]) -> dict[str, int]:
    """Give how much was read to make the plan."""
    projects = plan["projects"]
    return {
        "projects": len(projects),
        "iterations": sum(len(project["iterations"]) for project in projects),
        "images": sum(project["looked_at"] for project in projects),
    }
