"""The pictures: real, varied, the same every time."""

import hashlib
import io
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageStat

from local.demo.pictures import LARGEST_SIDE, SMALLEST_SIDE, View, picture, things_seen
from local.demo.scenes import FEWEST_IMAGES, SCENES, WORKSHOP, ProjectScene, Shot, shots_of

ROOT = Path(__file__).resolve().parents[2]
SHOTS = [(scene, shot) for scene in SCENES for shot in shots_of(scene, FEWEST_IMAGES)]
DIGEST_OF_FIRST = f"""
import hashlib
from local.demo.pictures import picture
from local.demo.scenes import WORKSHOP, shots_of
print(hashlib.sha256(picture(WORKSHOP.name, shots_of(WORKSHOP, {FEWEST_IMAGES})[7])).hexdigest())
"""


def opened(scene: ProjectScene, shot: Shot) -> Image.Image:
    return Image.open(io.BytesIO(picture(scene.name, shot)))


@pytest.mark.parametrize("seed", ["0", "1"])
def test_a_picture_is_the_same_in_every_process(seed: str) -> None:
    environ = os.environ | {"PYTHONHASHSEED": seed}
    found = subprocess.run(
        [sys.executable, "-c", DIGEST_OF_FIRST], cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    )
    here = picture(WORKSHOP.name, shots_of(WORKSHOP, FEWEST_IMAGES)[7])
    assert found.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_no_two_pictures_are_the_same() -> None:
    assert len({picture(scene.name, shot) for scene, shot in SHOTS}) == FEWEST_IMAGES == len(SHOTS)


def test_pictures_are_as_large_as_the_service_wants_and_both_formats_occur() -> None:
    pictures = [(opened(scene, shot), shot) for scene, shot in SHOTS]
    assert all(SMALLEST_SIDE <= side <= LARGEST_SIDE for image, _ in pictures for side in image.size)
    assert all(image.format == shot.kind for image, shot in pictures)
    assert {image.format for image, _ in pictures} == {"JPEG", "PNG"}


def test_pictures_are_photographs_up_to_the_edge() -> None:
    for scene, shot in SHOTS:
        image = opened(scene, shot).convert("L")
        assert ImageStat.Stat(image).stddev[0] > 20, shot
        assert image.entropy() > 5, shot  # a drawing or a plain area has far less


def test_things_are_marked_within_the_picture_and_only_in_detection() -> None:
    boxes = [(scene, box) for scene, shot in SHOTS for box in things_seen(scene.name, shot).values()]
    assert {scene.name for scene, _ in boxes} == {WORKSHOP.name}
    assert all(0 <= left < right <= 1 and 0 <= top < bottom <= 1 for _, (left, top, right, bottom) in boxes)


@given(
    angle=st.floats(-0.2, 0.2),
    scale=st.floats(0.5, 2),
    mirrored=st.booleans(),
    point=st.tuples(st.floats(0, 300), st.floats(0, 300)),
)
def test_a_point_is_seen_where_the_picture_takes_its_pixel_from(
    angle: float, scale: float, mirrored: bool, point: tuple[float, float]
) -> None:
    view = View(300, 280, (200.0, 190.0), scale, angle, mirrored)
    a, b, c, d, e, f = view.coefficients()
    x, y = view.seen_at(point)
    assert math.isclose(a * x + b * y + c, point[0], abs_tol=1e-6)
    assert math.isclose(d * x + e * y + f, point[1], abs_tol=1e-6)
