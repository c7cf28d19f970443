"""
A project as a COCO data set (https://cocodataset.org/#format-data), as a stream. Pure.

Categories are the tags. A tag that no region carries becomes a box over the whole image, marked `whole_image`, so that
classification projects load where boxes are expected; a Negative tag ("nothing of this is here") becomes no box.
Images without bytes in the package are left out and counted in `info`, since loaders open every image.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from export_function.derived.held import HeldImage
from export_function.derived.regions import Box, box_of, in_pixels, inside, size_of
from shared.domain.canonical import canonical

type Json = dict[str, Any]

ROUNDING = 1e-6
"""Fractions of the API have single precision; a difference below this is none."""

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
    categories, passed_over = Categories(tags), Counter[str]()
    yield b'{"images":['
    yield from _joined(image_entry(number, image) for number, image in _numbered(read_images(), passed_over))
    yield b'],"annotations":['
    yield from _joined(_all_annotations(read_images(), categories))
    yield b'],"categories":' + canonical(categories.entries())
    counts = {"images_without_file": passed_over["without_file"]}
    yield b',"licenses":[],"info":' + canonical({**info, **counts}) + b"}\n"


def image_entry(number: int, image: HeldImage) -> Json:
    """Give the entry of one image; what COCO has no place for is in `attributes`."""
    row, size = image.shown.row, size_of(image.shown.row)
    attributes = {
        "custom_vision_id": image.shown.id,
        "created": row.get("created"),
        "tags": [name for _, name in image.shown.tags],
        "metadata": dict(image.shown.metadata),
        "only_in_iteration": not image.in_workspace,
        "iterations": list(image.iterations),
    }
    if unplaced := [region for region in row.get("regions") or () if _pixels(region, size) is None]:
        attributes["regions_without_box"] = unplaced
    width, height = size or (None, None)
    return {"id": number, "file_name": image.file, "width": width, "height": height, "attributes": attributes}


def annotations_of(number: int, image: HeldImage, categories: Categories) -> Iterator[Json]:
    """Give an image's annotations without their ids: one per region, one per tag that no region carries."""
    size = size_of(image.shown.row)
    if size is None:
        return
    regions = image.shown.row.get("regions") or ()
    for region in regions:
        if pixels := _pixels(region, size):
            category = categories.number(str(region.get("tagId", "")).lower(), str(region.get("tagName") or ""))
            yield _annotation(number, category, pixels, _region_attributes(region))
    carried = {str(region.get("tagId", "")).lower() for region in regions}
    for tag_id, name in image.shown.tags:
        if tag_id not in carried and not categories.is_negative(tag_id):
            pixels = in_pixels(WHOLE, *size)
            yield _annotation(number, categories.number(tag_id, name), pixels, {"whole_image": True})


def _annotation(image_number: int, category: int, pixels: list[float], attributes: Json) -> Json:
    return {
        "image_id": image_number,
        "category_id": category,
        "bbox": pixels,
        "area": round(pixels[2] * pixels[3], 3),
        "iscrowd": 0,
        "segmentation": [],
        "attributes": attributes,
    }


def _region_attributes(region: Mapping[str, Any]) -> Json:
    """`clipped` marks a region that reached over the picture's edge; its own numbers stay beside it."""
    attributes: Json = {"whole_image": False, "region_id": region.get("regionId")}
    box = box_of(region)
    return attributes | {"clipped": list(box)} if box and not _same(box, inside(box)) else attributes


def _same(box: Box, clipped: Box | None) -> bool:
    return clipped is not None and all(abs(a - b) < ROUNDING for a, b in zip(box, clipped, strict=True))


def _pixels(region: Mapping[str, Any], size: tuple[int, int] | None) -> list[float] | None:
    box = box_of(region)
    clipped = inside(box) if box else None
    return in_pixels(clipped, *size) if clipped and size else None


def _numbered(images: Iterator[HeldImage], passed_over: Counter[str]) -> Iterator[tuple[int, HeldImage]]:
    """Number the images that have bytes, and count the others."""
    number = 0
    for image in images:
        if image.file is None:
            passed_over["without_file"] += 1
            continue
        number += 1
        yield number, image


def _all_annotations(images: Iterator[HeldImage], categories: Categories) -> Iterator[Json]:
    found = (
        entry for number, image in _numbered(images, Counter()) for entry in annotations_of(number, image, categories)
    )
    return ({"id": number, **entry} for number, entry in enumerate(found, start=1))


def _joined(entries: Iterable[Json]) -> Iterator[bytes]:
    separator = b"\n"
    for entry in entries:
        yield separator + canonical(entry)
        separator = b",\n"
