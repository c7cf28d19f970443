"""An erasure that begins while an export runs: whenever that is, the package ends without the erased items."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared import tombstones
from tests.unit.cleaning.conftest import EXPORT, World, emptied, fill, id_of, record_of
from tests.unit.cleaning.interrupting import InterruptedBlobs
from tests.unit.in_process import Process, Region

ZIPPED = {"subject_request_id": EXPORT, "scope": {"projects": "all"}}
PLAIN = ZIPPED | {"options": {"package": "none"}}


@pytest.fixture(scope="module")
def seeded(living: Region) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return fill(emptied(living))


class Race:
    """One export, with an erasure that writes its tombstones beside the export's write of a number."""

    def __init__(
        self,
        living: Region,
        seeded: tuple[Mapping[str, Any], Mapping[str, Any]],
        body: dict[str, Any],
        at: int,
        *,
        whole: bool = False,
    ) -> None:
        region = Region(living.emulator, living.session)
        self.exports = InterruptedBlobs(
            at=at // 2, afterwards=bool(at % 2), happen=self.begin_erasure, clock=region.clock, fetch=region._fetch
        )
        region.exports = self.exports
        self.begun = False
        self.whole = whole
        self.world = World(region, region.process(), *seeded)
        self.body = body

    def begin_erasure(self) -> None:
        record_of(self.world.services, id_of("anna"))
        what: dict[str, Any] = {"whole": True}
        if not self.whole:
            what = {"image_ids": self.world.annas(), "prediction_ids": self.predictions()}
        tombstones.write(self.world.region.requests, id_of("anna"), self.world.project, **what)
        self.begun = True

    def predictions(self) -> list[str]:
        return sorted(self.world.seeded["predictions"])[:1]

    def run(self) -> dict[str, Any]:
        process: Process = self.world.process
        view = process.finish(process.post(self.body))
        if self.begun:
            assert self.world.clean(id_of("anna")).is_finished
        return view

    def counts(self) -> dict[str, Any]:
        manifest = self.world.manifest()
        return {name: manifest[name] for name in ("stores", "erased_on_request", "gaps")}


def is_sound(race: Race, at: int, folder: Path) -> bool:
    """Check that a package is whole and names nothing that was erased; False if the erasure never came."""
    view = race.run()
    if not race.begun:
        return False
    assert view["request_status"] == "completed", (at, view)
    assert race.world.findings(folder / str(at)) == [], at
    gone = [race.world.project] if race.whole else [*race.world.annas(), *race.predictions()]
    for item in gone:
        assert not [path for path, content in race.world.package().items() if item.encode() in content], at
    return True


@pytest.mark.parametrize(("body", "step"), [(ZIPPED, 3), (PLAIN, 7)], ids=["zip", "none"])
def test_whenever_an_erasure_begins_the_package_ends_the_same(
    living: Region, seeded: Any, body: dict[str, Any], step: int, tmp_path: Path
) -> None:
    expected: dict[str, Any] | None = None
    at = 2
    while is_sound(race := Race(living, seeded, body, at), at, tmp_path):
        expected = expected or race.counts()
        assert race.counts() == expected, at
        at += step
    assert at > 60
    assert expected is not None
    assert (expected["erased_on_request"], expected["stores"]["images"]["written"]) == (4, 5)


def test_whenever_the_erasure_of_a_project_begins_nothing_of_it_stays(
    living: Region, seeded: Any, tmp_path: Path
) -> None:
    for at in range(2, 100, 9):
        race = Race(living, seeded, ZIPPED, at, whole=True)
        assert is_sound(race, at, tmp_path)
        stores = race.world.manifest()["stores"]
        assert (stores["projects"]["found"], stores["images"]["found"], stores["tags"]["written"]) == (1, 2, 2), at
        assert race.world.manifest()["erased_on_request"] == 10, at


