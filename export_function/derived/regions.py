"""Boxes on pictures: fractions of width and height as the API gives them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from export_function.derived.formats import finite

MOST_PIXELS = 2**31 - 1
"""Of a side: no format of pictures has more."""


class Box(NamedTuple):
    """A rectangle in fractions of the picture, 0..1 from the left upper corner."""

    left: float
    top: float
    width: float
    height: float


def box_of(row: Mapping[str, Any]) -> Box | None:
    """Read `left`, `top`, `width`, `height` of a region as they are; None if one is no finite number."""
    values = [value for side in Box._fields if (value := finite(row.get(side))) is not None]
    return Box(*values) if len(values) == len(Box._fields) else None


def inside(box: Box) -> Box | None:
    """Give the part of a box that lies on the picture; None if there is none."""
    left, top = max(box.left, 0.0), max(box.top, 0.0)
    right, bottom = min(box.left + box.width, 1.0), min(box.top + box.height, 1.0)
    if box.width <= 0 or box.height <= 0 or right <= left or bottom <= top:
        return None
    return Box(left, top, right - left, bottom - top)


def in_pixels(box: Box, width: float, height: float) -> list[float]:
    """Give x, y, width, height in pixels, to a thousandth of one."""
    across, down = (box.left, box.width), (box.top, box.height)
    (x, wide), (y, high) = ([round(f * width, 3) for f in across], [round(f * height, 3) for f in down])
    return [x, y, wide, high]


def size_of(row: Mapping[str, Any]) -> tuple[int, int] | None:
    """Give a picture's width and height in pixels; None unless both are such as pictures have."""
    width, height = row.get("width"), row.get("height")
    if type(width) is int and type(height) is int and 0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS:
        return width, height
    return None
