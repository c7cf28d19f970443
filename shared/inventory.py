"""
Reading what there is: which projects are meant, which images they hold, which of them are one person's.

Lists of the service are paged by offset over an order that has ties, and nothing freezes them (Training API v3.3), so
a list counts as read only when the ids seen equal what the count operation says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.domain.canonical import canonical, digest, keyed_digest
from shared.domain.errors import CannotFulfil, ServiceRefusal, StorageUnavailable, TransientError
from shared.domain.links import without_links
from shared.domain.resources import Image, Iteration, Project
from shared.domain.selection import WORKSPACE, MatchTracker, Verdicts, in_batches, newest_first
from shared.domain.selection import matches as is_selected
from shared.domain.subject_request import ImageSelector
from shared.domain.work import UNIT_SIZE, PlannedItem
from shared.ports import CustomVision, Order
from shared.services import Services

PASSES: tuple[Order, ...] = ("Oldest", "Newest", "Oldest", "Newest")


@dataclass(frozen=True, kw_only=True)
class ResolvedProject:
    """A project and the host of the resource that holds it."""

    resource: str
    project: Project


@dataclass(frozen=True, kw_only=True)
class UnreadResource:
    """A resource, by its host, whose projects could not be listed, and why."""

    host: str
    error: ServiceRefusal | TransientError


@dataclass(frozen=True, kw_only=True)
class FoundProjects:
    """The projects asked for that were found, and the resources that could hold more of them but do not answer."""

    projects: Sequence[ResolvedProject]
    unread: Sequence[UnreadResource]


@dataclass(frozen=True, kw_only=True)
class ListedSource:
    """
    The ids of one list (workspace or an iteration), and whether they equal the service's own count.

    `newest`: digest of the ids of its newest page (`page_digest`), None where the list did not stand still.
    """

    ids: set[str]
    service_count: int
    stable: bool
    newest: str | None = None


def page_digest(ids: Iterable[str]) -> str:
    """Give a digest by which two readings of a page show whether it holds the same ids, in whatever order."""
    return digest("\n".join(sorted(set(ids))).encode())


@dataclass(frozen=True, kw_only=True)
class ProjectFinding:
    """
    What a project holds of one person.

    `items`: the selected images with the keyed hash of the row that was judged. `conflicting`: matched in an older row
    only. `present`: all ids asked for by id or matched that any source still has. `held_by`: selected images per
    source, by iteration id, the workspace under ""; `matching`: those of them whose row in that source is selected too;
    `tag_ids`: the tags that these rows carry. `listed`: all ids of all lists that were read; `looked_at`: distinct
    images read. `stable`: every list was.
    """

    resolved: ResolvedProject
    iterations: Sequence[Iteration]
    items: Sequence[PlannedItem]
    conflicting: Sequence[str]
    present: frozenset[str]
    held_by: Mapping[str, frozenset[str]]
    matching: Mapping[str, frozenset[str]]
    tag_ids: frozenset[str]
    listed: Collection[str]
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

    Every resource must answer: what one of them refuses to list might be meant too. Raises its error, or
    `CannotFulfil`: `project_not_found`, or `ambiguous_name` where a name is borne by two.
    """
    there, unread = _listed(services)
    if unread:
        raise unread[0].error
    return list(_meant(there, wanted, is_all=True).values())


def find_projects(services: Services, wanted: Sequence[str] | str) -> FoundProjects:
    """
    Find the projects asked for in those resources that answer.

    A resource that does not is named, unless all that was asked for are ids and found elsewhere. Raises as
    `resolve_projects` does, but what is not found may be where nothing can be read: then, if nothing of what was asked
    for was found, or no resource answers, the first error.
    """
    there, unread = _listed(services)
    found = _meant(there, wanted, is_all=not unread)
    if unread and (len(unread) == len(services.vision) or (wanted != "all" and not found)):
        raise unread[0].error
    return FoundProjects(
        projects=list(found.values()), unread=() if wanted != "all" and set(wanted) <= found.keys() else unread
    )


def _listed(services: Services) -> tuple[list[ResolvedProject], list[UnreadResource]]:
    there: list[ResolvedProject] = []
    unread: list[UnreadResource] = []
    for host, client in services.vision.items():
        try:
            there.extend(ResolvedProject(resource=host, project=project) for project in client.get_projects())
        except StorageUnavailable:
            raise
        except (ServiceRefusal, TransientError) as error:
            unread.append(UnreadResource(host=host, error=error))
    return there, unread


def _meant(
    there: Sequence[ResolvedProject], wanted: Sequence[str] | str, *, is_all: bool
) -> dict[str, ResolvedProject]:
    """Give by id those of all projects that are meant; with `is_all` every name and id must be among them."""
    chosen = there if wanted == "all" else [one for name in wanted for one in _named(there, name)]
    if is_all and wanted != "all" and not all(_named(there, name) for name in wanted):
        raise CannotFulfil("project_not_found")
    return {resolved.project.id: resolved for resolved in chosen}


