"""The two forms of dates, down to the digit."""

import pytest

from local.custom_vision.clock import Clock, date_of_link, date_with_zone, date_without_zone

SECOND = 10_000_000
MOMENT = 1_581_439_617 * SECOND  # 2020-02-11 16:46:57


@pytest.mark.parametrize(
    ("fraction", "image", "project"),
    [
        (7_225_795, ".7225795", ".722Z"),
        (7_225_700, ".72257", ".722Z"),
        (1, ".0000001", ".000Z"),
        (9_999_999, ".9999999", ".999Z"),
        (0, "", ".000Z"),
    ],
)
def test_images_drop_zeros_and_projects_have_three_digits(fraction: int, image: str, project: str) -> None:
    assert date_without_zone(MOMENT + fraction) == "2020-02-11T16:46:57" + image
    assert date_with_zone(MOMENT + fraction) == "2020-02-11T16:46:57" + project


def test_links_expire_at_whole_seconds() -> None:
    assert date_of_link(MOMENT / SECOND + 0.9) == "2020-02-11T16:46:57Z"


def test_the_clock_moves_only_forward_when_told() -> None:
    clock = Clock()
    before = clock.now()
    clock.advance(1_000)
    assert clock.now() >= before + 1_000
    clock.reset()
    assert clock.now() < before + 1_000
