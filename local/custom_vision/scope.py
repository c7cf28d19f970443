"""One list of images and tags: the workspace, or the copy that an iteration keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from local.custom_vision.model import Image, Tag

_CACHED_VIEWS = 8


class View(NamedTuple):
    """Which images of a list are asked for: by tagging, by any of some tags, by a condition on the metadata."""

    tagging: Literal["All", "Tagged", "Untagged"] = "All"
    tag_ids: frozenset[str] = frozenset()
    condition_text: str = ""
    condition: Callable[[Image], bool] | None = None

    def holds(self, image: Image) -> bool:
        """Whether the image belongs to this view."""
        if self.tagging != "All" and bool(image.tags) != (self.tagging == "Tagged"):
            return False
        if self.tag_ids and self.tag_ids.isdisjoint(link.tag_id for link in image.tags):
            return False
        return self.condition is None or self.condition(image)


class Page(NamedTuple):
    """A slice of a view. `shuffle` breaks ties in `created` anew; None leaves them as they are."""

    newest: bool
    skip: int
    take: int
    shuffle: Random | None = None


class Scope:
    """Images in order of `created` and tags by id. Not thread-safe: the world's lock guards it.

    Pages cost what they return, not what the list holds: the filtered order of ids is kept until something changes.
    """

    def __init__(self) -> None:
        self.images: dict[str, Image] = {}
        self.tags: dict[str, Tag] = {}
        self.revision = 0
        self._views: dict[tuple[str, frozenset[str], str], list[Image]] = {}
        self._tag_counts: Counter[str] | None = None

    def copy(self) -> Scope:
        """A snapshot that later changes of this list do not reach."""
        twin = Scope()
        twin.images, twin.tags = dict(self.images), dict(self.tags)
        return twin

    def put(self, images: Iterable[Image]) -> None:
        """Add images, or replace rows of the same id."""
        for image in images:
            self.images[image.id] = image
        self._changed()

    def remove(self, image_ids: Iterable[str]) -> list[Image]:
        """Take images away; returns the rows that were there."""
        gone = [image for image in (self.images.pop(one, None) for one in image_ids) if image is not None]
        self._changed()
        return gone

    def put_tag(self, tag: Tag) -> None:
        """Add or replace a tag."""
        self.tags[tag.id] = tag
        self._changed()

    def remove_tag(self, tag_id: str) -> None:
        """Take a tag away, and off every image of this list."""
        self.tags.pop(tag_id, None)
        self.put([without_tags(image, {tag_id}) for image in self.images.values() if _has_tag(image, tag_id)])

    def count(self, view: View) -> int:
        """How many images the view holds."""
        return len(self._view(view))

    def page(self, view: View, page: Page) -> list[Image]:
        """The asked-for slice, in the asked-for order."""
        rows = self._view(view)
        start, end = min(page.skip, len(rows)), min(page.skip + page.take, len(rows))
        if page.newest:
            start, end = len(rows) - end, len(rows) - start
        chosen = _slice_with_ties(rows, start, end, page.shuffle)
        return chosen[::-1] if page.newest else chosen

    def image_count(self, tag_id: str) -> int:
        """How many images carry the tag."""
        if self._tag_counts is None:
            self._tag_counts = Counter(link.tag_id for image in self.images.values() for link in image.tags)
        return self._tag_counts[tag_id]

    def _view(self, view: View) -> list[Image]:
        key = (view.tagging, view.tag_ids, view.condition_text)
        rows = self._views.get(key)
        if rows is None:
            # Rows arrive nearly in order of `created`, which makes this sort linear.
            rows = sorted(filter(view.holds, self.images.values()), key=lambda image: image.created)
            if len(self._views) >= _CACHED_VIEWS:
                self._views.pop(next(iter(self._views)))
            self._views[key] = rows
        return rows

    def _changed(self) -> None:
        self.revision += 1
        self._views.clear()
        self._tag_counts = None


def without_tags(image: Image, tag_ids: set[str]) -> Image:
    """The image without these tags and without the regions that carry them."""
    return image._replace(
        tags=tuple(link for link in image.tags if link.tag_id not in tag_ids),
        regions=tuple(region for region in image.regions if region.tag_id not in tag_ids),
    )


def _has_tag(image: Image, tag_id: str) -> bool:
    return any(link.tag_id == tag_id for link in image.tags)


def _slice_with_ties(rows: list[Image], start: int, end: int, shuffle: Random | None) -> list[Image]:
    """rows[start:end], every run of equal `created` that it touches being shuffled as a whole before the cut."""
    if shuffle is None or start >= end:
        return rows[start:end]
    first, last = start, end
    while first > 0 and rows[first - 1].created == rows[first].created:
        first -= 1
    while last < len(rows) and rows[last].created == rows[last - 1].created:
        last += 1
    mixed: list[Image] = []
    for _, run in groupby(rows[first:last], key=lambda image: image.created):
        tied = list(run)
        shuffle.shuffle(tied)
        mixed += tied
    return mixed[start - first : end - first]
