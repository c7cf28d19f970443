"""Planning an erasure: find what is meant, freeze it as units. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from delete_function.account import AccountTarget, find_account, is_deleted, planned_account
from delete_function.confirmation import check_confirmation
from delete_function.export_first import child_id
from delete_function.plan import PlanBuilder, ProjectTarget
from delete_function.residuals import planned_residuals
from shared.cleaning import GoneMatches, Packaged, exempt_packages, find_packaged
from shared.domain.digested import kept_selector
from shared.domain.errors import CannotFulfil, ResourceAbsent, ServiceRefusal
from shared.domain.id_set import IdSet
from shared.domain.packed_ids import PackedIds
from shared.domain.plan_hash import IMAGES, PREDICTIONS
from shared.domain.resources import Iteration, Tag
from shared.domain.selection import WORKSPACE, newest_first
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import PlannedItem, PlannedItems, WorkUnit
from shared.image_finder import Finder
from shared.inventory import list_images
from shared.plan_pages import save_pages
from shared.ports import CustomVision
from shared.ports_account import TrainingResource
from shared.predictions import find_predictions
from shared.projects import ResolvedProject, resolve_projects
from shared.selecting import image_selector
from shared.services import Services
from shared.tombstones import Tombstones


@dataclass
class _SelectedTags:
    """Tags that a request selects by: what holds each (ids of iterations, the workspace as ""), and those that go."""

    held_by: dict[str, list[str]] = field(default_factory=dict)
    going: list[Tag] = field(default_factory=list)


@dataclass
class Planner:
    """Plans one erasure."""

    services: Services
    request_id: str
    request: SubjectRequest
    builder: PlanBuilder = field(default_factory=PlanBuilder)
    next_number: int = 1
    missing_predictions: set[str] = field(default_factory=set)
    listed: dict[str, PackedIds] = field(default_factory=dict)

    def make(self) -> bool:
        """
        Read the projects and freeze the plan; False if a list did not stand still.

        An incomplete inventory erases nothing. A plan that stands is left as it is. Raises `CannotFulfil`.
        """
        if self.services.ledger.frozen_plan(self.request_id) is not None:
            return True
        self.missing_predictions = set(self.request.prediction_ids or ())
        selector = image_selector(self.services, self.request)
        finder = Finder(selector, selector.key, reads_again=False)  # units judge each image before they delete it
        account = find_account(self.services, self.request) if self.request.level == "account" else None
        resolved = self._resolved(account)
        check_confirmation(self.request, resolved, list(self.services.vision))
        for project in resolved:
            target = self._target(project, finder)
            if target is None:
                return False
            self.builder.add(target, [unit.unit_id for unit in self._saved(target.units())])
        if self.request.level == "items":
            self._add_packaged(finder)
        self._freeze(finder, account)
        return True

    def _add_packaged(self, finder: Finder) -> None:
        """Plan what is meant and is in no project any more, wherever packages of this app still hold it."""
        hosts = {project["id"]: project["resource"] for project in self.builder.projects}
        within = None if self.request.projects == "all" else hosts.keys()
        found = self._packaged(finder, within)
        for project_id in sorted(found, key=lambda one: (self.builder.place_of_packaged(one), one)):
            packaged = found[project_id]
            resource = hosts.get(project_id, packaged.resource)
            finder.tracker.observe_ids(packaged.items.images)
            self.missing_predictions.difference_update(packaged.items.predictions)
            if resource in self.services.vision:
                target = _packaged_target(resource, project_id, packaged.items)
                self.builder.add_packaged(target, [unit.unit_id for unit in self._saved(target.units())])
            else:
                self.builder.out_of_reach += _out_of_reach(packaged)

    def _packaged(self, finder: Finder, within: Collection[str] | None) -> dict[str, Packaged]:
        """Look through packages for ids that no project shows, and for what matches there and is gone from projects."""
        exempt = [*self.request.options["keep_exports"], child_id(self.request_id)]
        missing = Tombstones(images=set(finder.tracker.missing_ids), predictions=set(self.missing_predictions))
        found = find_packaged(self.services, missing, within, exempt)
        matches = GoneMatches(self.services, finder.selector, self.listed, finder.tracker.observe)
        for project_id, matching in matches.find(self.listed.keys(), exempt).items():
            found.setdefault(project_id, matching).items.add(matching.items)
        return found

    def _resolved(self, account: AccountTarget | None) -> list[ResolvedProject]:
        """
        Give the projects meant; at level account those of its own endpoint, whatever other endpoints hold.

        The endpoint of a deleted account answers no more: what is left to do is the purge.
        """
        if account is None:
            return resolve_projects(self.services, self.request.projects)
        if account.host is None or is_deleted(self.services, account):
            return []
        there = resolve_projects(self.services, self.request.projects)
        return [resolved for resolved in there if resolved.resource == account.host]

    def _freeze(self, finder: Finder, account: AccountTarget | None) -> None:
        unit = next(self._saved([account.unit()])) if account else None
        kept = self._kept_exports()
        residuals = planned_residuals(self.builder.projects, self.request, kept)
        plan = self.builder.plan(
            self.request_id,
            rfc3339(self.services.now()),
            selectors_without_match=finder.tracker.unmatched + len(self.missing_predictions),
            residuals=[entry["code"] for entry in residuals],
            account=planned_account(account, unit),
            kept_selector=kept_selector(finder.selector),
            kept_exports=kept,
        )
        self.services.ledger.save_plan(self.request_id, plan)

    def _kept_exports(self) -> dict[str, str | None]:
        """Give those of `keep_exports` that keep something of the projects in scope, with the time of their end."""
        is_anywhere = self.request.level == "items" and self.request.projects == "all"
        projects = None if is_anywhere else [project["id"] for project in self.builder.projects]
        kept = exempt_packages(self.services, self.request_id, self.request.options["keep_exports"], projects)
        return {package_id: rfc3339(expiry) if expiry else None for package_id, expiry in kept.items()}

    def _saved(self, units: Iterable[WorkUnit]) -> Iterator[WorkUnit]:
        """Save units under the next free numbers."""
        for saved in save_pages(self.services.ledger, self.request_id, units, self.next_number):
            self.next_number = max(self.next_number, saved.number + 1)
            yield saved

    def _target(self, resolved: ResolvedProject, finder: Finder) -> ProjectTarget | None:
        """Find what is to be erased of a project; None if a list did not stand still."""
        client = self.services.resource(resolved.resource)
        if self.request.level == "items":
            target = self._items(client, resolved, finder)
        else:
            target = self._whole(client, resolved)
        if target is None:
            return None
        concerned = [i for i in target.iterations if target.whole or target.held_by.get(i.id)]
        exported = [iteration.id for iteration in concerned if _has_exports(client, target, iteration)]
        return replace(target, exported_from=exported, customer_storage=_has_customer_storage(client, target))

    def _items(self, client: CustomVision, resolved: ResolvedProject, finder: Finder) -> ProjectTarget | None:
        found = finder.find(client, resolved)
        if not found.stable:
            return None
        self.listed[resolved.project.id] = PackedIds.of(chain(found.listed, found.present))  # a list may be late
        tags = self._selected_tags(client, resolved, [i.id for i in found.iterations])
        for tag in tags.going:
            finder.tracker.observe_tag(tag.id, tag.name)
        return ProjectTarget(
            resource=resolved.resource,
            project_id=resolved.project.id,
            name=resolved.project.name,
            whole=False,
            iterations=found.iterations,
            trained_iterations=self.request.options["trained_iterations"] or "keep",
            images=found.items,
            conflicting=PlannedItems(found.conflicting),
            held_by=found.held_by,
            prediction_ids=self._predictions(client, resolved, [i.id for i in found.iterations]),
            tag_ids=sorted(tag.id for tag in tags.going),
            selected_tags=tags.held_by,
            looked_at=found.looked_at,
            iterations_left=frozenset(self._left("iterations")),
        )

    def _left(self, store: str) -> list[str]:
        """Give what the request before left undone beside its items: a retry's own word, which no caller can give."""
        return list(self.request.options.get("left", {}).get(store, ()))

    def _predictions(self, client: CustomVision, resolved: ResolvedProject, iteration_ids: Sequence[str]) -> list[str]:
        wanted = self.request.prediction_ids
        if not wanted:
            return []
        found = find_predictions(client, resolved.project.id, iteration_ids, wanted)
        self.missing_predictions.difference_update(found)
        return found

    def _selected_tags(
        self, client: CustomVision, resolved: ResolvedProject, iteration_ids: Sequence[str]
    ) -> _SelectedTags:
        """
        Give the tags that the request selects by, with what holds them: each iteration has tags of its own.

        Those by which the request before a retry selected stay what they are; of them only those go that it left.
        """
        names = self.request.images.tags if self.request.images else frozenset()
        left = frozenset(self._left("tags"))
        known = left.union(self.request.options.get("selected_tags", ()))
        found = _SelectedTags()
        for source in [None, *iteration_ids] if names or known else ():
            for tag in client.get_tags(resolved.project.id, iteration_id=source):
                meant = _is_named(tag, names) or tag.id in left
                if meant or tag.id in known:
                    found.held_by.setdefault(tag.id, []).append(source or WORKSPACE)
                if meant and source is None and self.request.options["delete_tags"]:
                    found.going.append(tag)
        return found

    def _whole(self, client: CustomVision, resolved: ResolvedProject) -> ProjectTarget | None:
        project_id = resolved.project.id
        iterations = newest_first(client.get_iterations(project_id))
        held_by: dict[str, IdSet] = {}
        ids = IdSet()
        for source in [None, *(iteration.id for iteration in iterations)]:
            listed = list_images(client, project_id, iteration_id=source)
            if not listed.stable:
                return None
            ids.update(listed.ids)
            if source is not None:
                held_by[source] = listed.ids
        return ProjectTarget(
            resource=resolved.resource,
            project_id=project_id,
            name=resolved.project.name,
            whole=True,
            iterations=iterations,
            images=PlannedItems(ids),
            held_by=held_by,
            prediction_ids=find_predictions(client, project_id, [i.id for i in iterations], None),
            tag_ids=sorted(tag.id for tag in client.get_tags(project_id)),
            looked_at=len(ids),
        )


