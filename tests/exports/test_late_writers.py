"""Writers that stood still until their export had ended, or an erasure had cleaned its package: they leave nothing."""

import io
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from export_function import closing
from export_function.fulfilment import ExportFulfilment
from export_function.overtaking import LEASE, Turn
from export_function.zip_parts import Limits, PartAssigner
from shared import file_pages
from shared.domain.errors import StorageUnavailable, Superseded
from shared.domain.work import WorkUnit
from shared.ports import BlobStore
from tests.exports.everything import Album, fill
from tests.exports.world import Package, World, assert_adds_up
from tests.unit.in_process import Process

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)


@pytest.fixture
def album(world: World) -> Album:
    return fill(world)


class HeldUpStore:
    """A store of packages whose user is held up just before it writes a blob in whose name this stands, once."""

    def __init__(self, inner: BlobStore, name: str, meanwhile: Callable[[], None]) -> None:
        self._inner, self._name, self._meanwhile = inner, name, meanwhile
        self.was_held_up = False

    def __getattr__(self, name: str) -> Any:
        reached = getattr(self._inner, name)
        if name not in ("create", "put", "replace", "write_stream", "copy_from_link"):
            return reached

        def write(blob: str, *args: Any, **options: Any) -> Any:
            if self._name in blob and not self.was_held_up:
                self.was_held_up = True
                self._meanwhile()
            return reached(blob, *args, **options)

        return write


def held_up(world: World, blob: str, meanwhile: Callable[[str], None], **options: object) -> Package:
    """Export everything by a process that is held up before it writes this blob; gives what stays in the end."""
    process = world.process()
    request_id = process.post({"scope": {"projects": "all"}, "options": {"account": True, **options}})
    store = HeldUpStore(process.services.packages.blobs, blob, lambda: meanwhile(request_id))
    process.services.packages.blobs = store
    process.finish(request_id)
    assert store.was_held_up
    return Package(world, world.process(), request_id)


def erase(process: Process, album: Album, image: str) -> None:
    """Erase one image, to the very end."""
    scope = {"level": "items", "projects": [album.project], "images": {"ids": [image]}}
    erasure = process.post({"scope": scope, "options": {"trained_iterations": "delete"}})
    assert process.finish(erasure)["request_status"] == "completed"


def unpacked(package: Package) -> dict[str, bytes]:
    """Every file of a package, those in its zips too."""
    files = dict(package.blobs)
    for path, content in package.blobs.items():
        if path.startswith("package-"):
            archive = zipfile.ZipFile(io.BytesIO(content))
            files |= {f"{path}:{name}": archive.read(name) for name in archive.namelist()}
    return files


@pytest.mark.parametrize(
    "blob",
    [
        "images/00002.jsonl",
        "coco.json",
        "index-001.html",
        "index.html",
        "files/00001.jsonl",
        "manifest.json",
        "package-001",
    ],
)
def test_a_writer_that_stood_still_while_an_erasure_cleaned_the_package_brings_nobody_back(
    world: World, album: Album, sound: Sound, blob: str
) -> None:
    other, erased = world.process(), album.images[0]

    def go_on(request_id: str) -> None:
        other.finish(request_id)
        erase(other, album, erased)

    package = sound(held_up(world, blob, go_on))
    assert not [path for path, content in unpacked(package).items() if erased in path or erased.encode() in content]
    assert package.manifest["erased_on_request"] == 1
    assert package.ending == COMPLETE


@pytest.mark.parametrize("blob", ["index-001.html", "files/00001.jsonl", "manifest.json"])
def test_of_two_that_close_an_export_the_one_that_stood_still_changes_nothing(
    world: World, album: Album, sound: Sound, blob: str
) -> None:
    """The other one names a project that has come meanwhile: pages and manifest are those by which the export ended."""
    other, stood = world.process(), list[dict[str, bytes]]()

    def go_on(request_id: str) -> None:
        world.control.seed("Afterwards", 2)
        other.finish(request_id)
        stood.append(world.package_blobs(request_id))

    package = sound(held_up(world, blob, go_on))
    assert "Afterwards" not in package.text("index.html")
    assert [code for store, _, code in package.gaps if store == "projects"] == ["list_moved"]
    assert package.blobs == stood[0]