def _named(there: Sequence[ResolvedProject], name: str) -> list[ResolvedProject]:
    """Give the project of an id or else of an exact name, or none; an id and a name may be the same text."""
    by_id = [resolved for resolved in there if resolved.project.id == name]
    named = by_id or [resolved for resolved in there if resolved.project.name == name]
    if len(named) > 1:
        raise CannotFulfil("ambiguous_name")
    return named


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
        before, seen, newest = count, set[str](), deque[str](maxlen=UNIT_SIZE)
        for page in client.image_pages(project_id, iteration_id=iteration_id, order=order, expected=count):
            observe(page)
            seen.update(image.id for image in page)
            if order == "Oldest" or not newest:  # the last rows of one order, the first page of the other
                newest.extend(image.id for image in page)
        unseen = sorted(ids - seen)
        still_there = client.get_images_by_ids(project_id, unseen, iteration_id=iteration_id) if unseen else []
        ids = seen.union(image.id for image in still_there)
        count = client.get_image_count(project_id, iteration_id=iteration_id)
        if len(ids) == before == count:
            return ListedSource(ids=ids, service_count=count, stable=True, newest=page_digest(newest))
    return ListedSource(ids=ids, service_count=count, stable=False)


@dataclass
class Finder:
    """
    Finds one person's images in projects, and remembers which selectors have met a row anywhere.

    `goes_without` says of an iteration and its refusal whether to go on without that iteration; else it is raised.
    """

    selector: ImageSelector
    hash_key: str
    goes_without: Callable[[str, ServiceRefusal], bool] = lambda *_: False
    tracker: MatchTracker = field(init=False)
    _left_out: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.tracker = MatchTracker(self.selector)

    def find(
        self, client: CustomVision, resolved: ResolvedProject, also: Collection[str] = frozenset()
    ) -> ProjectFinding:
        """
        Find the selected images of a project in its workspace and in every iteration; `also` are ids to look for.

        Lists are read only if the selector needs them; what may match is then read by id in every source and judged on
        those rows, the workspace first, then iterations from the newest to the oldest; a page of ids at a time, since
        rows are large and all of a project's may be meant.
        """
        project_id = resolved.project.id
        iterations = newest_first(client.get_iterations(project_id))
        sources = [None, *(iteration.id for iteration in iterations)]
        candidates, listed, stable = self._candidates(client, project_id, sources)
        judged = self._judge(client, project_id, sources, sorted(candidates.union(also)))
        verdicts, hashes = judged.verdicts, judged.hashes
        return ProjectFinding(
            resolved=resolved,
            iterations=iterations,
            items=[PlannedItem(item_id=item, row_hash=hashes[item]) for item in sorted(verdicts.selected)],
            conflicting=sorted(verdicts.conflicting),
            present=frozenset(hashes),
            held_by=verdicts.held_by,
            matching={source: frozenset(ids) for source, ids in judged.matching.items()},
            tag_ids=frozenset(judged.tag_ids),
            listed=listed,
            looked_at=max(len(listed), len(hashes)),
            stable=stable,
        )

    def _candidates(
        self, client: CustomVision, project_id: str, sources: Sequence[str | None]
    ) -> tuple[set[str], set[str], bool]:
        candidates = set(self.selector.known_ids)
        if not self.selector.needs_listing:
            return candidates, set(), True
        listed_ids: set[str] = set()
        stable = True

        def collect(rows: Sequence[Image]) -> None:
            candidates.update(image.id for image in rows if is_selected(self.selector, image))

        for source in sources:
            listed = self._read(source, partial(list_images, client, project_id, iteration_id=source, observe=collect))
            if listed is None:
                continue
            listed_ids |= listed.ids
            stable = stable and listed.stable
        return candidates, listed_ids, stable

    def _judge(
        self, client: CustomVision, project_id: str, sources: Sequence[str | None], candidates: Sequence[str]
    ) -> _Judged:
        judged = _Judged(Verdicts(self.selector))
        for batch in in_batches(candidates, UNIT_SIZE):
            for source in sources:
                rows = self._read(source, partial(client.get_images_by_ids, project_id, batch, iteration_id=source))
                self._judge_rows(judged, rows or (), source)
        return judged

    def _read[T](self, source: str | None, read: Callable[[], T]) -> T | None:
        """Read from a source; None from an iteration that is gone without, now and from then on."""
        if source in self._left_out:
            return None
        try:
            return read()
        except ServiceRefusal as refusal:
            if source is None or not self.goes_without(source, refusal):
                raise
            self._left_out.add(source)
            return None

    def _judge_rows(self, judged: _Judged, rows: Sequence[Image], source: str | None) -> None:
        self.tracker.observe(rows)
        judged.verdicts.observe(rows, source)
        selected = [row for row in rows if row.id in judged.verdicts.selected and is_selected(self.selector, row)]
        judged.matching.setdefault(source or WORKSPACE, set()).update(row.id for row in selected)
        judged.tag_ids.update(tag_id for row in selected for tag_id, _ in row.tags)
        for image in rows:
            if image.id not in judged.hashes:
                judged.hashes[image.id] = row_hash(self.hash_key, image)


@dataclass
class _Judged:
    """What the rows of all sources say: `hashes` of the newest row by id; the rest as in `ProjectFinding`."""

    verdicts: Verdicts
    hashes: dict[str, str] = field(default_factory=dict)
    matching: dict[str, set[str]] = field(default_factory=dict)
    tag_ids: set[str] = field(default_factory=set)


def row_hash(key: str, image: Image) -> str:
    """Give the keyed hash of a row without its links, which differ with every read; 32 hex digits."""
    return keyed_digest(key, canonical(without_links(dict(image.row))))[:32]
