"""Cleaning dies after every single write, or before it, and goes on to the same end."""

from pathlib import Path
from typing import Any

import pytest

from shared import tombstones
from shared.cleaning import is_being_rebuilt
from tests.fakes import StoppingBlobStore, WorldStopped
from tests.unit.cleaning.conftest import EXPORT, World

NEVER = 10**9


def end(world: World) -> dict[str, Any]:
    """Give what must be the same however it came about: only the time of the cleaning may differ."""
    files = {path: content for path, content in world.package().items() if not path.startswith("package-")}
    zipped = world.zipped()
    for place in (files, zipped):
        place.pop("manifest.json")
    return {"files": files, "zipped": zipped, "manifest": {**world.manifest(), "cleaned": None}}


def stopped(world: World, request_id: str, *, requests: int, exports: int) -> bool:
    """Let one step of the cleaning run with stores that stop; says whether they did."""
    services = world.on(
        StoppingBlobStore(world.region.requests, stop_after=requests),
        StoppingBlobStore(world.region.exports, stop_after=exports),
    )
    try:
        world.own_exports(request_id, services=services).step({})
    except WorldStopped:
        return True
    return False


FOUND = {"items": 3, "items and a tag": 4, "whole": 10}


@pytest.mark.parametrize("what", FOUND)
@pytest.mark.parametrize("store", ["requests", "exports"])
def test_a_cleaning_that_dies_at_any_write_goes_on_to_the_same_end(
    exported: World, store: str, what: str, tmp_path: Path
) -> None:
    undisturbed, count, died = None, -1, True
    while died:
        world = exported.copy()
        erased: dict[str, Any] = {"whole": True} if what == "whole" else {"image_ids": world.annas()}
        erasure = world.erasure("anna", **erased)
        if what == "items and a tag":
            tombstones.write_tags(world.region.requests, erasure, world.project, [min(world.seeded["tags"].values())])
        if undisturbed is None:
            died = True
        else:
            died = stopped(world, erasure, **{"requests": NEVER, "exports": NEVER, store: count})
        progress = world.clean(erasure)
        assert progress.counts["deleted"] == FOUND[what], count
        undisturbed = undisturbed or end(world)
        assert end(world) == undisturbed, count
        count += 1
    assert count > 5
    assert world.findings(tmp_path) == []


def test_a_package_is_not_given_out_while_it_is_being_rebuilt(world: World) -> None:
    erasure = world.erasure("anna", image_ids=world.annas())
    assert not is_being_rebuilt(world.region.requests, EXPORT)
    assert stopped(world, erasure, requests=NEVER, exports=3)
    assert is_being_rebuilt(world.region.requests, EXPORT)
    world.clean(erasure)
    assert not is_being_rebuilt(world.region.requests, EXPORT)
