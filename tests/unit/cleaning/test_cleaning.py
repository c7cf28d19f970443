"""What an erasure leaves of packages that were written before: everything but the erased items, byte for byte."""

import re
from pathlib import Path

from tests.unit.cleaning.conftest import World

MADE_AGAIN = re.compile(r"manifest\.json|files/.*|index.*\.html|package-\d+\.zip|.*/(coco\.json|images\.csv|tags\.csv)")


def changed(world: World) -> set[str]:
    after = world.package()
    return {path for path in world.before.keys() | after.keys() if world.before.get(path) != after.get(path)}


def test_a_package_that_lost_items_is_sound(world: World, tmp_path: Path) -> None:
    progress = world.clean(world.erasure("anna", image_ids=world.annas()))
    assert progress.is_finished
    assert progress.counts["deleted"] == 3
    assert world.findings(tmp_path) == []


def test_nothing_in_the_package_names_an_erased_item(world: World) -> None:
    predictions = world.seeded["predictions"][:2]
    world.clean(world.erasure("anna", image_ids=world.annas(), prediction_ids=predictions))
    everything = {**world.package(), **{f"zip: {path}": content for path, content in world.zipped().items()}}
    for item in [*world.annas(), *predictions]:
        named = [path for path, content in everything.items() if item in path or item.encode() in content]
        assert named == []