@pytest.mark.parametrize("blob", ["coco.json", "index-001.html", "index.html", "manifest.json"])
def test_of_two_messages_that_would_close_an_export_at_once_one_waits(
    world: World, album: Album, sound: Sound, blob: str
) -> None:
    """They may see different erasures: pages of one beside the manifest of the other would fit no zip, for an hour."""
    other = world.process().services
    refused = list[str]()

    def close_too(request_id: str) -> None:
        current = other.ledger.read(request_id)
        if current.record.phase == "closing":
            with pytest.raises(Superseded):
                ExportFulfilment().step(other, current)
            refused.append(blob)

    package = sound(held_up(world, blob, close_too))
    assert refused == ([] if blob == "coco.json" else [blob])
    assert package.ending == COMPLETE


def test_a_step_that_failed_can_be_taken_again_at_once_and_one_that_stands_still_when_its_lease_is_over(
    world: World,
) -> None:
    process = world.process()
    request_id = process.post({"scope": {"projects": "all"}, "options": {}})
    services, current = process.services, process.services.ledger.read(request_id)
    with pytest.raises(StorageUnavailable), Turn.of(services, current):
        raise StorageUnavailable("write blob")
    with Turn.of(services, current) as first:
        with pytest.raises(Superseded), Turn.of(services, current):
            pass
        first.check()
        world.clock.advance(LEASE.total_seconds())
        with Turn.of(services, current) as second:
            second.check()
            with pytest.raises(Superseded):
                first.check()


@pytest.mark.parametrize(
    ("kind", "blob"),
    [
        ("images", "images/00002.jsonl"),
        ("images", "images/files/{image}.png"),
        ("predictions", "/predictions/0"),
        ("iteration", "performance.json"),
        ("account", "account.json"),
    ],
)
def test_a_unit_that_ends_after_its_export_takes_back_what_the_outcome_that_stands_does_not_list(
    world: World, album: Album, sound: Sound, kind: str, blob: str
) -> None:
    """It was given up elsewhere, so nothing would ever look for its pictures, its rows, or its list of keys."""
    other, stood = world.process(), list[dict[str, bytes]]()

    def go_on(request_id: str) -> None:
        services = other.services
        for unit in units_of(other, request_id, kind):
            given_up = ExportFulfilment().given_up(
                services, services.ledger.read(request_id).record, unit, "internal_error", None
            )
            services.ledger.keep_outcome(request_id, given_up)
        other.finish(request_id)
        stood.append(world.package_blobs(request_id))

    package = sound(held_up(world, blob.format(image=album.images[2]), go_on, package="none"))
    assert package.ending[0] == "partially_completed"
    assert package.blobs == stood[0]
    assert_adds_up(package)


def units_of(process: Process, request_id: str, kind: str) -> list[WorkUnit]:
    plan = process.services.ledger.plan(request_id) or {}
    unit_ids = [*plan["projects"][0]["units"], *plan["extra_units"]]
    return [unit for unit in process.services.ledger.units(request_id, unit_ids) if unit.kind == kind]


@pytest.mark.parametrize("part", [2, 3, 4])
def test_a_zip_that_is_built_late_is_the_one_that_the_manifest_lists_by_then(
    world: World, album: Album, sound: Sound, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """Rows stand elsewhere in the manifest when others before them have gone, and parts may have nothing left."""
    monkeypatch.setattr(file_pages, "ROWS_A_PAGE", 3)
    small = Limits(size=40_000, manifest=8_000, rows_a_page=3)
    monkeypatch.setattr(closing, "PartAssigner", partial(PartAssigner, limits=small))
    other = world.process()

    def go_on(request_id: str) -> None:
        other.finish(request_id)
        for image in album.images:
            erase(other, album, image)

    package = sound(held_up(world, f"package-{part:03d}", go_on))
    assert package.ending == COMPLETE
    assert len([path for path in package.blobs if path.startswith("package-")]) > 1
