"""What an export consists of: the frozen plan and its units. Pure: values in, values out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from shared.domain.id_set import IdSet, ascending
from shared.domain.phases import phase_of_unit
from shared.domain.resources import Iteration
from shared.domain.work import Counts, PlannedItem, PlannedItems, WorkUnit, partition
from shared.predictions import PredictionPages

PROJECT = "project"
IMAGES = "images"
ITERATION = "iteration"
ITERATION_IMAGES = "iteration_images"
PREDICTIONS = "predictions"
ACCOUNT = "account"
DERIVED = "derived"
ZIP = "zip"

DATA_PHASE = "data"
DERIVED_PHASE = "derived"
ZIP_PHASE = "zip"


@dataclass(frozen=True, kw_only=True)
class IterationInventory:
    """
    What an iteration's own copy holds.

    `image_ids`: the images to export of it; `with_bytes`: those of them whose bytes no other source gives.
    `service_count` and `stable` as for the workspace; None and True where the iteration lists nothing (not trained).
    """

    iteration_id: str
    name: str | None = None
    publish_name: str | None = None
    image_ids: Collection[str] = ()
    with_bytes: Collection[str] = ()
    service_count: int | None = None
    stable: bool = True

    @classmethod
    def of(cls, iteration: Iteration) -> Self:
        """Make the entry of an iteration that holds nothing."""
        return cls(iteration_id=iteration.id, name=iteration.name, publish_name=iteration.publish_name)


@dataclass(frozen=True, kw_only=True)
class ProjectInventory:
    """
    What was found of one project.

    `image_ids`: the workspace's images to export; `service_count`: the service's own count of the workspace;
    `stable`: whether the list stood still; `looked_at`: distinct images that were read; `narrowed`: whether the ids
    are one person's; `refused`: what the service would not show, as failures; `newest`: of the workspace, as listed;
    `tag_count`: tags of the workspace, or those that one person's rows carry. Of a narrowed export also `named_tags`:
    the only tags that guesses may name (None: rows are whole), and `left_out`: gaps of what was found and not meant.
    """

    resource: str
    project_id: str
    name: str
    image_ids: Collection[str]
    service_count: int
    stable: bool
    looked_at: int = 0
    narrowed: bool = False
    named_tags: Sequence[str] | None = None
    left_out: Sequence[Mapping[str, Any]] = ()
    iterations: Sequence[IterationInventory] = ()
    predictions: Sequence[PredictionPages] = ()
    refused: Sequence[Mapping[str, Any]] = ()
    newest: str | None = None
    tag_count: int = 0

    @property
    def all_stable(self) -> bool:
        """Whether every list stood still."""
        return self.stable and all(iteration.stable for iteration in self.iterations)

    @property
    def holds_nothing(self) -> bool:
        """Whether a narrowed export has nothing to say of the project, not even that something is missing."""
        return self.named_tags is not None and not (
            self.distinct_images or self.predictions or self.left_out or self.refused
        )

    @property
    def distinct_images(self) -> int:
        """How many images the package will hold, each once."""
        return len(self.image_ids) + sum(len(iteration.with_bytes) for iteration in self.iterations)


def units_of(inventory: ProjectInventory) -> Iterator[WorkUnit]:
    """Give a project's units, not numbered yet: its own data, its iterations, then items in runs of 256."""
    yield _unit(inventory, PROJECT, details={"gaps": list(inventory.left_out)} if inventory.left_out else {})
    named = {} if inventory.named_tags is None else {"named_tags": list(inventory.named_tags)}
    for run in partition(_items(inventory.image_ids)):
        yield _unit(inventory, IMAGES, run)
    for iteration in inventory.iterations:
        held = tuple(_items(iteration.image_ids)) if inventory.narrowed else ()
        yield _unit(inventory, ITERATION, held, {"iteration_id": iteration.iteration_id, **named})
        yield from _iteration_image_units(inventory, iteration)
    for pages in inventory.predictions:
        items = tuple(PlannedItem(item_id=item) for item in pages.prediction_ids)
        yield _unit(inventory, PREDICTIONS, items, {"query": pages.iteration_id, "tokens": list(pages.tokens), **named})


def _iteration_image_units(inventory: ProjectInventory, iteration: IterationInventory) -> Iterator[WorkUnit]:
    for run in partition(_items(iteration.image_ids)):
        with_bytes = [item.item_id for item in run if item.item_id in iteration.with_bytes]
        details = {"iteration_id": iteration.iteration_id, "with_bytes": with_bytes}
        yield _unit(inventory, ITERATION_IMAGES, run, details)


def _items(ids: Iterable[str]) -> PlannedItems:
    return PlannedItems(IdSet.of(ids))


