"""Lists that move while an export runs: what came is exported too, what went is named, and nothing is silent."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from export_function.fulfilment import requested
from export_function.project_units import export_iteration
from export_function.unit_work import UnitWork
from local.custom_vision.emulator import Outcome
from local.custom_vision.wire import Request
from shared.domain.work import WorkUnit
from shared.ports import StoredBlob
from tests.exports.everything import Album, fill, predict
from tests.exports.world import Json, Package, World, assert_adds_up, when_asked
from tests.fakes import InMemoryBlobStore

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)
READING = "/images/id"
"""What only units of the export ask for: lists are frozen by then."""


def assert_whole(world: World, package: Package, project: str) -> None:
    """The package holds what the service holds now, its own lists included."""
    truth = next(one for one in world.control.truth()["projects"] if one["id"] == project)
    base = f"projects/{project}"
    images = {one["id"] for one in truth["workspace"]["images"]}
    everywhere = images.union(*({one["id"] for one in it["images"]} for it in truth["iterations"]))
    assert package.rows_by_id(f"{base}/images").keys() == images
    assert package.pictures(project).keys() == everywhere
    assert {one["id"] for one in package.json(f"{base}/tags.json")} == {one["id"] for one in truth["workspace"]["tags"]}
    iterations = {one["id"]: one for one in truth["iterations"]}
    assert {one["id"] for one in package.json(f"{base}/iterations.json")} == iterations.keys()
    for one, held in iterations.items():
        folder = f"{base}/iterations/{one}"
        assert package.rows_by_id(f"{folder}/images").keys() == {image["id"] for image in held["images"]}
        assert package.json(f"{folder}/iteration.json")["id"] == one
    predictions = {one["id"] for one in truth["predictions"]}
    assert package.pictures(project, "predictions").keys() == predictions
    assert package.rows_by_id(f"{base}/predictions").keys() == predictions
    assert_adds_up(package)


@pytest.fixture
def album(world: World) -> Album:
    return fill(world)


def test_images_that_come_meanwhile_are_exported_with_their_new_tag(world: World, album: Album, sound: Sound) -> None:
    with when_asked(world, READING, lambda: world.control.add_images(album.project, 3, tags=["brand new"])):
        package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert_whole(world, package, album.project)
    assert package.counts("images") == {"found": 12, "written": 12, "service_count": 10}
    assert package.counts("tags") == {"found": 4, "written": 4}
    assert package.status["counts"] == package.stores


def test_as_many_coming_as_going_is_noticed(world: World, album: Album, sound: Sound) -> None:
    def exchange() -> None:
        world.control.delete_images(album.project, album.images[:1], everywhere=False)
        world.control.add_images(album.project, 1)

    with when_asked(world, READING, exchange):
        package = sound(world.export())
    assert package.ending == COMPLETE
    assert package.gaps == [], "what left the workspace is there from an iteration, and what came is there too"
    truth = world.control.truth()["projects"][0]["workspace"]["images"]
    assert package.rows_by_id(f"projects/{album.project}/images").keys() == {one["id"] for one in truth}


def test_a_training_meanwhile_is_exported_and_listed(world: World, album: Album, sound: Sound) -> None:
    with when_asked(world, READING, lambda: world.train(album.project)):
        package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert_whole(world, package, album.project)
    assert package.counts("iterations") == {"found": 3, "written": 3}
    assert package.counts("performance") == {"found": 3, "written": 3}


def test_predictions_that_are_stored_meanwhile_are_exported(world: World, album: Album, sound: Sound) -> None:
    with when_asked(world, READING, lambda: [predict(world.emulator, album.project, album.iterations[0], 90)]):
        package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert_whole(world, package, album.project)
    assert package.counts("predictions") == {"found": 4, "written": 4}


def test_what_is_deleted_meanwhile_counts_as_vanished_and_completes(world: World, album: Album, sound: Sound) -> None:
    gone = album.images[:2]
    with when_asked(world, READING, lambda: world.control.delete_images(album.project, gone)):
        package = sound(world.export())
    assert package.ending == COMPLETE
    assert [gap for gap in package.gaps if gap[2] == "vanished"] == [
        ("images", one, "vanished") for one in sorted(gone)
    ]
    assert package.counts("images") == {"found": 9, "written": 7, "vanished": 2, "service_count": 7}
    assert_adds_up(package)


@pytest.mark.parametrize(
    ("path", "nth", "is_written"),
    [
        (READING, 1, False),
        ("/iterations/{}/performance", 1, True),
        ("/iterations/{}/export", 1, True),
        (READING, 3, True),
    ],
)
def test_a_deleted_iteration_takes_its_images_along_and_is_named_once(
    world: World, album: Album, sound: Sound, path: str, nth: int, *, is_written: bool
) -> None:
    """It is no fault of anything that it went, whatever of it was read before: what only it held has vanished too."""
    first, only_there = album.iterations[0], sorted(album.removed)
    with world.gallery() as gallery:
        delete = partial(gallery.call, "DELETE", f"/projects/{album.project}/iterations/{first}")
        with when_asked(world, path.format(first), delete, nth):
            package = sound(world.export())
    assert package.ending == COMPLETE
    assert [gap for gap in package.gaps if gap[2] != "list_moved"] == [
        *(("images", one, "vanished") for one in only_there),
        ("iterations", first, "vanished"),
    ]
    written = {"written": 2} if is_written else {"written": 1, "vanished": 1}
    assert package.counts("iterations") == {"found": 2, **written}
    assert package.counts("images") == {"found": 9, "written": 7, "vanished": 2, "service_count": 7}
    assert package.status["failures"] == []
    assert_adds_up(package)


def test_what_only_a_listed_iteration_holds_is_never_called_vanished_for_a_404(
    world: World, album: Album, sound: Sound
) -> None:
    first = album.iterations[0]
    world.control.fault("status", operation="GetImagesByIds", query=first, status=404)
    package = sound(world.export())
    lost = sorted([first, *album.removed])
    assert package.gaps == [("images", one, "gone") for one in lost]
    assert package.ending == ("partially_completed", "items_failed")
    assert package.counts("images") == {
        "found": 10,
        "written": 7,
        "failed": 2,
        "not_available": 1,
        "service_count": 7,
    }


def test_stored_predictions_are_never_called_vanished_for_a_404(world: World, album: Album, sound: Sound) -> None:
    with when_asked(world, READING, lambda: world.control.fault("status", operation="QueryPredictions", status=404)):
        package = sound(world.export())
    assert {gap for gap in package.gaps if gap[0] == "predictions"} == {
        ("predictions", one, "gone") for one in album.predictions
    }
    assert package.ending == ("partially_completed", "items_failed")


@pytest.mark.parametrize("slip", ["an image is left out", "each image is there twice"])
def test_a_slip_of_one_answer_costs_and_doubles_no_row(world: World, album: Album, sound: Sound, slip: str) -> None:
    emulator, as_before = world.emulator.emulator, world.emulator.emulator.handle
    left_out: list[str] = []

    def handle(request: Request) -> Outcome:
        outcome = as_before(request)
        if request.path.endswith(READING) and outcome.answer is not None:
            rows = json.loads(outcome.answer.body)
            if slip == "each image is there twice":
                rows = [*rows, *rows]
            elif not left_out:
                left_out.append(rows.pop()["id"])
            return Outcome(replace(outcome.answer, body=json.dumps(rows).encode()), outcome.keep_bytes)
        return outcome

    emulator.handle = handle  # type: ignore[method-assign]
    try:
        package = sound(world.export())
    finally:
        emulator.handle = as_before  # type: ignore[method-assign]
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert_whole(world, package, album.project)


def test_rows_of_an_iteration_that_is_still_listed_are_refused_and_not_failed_images(
    world: World, album: Album, sound: Sound
) -> None:
    newest = album.iterations[1]
    world.control.fault("status", operation="GetImagesByIds", query=newest, status=404)
    package = sound(world.export())
    assert package.gaps == [("images", newest, "gone")]
    assert package.ending == ("partially_completed", "not_available")
    assert package.counts("images") == {"found": 10, "written": 9, "not_available": 1, "service_count": 7}
    assert [(one["store"], one["id"], one["status"]) for one in package.status["failures"]] == [("images", newest, 404)]


def test_an_image_that_leaves_the_workspace_alone_meanwhile_has_its_bytes_from_an_iteration(
    world: World, album: Album, sound: Sound
) -> None:
    """Deleting images leaves them in iterations, unless that is said."""
    gone = album.images[0]
    with (
        world.gallery() as gallery,
        when_asked(world, READING, lambda: gallery.call("DELETE", f"/projects/{album.project}/images", imageIds=gone)),
    ):
        package = sound(world.export())
    assert package.ending == COMPLETE
    assert package.gaps == [("images", album.project, "list_moved")]
    assert package.pictures(album.project) == album.uploaded
    assert_whole(world, package, album.project)


def test_an_image_whose_newest_iteration_goes_meanwhile_has_its_bytes_from_an_older_one(
    world: World, album: Album, sound: Sound
) -> None:
    older, newest = album.iterations
    image = album.images[0]
    with world.gallery() as gallery:
        gallery.call("DELETE", f"/projects/{album.project}/images", imageIds=image)
        with when_asked(
            world, READING, lambda: gallery.call("DELETE", f"/projects/{album.project}/iterations/{newest}")
        ):
            package = sound(world.export())
    assert package.pictures(album.project) == album.uploaded
    assert image in package.rows_by_id(f"projects/{album.project}/iterations/{older}/images")
    assert ("iterations", newest, "vanished") in package.gaps
    assert package.ending == COMPLETE
    assert_adds_up(package)


@pytest.mark.parametrize(("projects", "is_named"), [("all", True), (["Album"], False)])
def test_a_project_that_comes_meanwhile_is_named_where_all_were_asked_for(
    world: World, album: Album, sound: Sound, projects: str | list[str], *, is_named: bool
) -> None:
    made: list[str] = []
    with when_asked(world, READING, lambda: made.append(world.control.seed("Late", 1)["project"])):
        package = sound(world.export({"scope": {"projects": projects}}))
    assert package.gaps == ([("projects", made[0], "list_moved")] if is_named else [])
    assert package.ending == (("partially_completed", "inventory_unstable") if is_named else COMPLETE)
    assert_whole(world, package, album.project)


def test_a_project_that_is_deleted_meanwhile_is_named_and_the_others_are_exported(world: World, sound: Sound) -> None:
    first, second = fill(world, "Going"), fill(world, "Staying")
    with (
        world.gallery() as gallery,
        when_asked(world, READING, lambda: gallery.call("DELETE", f"/projects/{first.project}")),
    ):
        package = sound(world.export())
    assert package.ending[0] == "partially_completed"
    assert first.project in {gap[1] for gap in package.gaps}
    named = {gap[1]: gap[2] for gap in package.gaps if gap[0] == "images"}
    assert {named.get(image) for image in first.images} == {"gone"}, "nobody refused them"
    assert {one["code"] for one in package.status["failures"]} == {"gone"}
    assert_whole(world, package, second.project)


def test_what_never_stands_still_is_exported_as_far_as_it_goes_and_named(
    world: World, album: Album, sound: Sound
) -> None:
    add = {"command": "add_image", "project": album.project, "images": 1}
    world.control.fault("commands", operation="GetImagesByIds", commands=[add])
    package = sound(world.export())
    assert package.ending == ("partially_completed", "inventory_unstable")
    assert ("images", album.project, "list_moved") in package.gaps
    assert_adds_up(package)
    assert len(package.pictures(album.project)) == package.stores["images"]["written"] > 9


def test_progress_never_counts_more_than_there_is(world: World, album: Album) -> None:
    process = world.process()
    seen: list[Json] = []

    def look() -> bool:
        view = process.status(request_id)
        seen.append(view["counts"])
        return bool(view["completed_time"])

    with when_asked(world, READING, lambda: world.control.add_images(album.project, 2)):
        request_id = process.post({"scope": {"projects": "all"}})
        process.work_until(look)
    for counts in seen:
        for store in ("projects", "images", "predictions", "iterations"):
            words = counts.get(store, {})
            assert words.get("written", 0) <= words.get("found", 0), (store, words)


def test_what_is_deleted_after_it_was_exported_is_named_and_completes(world: World, album: Album, sound: Sound) -> None:
    def delete() -> None:
        world.control.delete_images(album.project, album.images[:1])

    with when_asked(world, "/images/count", delete, nth=8):
        package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [("images", album.project, "list_moved")])
    assert package.pictures(album.project) == album.uploaded


@pytest.mark.parametrize("came", ["image", "prediction"])
def test_what_comes_at_the_very_end_is_named_though_an_iteration_goes_too(
    world: World, album: Album, sound: Sound, came: str
) -> None:
    first, second = album.iterations

    def change() -> None:
        with world.gallery() as gallery:
            gallery.call("DELETE", f"/projects/{album.project}/iterations/{first}")
        if came == "image":
            world.control.delete_images(album.project, album.images[:1])
            world.control.add_images(album.project, 1)
        else:
            predict(world.emulator, album.project, second, 91)

    process = world.process()
    request_id = process.post({"scope": {"projects": "all"}})
    process.work_until(lambda: process.status(request_id)["progress"]["phase"] == "derived")
    change()
    process.finish(request_id)
    package = sound(Package(world, process, request_id))
    assert package.gaps == [("images", album.project, "list_moved")]
    assert package.ending == ("partially_completed", "inventory_unstable")


@pytest.mark.parametrize("phase", ["planning", "data"])
def test_unstable_ties_and_repeated_rows_lose_and_double_nothing(world: World, sound: Sound, phase: str) -> None:
    seeded = world.control.seed("Ties", 300, share_blobs=True, iterations=1)
    if phase == "data":
        with when_asked(world, READING, lambda: world.control.add_images(seeded["project"], 30)):
            package = sound(world.export())
    else:
        package = sound(world.export({"scope": {"projects": "all"}, "options": {"package": "none"}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert_whole(world, package, seeded["project"])


def test_performance_of_every_held_out_image_is_there_once_whatever_the_ties(world: World) -> None:
    seeded = world.control.seed("Ties", 2800, share_blobs=True, iterations=1)
    process = world.process()
    current = process.services.ledger.read(process.post({"scope": {"projects": "all"}})).record
    request = requested(process.services, current)
    (iteration,) = seeded["iterations"]
    unit = WorkUnit(
        kind="iteration",
        number=1,
        resource=world.emulator.url.removeprefix("http://"),
        project_id=seeded["project"],
        details={"iteration_id": iteration},
    )
    base = f"projects/{seeded['project']}/iterations/{iteration}"
    with world.gallery() as gallery:
        count = gallery.call("GET", f"/{base}/performance/images/count")
    assert count > 2 * 256, "several pages"
    for _ in range(6):
        work = UnitWork(services=process.services, record=current, request=request, unit=unit, attempt=1)
        assert export_iteration(work).gaps == []
        package = Package(world, process, current.subject_request_id)
        assert len(package.rows_by_id(f"{base}/image_performances")) == count


def test_where_nothing_moved_each_page_of_the_plan_is_read_once(
    world: World, album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the newest images are new is seen by their digest; finding them in the plan would read all its pages."""
    world.control.switch(tie_order="stable")
    read: Counter[str] = Counter()
    read_blob = InMemoryBlobStore.read

    def counted(store: InMemoryBlobStore, name: str) -> StoredBlob | None:
        read[name] += "/plan/" in name
        return read_blob(store, name)

    monkeypatch.setattr(InMemoryBlobStore, "read", counted)
    assert world.export({"scope": {"projects": [album.project], "predictions": False}}).ending == COMPLETE
    assert set(read.values()) == {0, 1}, read
