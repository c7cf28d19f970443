"""One person's export: what the contract says of that person, and nothing of anybody else."""

import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import Any

import pytest

from request_function.retry import retry
from tests.acceptance.gallery import picture
from tests.exports.everything import predict
from tests.exports.world import Package, World, when_asked

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


def assert_nobody_else(package: Package, family: Family) -> None:
    foreign = [*family.ben, BEN, "tag-ben", family.tags["tag-ben"], "tag-of-nobody", family.tags["tag-of-nobody"]]
    for path, content in contents(package):
        for word in [*foreign, "Elsewhere", family.elsewhere]:
            assert word.encode() not in content, (path, word)
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
    assert_nobody_else(package, family)


def test_what_was_not_asked_for_is_named_as_such(world: World, family: Family) -> None:
    package = world.export({"scope": {"projects": "all", "images": {"ids": family.anna}}})
    left_out = {gap["store"] for gap in package.manifest["gaps"] if gap["code"] == "not_asked"}
    assert left_out == {"account", "predictions", "exported_models", "tags", "performance"}
    whole = {gap["store"] for gap in package.manifest["gaps"] if gap["detail"] == "the request did not ask for it"}
    assert whole == {"account", "predictions", "exported_models"}


# what the model guessed


def test_guesses_about_tags_that_no_selected_image_carries_keep_all_but_the_tag(world: World, family: Family) -> None:
    package = world.export({"scope": {"projects": "all", "images": {"ids": family.anna}}})
    iteration = f"projects/{family.project}/iterations/{family.iteration}"
    with world.gallery() as gallery:
        truth = {row["id"]: row for row in gallery.call("GET", f"/{iteration}/performance/images", take="256")}
    unnamed = 0
    for image, row in package.rows_by_id(f"{iteration}/image_performances").items():
        assert [guess["probability"] for guess in row["predictions"]] == [
            guess["probability"] for guess in truth[image]["predictions"]
        ]
        named = {guess["tagName"] for guess in row["predictions"]}
        assert named == {"tag-anna", None}
        assert [guess for guess in row["predictions"] if guess["tagName"]] == [
            guess for guess in truth[image]["predictions"] if guess["tagId"] == family.tags["tag-anna"]
        ]
        unnamed += sum(guess["tagName"] is None and guess["tagId"] is None for guess in row["predictions"])
    details = [gap["detail"] for gap in package.manifest["gaps"] if gap["id"] == family.iteration]
    assert [detail.endswith(f"left out of {unnamed} guess(es)") for detail in details] == [True]


def test_guesses_of_selected_predictions_name_the_tags_of_selected_images_only(
    world: World, family: Family, sound: Sound
) -> None:
    scope: dict[str, Any] = {"projects": "all", "predictions": {"ids": family.predictions[:1]}}
    named = {}
    for narrowed, images in (("alone", {}), ("with images", {"images": {"tags": ["tag-anna"]}})):
        package = sound(world.export({"scope": scope | images}))
        assert package.ending == COMPLETE
        (row,) = package.rows(f"projects/{family.project}/predictions")
        assert len(row["predictions"]) == 3
        named[narrowed] = {guess["tagName"] for guess in row["predictions"]} - {None}
        assert_nobody_else(package, family)
    assert named == {"alone": set(), "with images": {"tag-anna"}}


def test_an_export_of_everything_keeps_every_guess_whole(world: World, family: Family) -> None:
    package = world.export()
    for row in package.rows(f"projects/{family.project}/predictions"):
        assert {guess["tagId"] for guess in row["predictions"]} == set(family.tags.values())


# copies that say something else


def relabelled(world: World, family: Family, image: str, *, to: str, since: str) -> None:
    with world.gallery() as gallery:
        project = f"/projects/{family.project}"
        gallery.call("DELETE", f"{project}/images/tags", imageIds=image, tagIds=family.tags[since])
        gallery.call("POST", f"{project}/images/tags", {"tags": [{"imageId": image, "tagId": family.tags[to]}]})


def not_asked_images(package: Package) -> list[tuple[str, str]]:
    gaps = [gap for gap in package.manifest["gaps"] if gap["store"] == "images" and gap["code"] == "not_asked"]
    return [(gap["id"], gap["detail"]) for gap in gaps]


