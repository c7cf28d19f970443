"""What only an iteration holds, and what it holds differently from the workspace."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest

from local.custom_vision.emulator import Outcome
from local.custom_vision.wire import Answer, Request
from request_function import reading
from tests.acceptance.gallery import picture
from tests.exports.everything import fill
from tests.exports.world import Json, Package, World, lines

type Sound = Callable[[Package], Package]


def test_images_that_only_an_iteration_holds_are_there_with_bytes_and_told_apart(world: World, sound: Sound) -> None:
    album = fill(world)
    package, base = sound(world.export()), f"projects/{album.project}"
    workspace = package.rows_by_id(f"{base}/images")
    first, second = (package.rows_by_id(f"{base}/iterations/{one}/images") for one in album.iterations)
    assert workspace.keys() == second.keys() == set(album.images)
    assert first.keys() == {*album.images, *album.removed}
    for image in album.removed:
        assert package.pictures(album.project)[image] == album.uploaded[image]
        row = next(row for path, row in package.listed.items() if f"images/files/{image}." in path)
        assert row["ids"] == {
            "project_id": album.project,
            "iteration_id": album.iterations[0],
            "image_id": image,
        }
    kept = next(row for path, row in package.listed.items() if f"images/files/{album.images[0]}." in path)
    assert "iteration_id" not in kept["ids"]


def test_the_plan_shows_each_iteration_and_that_it_is_kept_and_forgets_its_name_at_the_end(world: World) -> None:
    album = fill(world)
    process = world.process()
    request_id = process.post({"scope": {"projects": "all"}})
    process.work_until(lambda: process.status(request_id)["request_status"] == "exporting")
    (shown,) = reading.plan(process.services, request_id)["projects"]
    listed = {one["id"]: (one["holds"], one["action"]) for one in shown["iterations"]}
    everything = len(album.images) + len(album.removed)
    assert listed == {album.iterations[0]: (everything, "keep"), album.iterations[1]: (len(album.images), "keep")}
    assert all(one["name"] for one in shown["iterations"])
    process.finish(request_id)
    (left,) = reading.plan(process.services, request_id)["projects"]
    assert {one["name"] for one in left["iterations"]} == {None}


@pytest.mark.parametrize(
    ("scope", "tags"),
    [({}, 3), ({"images": {"tags": ["Album red"]}}, 2), ({"predictions": {"ids": [str(UUID(int=1))]}}, 0)],
)
def test_the_plan_counts_the_tags_that_the_package_will_hold(world: World, scope: Json, tags: int) -> None:
    fill(world)
    process = world.process()
    request_id = process.post({"scope": {"projects": "all", **scope}})
    process.finish(request_id)
    package = Package(world, process, request_id)
    (planned,) = reading.plan(process.services, request_id)["projects"]
    assert planned["counts"]["tags"] == package.stores["tags"]["written"] == tags


def test_tags_that_are_refused_are_planned_as_none_and_named_once(world: World, sound: Sound) -> None:
    album = fill(world)
    world.control.fault("status", operation="GetTags", query="^$", status=403)
    package = sound(world.export())
    (planned,) = reading.plan(package.process.services, package.request_id)["projects"]
    assert planned["counts"]["tags"] == 0
    assert package.gaps == [("tags", album.project, "refused")]
    assert package.counts("tags") == {"found": 1, "failed": 1}


def test_an_iteration_keeps_the_tags_regions_and_metadata_of_its_time(world: World, sound: Sound) -> None:
    with world.gallery() as gallery:
        project = gallery.project("Street", detection=True)
        car, bike = gallery.tag(project, "car"), gallery.tag(project, "bike")
        box = {"tagId": car, "left": 0.125, "top": 0.25, "width": 0.5, "height": 0.25}
        (image,) = gallery.upload(project, [picture(1)], metadata={"plate": "B-XY 1"}, regions=[box])
        iteration = world.train(project)
        region = gallery.rows(project, [image])[image]["regions"][0]["regionId"]
        gallery.call("DELETE", f"/projects/{project}/images/regions", regionIds=region)
        later = {"imageId": image, "tagId": bike, "left": 0, "top": 0, "width": 0.75, "height": 1}
        gallery.call("POST", f"/projects/{project}/images/regions", {"regions": [later]})
        gallery.call("POST", f"/projects/{project}/images/metadata", {"plate": "none"}, imageIds=image)
        gallery.call("DELETE", f"/projects/{project}/tags/{car}")
    package, base = sound(world.export()), f"projects/{project}"
    (now,), (then,) = package.rows(f"{base}/images"), package.rows(f"{base}/iterations/{iteration}/images")
    assert [(one["tagName"], one["left"], one["width"]) for one in now["regions"]] == [("bike", 0.0, 0.75)]
    assert [(one["tagName"], one["left"], one["width"]) for one in then["regions"]] == [("car", 0.125, 0.5)]
    assert (now["metadata"], then["metadata"]) == ({"plate": "none"}, {"plate": "B-XY 1"})
    assert {tag["name"] for tag in package.json(f"{base}/tags.json")} == {"bike"}
    assert {tag["name"] for tag in package.json(f"{base}/iterations/{iteration}/tags.json")} == {"car", "bike"}


def test_untagged_and_negative_images_and_empty_tags_are_there(world: World) -> None:
    album = fill(world)
    with world.gallery() as gallery:
        gallery.tag(album.project, "nobody wears it")
    package = world.export()
    rows = package.rows_by_id(f"projects/{album.project}/images").values()
    assert sum(not row.get("tags") for row in rows) == 1
    assert sum(any(tag["tagName"] == "Negative" for tag in row.get("tags", ())) for row in rows) == 2
    tags = {tag["name"]: tag["type"] for tag in package.json(f"projects/{album.project}/tags.json")}
    assert tags == {
        "Album red": "Regular",
        "Album blue": "Regular",
        "Negative": "Negative",
        "nobody wears it": "Regular",
    }


def test_a_project_of_nothing_is_exported_as_such(world: World, sound: Sound) -> None:
    with world.gallery() as gallery:
        project = gallery.project("Empty")
    package = sound(world.export())
    assert (package.ending, package.gaps) == (("completed", None), [])
    assert package.json(f"projects/{project}/project.json")["name"] == "Empty"
    assert package.json(f"projects/{project}/tags.json") == []


def test_a_resource_without_projects_is_a_complete_export(world: World, sound: Sound) -> None:
    package = sound(world.export())
    assert (package.ending, package.gaps, package.counts("projects")) == (("completed", None), [], {})


def test_fields_of_tomorrow_stay_in_every_kind_of_row_and_their_links_go(world: World, sound: Sound) -> None:
    album = fill(world)
    emulator, as_before = world.emulator.emulator, world.emulator.emulator.handle
    stolen = "https://a.blob.core.windows.net/c/b?sv=1&sig=c2VjcmV0"
    extra = {"scoreOfTomorrow": 0.5, "deep": {"copies": [{"mirrorUri": stolen, "kept": 1}], "note": stolen}}

    def handle(request: Request) -> Outcome:
        outcome = as_before(request)
        answer = outcome.answer
        if (
            answer is None
            or request.path.startswith("/__")
            or answer.status != 200
            or "json" not in (answer.content_type or "")
        ):
            return outcome
        value = json.loads(answer.body)
        rows = value["results"] if isinstance(value, dict) and "results" in value else value
        for row in rows if isinstance(rows, list) else [rows]:
            if isinstance(row, dict):
                row |= extra
        changed = Answer(answer.status, json.dumps(value).encode(), answer.content_type, answer.headers)
        return Outcome(changed, outcome.keep_bytes)

    emulator.handle = handle  # type: ignore[method-assign]
    try:
        package = sound(world.export())
    finally:
        emulator.handle = as_before  # type: ignore[method-assign]
    assert package.ending == ("completed", None)
    seen = 0
    for path, content in package.blobs.items():
        assert b"sig=" not in content, path
        if path.startswith("projects/") and path.endswith((".json", ".jsonl")) and "coco" not in path:
            value = lines(content) if path.endswith(".jsonl") else json.loads(content)
            for row in value if isinstance(value, list) else [value]:
                assert row["scoreOfTomorrow"] == 0.5, path
                assert row["deep"]["copies"] == [{"kept": 1}], path
                seen += 1
    assert seen > len(album.uploaded)


@pytest.mark.parametrize(
    ("detection", "thresholds"), [(False, {"threshold": 0.5}), (True, {"threshold": 0.5, "overlapThreshold": 0.5})]
)
def test_the_thresholds_of_a_performance_are_asked_for_and_recorded(
    world: World, sound: Sound, *, detection: bool, thresholds: dict[str, float]
) -> None:
    project = world.control.seed("Any", 3, iterations=1, domain="detection" if detection else "classification")
    emulator, as_before = world.emulator.emulator, world.emulator.emulator.handle
    asked: list[dict[str, list[str]]] = []

    def handle(request: Request) -> Outcome:
        if request.path.endswith("/performance"):
            asked.append(request.query())
        return as_before(request)

    emulator.handle = handle  # type: ignore[method-assign]
    try:
        package = sound(world.export())
    finally:
        emulator.handle = as_before  # type: ignore[method-assign]
    (iteration,) = project["iterations"]
    row = package.listed[f"projects/{project['project']}/iterations/{iteration}/performance.json"]
    assert row["parameters"] == thresholds
    assert asked == [{name.lower(): [str(value)] for name, value in thresholds.items()}]


@pytest.mark.parametrize("times", [1, 100])
def test_an_iteration_that_is_listed_and_not_found_is_never_taken_for_one_without_images(
    world: World, sound: Sound, times: int
) -> None:
    """A 404 that passes costs nothing; one that stays is named."""
    album = fill(world)
    first = album.iterations[0]
    world.control.fault("status", operation="GetImageCount", status=404, query=first, times=times)
    package = sound(world.export())
    rows = package.rows_by_id(f"projects/{album.project}/iterations/{first}/images")
    if times == 1:
        assert (package.ending, package.gaps) == (("completed", None), [])
        assert rows.keys() == album.uploaded.keys()
        assert package.pictures(album.project) == album.uploaded
    else:
        assert ("images", first, "gone") in package.gaps
        assert package.ending == ("partially_completed", "not_available")