def test_an_erasure_elsewhere_brings_no_files_of_a_project_that_a_persons_package_does_not_hold(
    living: Region, seeded: Any, tmp_path: Path
) -> None:
    wanted = {"ids": sorted(seeded[1]["images"])[:1]}
    body = {"subject_request_id": EXPORT, "scope": {"projects": "all", "images": wanted}, "options": PLAIN["options"]}
    race = Race(living, seeded, body, 0)
    race.begin_erasure()
    assert race.run()["request_status"] == "completed"
    assert race.world.findings(tmp_path) == []
    assert not [path for path in race.world.package() if race.world.project in path]


def test_what_was_left_out_for_an_erasure_that_then_spared_it_is_named(living: Region, seeded: Any) -> None:
    race = Race(living, seeded, ZIPPED, 2)
    process, spared = race.world.process, race.world.annas()[0]
    request_id = process.post(race.body)
    process.work_until(lambda: process.status(request_id)["progress"]["phase"] == "derived")
    erased = tombstones.Tombstones(images=set(race.world.annas()) - {spared}, predictions=set(race.predictions()))
    tombstones.keep_only(race.world.region.requests, id_of("anna"), race.world.project, erased)
    view = process.finish(request_id)
    assert (view["request_status"], view["reason"]) == ("partially_completed", "items_failed")
    assert [(one["store"], one["id"], one["code"]) for one in view["failures"]] == [("images", spared, "list_moved")]
    manifest = race.world.manifest()
    assert (manifest["erased_on_request"], manifest["stores"]["images"]["failed"]) == (3, 1)


def test_an_erasure_that_had_ended_before_takes_nothing_away(living: Region, seeded: Any) -> None:
    race = Race(living, seeded, ZIPPED, 0)
    record_of(race.world.services, id_of("long ago"), ended=True)
    tombstones.write(race.world.region.requests, id_of("long ago"), race.world.project, image_ids=race.world.annas())
    race.world.region.pass_time(3600)
    race.run()
    manifest = race.world.manifest()
    assert (manifest["erased_on_request"], manifest["stores"]["images"]["written"]) == (0, 8)


def test_a_package_is_closed_again_when_an_erasure_begins_while_its_zips_are_built(living: Region, seeded: Any) -> None:
    race = Race(living, seeded, ZIPPED, 0)
    process = race.world.process
    request_id = process.post(race.body)
    process.work_until(lambda: process.status(request_id)["progress"]["phase"] == "zip")
    assert race.world.manifest()["erased_on_request"] == 0
    race.begin_erasure()
    assert process.finish(request_id)["request_status"] == "completed"
    assert process.services.ledger.read(request_id).record.notes["zip_rounds"] == 2
    assert race.world.manifest()["erased_on_request"] == 4
    assert race.world.own_exports(id_of("anna")).still_there() == {}
    for item in race.world.annas():
        assert not [path for path, content in race.world.zipped().items() if item.encode() in content]


def test_erasures_that_never_end_do_not_keep_an_export_from_ending(living: Region, seeded: Any) -> None:
    race = Race(living, seeded, ZIPPED, 0)
    process, ids = race.world.process, iter(sorted(race.world.seeded["images"]))
    request_id = process.post(race.body)

    def has_ended() -> bool:
        view = process.status(request_id)
        if view["progress"]["phase"] == "zip" and (item := next(ids, None)):
            record_of(race.world.services, id_of(item))
            tombstones.write(race.world.region.requests, id_of(item), race.world.project, image_ids=[item])
        return bool(view["completed_time"])

    process.work_until(has_ended)
    assert process.services.ledger.read(request_id).record.notes["zip_rounds"] == 3


def test_a_picture_that_an_earlier_try_wrote_goes_when_the_image_has_vanished_by_the_next(
    living: Region, tmp_path: Path
) -> None:
    race = Race(living, fill(emptied(living)), PLAIN, 0)
    process, image = race.world.process, race.world.seeded["images"][1]
    request_id = process.post(PLAIN)
    process.work_until(lambda: process.status(request_id)["progress"]["phase"] == "data")
    path = f"projects/{race.world.project}/images/files/{image}.jpg"
    process.services.packages.write_plain(request_id, path, b"a picture", "image/jpeg")
    living.control.delete_images("Pets", [image])
    process.finish(request_id)
    assert path not in race.world.package()
    assert race.world.findings(tmp_path) == []