def _unit(
    inventory: ProjectInventory,
    kind: str,
    items: tuple[PlannedItem, ...] = (),
    details: Mapping[str, Any] | None = None,
) -> WorkUnit:
    return WorkUnit(
        kind=kind,
        number=1,
        resource=inventory.resource,
        project_id=inventory.project_id,
        items=items,
        details=details or {},
    )


@dataclass
class PlanBuilder:
    """Gathers what the frozen plan says, project by project, so that no more than one project is held at a time."""

    projects: list[dict[str, Any]] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def add(self, inventory: ProjectInventory, units: Sequence[WorkUnit], fingerprint: str | None = None) -> None:
        """Note a project, its units as they were saved, and the fingerprint of its data where one was taken."""
        self._hash_ids(inventory)
        predictions = sum(len(pages.prediction_ids) for pages in inventory.predictions)
        self.projects.append(
            {
                "id": inventory.project_id,
                "name": inventory.name,
                "resource": inventory.resource,
                "counts": {
                    "images": inventory.distinct_images,
                    "predictions": predictions,
                    "iterations": len(inventory.iterations) if units else 0,
                    "tags": inventory.tag_count if units else 0,
                },
                "service_count": inventory.service_count,
                "stable": inventory.all_stable,
                "looked_at": inventory.looked_at,
                "refused": list(inventory.refused),
                "iterations": [_planned(own) for own in inventory.iterations] if units else [],
                "sources": sources_of(inventory),
                "units": [unit.unit_id for unit in units],
                "runs": [_run(unit) for unit in units if unit.items and unit.kind in (IMAGES, ITERATION_IMAGES)],
                "fingerprint": fingerprint,
            }
        )

    def _hash_ids(self, inventory: ProjectInventory) -> None:
        self._hash.update(f"{inventory.project_id}\n".encode())
        for iteration_id, ids in _ids_by_source(inventory):
            self._hash.update(f" {iteration_id}\n".encode())
            for image_id in ascending(ids):
                self._hash.update(f"  {image_id}\n".encode())

    def plan(
        self,
        request_id: str,
        planned_time: str,
        extra_units: Sequence[str] = (),
        unread: Sequence[Mapping[str, Any]] = (),
    ) -> dict[str, Any]:
        """
        Give the plan to freeze; its hash covers ids, not names.

        `extra_units` belong to no project; `unread`: the resources that would not list their projects.
        """
        return {
            "subject_request_id": request_id,
            "plan_hash": f"sha256:{self._hash.hexdigest()}",
            "planned_time": planned_time,
            "projects": self.projects,
            "residuals": [],
            "extra_units": list(extra_units),
            "unread": list(unread),
        }


def _planned(own: IterationInventory) -> dict[str, Any]:
    """Give an iteration as the plan shows it; an export leaves every one as it is."""
    return {
        "id": own.iteration_id,
        "name": own.name,
        "publish_name": own.publish_name,
        "holds": len(own.image_ids),
        "action": "keep",
    }


def _ids_by_source(inventory: ProjectInventory) -> Iterable[tuple[str, Collection[str]]]:
    yield "workspace", inventory.image_ids
    for iteration in inventory.iterations:
        yield iteration.iteration_id, iteration.image_ids
    yield "predictions", [item for pages in inventory.predictions for item in pages.prediction_ids]


def sources_of(inventory: ProjectInventory) -> list[dict[str, Any]]:
    """Give what every list held when it was read, to compare with when the export ends."""
    is_refused = any((e["store"], e["id"]) == (IMAGES, inventory.project_id) for e in inventory.refused)
    counted = None if is_refused else inventory.service_count
    workspace = {
        "iteration_id": None,
        "planned": len(inventory.image_ids),
        "counted": counted,
        "newest": inventory.newest,
    }
    iterations = [
        {"iteration_id": i.iteration_id, "planned": len(i.image_ids), "counted": i.service_count}
        for i in inventory.iterations
    ]
    return [workspace, *iterations]


def _run(unit: WorkUnit) -> dict[str, Any]:
    """Say with which id a run of ascending ids begins, so that a later export finds where an image was written."""
    return {"unit": unit.unit_id, "source": unit.details.get("iteration_id"), "first": unit.items[0].item_id}


def planned_unit_ids(plan: Mapping[str, Any], phase: str) -> list[str]:
    """Give the ids of a plan's units in one phase."""
    of_projects = [unit_id for project in plan["projects"] for unit_id in project["units"]]
    saved = [*of_projects, *plan.get("extra_units", ())]
    return [unit_id for unit_id in saved if phase_of_unit(unit_id, is_export=True) == phase]


def found_counts(plan: Mapping[str, Any]) -> Counts:
    """Give what is known to be there before the first unit runs."""
    projects = plan["projects"]
    found = {"projects": sum(bool(project["units"]) for project in projects)} | {
        store: sum(project["counts"][store] for project in projects)
        for store in ("images", "predictions", "iterations")
    }
    return {store: {"found": number} for store, number in found.items()}
