"""
Which images are one person's: decided here, on rows that were read, never by a filter of the service.

An image in the workspace is judged by its workspace row, otherwise by its newest iteration's row. A match only in an
older row is a conflict: the newer row says that the picture is not (or no longer) that person's, so it is named and
left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import lru_cache

from shared.domain.digested import digested_image
from shared.domain.id_set import IdSet
from shared.domain.resources import Image, Iteration
from shared.domain.subject_request import ImageSelector

WORKSPACE = ""
"""The source that is no iteration."""


def matches(selector: ImageSelector, image: Image) -> bool:
    """
    Say whether a row is selected: by its id, by one of its tags (id or exact name), or by all metadata pairs.

    What an earlier request is tried again for must be one of that one's images, and match as it did for that one.
    """
    return image.id in selector.ids or _by_content(selector, image) or _as_before(selector, image)


def _by_content(selector: ImageSelector, image: Image) -> bool:
    return _by_tag(selector, image) or _by_metadata(selector, image)


def _as_before(selector: ImageSelector, image: Image) -> bool:
    before = selector.before
    if before is None or image.id not in before.ids:
        return False
    return _by_content(before, digested_image(image, selector.key))


def _by_tag(selector: ImageSelector, image: Image) -> bool:
    return any(name in selector.tags or tag_id in _lowered(selector.tags) for tag_id, name in image.tags)


@lru_cache(maxsize=4)
def _lowered(tags: frozenset[str]) -> frozenset[str]:
    return frozenset(tag.lower() for tag in tags)


def _by_metadata(selector: ImageSelector, image: Image) -> bool:
    held = image.metadata
    return bool(selector.metadata) and all(held.get(key) == value for key, value in selector.metadata.items())


def newest_first(iterations: Iterable[Iteration]) -> list[Iteration]:
    """Order iterations from the newest to the oldest by creation; ids break ties, since lists come in no order."""
    return sorted(iterations, key=lambda iteration: (iteration.created, iteration.id), reverse=True)


@dataclass
class Verdicts:
    """
    The judgement over one project's images, built source by source: the workspace first, then iterations newest first.

    `selected`: ids to erase. `conflicting`: matched only in a row that is not the newest. `rejected`: seen, and not
    selected. `holders`: the selected images of each source, by iteration id, the workspace under "".
    """

    selector: ImageSelector
    selected: IdSet = field(default_factory=IdSet)
    conflicting: IdSet = field(default_factory=IdSet)
    rejected: IdSet = field(default_factory=IdSet)
    holders: dict[str, IdSet] = field(default_factory=dict)

    def observe(self, rows: Iterable[Image], iteration_id: str | None) -> None:
        """Judge one source's rows; sources must come in the order of precedence."""
        for image in rows:
            self._judge(image)
            if image.id in self.selected:
                self.holders.setdefault(iteration_id or WORKSPACE, IdSet()).add(image.id)

    def select(self, ids: Iterable[str], source: str) -> None:
        """Take images of a source for selected whose newest row has been judged already."""
        for item in ids:
            self.selected.add(item)
            self.holders.setdefault(source, IdSet()).add(item)

    def _judge(self, image: Image) -> None:
        matched = matches(self.selector, image)
        if image.id in self.selected or image.id in self.conflicting:
            return
        if image.id in self.rejected:
            if matched:
                self.rejected.discard(image.id)
                self.conflicting.add(image.id)
            return
        (self.selected if matched else self.rejected).add(image.id)

    @property
    def held_by(self) -> Mapping[str, Set[str]]:
        """The selected images per source that holds any."""
        return self.holders

    @property
    def seen(self) -> Set[str]:
        """All images that any source showed."""
        others = self.conflicting | self.rejected
        return self.selected | others if others else self.selected


class MatchTracker:
    """Remembers which single selectors have been answered by any row."""

    def __init__(self, selector: ImageSelector) -> None:
        self._selector = selector
        self._ids = set(selector.known_ids)
        self._tags = set(selector.tags)
        self._metadata_open = bool(selector.metadata)

    def observe(self, rows: Iterable[Image]) -> None:
        """Take note of some rows."""
        for image in rows:
            self._ids.discard(image.id)
            self.observe_content(image)

    def observe_content(self, image: Image) -> None:
        """Take note of a row's tags and metadata; whether its image is still there is another question."""
        for tag_id, name in image.tags if self._tags else ():
            self.observe_tag(tag_id, name)
        self._metadata_open = self._metadata_open and not _by_metadata(self._selector, image)

    def observe_tag(self, tag_id: str, name: str) -> None:
        """Take note of a tag, of a row or of its own."""
        self._tags -= {tag for tag in self._tags if tag == name or tag.lower() == tag_id}

    @property
    def missing_ids(self) -> frozenset[str]:
        """The ids of the selector that no row has had yet."""
        return frozenset(self._ids)

    def observe_ids(self, ids: Iterable[str]) -> None:
        """Take note of ids of images that are there, whatever shows it."""
        self._ids.difference_update(ids)

    @property
    def unmatched(self) -> int:
        """How many selectors are still without a match."""
        return len(self._ids) + len(self._tags) + int(self._metadata_open)


def in_batches[T](items: Sequence[T], size: int) -> list[Sequence[T]]:
    """Cut a sequence into runs of at most `size`; every item lands in exactly one."""
    return [items[start : start + size] for start in range(0, len(items), size)]
