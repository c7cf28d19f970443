"""What an erasure leaves of packages that were written before: everything but the erased items, byte for byte."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cleaning.conftest import EXPORT, World

MADE_AGAIN = re.compile(r"manifest\.json|files/.*|index.*\.html|package-\d+\.zip|.*/(coco\.json|images\.csv)")
ROWS = re.compile(r".*/(images|image_performances|predictions)/\d{5}\.jsonl")


def ids_in(content: bytes) -> list[str]:
    return [json.loads(line)["id"].lower() for line in content.splitlines()]


@pytest.fixture
def cleaned(world: World) -> World:
    """The world after one person's images and two predictions have been erased."""
    erasure = world.erasure("anna", image_ids=world.annas(), prediction_ids=world.seeded["predictions"][:2])
    assert world.clean(erasure).is_finished
    return world


def test_a_package_that_lost_items_is_sound(cleaned: World, tmp_path: Path) -> None:
    assert cleaned.findings(tmp_path) == []


def test_nothing_in_the_package_names_an_erased_item(cleaned: World) -> None:
    everything = {**cleaned.package(), **{f"zip: {path}": content for path, content in cleaned.zipped().items()}}
    for item in [*cleaned.annas(), *cleaned.seeded["predictions"][:2]]:
        named = [path for path, content in everything.items() if item in path or item.encode() in content]
        assert named == []


def test_every_kind_of_rows_had_held_the_erased_items(world: World) -> None:
    kinds = set()
    for path, content in world.before.items():
        if (found := ROWS.fullmatch(path)) and set(ids_in(content)) & {
            *world.annas(),
            *world.seeded["predictions"][:2],
        }:
            kinds.add((found[1], "/iterations/" in path))
    assert kinds == {("images", False), ("images", True), ("image_performances", True), ("predictions", False)}


def test_every_other_row_stays_byte_for_byte(cleaned: World) -> None:
    gone = {*cleaned.annas(), *cleaned.seeded["predictions"][:2]}
    after = cleaned.package()
    pages = [path for path in cleaned.before if ROWS.fullmatch(path)]
    assert len(pages) > 6
    for path in pages:
        kept = [line for line in cleaned.before[path].splitlines(keepends=True) if ids_in(line)[0] not in gone]
        assert after[path] == b"".join(kept), path


def test_every_other_file_stays_byte_for_byte(cleaned: World) -> None:
    gone = [*cleaned.annas(), *cleaned.seeded["predictions"][:2]]
    after = cleaned.package()
    others = {p for p in cleaned.before if not MADE_AGAIN.fullmatch(p) and not ROWS.fullmatch(p)}
    kept = {path for path in others if not any(item in path for item in gone)}
    assert len(others) - len(kept) == 5
    assert {path: after.get(path) for path in kept} == {path: cleaned.before[path] for path in kept}
    assert not [path for path in after if path not in cleaned.before and not path.startswith("files/")]


def test_another_project_stays_untouched(cleaned: World) -> None:
    after, folder = cleaned.package(), f"projects/{cleaned.other['project']}/"
    mine = {path: content for path, content in cleaned.before.items() if path.startswith(folder)}
    assert mine
    assert {path: after.get(path) for path in mine} == mine


def test_files_for_programs_and_pages_for_people_hold_what_is_left(cleaned: World) -> None:
    package, folder = cleaned.package(), f"projects/{cleaned.project}"
    left = sorted(set(cleaned.seeded["images"]) - set(cleaned.annas()))
    coco = json.loads(package[f"{folder}/coco.json"])
    assert sorted(image["attributes"]["custom_vision_id"] for image in coco["images"]) == left
    table = csv.DictReader(package[f"{folder}/images.csv"].decode("utf-8-sig").splitlines())
    assert sorted(row["id"] for row in table) == left
    pages = b"".join(content for path, content in package.items() if path.startswith("index-"))
    assert all(item.encode() in pages for item in left)


