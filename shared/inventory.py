"""
Reading what there is: which images a project holds, and which of them are one person's.

Lists of the service are paged by offset over an order that has ties, and nothing freezes them (Training API v3.3), so
a list counts as read only when the ids seen equal what the count operation says.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from shared.domain.canonical import canonical, digest, keyed_digest
from shared.domain.errors import ServiceRefusal
from shared.domain.id_set import IdSet
from shared.domain.links import without_links
from shared.domain.resources import Image, Iteration
from shared.domain.selection import WORKSPACE, MatchTracker, Verdicts, newest_first
from shared.domain.selection import matches as is_selected
from shared.domain.subject_request import ImageSelector
from shared.domain.work import UNIT_SIZE, PlannedItems
from shared.ports import CustomVision, Order
from shared.projects import ResolvedProject

PASSES: tuple[Order, ...] = ("Oldest", "Newest", "Oldest", "Newest")


@dataclass(frozen=True, kw_only=True)
class ListedSource:
    """
    The ids of one list (workspace or an iteration), and whether they equal the service's own count.

    `newest`: digest of the ids of its newest page (`page_digest`), None where the list did not stand still.
    """

    ids: IdSet
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
    source, by iteration id, the workspace under ""; `differing`: those of them whose row in that source is not
    selected; `tag_ids`: the tags that the other rows carry. `listed`: all ids of all lists that were read. `stable`:
    every list was, and showed no match that could not be read by its id.
    Memory: ids in `IdSet`, and 16 bytes of hash for each selected one.
    """

    resolved: ResolvedProject
    iterations: Sequence[Iteration]
    items: PlannedItems
    conflicting: IdSet
    present: Set[str]
    held_by: Mapping[str, Set[str]]
    differing: Mapping[str, Set[str]]
    tag_ids: frozenset[str]
    listed: Set[str]
    stable: bool

    @property
    def looked_at(self) -> int:
        """How many distinct images were read."""
        return max(len(self.listed), len(self.present))

    def matching(self, source: str) -> Set[str]:
        """Give the selected images whose row in a source is selected too."""
        held, differing = self.held_by.get(source, IdSet()), self.differing.get(source)
        return held - differing if differing else held


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
    ids = IdSet()
    count = client.get_image_count(project_id, iteration_id=iteration_id)
    for order in PASSES:
        before, seen, newest = count, IdSet(), deque[str](maxlen=UNIT_SIZE)
        for page in client.image_pages(project_id, iteration_id=iteration_id, order=order, expected=count):
            observe(page)
            if order == "Oldest" or not newest:  # the last rows of one order, the first page of the other
                newest.extend(image.id for image in page if image.id not in seen)
            seen.update(image.id for image in page)
        unseen = list(ids - seen)
        still_there = client.get_images_by_ids(project_id, unseen, iteration_id=iteration_id) if unseen else []
        seen.update(image.id for image in still_there)
        ids = seen
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
        candidates.update(also)
        judged = self._judge(client, project_id, sources, candidates)
        return ProjectFinding(
            resolved=resolved,
            iterations=iterations,
            items=PlannedItems(judged.verdicts.selected, bytes(judged.hashes)),
            conflicting=judged.verdicts.conflicting,
            present=judged.verdicts.seen,
            held_by=judged.verdicts.held_by,
            differing=judged.differing,
            tag_ids=frozenset(judged.tag_ids),
            listed=listed,
            stable=stable and (bool(self._left_out) or listed.isdisjoint(candidates - judged.verdicts.seen)),
        )

    def _candidates(
        self, client: CustomVision, project_id: str, sources: Sequence[str | None]
    ) -> tuple[IdSet, IdSet, bool]:
        candidates, listed_ids, stable = IdSet(self.selector.known_ids), IdSet(), True
        if not self.selector.needs_listing:
            return candidates, listed_ids, stable

        def collect(rows: Sequence[Image]) -> None:
            candidates.update(image.id for image in rows if is_selected(self.selector, image))

        for source in sources:
            listed = self._read(source, partial(list_images, client, project_id, iteration_id=source, observe=collect))
            if listed is None:
                continue
            listed_ids.update(listed.ids)
            stable = stable and listed.stable
        return candidates, listed_ids, stable

    def _judge(
        self, client: CustomVision, project_id: str, sources: Sequence[str | None], candidates: IdSet
    ) -> _Judged:
        judged = _Judged(Verdicts(self.selector))
        for batch in batched(candidates, UNIT_SIZE, strict=False):
            hashes: dict[str, str] = {}
            for source in sources:
                rows = self._read(source, partial(client.get_images_by_ids, project_id, batch, iteration_id=source))
                self._judge_rows(judged, rows or (), source, hashes)
            judged.hashes += bytes.fromhex("".join(hashes[item] for item in batch if item in hashes))
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

    def _judge_rows(self, judged: _Judged, rows: Sequence[Image], source: str | None, hashes: dict[str, str]) -> None:
        """Judge a source's rows of a batch; `hashes` takes those of the newest rows of the selected images."""
        self.tracker.observe(rows)
        judged.verdicts.observe(rows, source)
        for row in (row for row in rows if row.id in judged.verdicts.selected):
            if is_selected(self.selector, row):
                judged.tag_ids.update(tag_id for tag_id, _ in row.tags)
            else:
                judged.differing.setdefault(source or WORKSPACE, IdSet()).add(row.id)
            if row.id not in hashes:
                hashes[row.id] = row_hash(self.hash_key, row)


@dataclass
class _Judged:
    """What the rows of all sources say: `hashes` as in `PlannedItems`, the rest as in `ProjectFinding`."""

    verdicts: Verdicts
    hashes: bytearray = field(default_factory=bytearray)
    differing: dict[str, IdSet] = field(default_factory=dict)
    tag_ids: set[str] = field(default_factory=set)


def row_hash(key: str, image: Image) -> str:
    """Give the keyed hash of a row without its links, which differ with every read; 32 hex digits."""
    return keyed_digest(key, canonical(without_links(dict(image.row))))[:32]
