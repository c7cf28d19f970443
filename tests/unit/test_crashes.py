"""The app dies after every single write and every single message, is started again, and ends where it always ends."""

import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.fakes import WorldStopped
from tests.unit.in_process import CrashAt, OvertakenBlobStore, Process, Region

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXPORT = {"subject_request_id": ID, "scope": {"projects": "all"}}
ERASURE = {
    "subject_request_id": ID,
    "scope": {"level": "items", "projects": "all", "images": {"metadata": {"subject": "anna"}}},
    "options": {"trained_iterations": "keep"},
}
BOTH = [pytest.param(EXPORT, id="export"), pytest.param(ERASURE, id="erasure")]
POINTS = [
    pytest.param(EXPORT, "ledger", id="export, writes to the ledger"),
    pytest.param(EXPORT, "packages", id="export, writes to the package"),
    pytest.param(EXPORT, "messages", id="export, messages"),
    pytest.param(ERASURE, "ledger", id="erasure, writes to the ledger"),
    pytest.param(ERASURE, "before_ledger", id="erasure, before writes to the ledger"),
    pytest.param(ERASURE, "messages", id="erasure, messages"),
]


def fresh(living: Region) -> Region:
    """Give a region with two small projects of two people each, and nothing else."""
    living.control.reset()
    new = Region(living.emulator, living.session)
    for name in ("Pets", "Birds"):
        new.control.seed(name, 2, metadata={"subject": ["anna", "ben"]}, iterations=1)
    return new


def survive(world: Region, body: dict[str, Any], crash: CrashAt) -> tuple[Process, bool]:
    """Run until the crash, then start again and finish; says whether there was a crash."""
    process, died = world.process(crash), False
    try:
        process.finish(process.post(body))
    except WorldStopped:
        died = True
        process = world.process()
        process.finish(process.post(body))
    return process, died


def end_state(world: Region, process: Process) -> dict[str, Any]:
    """Give what a person may rely on afterwards, without times, versions and the number of rounds."""
    view = process.status(ID)
    receipt = json.loads(world.everything_kept()[f"requests/{ID}/receipt.json"])
    stores = {store: dict(words) | {"rounds": None} for store, words in receipt["stores"].items()}
    truth = world.control.truth()
    return {
        "status": (view["request_status"], view["reason"], view["failures"], view["drift"]),
        "receipt": (receipt["request_status"], receipt["reason"], stores, receipt["looked_at"]),
        "residuals": sorted(entry["code"] for entry in receipt["residuals"]),
        "left": sorted((project["name"], image["metadata"]["subject"]) for project, image in images_of(truth)),
        "package": sorted(kind_of(name) for name in world.everything_kept() if name.startswith("exports/")),
        "manifest": manifest_of(world),
        "selector": f"requests/{ID}/selector.json" in world.everything_kept(),
        "indexed": [(entry.request_id, entry.state) for entry in process.services.ledger.index()][:1],
    }


