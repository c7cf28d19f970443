"""Looking again: whatever of an erased item lies in a package is found, wherever it is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cleaning.conftest import EXPORT, World


def stray_picture(world: World) -> None:
    world.region.exports.put(f"{EXPORT}/projects/{world.project}/images/files/{world.annas()[0]}.png", b"x")


def stray_prediction(world: World) -> None:
    item = world.seeded["predictions"][0]
    world.region.exports.put(f"{EXPORT}/projects/{world.project}/predictions/files/{item}.jpg", b"x")


def old_file(pattern: str) -> Callable[[World], None]:
    """Put the file back as it was, of the project that the erasure is about."""

    def put(world: World) -> None:
        path = next(p for p in world.before if re.fullmatch(pattern, p) and world.other["project"] not in p)
        world.region.exports.put(f"{EXPORT}/{path}", world.before[path])

    return put


def old_manifest(world: World) -> None:
    for path, content in world.before.items():
        if path.startswith(("files/", "manifest")):
            world.region.exports.put(f"{EXPORT}/{path}", content)


DAMAGE = {
    "a picture": stray_picture,
    "a prediction": stray_prediction,
    "a page of rows": old_file(r".*/predictions/\d+\.jsonl"),
    "COCO": old_file(r".*/coco\.json"),
    "CSV": old_file(r".*/images\.csv"),
    "a gallery": old_file(r"index-001\.html"),
    "the old manifest": old_manifest,
}


def test_a_package_that_was_not_cleaned_is_no_proof(world: World) -> None:
    erasure = world.erasure("anna", image_ids=world.annas(), prediction_ids=world.seeded["predictions"][:1])
    held = world.own_exports(erasure).still_there()
    assert held[EXPORT].ids == {*world.annas(), world.seeded["predictions"][0]}


def test_a_project_that_is_there_is_found(world: World) -> None:
    held = world.own_exports(world.erasure("all", whole=True)).still_there()
    assert held[EXPORT].projects == [world.project]
    assert held[EXPORT].ids == {*world.seeded["images"], *world.seeded["predictions"], world.project}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_comes_back_is_found_and_cleaned_again(
    world: World, damage: Callable[[World], None], tmp_path: Path
) -> None:
    predictions = world.seeded["predictions"][:1]
    erasure = world.erasure("anna", image_ids=world.annas(), prediction_ids=predictions)
    world.clean(erasure)
    assert world.own_exports(erasure).still_there() == {}
    damage(world)
    assert world.own_exports(erasure).still_there()
    world.clean(erasure)
    assert world.own_exports(erasure).still_there() == {}
    assert world.findings(tmp_path) == []
