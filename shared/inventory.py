"""
Reading what there is: which projects are meant, which images they hold, which of them are one person's.

Lists of the service are paged by offset over an order that has ties, and nothing freezes them (Training API v3.3), so
a list counts as read only when the ids seen equal what the count operation says.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.canonical import canonical, keyed_digest
from shared.domain.errors import CannotFulfil
from shared.domain.links import without_links
from shared.domain.resources import Image, Iteration, Project
from shared.domain.selection import MatchTracker, Verdicts, newest_first
from shared.domain.selection import matches as is_selected
from shared.domain.subject_request import ImageSelector
from shared.domain.work import PlannedItem
from shared.ports import CustomVision, Order
from shared.services import Services

PASSES: tuple[Order, ...] = ("Oldest", "Newest", "Oldest", "Newest")


@dataclass(frozen=True, kw_only=True)
class ResolvedProject:
    """A project and the host of the resource that holds it."""

    resource: str
    project: Project


@dataclass(frozen=True, kw_only=True)
class ListedSource:
    """The ids of one list (workspace or an iteration), and whether they equal the service's own count."""

    ids: set[str]
    service_count: int
    stable: bool


@dataclass(frozen=True, kw_only=True)
class ProjectFinding:
    """
    What a project holds of one person.

    `items`: the selected images with the keyed hash of the row that was judged. `conflicting`: matched in an older row
    only. `present`: all ids asked for by id or matched that any source still has. `held_by`: selected images per
    source, by iteration id, the workspace under "". `looked_at`: distinct images read. `stable`: every list was.
    """

    resolved: ResolvedProject
    iterations: Sequence[Iteration]
    items: Sequence[PlannedItem]
    conflicting: Sequence[str]
    present: frozenset[str]
    held_by: Mapping[str, frozenset[str]]
    looked_at: int
    stable: bool

    def holds(self, iteration_id: str) -> int:
        """Give how many selected images an iteration's own copy holds."""
        return len(self.held_by.get(iteration_id, ()))

    @property
    def conflicting_items(self) -> list[PlannedItem]:
        """The conflicting images as items of a plan page."""
        return [PlannedItem(item_id=image_id) for image_id in self.conflicting]


def resolve_projects(services: Services, wanted: Sequence[str] | str) -> list[ResolvedProject]:
    """
    Find the projects asked for, over all resources: "all", or ids and exact names.

    Raises `CannotFulfil`: `project_not_found`, or `ambiguous_name` where a name is borne by two.
    """
    there = [
        ResolvedProject(resource=host, project=project)
        for host, client in services.vision.items()
        for project in client.get_projects()
    ]
    if wanted == "all":
        return there
    found = {resolved.project.id: resolved for resolved in (_one(there, name) for name in wanted)}
    return list(found.values())


def _one(there: Sequence[ResolvedProject], name: str) -> ResolvedProject:
    by_id = [resolved for resolved in there if resolved.project.id == name]
    named = by_id or [resolved for resolved in there if resolved.project.name == name]
    if not named:
        raise CannotFulfil("project_not_found")
    if len(named) > 1:
        raise CannotFulfil("ambiguous_name")
    return named[0]


def list_images(
    client: CustomVision,
    project_id: str,
    *,
    iteration_id: str | None = None,
    observe: Callable[[Sequence[Image]], None] = lambda _: None,
) -> ListedSource:
    """
    List one source until it equals its count: passes from the oldest and the newest end in turn, at most four.

    The count must be the same before and after the pass: an image deleted from a page already read makes a later page
    skip another one, and the number of ids seen would equal the new count all the same.

    `observe` gets every row read, some of them more than once. Ids not seen in the last pass are asked for singly and
    dropped if they are gone.
    """
    ids: set[str] = set()
    count = client.get_image_count(project_id, iteration_id=iteration_id)
    for order in PASSES:
        before, seen = count, set[str]()
        for page in client.image_pages(project_id, iteration_id=iteration_id, order=order):
            observe(page)
            seen.update(image.id for image in page)
        unseen = sorted(ids - seen)
        still_there = client.get_images_by_ids(project_id, unseen, iteration_id=iteration_id) if unseen else []
        ids = seen.union(image.id for image in still_there)
        count = client.get_image_count(project_id, iteration_id=iteration_id)
        if len(ids) == before == count:
            return ListedSource(ids=ids, service_count=count, stable=True)
    return ListedSource(ids=ids, service_count=count, stable=False)


@dataclass
class Finder:
    """Finds one person's images in projects, and remembers which selectors have met a row anywhere."""

    selector: ImageSelector
    hash_key: str
    tracker: MatchTracker = field(init=False)

    def __post_init__(self) -> None:
        self.tracker = MatchTracker(self.selector)

    def find(
        self, client: CustomVision, resolved: ResolvedProject, also: Collection[str] = frozenset()
    ) -> ProjectFinding:
        """
        Find the selected images of a project in its workspace and in every iteration; `also` are ids to look for.

        Lists are read only if the selector needs them; what may match is then read by id in every source and judged on
        those rows, the workspace first, then iterations from the newest to the oldest.
        """
        project_id = resolved.project.id
        iterations = newest_first(client.get_iterations(project_id))
        sources = [None, *(iteration.id for iteration in iterations)]
        candidates, looked_at, stable = self._candidates(client, project_id, sources)
        verdicts, hashes = self._judge(client, project_id, sources, sorted(candidates.union(also)))
        return ProjectFinding(
            resolved=resolved,
            iterations=iterations,
            items=[PlannedItem(item_id=item, row_hash=hashes[item]) for item in sorted(verdicts.selected)],
            conflicting=sorted(verdicts.conflicting),
            present=frozenset(hashes),
            held_by=verdicts.held_by,
            looked_at=max(looked_at, len(hashes)),
            stable=stable,
        )

    def _candidates(
        self, client: CustomVision, project_id: str, sources: Sequence[str | None]
    ) -> tuple[set[str], int, bool]:
        candidates = set(self.selector.ids)
        if not self.selector.needs_listing:
            return candidates, 0, True
        looked_at: set[str] = set()
        stable = True

        def collect(rows: Sequence[Image]) -> None:
            candidates.update(image.id for image in rows if is_selected(self.selector, image))

        for source in sources:
            listed = list_images(client, project_id, iteration_id=source, observe=collect)
            looked_at |= listed.ids
            stable = stable and listed.stable
        return candidates, len(looked_at), stable

    def _judge(
        self, client: CustomVision, project_id: str, sources: Sequence[str | None], candidates: Sequence[str]
    ) -> tuple[Verdicts, dict[str, str]]:
        verdicts, hashes = Verdicts(self.selector), dict[str, str]()
        for source in sources if candidates else ():
            rows = client.get_images_by_ids(project_id, candidates, iteration_id=source)
            self.tracker.observe(rows)
            verdicts.observe(rows, source)
            for image in rows:
                if image.id not in hashes:
                    hashes[image.id] = row_hash(self.hash_key, image)
        return verdicts, hashes


def row_hash(key: str, image: Image) -> str:
    """Give the keyed hash of a row without its links, which differ with every read; 32 hex digits."""
    return keyed_digest(key, canonical(without_links(dict(image.row))))[:32]