def images_of(truth: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for project in truth["projects"]:
        for holder in (project["workspace"], *project["iterations"]):
            for image in holder["images"]:
                yield project, image


def kind_of(name: str) -> str:
    """Give a blob's name without its ids and numbers, which differ from run to run."""
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{5}", "*", name)


def manifest_of(world: Region) -> dict[str, Any] | None:
    """Give the counts of a manifest, and whether it lists exactly what is there, as it is there."""
    kept = {name.removeprefix(f"exports/{ID}/"): content for name, content in world.everything_kept().items()}
    if "manifest.json" not in kept:
        return None
    manifest = json.loads(kept["manifest.json"])
    rows = [json.loads(line) for page in manifest["files"] for line in kept[page["path"]].splitlines()]
    listed = {row["path"]: (row["bytes"], row["md5"]) for row in rows}
    there = {
        name: (len(content), hashlib.md5(content, usedforsecurity=False).hexdigest())
        for name, content in kept.items()
        if not name.startswith(("files/", "requests/", "manifest.json", "package-"))
    }
    assert listed == there
    assert len(listed) == len(rows), "a file is listed twice"
    return {"stores": manifest["stores"], "gaps": [(gap["store"], gap["code"]) for gap in manifest["gaps"]]}


def test_an_export_that_nothing_disturbs_is_complete(living: Region) -> None:
    world = fresh(living)
    state = end_state(world, survive(world, EXPORT, CrashAt())[0])
    assert state["status"][0] in ("completed", "partially_completed")
    assert len(state["left"]) == 8
    assert state["manifest"]["stores"]["images"] == {
        "found": 4,
        "written": 4,
        "vanished": 0,
        "failed": 0,
        "not_available": 0,
        "service_count": 4,
    }
    assert sum("/images/files/" in name for name in state["package"]) == 4
    assert (state["selector"], state["indexed"]) == (False, [(ID, "final")])


def test_an_erasure_that_nothing_disturbs_is_complete(living: Region) -> None:
    world = fresh(living)
    state = end_state(world, survive(world, ERASURE, CrashAt())[0])
    assert state["status"] == ("completed", None, [], 0)
    assert state["left"] == [("Birds", "ben"), ("Birds", "ben"), ("Pets", "ben"), ("Pets", "ben")]
    images = state["receipt"][2]["images"]
    assert {word: images[word] for word in ("found", "deleted", "already_absent", "failed", "verified")} == {
        "found": 2,
        "deleted": 2,
        "already_absent": 0,
        "failed": 0,
        "verified": True,
    }
    assert (state["selector"], state["package"], state["indexed"]) == (False, [], [(ID, "final")])


@pytest.mark.parametrize(("body", "kind"), POINTS)
def test_a_crash_at_any_point_changes_nothing_about_the_end(living: Region, body: dict[str, Any], kind: str) -> None:
    world = fresh(living)
    expected = end_state(world, survive(world, body, CrashAt())[0])
    crashes, died = -1, True
    while died:
        crashes += 1
        world = fresh(living)
        process, died = survive(world, body, CrashAt(**{kind: crashes}))
        assert end_state(world, process) == expected, f"after {crashes} ({kind})"
    assert crashes > 2


@pytest.mark.parametrize("body", BOTH)
@pytest.mark.parametrize("seed", range(3))
def test_an_app_that_dies_again_and_again_still_ends_there(living: Region, body: dict[str, Any], seed: int) -> None:
    world = fresh(living)
    expected = end_state(world, survive(world, body, CrashAt())[0])
    world, lives = fresh(living), random.Random(seed)
    for _ in range(6):
        try:
            process = world.process(CrashAt(ledger=lives.randint(1, 9), packages=lives.randint(3, 15)))
            process.finish(process.post(body))
        except WorldStopped:
            continue
    process, _ = survive(world, body, CrashAt())
    assert end_state(world, process) == expected


@pytest.mark.parametrize("body", BOTH)
def test_every_message_delivered_twice_changes_nothing(living: Region, body: dict[str, Any]) -> None:
    world = fresh(living)
    expected = end_state(world, survive(world, body, CrashAt())[0])
    world = fresh(living)
    process = world.process()
    process.finish(process.post(body), twice=True)
    assert end_state(world, process) == expected


def finisher(world: Region, body: dict[str, Any]) -> Callable[[], None]:
    """Give what a second worker does that comes upon the same request: all of it."""

    def finish() -> None:
        second = world.process()
        second.finish(second.post(body))

    return finish


@pytest.mark.parametrize("body", BOTH)
def test_a_second_worker_that_overtakes_at_any_point_changes_nothing(living: Region, body: dict[str, Any]) -> None:
    world = fresh(living)
    expected = end_state(world, survive(world, body, CrashAt())[0])
    writes, overtaken = 0, True
    while overtaken:
        writes += 1
        world = fresh(living)
        ledger = OvertakenBlobStore(world.requests, after=writes, overtake=finisher(world, body))
        first = world.process_on(ledger)
        first.finish(first.post(body))
        overtaken = ledger.was_overtaken
        assert end_state(world, first) == expected, f"after {writes} writes"
    assert writes > 10
