"""Real photographs, varied: the ones that ship in scikit-image, cropped, turned, mirrored, made lighter or darker.

They are free to use (public domain or CC0, see skimage/data/_fetchers.py).
"""

import io
import math
import random
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageEnhance

from local.demo.scenes import Box, Shot

SMALLEST_SIDE, LARGEST_SIDE = 256, 320
"""Pixels. The service scales smaller pictures up."""
MOST_DEGREES = 8.0
VISIBLE_PART = 0.4
"""A thing is marked where at least this part of its box is in the picture."""
Point = tuple[float, float]


class PhotographsMissingError(RuntimeError):
    """scikit-image is not installed, or without its photographs."""


@dataclass(frozen=True)
class View:
    """A look at a photograph: picture of `width` x `height` pixels around a centre (pixels of the photograph).

    `scale`: pixels of the photograph for one of the picture. `angle`: radians. `mirrored`: left and right swapped.
    """

    width: int
    height: int
    centre: Point
    scale: float
    angle: float
    mirrored: bool

    def coefficients(self) -> tuple[float, float, float, float, float, float]:
        """Return a..f of x' = ax + by + c, y' = dx + ey + f, from the picture's pixels to the photograph's."""
        cos, sin = math.cos(self.angle) * self.scale, math.sin(self.angle) * self.scale
        side = -1 if self.mirrored else 1
        a, b, d, e = cos * side, -sin, sin * side, cos
        x, y = self.width / 2, self.height / 2
        return a, b, self.centre[0] - a * x - b * y, d, e, self.centre[1] - d * x - e * y

    def seen_at(self, point: Point) -> Point:
        """Return where the photograph's pixel `point` is in the picture (possibly outside of it)."""
        a, b, c, d, e, f = self.coefficients()
        x, y, determinant = point[0] - c, point[1] - f, a * e - b * d
        return (e * x - b * y) / determinant, (a * y - d * x) / determinant


def picture(project: str, shot: Shot) -> bytes:
    """Return the shot as a JPEG or PNG file; every shot of a project differs, the same one never changes."""
    photograph = _photograph(shot.photograph.file)
    view, chance = _view(project, shot)
    varied = photograph.transform(
        (view.width, view.height), Image.Transform.AFFINE, view.coefficients(), Image.Resampling.BICUBIC
    )
    varied = ImageEnhance.Brightness(varied).enhance(chance.uniform(0.75, 1.25))
    out = io.BytesIO()
    varied.save(out, shot.kind, quality=chance.randint(80, 92))
    return out.getvalue()


def things_seen(project: str, shot: Shot) -> dict[str, Box]:
    """Return the boxes of the photograph's things in the shot, by tag; those that the crop cut away are left out."""
    view, _ = _view(project, shot)
    width, height = _photograph(shot.photograph.file).size
    boxes = {}
    for tag, (left, top, right, bottom) in (shot.photograph.things or {}).items():
        corners = [view.seen_at((x * width, y * height)) for x in (left, right) for y in (top, bottom)]
        box = _box_around([(x / view.width, y / view.height) for x, y in corners])
        if box is not None:
            boxes[tag] = box
    return boxes


def _box_around(corners: list[Point]) -> Box | None:
    columns, rows = zip(*corners, strict=True)
    left, top, right, bottom = min(columns), min(rows), max(columns), max(rows)
    clipped = (max(left, 0.0), max(top, 0.0), min(right, 1.0), min(bottom, 1.0))
    if clipped[0] >= clipped[2] or clipped[1] >= clipped[3]:
        return None
    seen = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
    return clipped if seen >= VISIBLE_PART * (right - left) * (bottom - top) else None


def _view(project: str, shot: Shot) -> tuple[View, random.Random]:
    """Return the look at the photograph, and what is left of the shot's chance."""
    chance = random.Random(f"{project}/{shot.number}")  # a text as seed is hashed the same way everywhere
    width, height = chance.randint(SMALLEST_SIDE, LARGEST_SIDE), chance.randint(SMALLEST_SIDE, LARGEST_SIDE)
    angle = math.radians(chance.uniform(-MOST_DEGREES, MOST_DEGREES))
    across, down = _extent(width, height, angle), _extent(height, width, angle)
    full_width, full_height = _photograph(shot.photograph.file).size
    scale = min(full_width / across, full_height / down) * chance.uniform(0.75, 1.0)
    centre = (_within(chance, full_width, across * scale), _within(chance, full_height, down * scale))
    return View(width, height, centre, scale, angle, chance.random() < 0.5), chance


def _extent(along: int, other: int, angle: float) -> float:
    return along * math.cos(angle) + other * abs(math.sin(angle))


def _within(chance: random.Random, full: int, extent: float) -> float:
    return chance.uniform(extent / 2, full - extent / 2)


@cache
def _photograph(file: str) -> Image.Image:
    photograph = Image.open(_folder() / file)
    photograph.load()
    return photograph


@cache
def _folder() -> Path:
    """Return where scikit-image keeps its data, without the second that importing it would take."""
    found = find_spec("skimage")
    folder = Path(found.origin).parent / "data" if found is not None and found.origin else None
    if folder is None or not folder.is_dir():
        raise PhotographsMissingError("scikit-image is not installed, and the demo takes its photographs from there.")
    return folder
