"""A unit that runs twice: while its slow second run writes, the export ends and its package is cleaned."""

import re
from pathlib import Path

import pytest

from export_function import exporting
from shared.domain.validation import validate_export
from shared.domain.work import WorkMessage, WorkUnit
from tests.unit.cleaning.conftest import EVERYTHING, EXPORT, World, copy_into
from tests.unit.cleaning.interrupting import InterruptedBlobs

OTHER_ORDER = re.compile(r"/iterations/[^/]+/(tags|performance)\.json: (its (MD5|SHA256)|has [0-9,]+ bytes)")
"""The service gives lists in no fixed order: a second run may write other bytes, whatever is cleaned."""

KINDS = ("images", "iteration_images", "iteration", "predictions", "derived", "zip")


def units(world: World, kind: str) -> list[WorkUnit]:
    """Give the export's units of a kind that are about the project, zips included."""
    ledger = world.services.ledger
    names = [entry.name for entry in world.region.requests.entries(f"{EXPORT}/plan/")]
    found = [ledger.unit(EXPORT, f"{kind}-{name[-11:-6]}") for name in names]
    return [unit for unit in found if unit and unit.project_id in (world.project, None)]


def slow_run(world: World, unit: WorkUnit, at: int, *, afterwards: bool) -> bool:
    """Run a unit again, and clean the package beside its write of a number; False if it writes less often."""

    def clean() -> None:
        erased = {"image_ids": world.annas(), "prediction_ids": world.seeded["predictions"][:2]}
        assert world.clean(world.erasure("anna", **erased)).is_finished

    region = world.region
    blobs = InterruptedBlobs(at=0, happen=clean, afterwards=afterwards, clock=region.clock, fetch=region._fetch)
    copy_into(region.exports, blobs)
    blobs.writes, blobs.at = 0, at
    region.exports = blobs
    world.process = region.process()
    request = validate_export(EVERYTHING, default_package="zip", account_by_default=False)
    world.services.ledger.keep_selector(EXPORT, request)
    record = world.services.ledger.read(EXPORT).record
    exporting.run_unit(world.services, record, unit, WorkMessage(request_id=EXPORT, unit_id=unit.unit_id))
    return blobs.writes >= at


@pytest.mark.parametrize("afterwards", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_slow_second_run_brings_nothing_back(exported: World, kind: str, afterwards: bool, tmp_path: Path) -> None:
    runs = 0
    for unit in units(exported, kind):
        at = 1
        while slow_run(world := exported.copy(), unit, at, afterwards=afterwards):
            held = world.own_exports(world.erasure("anna")).still_there()
            assert not held, (unit.unit_id, at, held)
            for item in [*world.annas(), *world.seeded["predictions"][:2]]:
                everything = {**world.package(), **world.zipped()}
                assert not [path for path, content in everything.items() if item.encode() in content], (unit, at)
            findings = world.findings(tmp_path / f"{unit.unit_id}-{at}")
            assert [line for line in findings if not OTHER_ORDER.search(line)] == []
            at, runs = at + 1, runs + 1
    assert runs >= 1
