"""Units that are delivered several times: each try adds to the package, and none leaves what is not listed."""

from collections.abc import Callable

import pytest

from export_function.fulfilment import ExportFulfilment
from shared.domain.work import WorkMessage
from tests.exports.everything import Album, fill
from tests.exports.world import Package, World, assert_adds_up, when_asked

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)


@pytest.fixture
def album(world: World) -> Album:
    return fill(world)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_picture_that_one_try_has_copied_is_there_though_a_later_one_cannot_have_it(
    world: World, album: Album, sound: Sound, status: int
) -> None:
    """One picture has the unit delivered again; from the second try on no link of any picture works."""
    never, reads = album.images[0], "/images/id"

    def end_all_links() -> None:
        world.control.fault("status", operation=["GetBlob", "HeadBlob"], status=status)

    world.control.bad_links([never], "broken")
    with when_asked(world, reads, end_all_links, nth=7):
        package = sound(world.export({"scope": {"projects": "all", "predictions": False}}))
    held = package.pictures(album.project)
    assert held.items() <= album.uploaded.items()
    assert set(album.images) - {never} <= held.keys()
    assert ("images", never, "copy_refused") in package.gaps
    assert_adds_up(package)


@pytest.mark.parametrize(("status", "code"), [(403, "refused"), (404, "gone")])
def test_a_unit_that_is_given_up_leaves_nothing_that_the_manifest_does_not_list(
    world: World, album: Album, sound: Sound, status: int, code: str
) -> None:
    world.control.bad_links([album.images[0]], "broken")

    def refuse() -> None:
        world.control.fault("status", operation="GetImagesByIds", status=status)

    with when_asked(world, "/images/id", refuse, nth=5):
        package = sound(world.export())
    assert {("images", one, code) for one in album.images} <= set(package.gaps)
    assert not set(album.images) & package.pictures(album.project).keys()
    assert_adds_up(package)


def test_many_faults_of_single_pictures_cost_none_of_them(world: World, sound: Sound) -> None:
    seeded = world.control.seed("Stormy", 300, unique_bytes=True)
    world.control.fault("status", operation="GetBlob", status=500, probability=0.1, seed=5)
    package = sound(world.export({"scope": {"projects": "all", "predictions": False}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(seeded["project"]).keys() == set(seeded["images"])


def test_what_one_try_wrote_of_an_iteration_and_the_last_one_cannot_have_is_not_left_in_the_package(
    world: World, album: Album, sound: Sound
) -> None:
    """Exports that are refused have the unit delivered again; from the second try on its performances are too."""
    world.control.fault("status", operation="GetExports", status=403)

    def refuse() -> None:
        world.control.fault("status", operation="GetImagePerformanceCount", status=403)

    with when_asked(world, "/export", refuse, nth=len(album.iterations)):
        package = sound(world.export({"scope": {"projects": "all", "predictions": False}}))
    assert {("performance", one, "refused") for one in album.iterations} <= set(package.gaps)
    assert not [path for path in package.blobs if "image_performances" in path]


@pytest.mark.parametrize(
    "of_a_project",
    [
        "iterations/{iteration}/image_performances/00009.jsonl",
        "iterations/{iteration}/models/of-another-try.zip",
        "tags.csv",
    ],
)
def test_what_a_killed_try_wrote_and_the_next_one_does_not_is_not_left_though_nothing_is_lacking(
    world: World, album: Album, of_a_project: str
) -> None:
    """The killed one found rows that an erasure took away before the next one looked: that one wrote no such file."""
    process = world.process()
    options = {"package": "none", "formats": ["coco"]}
    request_id = process.post({"scope": {"projects": [album.project]}, "options": options})
    process.work_until(lambda: process.services.ledger.plan(request_id) is not None)
    path = f"projects/{album.project}/" + of_a_project.format(iteration=album.iterations[0])
    world.exports.put(f"{request_id}/{path}", b"{}")
    process.finish(request_id)
    package = Package(world, process, request_id)
    assert path not in package.blobs
    assert package.ending == COMPLETE


def test_giving_up_a_unit_takes_no_file_away_since_another_delivery_may_have_the_outcome_that_stands(
    world: World, album: Album
) -> None:
    package = world.export({"scope": {"projects": [album.project]}, "options": {"package": "none"}})
    services, before = package.process.services, world.package_blobs(package.request_id)
    record = services.ledger.read(package.request_id).record
    plan = services.ledger.plan(package.request_id) or {}
    for unit in services.ledger.units(package.request_id, plan["projects"][0]["units"]):
        ExportFulfilment().given_up(services, record, unit, "delivery_exhausted", None)
    assert world.package_blobs(package.request_id) == before


def test_what_a_try_wrote_of_the_account_is_not_left_beside_the_note_that_it_was_given_up(
    world: World, album: Album
) -> None:
    """Above all the file of keys: nobody would look for it once no manifest lists it."""
    process = world.process()
    request_id = process.post({"scope": {"projects": [album.project]}, "options": {"package": "none", "account": True}})
    process.work_until(lambda: process.services.ledger.plan(request_id) is not None)
    unit_id = (process.services.ledger.plan(request_id) or {})["extra_units"][0]
    unit = process.services.ledger.unit(request_id, unit_id)
    assert unit is not None
    for name in ("account.json", "account-keys.json"):
        world.exports.put(f"{request_id}/{name}", b"[]")
    given_up = ExportFulfilment().given_up(
        process.services, process.services.ledger.read(request_id).record, unit, "internal_error", None
    )
    process.services.ledger.keep_outcome(request_id, given_up)
    process.finish(request_id)
    package = Package(world, process, request_id)
    assert package.ending == ("partially_completed", "items_failed")
    assert not {"account.json", "account-keys.json"} & package.blobs.keys()


def test_what_a_try_wrote_of_a_unit_that_is_given_up_gets_into_no_file_that_is_made_of_the_others(
    world: World, album: Album, sound: Sound
) -> None:
    """A try was killed behind its pictures and its page of rows; what is refused since is named, and in no list."""
    process = world.process()
    request_id = process.post({"scope": {"projects": [album.project], "predictions": False}})
    process.work_until(lambda: process.services.ledger.plan(request_id) is not None)
    services, plan = process.services, process.services.ledger.plan(request_id) or {}
    record = services.ledger.read(request_id).record
    units = list(services.ledger.units(request_id, plan["projects"][0]["units"]))
    unit = next(one for one in units if one.kind == "images")
    work = WorkMessage(request_id=request_id, unit_id=unit.unit_id)
    ExportFulfilment().run_unit(services, record, unit, work)
    given_up = ExportFulfilment().given_up(services, record, unit, "internal_error", None)
    services.ledger.keep_outcome(request_id, given_up)
    process.finish(request_id)
    package = sound(Package(world, process, request_id))
    assert {("images", one, "refused") for one in album.images} <= set(package.gaps)
    rows = package.text(f"projects/{album.project}/images.csv").splitlines()[1:]
    named = [image["file_name"] for image in package.json(f"projects/{album.project}/coco.json")["images"]]
    of_rows = {row.split(",")[0]: row.split(",")[1] for row in rows}
    assert {image: of_rows[image] for image in album.images} == dict.fromkeys(album.images, "")
    assert not [name for name in named if any(image in name for image in album.images)]
    assert all(f"projects/{album.project}/{name}" in package.blobs for name in named)
