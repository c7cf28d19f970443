"""An erasure as it is posted: its receipt tells of the packages, and they are sound without its items."""

import json
from pathlib import Path

from tests.unit.cleaning.conftest import EVERYTHING, EXPORT, World, emptied, id_of
from tests.unit.in_process import Region

ERASURE = {
    "subject_request_id": id_of("erasure"),
    "scope": {"level": "items", "projects": "all", "images": {"metadata": {"subject": "anna"}}},
    "options": {"trained_iterations": "keep"},
}


def test_an_erasure_that_is_posted_takes_its_items_out_of_the_packages(living: Region, tmp_path: Path) -> None:
    region = emptied(living)
    seeded = region.control.seed("Pets", 6, metadata={"subject": ["anna", "ben"]}, iterations=1, unique_bytes=True)
    process = region.process()
    process.finish(process.post(EVERYTHING))
    view = process.finish(process.post(ERASURE))
    assert (view["request_status"], view["reason"]) == ("completed", None)
    receipt = json.loads(region.everything_kept()[f"requests/{id_of('erasure')}/receipt.json"])
    own = receipt["stores"]["own_exports"]
    assert (own["found"], own["deleted"], own["verified"]) == (3, 3, True)
    world = World(region, process, seeded, {"project": EXPORT})
    assert world.findings(tmp_path) == []
    for item in seeded["images"][::2]:
        assert not [path for path, content in world.package().items() if item.encode() in content]
