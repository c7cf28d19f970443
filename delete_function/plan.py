"""What an erasure will do: its phases in their order, the frozen plan and its units. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.domain.phases import ERASURE_PHASES
from shared.domain.plan_hash import IMAGES, LISTED, PREDICTIONS, TAGS, PlanHash
from shared.domain.resources import Iteration
from shared.domain.work import PlannedItem, WorkUnit, in_order, kind_of, partition

UNPUBLISH = "unpublish"
OWN_EXPORTS = "own_exports"
ITERATIONS = "iterations"
PROJECTS = "projects"
ACCOUNT = "account"

CONTENT_PHASES = (UNPUBLISH, PREDICTIONS, IMAGES, ITERATIONS, TAGS)
"""What is inside a project, in the order in which it goes; each is verified before the next begins."""
PHASES = ERASURE_PHASES
"""All phases in their order; `own_exports` is the only one without units: it goes through packages step by step."""

STORES = (PREDICTIONS, IMAGES, ITERATIONS, TAGS, PROJECTS, ACCOUNT)
STORE_OF: Mapping[str, str] = {UNPUBLISH: ITERATIONS} | {store: store for store in STORES}

CONFLICTING = "conflicting"
"""Kind of the pages that list images which match in an older row only; they are named and left alone."""


@dataclass(frozen=True, kw_only=True)
class ProjectTarget:
    """
    What is to be erased of one project.

    `name` is None where the service has the project no longer, and only packages of this app hold something of it.
    `whole`: everything and the project itself; otherwise the items only. `held_by`: planned images per iteration.
    `trained_iterations`: what iterations that hold planned images are for: keep, unpublish or delete. `exported_from`:
    iterations concerned from which models were exported; `customer_storage`: whether copies of models go to storage of
    the customer's own. `tag_ids`: the workspace's tags that go; `selected_tags`: those that the selector names, with
    what holds them (ids of iterations, the workspace as ""). `iterations_left`: those that an earlier request left
    undone, whatever they hold now.
    """

    resource: str
    project_id: str
    name: str | None
    whole: bool
    iterations: Sequence[Iteration] = ()
    trained_iterations: str = "keep"
    images: Collection[PlannedItem] = ()
    conflicting: Collection[PlannedItem] = ()
    held_by: Mapping[str, Collection[str]] = field(default_factory=dict)
    prediction_ids: Sequence[str] = ()
    tag_ids: Sequence[str] = ()
    selected_tags: Mapping[str, Sequence[str]] = field(default_factory=dict)
    looked_at: int = 0
    exported_from: Sequence[str] = ()
    customer_storage: bool = False
    iterations_left: frozenset[str] = frozenset()

    def action(self, iteration: Iteration) -> str:
        """Say what happens to an iteration: keep, unpublish or delete."""
        if self.whole:
            return "delete"
        concerned = self.held_by.get(iteration.id) or iteration.id in self.iterations_left
        return self.trained_iterations if concerned else "keep"

    def iterations_to_delete(self) -> list[str]:
        """Give the ids of the iterations that go."""
        return sorted(i.id for i in self.iterations if self.action(i) == "delete")

    def iterations_to_unpublish(self) -> list[str]:
        """
        Give the ids of the iterations whose publication is taken back.

        One that is not published yet may be when its turn comes; of a whole project the unit looks at all anyway.
        """
        concerned = (i for i in self.iterations if self.action(i) != "keep")
        return sorted(i.id for i in concerned if i.publish_name or not self.whole)

    def units(self) -> Iterator[WorkUnit]:
        """Give the units of all phases and the pages of evidence, not numbered yet."""
        yield from self._id_units(UNPUBLISH, self.iterations_to_unpublish())
        yield from self._id_units(PREDICTIONS, self.prediction_ids)
        yield from self._image_units()
        yield from self._id_units(ITERATIONS, self.iterations_to_delete())
        yield from self._id_units(TAGS, self.tag_ids)
        yield from self._pages(CONFLICTING, self.conflicting)
        if self.whole:
            yield self._unit(PROJECTS, _items([self.project_id]))

    def _image_units(self) -> Iterator[WorkUnit]:
        if self.whole:
            yield self._unit(IMAGES, ())
            yield from self._pages(LISTED, self.images)
            return
        known = {"iterations": sorted(iteration.id for iteration in self.iterations)}
        yield from (replace(unit, details=known) for unit in self._pages(IMAGES, self.images))

    def _id_units(self, kind: str, ids: Sequence[str]) -> Iterator[WorkUnit]:
        """Of a whole project there is one unit of each kind, with whatever the plan found: more of it may arrive."""
        return iter([self._unit(kind, _items(ids))]) if self.whole else self._pages(kind, _items(ids))

    def _pages(self, kind: str, items: Iterable[PlannedItem]) -> Iterator[WorkUnit]:
        return (self._unit(kind, run) for run in partition(items))

    def _unit(self, kind: str, items: tuple[PlannedItem, ...]) -> WorkUnit:
        return WorkUnit(
            kind=kind,
            number=1,
            resource=self.resource,
            project_id=self.project_id,
            items=items,
            details={"whole": True} if self.whole else {},
        )


def _items(ids: Sequence[str]) -> tuple[PlannedItem, ...]:
    return tuple(PlannedItem(item_id=item) for item in sorted(ids))


@dataclass
class PlanBuilder:
    """Gathers what the frozen plan says, project by project, so that no more than one project is held at a time."""

    projects: list[dict[str, Any]] = field(default_factory=list)
    out_of_reach: list[dict[str, Any]] = field(default_factory=list)
    _hash: PlanHash = field(default_factory=PlanHash)

    def add(self, target: ProjectTarget, unit_ids: Sequence[str]) -> None:
        """Note a project and the ids under which its pages were saved."""
        iterations = [_iteration(target, iteration) for iteration in target.iterations]
        actions = {iteration["id"]: iteration["action"] for iteration in iterations}
        self._hash.project(target.project_id, whole=target.whole, actions=actions, tags=target.tag_ids)
        self._hash_items(target)
        self.projects.append(
            {
                "id": target.project_id,
                "name": target.name,
                "resource": target.resource,
                "whole": target.whole,
                "counts": {
                    "images": len(target.images),
                    "predictions": len(target.prediction_ids),
                    "iterations": len(target.iterations_to_delete()),
                    "tags": len(target.tag_ids),
                },
                "iterations": iterations,
                "looked_at": target.looked_at,
                "conflicting": len(target.conflicting),
                "exported_from": list(target.exported_from),
                "selected_tags": {tag_id: list(sources) for tag_id, sources in target.selected_tags.items()},
                "going_tags": [] if target.whole else sorted(target.tag_ids),
                "customer_storage": target.customer_storage,
                "units": [unit_id for unit_id in unit_ids if kind_of(unit_id) in PHASES],
                "packaged_units": [],
                "conflicting_pages": [unit_id for unit_id in unit_ids if kind_of(unit_id) == CONFLICTING],
                "listed_pages": [unit_id for unit_id in unit_ids if kind_of(unit_id) == LISTED],
            }
        )

    def place_of_packaged(self, project_id: str) -> int:
        """Give where `add_packaged` takes a project's turn: those that the service has no longer go first."""
        return next((number for number, project in enumerate(self.projects) if project["id"] == project_id), -1)

    def add_packaged(self, target: ProjectTarget, unit_ids: Sequence[str]) -> None:
        """
        Note items that only packages of this app hold, and the ids under which their pages were saved.

        They belong to a project that is noted already, or to one that the service has no longer; the turns must be
        those of `place_of_packaged`, or the hash cannot be taken again (`hash_again`).
        """
        entry = next((project for project in self.projects if project["id"] == target.project_id), None)
        if entry is None:
            self.add(target, unit_ids)
            return
        self._hash.packaged(target.project_id)
        self._hash_items(target)
        entry["packaged_units"] += unit_ids
        entry["counts"][IMAGES] += len(target.images)
        entry["counts"][PREDICTIONS] += len(target.prediction_ids)
        entry["units"] += unit_ids

    def _hash_items(self, target: ProjectTarget) -> None:
        self._hash.items((image.item_id for image in in_order(target.images)), sorted(target.prediction_ids))

    def plan(
        self,
        request_id: str,
        planned_time: str,
        *,
        selectors_without_match: int,
        residuals: Sequence[str],
        account: Mapping[str, Any] | None = None,
        kept_selector: Mapping[str, Any] | None = None,
        kept_exports: Mapping[str, str | None] | None = None,
    ) -> dict[str, Any]:
        """
        Give the plan to freeze; its hash covers ids and actions, not names.

        `kept_selector`: what stays of the selector, for a retry to judge by. `kept_exports`: exempt packages that keep
        something, with the time of their end.
        """
        if account is not None:
            self._hash.account(account["name"])
        return {
            "subject_request_id": request_id,
            "plan_hash": self._hash.value(),
            "planned_time": planned_time,
            "projects": self.projects,
            "selectors_without_match": selectors_without_match,
            "residuals": list(residuals),
            "account": account,
            "kept_selector": kept_selector,
            "kept_exports": dict(kept_exports or {}),
            "out_of_reach": self.out_of_reach,
        }


