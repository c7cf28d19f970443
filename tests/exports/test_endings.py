"""Taking an export back in every phase, writers that come late, and crashes after every write: nothing is left over."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import pytest

from request_function import reading
from shared.domain.errors import Conflict, UnknownRequest
from shared.ports import BlobStore
from tests.acceptance.gallery import picture
from tests.exports.everything import COMPACT, predict
from tests.exports.world import Package, World
from tests.fakes import WorldStopped
from tests.unit.in_process import CrashAt, Process

type Sound = Callable[[Package], Package]
EVERYTHING = {"subject_request_id": "0f8fad5b-d9cb-469f-a165-70867728950e", "scope": {"projects": "all"}}
ID = str(EVERYTHING["subject_request_id"])
FINAL = ("completed", "partially_completed", "failed", "cancelled")


@pytest.fixture
def small(world: World) -> World:
    """One of every category: two images of which an iteration alone holds one, a prediction, a model."""
    with world.gallery() as gallery:
        project = str(gallery.call("POST", "/projects", name="Small", domainId=COMPACT)["id"])
        tag = gallery.tag(project, "tag")
        (_, gone) = gallery.upload(project, [picture(1), picture(2)], tags=[tag])
        iteration = world.train(project)
        gallery.call("DELETE", f"/projects/{project}/images", imageIds=gone)
        gallery.call("POST", f"/projects/{project}/iterations/{iteration}/export", platform="ONNX")
    world.control.advance(10)
    world.control.switch(sas_seconds=10**8)
    predict(world.emulator, project, iteration, 3)
    return world


def again(world: World) -> World:
    """The same service, and an installation that knows nothing yet."""
    return World(world.emulators, world.session, **{"ALLOW_KEY_EXPORT": "true"})


def phases(world: World) -> list[str]:
    """Every status and phase that an export passes through, one message at a time."""
    process, seen = world.process(), list[str]()
    request_id = process.post(EVERYTHING)

    def look() -> bool:
        record = process.services.ledger.read(request_id).record
        state = f"{record.status.value}/{record.phase}"
        if state not in seen:
            seen.append(state)
        return record.status.is_final

    process.work_until(look)
    return seen


# cancelling


def cancel_at(world: World, messages: int) -> tuple[Process, bool]:
    """Cancel after so many messages, then finish; says whether it was in time."""
    process, left = world.process(), messages
    process.post(EVERYTHING)

    def look() -> bool:
        nonlocal left
        left -= 1
        return left < 0 or process.status(ID)["request_status"] in FINAL

    process.work_until(look)
    try:
        reading.cancel(process.services, ID)
    except Conflict:
        return process, False
    process.finish(ID)
    return process, True


def test_an_export_is_cancelled_after_any_message_and_leaves_nothing(small: World) -> None:
    messages, in_time, seen = 0, True, set[str]()
    while in_time:
        world = again(small)
        process, in_time = cancel_at(world, messages)
        messages += 1
        if in_time:
            assert process.status(ID)["request_status"] == "cancelled"
            assert world.package_blobs() == {}
            kept = {name for name in world.everything_kept() if name.endswith(("selector.json", "receipt.json"))}
            assert kept == {f"requests/{ID}/receipt.json"}
            with pytest.raises(UnknownRequest):
                reading.package(process.services, ID, "1")
        else:
            assert process.status(ID)["request_status"] == "completed"
        seen.add(process.status(ID)["request_status"])
    assert messages > 6
    assert seen == {"cancelled", "completed"}


class CancellingStore:
    """A store of packages that lets a request be cancelled, to its very end, just before the nth write."""

    def __init__(self, inner: BlobStore, before: int, cancel: Callable[[], None]) -> None:
        self._inner, self._left, self._cancel = inner, before, cancel

    def __getattr__(self, name: str) -> Any:
        reached = getattr(self._inner, name)
        if name not in ("create", "put", "replace", "append", "write_stream", "copy_from_link"):
            return reached

        def write(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._left == 0:
                self._cancel()
            return reached(*args, **options)

        return write


def test_a_writer_that_comes_after_the_cancellation_takes_back_what_it_brought(small: World) -> None:
    writes = len(again(small).export(EVERYTHING).blobs)
    for nth in range(1, writes + 1):
        world = again(small)
        other = world.process()

        def cancel(other: Process = other) -> None:
            reading.cancel(other.services, ID)
            other.finish(ID)

        process = world.process()
        slow = CancellingStore(process.services.packages.blobs, nth, cancel)
        process.services.packages.blobs = slow
        process.post(EVERYTHING)
        process.finish(ID)
        assert other.status(ID)["request_status"] == "cancelled"
        assert world.package_blobs() == {}, f"cancelled before write {nth}"


def test_progress_names_every_phase(small: World) -> None:
    seen = phases(again(small))
    assert seen == [
        "pending/None",
        "exporting/data",
        "exporting/derived",
        "verifying/zip",
        "completed/None",
    ]


# crashes


def survive(world: World, crash: CrashAt) -> tuple[Package, bool]:
    """Run until the crash, then start again and finish; says whether there was a crash."""
    process, died = world.process(crash), False
    try:
        process.finish(process.post(EVERYTHING))
    except WorldStopped:
        died = True
        process = world.process()
        process.finish(process.post(EVERYTHING))
    return Package(world, process, ID), died


TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z| UTC)?|\d\d? \w+ \d{4},? \d\d:\d\d UTC")
NUMBER = re.compile(r"/\d{5}\.jsonl")
"""Pages are numbered by the plan, which a second planning goes on with; each folder here has one."""


def without_times(package: Package) -> dict[str, object]:
    """All blobs of a package; without times where these say them, and without the numbers of pages of rows."""
    return {NUMBER.sub("/N.jsonl", path): comparable(path, content) for path, content in package.blobs.items()}


def comparable(path: str, content: bytes) -> object:
    if path.endswith(".zip") and "/" not in path:
        archive = zipfile.ZipFile(BytesIO(content))
        return {NUMBER.sub("/N.jsonl", name): comparable(name, archive.read(name)) for name in archive.namelist()}
    if path.startswith("files/"):
        return sorted((timeless(json.loads(line)) for line in content.splitlines()), key=lambda row: str(row["path"]))
    if path == "manifest.json":
        return timeless(json.loads(content))
    return NUMBER.sub("/N.jsonl", TIME.sub("", content.decode())) if path.startswith("index") else content


def timeless(row: Mapping[str, Any]) -> dict[str, Any]:
    changing = {"time", "created_time"}
    if str(row.get("path", "")).startswith(("index", "files/")):
        changing |= {"bytes", "md5", "sha256"}
    pages = [{"path": one["path"], "rows": one["rows"]} for one in row.get("files", ())]
    kept = {key: value for key, value in row.items() if key not in {*changing, "files"}}
    return kept | {"pages": pages, "path": NUMBER.sub("/N.jsonl", str(row.get("path")))}


def points(step: int) -> Iterator[int]:
    at = 0
    while True:
        yield at
        at += step


@pytest.mark.parametrize(("kind", "step"), [("packages", 1), ("ledger", 2), ("messages", 1)])
def test_a_crash_at_any_point_leads_to_the_same_package(small: World, kind: str, step: int) -> None:
    expected, _ = survive(again(small), CrashAt())
    assert expected.ending == ("completed", None)
    for at in points(step):
        package, died = survive(again(small), CrashAt(**{kind: at}))
        assert package.ending == expected.ending, f"after {at} ({kind})"
        assert without_times(package) == without_times(expected), f"after {at} ({kind})"
        if not died:
            break
    assert at > step


def test_every_message_delivered_twice_makes_the_same_package(small: World) -> None:
    expected = again(small).export(EVERYTHING)
    twice = again(small).export(EVERYTHING, twice=True)
    assert without_times(twice) == without_times(expected)
    assert twice.status["counts"] == expected.status["counts"]