def test_an_older_copy_that_is_labelled_as_somebody_else_s_is_left_out_and_named(
    world: World, family: Family, sound: Sound
) -> None:
    image = family.ben[0]
    relabelled(world, family, image, since="tag-ben", to="tag-anna")
    package = sound(world.export({"scope": {"projects": "all", "images": {"tags": ["tag-anna"]}}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert image in package.rows_by_id(f"projects/{family.project}/images")
    iteration = f"projects/{family.project}/iterations/{family.iteration}"
    for folder in ("images", "image_performances"):
        assert image not in package.rows_by_id(f"{iteration}/{folder}")
    (named,) = not_asked_images(package)
    assert named[0] == image
    assert family.iteration in named[1]
    assert b"tag-ben" not in b"".join(content for _, content in contents(package))


def test_an_image_that_matches_in_an_older_copy_only_is_left_out_and_named(
    world: World, family: Family, sound: Sound
) -> None:
    image = family.anna[5]
    relabelled(world, family, image, since="tag-anna", to="tag-ben")
    package = sound(world.export({"scope": {"projects": "all", "images": {"tags": ["tag-anna"]}}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert [item for item, _ in not_asked_images(package)] == [image]
    assert image not in package.pictures(family.project)
    assert package.counts("images") == {"found": 19, "written": 19}


def test_a_project_that_holds_nothing_of_the_person_is_looked_at_and_not_in_the_package(
    world: World, family: Family, sound: Sound
) -> None:
    package = sound(world.export({"scope": {"projects": "all", "images": {"metadata": {ALL: ANNA}}}}))
    assert package.counts("projects") == {"found": 1, "written": 1}
    assert package.counts("iterations") == {"found": 1, "written": 1}
    receipt = json.loads(world.everything_kept()[f"requests/{package.request_id}/receipt.json"])
    assert receipt["looked_at"]["projects"] == 2


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
    others = [*family.anna[2:], *family.predictions[1:]]
    for path, content in contents(package):
        assert not [word for word in others if word.encode() in content], path
    assert_nobody_else(package, family)


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


def test_an_iteration_that_holds_nothing_of_the_person_is_not_asked_how_it_did(world: World, family: Family) -> None:
    world.control.switch(training_result="Failed")
    failed = world.train(family.project)
    package = world.export({"scope": {"projects": ["Family"], "images": {"ids": family.anna[:1]}}})
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.json(f"projects/{family.project}/iterations/{failed}/iteration.json")["id"] == failed


def test_a_retry_leaves_out_what_is_another_s_by_then(world: World, family: Family) -> None:
    world.control.fault("status", operation=["GetImages", "GetImagesByIds"], query=family.iteration, status=403)
    first = world.export({"scope": {"projects": ["Family"], "images": {"metadata": {ALL: ANNA}}}})
    assert first.ending[0] == "partially_completed"
    world.control.clear_faults()
    changed = family.anna[3]
    with world.gallery() as gallery:
        gallery.call("POST", f"/projects/{family.project}/images/metadata", {ALL: BEN}, imageIds=changed)
    again = retry(first.process.services, first.request_id, None).subject_request_id
    first.process.finish(again)
    package = Package(world, first.process, again)
    workspace = package.rows_by_id(f"projects/{family.project}/images")
    assert workspace.keys() == set(family.anna[1:]) - {changed}
    for path, content in contents(package):
        assert BEN.encode() not in content, path


# iterations that cannot be looked into


@pytest.mark.parametrize("images", [{"metadata": {ALL: ANNA}}, {"ids": None}], ids=["listed", "by ids"])
def test_an_iteration_that_is_refused_is_named_and_what_others_hold_is_exported(
    world: World, family: Family, sound: Sound, images: dict[str, Any]
) -> None:
    world.control.fault("status", operation=["GetImages", "GetImagesByIds"], query=family.iteration, status=403)
    chosen = {"ids": family.anna} if "ids" in images else images
    package = sound(world.export({"scope": {"projects": ["Family"], "images": chosen}}))
    assert (package.ending[0], package.gaps) == ("partially_completed", [("images", family.iteration, "refused")])
    assert package.pictures(family.project).keys() == set(family.anna[1:])
    assert_nobody_else(package, family)


def test_an_iteration_that_is_deleted_meanwhile_costs_the_rest_nothing(
    world: World, family: Family, sound: Sound
) -> None:
    """Also where only it had a tag that the package is to show."""
    with world.gallery() as gallery:
        gallery.call("DELETE", f"/projects/{family.project}/tags/{family.tags['tag-anna']}")
        delete = partial(gallery.call, "DELETE", f"/projects/{family.project}/iterations/{family.iteration}")
        with when_asked(world, "/tags", delete):
            package = sound(world.export({"scope": {"projects": "all", "images": {"ids": family.anna}}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(family.project).keys() == set(family.anna)
    assert package.json(f"projects/{family.project}/tags.json") == [], "it went with the iteration"


def test_an_iteration_without_a_copy_of_its_own_is_nothing_to_miss(world: World, family: Family, sound: Sound) -> None:
    code = "BadRequestIterationIsNotTrained"
    world.control.fault("status", operation="GetImageCount", query=family.iteration, status=400, code=code)
    package = sound(world.export({"scope": {"projects": ["Family"], "images": {"metadata": {ALL: ANNA}}}}))
    assert (package.ending, package.gaps) == (COMPLETE, [])
    assert package.pictures(family.project).keys() == set(family.anna[1:])