def _iteration(target: ProjectTarget, iteration: Iteration) -> dict[str, Any]:
    return {
        "id": iteration.id,
        "name": iteration.name,
        "publish_name": iteration.publish_name,
        "holds": len(target.held_by.get(iteration.id, ())),
        "action": target.action(iteration),
    }


def planned_unit_ids(plan: Mapping[str, Any], phase: str) -> list[str]:
    """Give the ids of the units of one phase."""
    if phase == ACCOUNT:
        return [plan["account"]["unit"]] if plan["account"] else []
    return [u for project in plan["projects"] for u in project["units"] if kind_of(u) == phase]


def planned_phases(plan: Mapping[str, Any]) -> list[str]:
    """Give the phases that have something to do, in their order."""
    phases = [phase for phase in PHASES if planned_unit_ids(plan, phase)]
    if {IMAGES, PREDICTIONS}.intersection(phases):
        phases.append(OWN_EXPORTS)
    return sorted(phases, key=PHASES.index)


def is_empty(plan: Mapping[str, Any]) -> bool:
    """Whether there is nothing to erase."""
    return not planned_phases(plan)


def planned_of(plan: Mapping[str, Any], unit: WorkUnit) -> int:
    """Give how many things of a unit's kind were found in its project when the plan was made."""
    return sum(p["counts"].get(unit.kind, 0) for p in plan["projects"] if p["id"] == unit.project_id)
