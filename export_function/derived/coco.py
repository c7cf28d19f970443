"""
A project as a COCO data set (https://cocodataset.org/#format-data), as a stream. Pure.

Categories are the tags. A tag that no region carries becomes a box over the whole image, marked `whole_image`, so that
classification projects load where boxes are expected; a Negative tag ("nothing of this is here") becomes no box.
Images without bytes in the package are left out and counted in `info`, since loaders open every image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from export_function.derived.held import HeldImage
from export_function.derived.regions import Box
from shared.domain.canonical import canonical

type Json = dict[str, Any]

WHOLE = Box(0.0, 0.0, 1.0, 1.0)


class Categories:
    """Numbers for tags: 1, 2, ... in order of tag id, so the same tags always get the same; unheard-of tags follow."""

    def __init__(self, tags: Sequence[Mapping[str, Any]]) -> None:
        self._entries: dict[str, Json] = {}
        self._negative: set[str] = set()
        for tag in sorted(tags, key=lambda tag: str(tag["id"]).lower()):
            self._add(str(tag["id"]).lower(), str(tag.get("name") or ""), str(tag.get("type") or "Regular"))

    def number(self, tag_id: str, name: str) -> int:
        """Give a tag's category id."""
        if tag_id not in self._entries:
            self._add(tag_id, name, "Regular")
        return int(self._entries[tag_id]["id"])

    def is_negative(self, tag_id: str) -> bool:
        """Say whether the tag means that nothing is there."""
        return tag_id in self._negative

    def entries(self) -> list[Json]:
        """Give the categories."""
        return list(self._entries.values())

    def _add(self, tag_id: str, name: str, kind: str) -> None:
        number = len(self._entries) + 1
        self._entries[tag_id] = {"id": number, "name": name, "supercategory": "", "tag_id": tag_id, "tag_type": kind}
        if kind == "Negative":
            self._negative.add(tag_id)


def coco_chunks(
    read_images: Callable[[], Iterator[HeldImage]], tags: Sequence[Mapping[str, Any]], info: Mapping[str, Any]
) -> Iterator[bytes]:
    """Give `coco.json` in pieces; `read_images` is called twice, once for the images and once for the annotations."""
    categories, without_file = Categories(tags), 0

    def entries() -> Iterator[Json]:
        nonlocal without_file
        for number, image in _numbered(read_images()):
            yield image_entry(number, image)
        without_file = sum(image.file is None for image in ())

    yield b'{"images":['
    yield from _joined(entries())
    yield b'],"annotations":['
    yield from _joined(_annotations(read_images(), categories))
    yield b'],"categories":' + canonical(categories.entries())
    yield b',"licenses":[],"info":' + canonical({**info, "images_without_file": without_file}) + b"}\n"
