"""
Which images of a project are one person's, in its workspace and in every iteration.

What is judged are rows as the service gives them; the newest one decides (`shared.domain.selection`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from shared.domain.canonical import canonical, keyed_digest
from shared.domain.errors import ServiceRefusal
from shared.domain.id_hashes import IdHashes
from shared.domain.id_set import IdSet
from shared.domain.links import without_links
from shared.domain.resources import Image, Iteration
from shared.domain.selection import WORKSPACE, MatchTracker, Verdicts, newest_first
from shared.domain.selection import matches as is_selected
from shared.domain.subject_request import ImageSelector
from shared.domain.work import HASH_BYTES, UNIT_SIZE, PlannedItems
from shared.inventory import list_images
from shared.ports import CustomVision
from shared.projects import ResolvedProject


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


@dataclass
class Finder:
    """
    Finds one person's images in projects, and remembers which selectors have met a row anywhere.

    `goes_without` says of an iteration and its refusal whether to go on without that iteration; else it is raised.
    `reads_again`: whether an image whose row in the workspace's list is selected is read by its id there as well.
    Whoever judges each one again before anything is done with it can do without.
    """

    selector: ImageSelector
    hash_key: str
    goes_without: Callable[[str, ServiceRefusal], bool] = lambda *_: False
    reads_again: bool = True
    tracker: MatchTracker = field(init=False)
    _left_out: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.tracker = MatchTracker(self.selector)

    def find(
        self, client: CustomVision, resolved: ResolvedProject, also: Collection[str] = frozenset()
    ) -> ProjectFinding:
        """
        Find the selected images of a project in its workspace and in every iteration; `also` are ids to look for.

        Lists are read only if the selector needs them; what may match is then read by id in every source (unless
        `reads_again` says otherwise) and judged on those rows, the workspace first, then iterations from the newest to
        the oldest; a page of ids at a time, since rows are large and all of a project's may be meant.
        """
        project_id = resolved.project.id
        iterations = newest_first(client.get_iterations(project_id))
        sources = [None, *(iteration.id for iteration in iterations)]
        judged = _Judged(Verdicts(self.selector))
        candidates, listed, stable = self._candidates(client, project_id, sources, judged)
        candidates.update(also)
        self._judge(client, project_id, sources, candidates, judged)
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
        self, client: CustomVision, project_id: str, sources: Sequence[str | None], judged: _Judged
    ) -> tuple[IdSet, IdSet, bool]:
        candidates, listed_ids, stable = IdSet(self.selector.known_ids), IdSet(), True
        if not self.selector.needs_listing:
            return candidates, listed_ids, stable
        for source in sources:
            observe = partial(self._collect, candidates, judged if source is None and not self.reads_again else None)
            listed = self._read(source, partial(list_images, client, project_id, iteration_id=source, observe=observe))
            if listed is None:
                continue
            listed_ids.update(listed.ids)
            if source is None:
                judged.keep_listed(listed.ids)
            stable = stable and listed.stable
        return candidates, listed_ids, stable

    def _collect(self, candidates: IdSet, judged: _Judged | None, rows: Sequence[Image]) -> None:
        """Collect what matches in a page of a list; into `judged`, if given, what its rows decide."""
        for row in rows:
            if is_selected(self.selector, row):
                candidates.add(row.id)
                if judged is not None:
                    self.tracker.observe_content(row)
                    judged.listed.put(row.id, row_hash(self.hash_key, row))
                    judged.tag_ids.update(tag_id for tag_id, _ in row.tags)
            elif judged is not None:
                judged.listed.discard(row.id)

    def _judge(
        self,
        client: CustomVision,
        project_id: str,
        sources: Sequence[str | None],
        candidates: IdSet,
        judged: _Judged,
    ) -> None:
        for batch in batched(candidates, UNIT_SIZE, strict=False):
            hashes = judged.take_listed(batch)
            self.tracker.observe_ids(hashes)
            unread = [item for item in batch if item not in hashes]
            for source in sources:
                ids = unread if source is None else batch
                rows = self._read(source, partial(client.get_images_by_ids, project_id, ids, iteration_id=source))
                self._judge_rows(judged, rows or (), source, hashes)
            judged.hashes += b"".join(hashes[item] for item in batch if item in hashes)

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

    def _judge_rows(self, judged: _Judged, rows: Sequence[Image], source: str | None, hashes: dict[str, bytes]) -> None:
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
    """
    What the rows of all sources say: `hashes` as in `PlannedItems`, the rest as in `ProjectFinding`.

    `listed`: the hashes of the rows of the workspace's list that were selected, where these decide.
    """

    verdicts: Verdicts
    hashes: bytearray = field(default_factory=bytearray)
    differing: dict[str, IdSet] = field(default_factory=dict)
    tag_ids: set[str] = field(default_factory=set)
    listed: IdHashes = field(default_factory=IdHashes)

    def keep_listed(self, ids: IdSet) -> None:
        """Let the rows decide of those images only that the whole reading of the list has ended with."""
        self.listed.retain(ids)

    def take_listed(self, batch: Sequence[str]) -> dict[str, bytes]:
        """Judge those of a batch as selected whose rows in the workspace's list decide, and give their hashes."""
        hashes = {item: found for item in batch if (found := self.listed.get(item))}
        self.verdicts.select(hashes, WORKSPACE)
        return hashes


def row_hash(key: str, image: Image) -> bytes:
    """Give the keyed hash of a row without its links, which differ with every read; `HASH_BYTES` long."""
    return bytes.fromhex(keyed_digest(key, canonical(without_links(dict(image.row)))))[:HASH_BYTES]