def test_the_manifest_counts_what_was_taken_out(cleaned: World) -> None:
    before, after = json.loads(cleaned.before["manifest.json"]), cleaned.manifest()
    assert (before["erased_on_request"], after["erased_on_request"]) == (0, 5)
    for store, number in (("images", 3), ("predictions", 2)):
        words = before["stores"][store]
        changed = {"found": words["found"] - number, "written": words["written"] - number}
        assert after["stores"][store] == words | changed
    same = {"created_time", "scope", "gaps", "api_version", "subject_request_id"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_a_project_that_is_erased_goes_with_its_folder(world: World, tmp_path: Path) -> None:
    progress = world.clean(world.erasure("all of it", whole=True))
    assert progress.counts["deleted"] == 10
    assert world.findings(tmp_path) == []
    assert not [path for path in [*world.package(), *world.zipped()] if world.project in path]
    before, stores = json.loads(world.before["manifest.json"])["stores"], world.manifest()["stores"]
    assert {store: stores[store]["written"] for store in stores} == {
        "account": 0,
        "projects": 1,
        "iterations": 1,
        "performance": 1,
        "tags": 2,
        "images": 2,
        "predictions": 1,
        "exported_models": 0,
    }
    assert before["tags"]["written"] == 4
    assert world.manifest()["erased_on_request"] == 10


def test_an_erasure_that_finds_nothing_of_its_own_changes_nothing(world: World) -> None:
    progress = world.clean(world.erasure("nobody", image_ids=[EXPORT]))
    assert (progress.is_finished, progress.counts["found"]) == (True, 0)
    assert world.package() == world.before


def test_a_second_erasure_takes_out_its_own(cleaned: World, tmp_path: Path) -> None:
    ben = sorted(set(cleaned.seeded["images"]) - set(cleaned.annas()))[:1]
    assert cleaned.clean(cleaned.erasure("ben", image_ids=ben)).counts["deleted"] == 1
    assert cleaned.findings(tmp_path) == []
    assert (cleaned.manifest()["erased_on_request"], cleaned.manifest()["cleaned"]["passes"]) == (6, 2)


def test_a_package_without_zips_gets_none(world: World) -> None:
    for path in [path for path in world.before if path.startswith("package-")]:
        world.region.exports.delete(f"{EXPORT}/{path}")
    unzip(world)
    world.clean(world.erasure("anna", image_ids=world.annas()))
    assert not [path for path in world.package() if path.startswith("package-")]


def unzip(world: World) -> None:
    """Make it a package that was never zipped."""
    manifest = world.manifest()
    for page in manifest["files"]:
        name = f"{EXPORT}/{page['path']}"
        rows: list[dict[str, Any]] = [json.loads(line) for line in world.package()[page["path"]].splitlines()]
        lines = (json.dumps({**row, "zipped": None}) for row in rows)
        world.region.exports.put(name, "".join(f"{line}\n" for line in lines).encode())


def test_a_package_without_a_manifest_loses_the_items_as_well(world: World) -> None:
    world.region.exports.delete(f"{EXPORT}/manifest.json")
    assert world.clean(world.erasure("anna", image_ids=world.annas())).is_finished
    left = {path: content for path, content in world.package().items() if not path.startswith("files/")}
    for item in world.annas():
        assert not [path for path, content in left.items() if item in path or item.encode() in content]
    assert not [path for path in left if path.startswith(("index", "package-"))]


def test_a_file_that_a_late_second_run_wrote_anew_is_listed_as_it_lies(world: World, tmp_path: Path) -> None:
    path = f"projects/{world.project}/tags.json"
    world.region.exports.put(f"{EXPORT}/{path}", json.dumps(json.loads(world.before[path])[::-1]).encode())
    assert world.clean(world.erasure("anna", image_ids=world.annas())).is_finished
    assert world.findings(tmp_path) == []
