"""Answers of another form than the API promises: what they would have shown is named, and all the rest is exported."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from local.custom_vision import routes
from local.custom_vision.emulator import Outcome
from local.custom_vision.wire import Request
from tests.exports.everything import Album, fill
from tests.exports.world import Json, Package, World, assert_adds_up

type Sound = Callable[[Package], Package]
type Change = Callable[[list[Json]], list[Json]]


@contextmanager
def rows_changed(world: World, project: str, operation: str, change: Change) -> Iterator[None]:
    """Let the rows that an operation answers of a project (or of none) be others on their way."""
    emulator, as_before = world.emulator.emulator, world.emulator.emulator.handle

    def handle(request: Request) -> Outcome:
        outcome, found = as_before(request), routes.match(request.method, request.path)
        if found is None or found.operation.name != operation or outcome.answer is None:
            return outcome
        if found.path.get("projectId", project) != project or outcome.answer.status != 200:
            return outcome
        body = json.dumps(_changed(json.loads(outcome.answer.body), change)).encode()
        return Outcome(replace(outcome.answer, body=body))

    emulator.handle = handle  # type: ignore[method-assign]
    yield
    emulator.handle = as_before  # type: ignore[method-assign]


def _changed(value: Any, change: Change) -> Any:
    if isinstance(value, dict) and "results" in value:
        return {**value, "results": change(value["results"])}
    return change(value) if isinstance(value, list) else change([value])[0]


def every_row_with(**members: Any) -> Change:
    return lambda rows: [row | members for row in rows]


def with_its_first_row_twice(rows: list[Json]) -> list[Json]:
    return [*rows, *rows[:1]]


@pytest.fixture
def albums(world: World) -> tuple[Album, Album]:
    """A project whose answers are odd, and another."""
    return fill(world, "Odd"), fill(world, "Other")


@pytest.mark.parametrize(
    "operation", ["GetProjects", "GetTags", "GetIterations", "GetImages", "GetImagesByIds", "QueryPredictions"]
)
def test_a_row_that_stands_twice_in_an_answer_counts_once(
    world: World, albums: tuple[Album, Album], sound: Sound, operation: str
) -> None:
    with rows_changed(world, albums[0].project, operation, with_its_first_row_twice):
        package = sound(world.export())
    assert (package.ending, package.gaps) == (("completed", None), [])
    assert [package.pictures(album.project) for album in albums] == [album.uploaded for album in albums]
    assert_adds_up(package)


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("GetImagesByIds", {"tags": "red"}),
        ("GetImagesByIds", {"tags": [None]}),
        ("GetImagesByIds", {"regions": {"left": 1}}),
        ("GetImagesByIds", {"metadata": ["subject"]}),
        ("GetImagesByIds", {"originalImageUri": 7}),
        ("GetImages", {"tags": [7]}),
        ("QueryPredictions", {"predictions": "red"}),
        ("GetProject", {"settings": ["none"]}),
        ("GetIterations", {"id": "../iteration"}),
        ("GetTags", {"id": 7}),
    ],
)
def test_rows_of_another_form_are_named_and_cost_nothing_else(
    world: World, albums: tuple[Album, Album], sound: Sound, operation: str, members: Json
) -> None:
    odd, other = albums
    with rows_changed(world, odd.project, operation, every_row_with(**members)):
        package = sound(world.export())
    assert package.ending[0] == "partially_completed"
    assert {code for _, _, code in package.gaps} == {"refused"}
    assert package.pictures(other.project) == other.uploaded
    assert not {other.project, *other.uploaded} & {one for _, one, _ in package.gaps}
    assert_adds_up(package)


@pytest.mark.parametrize("operation", ["GetImagesByIds", "GetTags", "GetIterationPerformance", "QueryPredictions"])
def test_what_is_no_number_costs_nothing(
    world: World, albums: tuple[Album, Album], sound: Sound, operation: str
) -> None:
    with rows_changed(world, albums[0].project, operation, every_row_with(new=float("nan"))):
        package = sound(world.export())
    assert (package.ending, package.gaps) == (("completed", None), [])
    written = "".join(package.text(path) for path in package.blobs if "/files/" not in path)
    assert '"new":"NaN"' in written.replace(" ", "")


@pytest.mark.parametrize("shown", [0, 1], ids=["none", "all but one"])
def test_images_that_are_counted_and_not_shown_are_not_called_gone_without_a_word(
    world: World, albums: tuple[Album, Album], sound: Sound, shown: int
) -> None:
    odd, other = albums
    with rows_changed(world, odd.project, "GetImagesByIds", lambda rows: rows[1:] if shown else []):
        package = sound(world.export())
    assert package.ending == ("partially_completed", "inventory_unstable")
    assert ("images", odd.project, "list_moved") in package.gaps
    assert package.pictures(other.project) == other.uploaded
    assert_adds_up(package)


def test_rows_of_an_iteration_that_are_counted_and_not_shown_are_named(
    world: World, albums: tuple[Album, Album], sound: Sound
) -> None:
    odd, _ = albums
    kept_out = odd.images[0]
    first = iter([True])

    def without_it(rows: list[Json]) -> list[Json]:
        in_workspace = any(row["id"] == kept_out for row in rows) and next(first, False)
        return rows if in_workspace else [row for row in rows if row["id"] != kept_out]

    with rows_changed(world, odd.project, "GetImagesByIds", without_it):
        package = sound(world.export())
    assert package.pictures(odd.project) == odd.uploaded
    assert package.ending == ("partially_completed", "inventory_unstable")
    assert package.gaps == [("images", odd.project, "list_moved")]


def test_one_person_s_images_that_are_listed_and_not_shown_do_not_count_as_nobody_s(
    world: World, albums: tuple[Album, Album], sound: Sound
) -> None:
    odd, _ = albums
    body = {"scope": {"projects": [odd.project], "images": {"tags": ["Odd red"]}}}
    with rows_changed(world, odd.project, "GetImagesByIds", lambda rows: []):
        package = sound(world.export(body))
    assert package.ending == ("partially_completed", "inventory_unstable")


def test_rows_of_performance_without_an_id_are_written_each_once(world: World) -> None:
    seeded = world.control.seed("Odd", 2800, share_blobs=True, iterations=1)
    base = f"projects/{seeded['project']}/iterations/{seeded['iterations'][0]}/image_performances"
    without = lambda rows: [{name: value for name, value in row.items() if name != "id"} for row in rows]  # noqa: E731
    with rows_changed(world, seeded["project"], "GetImagePerformances", without):
        package = world.export()
    rows = [json.dumps(row, sort_keys=True) for row in package.rows(base)]
    assert len(rows) == len(set(rows)) > 2 * 256
    assert (package.ending, package.gaps) == (("completed", None), [])
