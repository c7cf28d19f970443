"""One person's export: what the contract says of that person, and nothing of anybody else."""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pytest

from tests.acceptance.gallery import picture
from tests.exports.everything import predict
from tests.exports.world import Package, World, lines, when_asked

type Sound = Callable[[Package], Package]
COMPLETE = ("completed", None)
ANNA, BEN, ALL = "subject-anna-4711", "subject-ben-4712", "subject"


@dataclass(frozen=True)
class Family:
    """Two people's pictures in one project, three of each; one of Anna's is in the iteration only."""

    project: str
    iteration: str
    tags: dict[str, str]
    anna: list[str]
    ben: list[str]
    predictions: list[str]
    elsewhere: str


@pytest.fixture
def family(world: World) -> Family:
    with world.gallery() as gallery:
        project = gallery.project("Family")
        tags = {name: gallery.tag(project, name) for name in ("tag-anna", "tag-ben", "tag-of-nobody")}
        anna = gallery.upload(
            project, [picture(n) for n in range(20)], tags=[tags["tag-anna"]], metadata={ALL: ANNA, "note": "her own"}
        )
        ben = gallery.upload(
            project, [picture(50 + n) for n in range(20)], tags=[tags["tag-ben"]], metadata={ALL: BEN, "note": "his"}
        )
        iteration = world.train(project)
        gallery.call("DELETE", f"/projects/{project}/images", imageIds=anna[0])
        elsewhere = gallery.project("Elsewhere")
        gallery.upload(elsewhere, [picture(99)], metadata={ALL: BEN})
    predictions = [predict(world.emulator, project, iteration, 200 + n) for n in range(3)]
    return Family(project, iteration, tags, anna, ben, predictions, elsewhere)


def contents(package: Package) -> Iterator[tuple[str, bytes]]:
    """Everything that the package holds, the files of its zips unpacked."""
    for path, content in package.blobs.items():
        if path.endswith(".zip"):
            archive = zipfile.ZipFile(BytesIO(content))
            yield from ((f"{path}!{name}", archive.read(name)) for name in archive.namelist())
        else:
            yield path, content


def without_guesses(path: str, content: bytes) -> bytes:
    """Leave out what the model guessed of the selected pictures: rows are whole, and guesses name every tag."""
    if "image_performances/" in path or path.rpartition("/")[0].endswith("predictions"):
        rows = [{k: v for k, v in row.items() if k != "predictions"} for row in lines(content)]
        return json.dumps(rows).encode()
    return content


def assert_nobody_else(package: Package, family: Family, *, except_guesses: bool = False) -> None:
    foreign = [*family.ben, BEN, "tag-ben", family.tags["tag-ben"], "tag-of-nobody", family.tags["tag-of-nobody"]]
    for path, content in contents(package):
        shown = without_guesses(path, content) if except_guesses else content
        for word in foreign:
            assert word.encode() not in shown, (path, word)
            assert word not in path


@pytest.mark.parametrize("by", ["ids", "tags", "tag id", "metadata", "union"])
def test_one_person_is_whole_and_alone(world: World, family: Family, sound: Sound, by: str) -> None:
    choices: dict[str, dict[str, Any]] = {
        "ids": {"ids": family.anna},
        "tags": {"tags": ["tag-anna"]},
        "tag id": {"tags": [family.tags["tag-anna"].upper()]},
        "metadata": {"metadata": {ALL: ANNA}},
        "union": {"ids": family.anna[:5], "metadata": {ALL: ANNA, "note": "her own"}},
    }
    images = choices[by]
    package = sound(world.export({"scope": {"projects": "all", "images": images}}))
    base, iteration = f"projects/{family.project}", f"projects/{family.project}/iterations/{family.iteration}"
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.counts("images") == {"found": 20, "written": 20}
    assert package.pictures(family.project).keys() == set(family.anna)
    assert package.rows_by_id(f"{base}/images").keys() == set(family.anna[1:])
    assert package.rows_by_id(f"{iteration}/images").keys() == set(family.anna)
    assert [tag["name"] for tag in package.json(f"{base}/tags.json")] == ["tag-anna"]
    assert package.json(f"{base}/project.json") == {"id": family.project, "name": "Family"}
    assert package.json(f"{base}/iterations.json") == [{"id": family.iteration, "name": "Iteration 1"}]
    assert package.json(f"{iteration}/iteration.json") == {"id": family.iteration, "name": "Iteration 1"}
    with world.gallery() as gallery:
        held_out = gallery.call("GET", f"/{iteration}/performance/images", take="256")
    own = {row["id"] for row in held_out} & set(family.anna)
    assert own
    assert package.rows_by_id(f"{iteration}/image_performances").keys() == own
    assert not any(path.endswith(("performance.json", "exports.json")) for path in package.blobs)
    assert_nobody_else(package, family, except_guesses=True)


def test_what_was_not_asked_for_is_named_as_such(world: World, family: Family) -> None:
    package = world.export({"scope": {"projects": "all", "images": {"ids": family.anna}}})
    left_out = {gap["store"] for gap in package.manifest["gaps"] if gap["code"] == "not_asked"}
    assert left_out == {"account", "predictions", "exported_models"}


def test_images_and_predictions_of_one_person_together(world: World, family: Family, sound: Sound) -> None:
    scope: dict[str, Any] = {
        "projects": "all",
        "images": {"ids": family.anna[1:2]},
        "predictions": {"ids": family.predictions[:1]},
    }
    package = sound(world.export({"scope": scope}))
    assert package.ending == COMPLETE
    assert package.pictures(family.project).keys() == set(family.anna[1:2])
    assert package.pictures(family.project, "predictions").keys() == set(family.predictions[:1])
    others = [*family.anna[2:], *family.ben, *family.predictions[1:], BEN]
    for path, content in contents(package):
        assert not [word for word in others if word.encode() in content], path


def test_manifest_and_ledger_name_nobody(world: World, family: Family) -> None:
    package = world.export({"scope": {"projects": ["Family"], "images": {"metadata": {ALL: ANNA}}}})
    ledger = {name: content for name, content in world.everything_kept().items() if name.startswith("requests/")}
    for name, content in {**ledger, "manifest": package.blobs["manifest.json"]}.items():
        for word in (ANNA, "tag-anna", "her own", "Family"):
            assert word.encode() not in content, name
            assert word not in name


def test_an_image_that_is_another_s_by_the_time_it_is_read_is_left_out_and_counted(
    world: World, family: Family, sound: Sound
) -> None:
    changed = family.anna[3]

    def give_away() -> None:
        with world.gallery() as gallery:
            gallery.call("POST", f"/projects/{family.project}/images/metadata", {ALL: BEN}, imageIds=changed)

    with when_asked(world, "/images/id", give_away, nth=3):
        package = sound(world.export({"scope": {"projects": ["Family"], "images": {"metadata": {ALL: ANNA}}}}))
    assert changed not in package.rows_by_id(f"projects/{family.project}/images")
    assert ("images", changed, "vanished") in package.gaps
    assert package.counts("images") == {"found": 20, "written": 19, "vanished": 1}
    for path, content in contents(package):
        assert BEN.encode() not in content, path