def _out_of_reach(packaged: Packaged) -> list[dict[str, Any]]:
    """Give what is meant and only packages hold, of a project whose endpoint this installation no longer has."""
    packages = sorted(packaged.packages)
    ids = {IMAGES: packaged.items.images, PREDICTIONS: packaged.items.predictions}
    return [
        {"store": store, "id": item, "packages": packages} for store, items in ids.items() for item in sorted(items)
    ]


def _packaged_target(resource: str, project_id: str, items: Tombstones) -> ProjectTarget:
    return ProjectTarget(
        resource=resource,
        project_id=project_id,
        name=None,
        whole=False,
        images=[PlannedItem(item_id=item) for item in sorted(items.images)],
        prediction_ids=sorted(items.predictions),
    )


def _has_customer_storage(client: TrainingResource, target: ProjectTarget) -> bool:
    """Whether models of a project that goes are also kept in the customer's own storage; only the preview API tells."""
    if not target.whole:
        return False
    try:
        settings = client.get_project_preview(target.project_id).get("settings") or {}
    except ServiceRefusal:
        return False
    return bool(settings.get("exportModelContainerUri") or settings.get("notificationQueueUri"))


def _is_named(tag: Tag, names: frozenset[str]) -> bool:
    return tag.name in names or tag.id in {name.lower() for name in names}


def _has_exports(client: CustomVision, target: ProjectTarget, iteration: Iteration) -> bool:
    """Whether a model was exported from an iteration: no call deletes that, so the receipt names it."""
    try:
        return bool(client.get_exports(target.project_id, iteration.id))
    except ResourceAbsent:
        return False
    except ServiceRefusal:
        return iteration.status == "Completed"


def frozen_plan(services: Services, request_id: str) -> dict[str, Any]:
    """Read the plan that stands; `CannotFulfil` if a request beyond planning has none."""
    plan = services.ledger.frozen_plan(request_id)
    if plan is None:
        raise CannotFulfil("bad_message")
    return plan
