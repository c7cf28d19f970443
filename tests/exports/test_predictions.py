"""Stored predictions: found page by page, without an iteration and with each, merged by id."""

from collections.abc import Callable, Sequence

import pytest

from tests.acceptance.gallery import picture
from tests.exports.everything import fill, predict
from tests.exports.world import Package, World

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)


@pytest.mark.parametrize("end", ["null", "empty"])
@pytest.mark.parametrize("number", [0, 1, 64, 65, 130])
def test_all_pages_are_read_whatever_the_last_one_says(world: World, sound: Sound, end: str, number: int) -> None:
    seeded = world.control.seed("Shop", 2, iterations=1, predictions=number)
    world.control.switch(prediction_end=end)
    package = sound(world.export({"scope": {"projects": "all"}, "options": {"package": "none"}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(seeded["project"], "predictions").keys() == set(seeded["predictions"])
    rows = package.rows_by_id(f"projects/{seeded['project']}/predictions")
    assert rows.keys() == set(seeded["predictions"])
    assert package.stores["predictions"]["found"] == package.stores["predictions"]["written"] == number


@pytest.mark.parametrize("without", ["all", "newest"])
def test_predictions_of_every_iteration_are_found_once(world: World, sound: Sound, without: str) -> None:
    album = fill(world)
    world.control.switch(predictions_without_iteration=without)
    package = sound(world.export())
    assert (package.ending, package.gaps) == (COMPLETE, [])
    rows = package.rows_by_id(f"projects/{album.project}/predictions")
    assert [rows[one]["iteration"] for one in album.predictions] == [
        album.iterations[0],
        album.iterations[1],
        album.iterations[1],
    ]
    pictures = package.pictures(album.project, "predictions")
    assert [pictures[one] for one in album.predictions] == [picture(40 + number) for number in range(3)]


def test_ids_narrow_to_those_predictions_alone(world: World, sound: Sound) -> None:
    album = fill(world)
    wanted = album.predictions[1:2]
    package = sound(world.export({"scope": {"projects": "all", "predictions": {"ids": wanted}}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(album.project, "predictions").keys() == set(wanted)
    assert package.rows_by_id(f"projects/{album.project}/predictions").keys() == set(wanted)
    assert package.counts("predictions") == {"found": 1, "written": 1}
    assert_holds_nothing_of(package, [*album.uploaded, *album.predictions[:1], *album.predictions[2:], "日本"])


def assert_holds_nothing_of(package: Package, words: Sequence[str]) -> None:
    for path, content in package.blobs.items():
        for word in words:
            assert word.encode() not in content, (path, word)
            assert word not in path


def test_an_export_without_predictions_asks_for_none(world: World, sound: Sound) -> None:
    album = fill(world)
    world.control.reset_calls()
    package = sound(world.export({"scope": {"projects": "all", "predictions": False}}))
    assert package.ending == COMPLETE
    assert "QueryPredictions" not in world.control.calls()
    assert package.pictures(album.project, "predictions") == {}
    assert [gap["code"] for gap in package.manifest["gaps"] if gap["store"] == "predictions"] == ["not_asked"]


def test_unknown_prediction_ids_match_nothing(world: World, sound: Sound) -> None:
    fill(world)
    ids = ["0f8fad5b-d9cb-469f-a165-70867728950e"]
    package = sound(world.export({"scope": {"projects": "all", "predictions": {"ids": ids}}}))
    assert package.ending == ("completed", "nothing_matched")


def test_a_prediction_whose_bytes_are_gone_is_named_and_its_row_is_kept(world: World, sound: Sound) -> None:
    album = fill(world)
    lost = album.predictions[0]
    world.control.delete_blob(album.project, lost)
    package = sound(world.export())
    assert (package.ending, package.gaps) == (
        ("partially_completed", "items_failed"),
        [("predictions", lost, "copy_refused")],
    )
    assert package.counts("predictions") == {"found": 3, "written": 2, "failed": 1}
    assert lost in package.rows_by_id(f"projects/{album.project}/predictions")


def test_predictions_of_a_deleted_iteration_are_found_without_it(world: World, sound: Sound) -> None:
    album = fill(world)
    with world.gallery() as gallery:
        late = predict(world.emulator, album.project, album.iterations[0], 70)
        gallery.call("DELETE", f"/projects/{album.project}/iterations/{album.iterations[0]}")
    package = sound(world.export())
    assert package.ending == COMPLETE
    assert package.pictures(album.project, "predictions").keys() == {*album.predictions, late}
