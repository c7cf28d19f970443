"""COCO: what other programs load is true, complete, and loads."""

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO

from export_function.derived import derive_project
from tests.unit.derived.built import (
    NEW_ITERATION,
    OLD_ITERATION,
    PROJECT_ID,
    REQUEST_ID,
    TIME,
    Builder,
    image_row,
    region,
    tag_row,
)

CAT, DOG = tag_row("cat"), tag_row("dog")
NONE = tag_row("none of it", "Negative")


@pytest.fixture
def built() -> Builder:
    builder = Builder()
    builder.document("project.json", {"id": PROJECT_ID, "name": "Pets"})
    builder.document("tags.json", [CAT, DOG, NONE])
    return builder


def derived(builder: Builder) -> dict[str, Any]:
    derive_project(builder.packages, REQUEST_ID, PROJECT_ID, formats=["coco"], time=TIME)
    found: dict[str, Any] = json.loads(builder.read("coco.json"))
    return found


def loaded(builder: Builder, folder: Path) -> COCO:
    derived(builder)
    path = folder / "coco.json"
    path.write_bytes(builder.read("coco.json"))
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(path))


def category(found: dict[str, Any], tag: dict[str, Any]) -> int:
    return next(int(entry["id"]) for entry in found["categories"] if entry["tag_id"] == tag["id"])


def test_a_region_becomes_a_box_in_pixels(built: Builder) -> None:
    built.images([image_row(1, CAT, regions=[region(CAT, 0.25, 0.1, 0.5, 0.4)])])
    found = derived(built)
    (box,) = found["annotations"]
    assert (box["bbox"], box["area"], box["iscrowd"]) == ([50.0, 10.0, 100.0, 40.0], 4000.0, 0)
    assert box["category_id"] == category(found, CAT)
    assert box["attributes"]["whole_image"] is False


def test_a_tag_without_region_becomes_a_marked_box_over_the_whole_image(built: Builder) -> None:
    built.images([image_row(1, CAT, DOG)])
    found = derived(built)
    assert [entry["bbox"] for entry in found["annotations"]] == [[0.0, 0.0, 200.0, 100.0]] * 2
    assert all(entry["attributes"] == {"whole_image": True} for entry in found["annotations"])
    assert {entry["category_id"] for entry in found["annotations"]} == {category(found, CAT), category(found, DOG)}


def test_a_negative_tag_becomes_no_box_and_stays_an_attribute(built: Builder) -> None:
    built.images([image_row(1, NONE)])
    found = derived(built)
    assert found["annotations"] == []
    assert found["images"][0]["attributes"]["tags"] == ["none of it"]


def test_pycocotools_loads_it_and_finds_images_by_tag(built: Builder, tmp_path: Path) -> None:
    built.images([image_row(n, (CAT, DOG)[n % 2], regions=[region(CAT, 0, 0, 0.5, 0.5)]) for n in range(300)])
    coco = loaded(built, tmp_path)
    (cats,) = coco.getCatIds(catNms=["cat"])
    assert len(coco.getImgIds()) == 300
    assert len(coco.getImgIds(catIds=[cats])) == 300
    assert all(built.read(entry["file_name"]) for entry in coco.loadImgs(coco.getImgIds()[:5]))
    assert len(coco.loadRes([dict(entry) for entry in coco.loadAnns(coco.getAnnIds())]).getAnnIds()) == len(
        coco.getAnnIds()
    )


def test_pycocotools_loads_a_project_without_images(built: Builder, tmp_path: Path) -> None:
    assert loaded(built, tmp_path).getImgIds() == []


def test_the_same_tags_get_the_same_numbers_whatever_their_order(built: Builder) -> None:
    first = derived(built)["categories"]
    built.document("tags.json", [NONE, DOG, CAT])
    assert derived(built)["categories"] == first
    assert sorted(entry["id"] for entry in first) == [1, 2, 3]


def test_a_region_over_the_edge_is_clipped_and_says_so(built: Builder) -> None:
    built.images([image_row(1, CAT, regions=[region(CAT, -0.1, 0.5, 0.3, 0.9)])])
    (box,) = derived(built)["annotations"]
    assert box["bbox"] == [0.0, 50.0, 40.0, 50.0]
    assert box["attributes"]["clipped"] == [-0.1, 0.5, 0.3, 0.9]


def test_a_region_that_touches_the_edge_is_not_called_clipped(built: Builder) -> None:
    built.images([image_row(1, CAT, regions=[region(CAT, 0.1, 0.3, 0.9, 0.7)])])
    (box,) = derived(built)["annotations"]
    assert "clipped" not in box["attributes"]


@pytest.mark.parametrize(
    "sides", [(1.2, 0, 0.1, 0.1), (0.5, 0.5, 0, 0.2), (0.5, 0.5, -0.1, 0.2), (None, 0, 1, 1), ("0", 0, 1, 1)]
)
def test_a_region_that_is_no_box_on_the_picture_is_kept_apart(built: Builder, sides: tuple[Any, ...]) -> None:
    odd = region(CAT, 0, 0, 1, 1) | dict(zip(("left", "top", "width", "height"), sides, strict=True))
    built.images([image_row(1, CAT, regions=[odd])])
    found = derived(built)
    assert found["annotations"] == []
    assert found["images"][0]["attributes"]["regions_without_box"] == [odd]


@pytest.mark.parametrize("sides", [{}, {"width": None, "height": None}, {"width": 0, "height": 5}, {"width": 1.5}])
def test_an_image_of_unknown_size_is_there_without_boxes(built: Builder, sides: dict[str, Any]) -> None:
    row = image_row(1, CAT, regions=[region(CAT, 0, 0, 0.5, 0.5)])
    del row["width"], row["height"]
    built.images([row | sides])
    found = derived(built)
    (image,) = found["images"]
    assert (image["width"], image["height"], found["annotations"]) == (None, None, [])
    assert len(image["attributes"]["regions_without_box"]) == 1


def test_an_image_that_only_iterations_hold_is_there_with_the_newest_row_and_marked(built: Builder) -> None:
    both, alone = image_row(1, CAT), image_row(2, DOG)
    built.images([both])
    built.bytes_of([alone])
    iterations = [
        {"id": OLD_ITERATION, "name": "1", "created": "2026-01-01T00:00:00.000Z"},
        {"id": NEW_ITERATION.upper(), "name": "2", "created": "2026-02-01T00:00:00.000Z"},
    ]
    built.document("iterations.json", iterations)
    built.rows(f"iterations/{OLD_ITERATION}/images", [both, alone])
    built.rows(f"iterations/{NEW_ITERATION}/images", [alone | {"tags": image_row(2, CAT)["tags"]}])
    found = {entry["attributes"]["custom_vision_id"]: entry["attributes"] for entry in derived(built)["images"]}
    assert (found[both["id"]]["only_in_iteration"], found[both["id"]]["iterations"]) == (False, [OLD_ITERATION])
    assert found[alone["id"]]["only_in_iteration"] is True
    assert found[alone["id"]]["iterations"] == [NEW_ITERATION, OLD_ITERATION]
    assert found[alone["id"]]["tags"] == ["cat"]


def test_a_tag_that_only_an_iteration_has_is_a_category(built: Builder) -> None:
    bird = tag_row("bird")
    built.document(f"iterations/{OLD_ITERATION}/tags.json", [bird, CAT | {"name": "old name of cat"}])
    names = [entry["name"] for entry in derived(built)["categories"]]
    assert sorted(names) == ["bird", "cat", "dog", "none of it"]


def test_a_tag_that_no_list_has_follows_the_others(built: Builder) -> None:
    ghost = tag_row("ghost")
    built.images([image_row(1, ghost)])
    found = derived(built)
    assert (found["categories"][-1]["name"], found["categories"][-1]["id"]) == ("ghost", 4)
    assert found["annotations"][0]["category_id"] == 4


def test_metadata_becomes_attributes(built: Builder) -> None:
    built.images([image_row(1, metadata={"subject": "anna", "url": "kept"})])
    assert derived(built)["images"][0]["attributes"]["metadata"] == {"subject": "anna", "url": "kept"}


def test_an_image_whose_bytes_could_not_be_had_is_left_out_and_counted(built: Builder) -> None:
    here, lost = image_row(1, CAT), image_row(2, CAT)
    built.rows("images", [here, lost])
    built.bytes_of([here])
    found = derived(built)
    assert [entry["attributes"]["custom_vision_id"] for entry in found["images"]] == [here["id"]]
    assert len(found["annotations"]) == 1
    assert found["info"]["images_without_file"] == 1


def test_annotations_have_numbers_of_their_own(built: Builder) -> None:
    built.images([image_row(n, CAT, DOG) for n in range(10)])
    found = derived(built)
    assert [entry["id"] for entry in found["annotations"]] == list(range(1, 21))
    assert {entry["image_id"] for entry in found["annotations"]} == {entry["id"] for entry in found["images"]}


def test_the_same_package_gives_the_same_bytes(built: Builder) -> None:
    built.images([image_row(n, CAT) for n in range(20)])
    first = derive_project(built.packages, REQUEST_ID, PROJECT_ID, formats=["coco", "csv"], time=TIME)
    assert derive_project(built.packages, REQUEST_ID, PROJECT_ID, formats=["csv", "coco"], time=TIME) == first
    assert [(row["path"].rpartition("/")[2], row["operation"]) for row in first] == [
        (name, "derived") for name in ("coco.json", "images.csv", "tags.csv")
    ]


def test_only_what_was_asked_for_is_written(built: Builder) -> None:
    assert derive_project(built.packages, REQUEST_ID, PROJECT_ID, formats=[], time=TIME) == []
    assert not [path for path in built.paths() if path.endswith(("coco.json", ".csv"))]


def test_images_that_came_while_the_export_ran_are_merged_from_pages_of_their_own(built: Builder) -> None:
    rows = sorted((image_row(number, CAT) for number in range(40)), key=lambda row: str(row["id"]))
    built.rows("images", rows[::2], page=7)
    late = Builder()
    late.rows("images", rows[1::2], page=7)
    built.file("images/00020.jsonl", b"")
    for number in (1, 2, 3):
        built.file(f"images/0002{number}.jsonl", late.read(f"images/0000{number}.jsonl"))
    built.rows(f"iterations/{OLD_ITERATION}/images", rows[5:10], page=2)
    built.bytes_of(rows)
    found = [entry["attributes"] for entry in derived(built)["images"]]
    assert [entry["custom_vision_id"] for entry in found] == [row["id"] for row in rows]
    assert [bool(entry["iterations"]) for entry in found] == [5 <= at < 10 for at in range(40)]


def test_a_page_whose_rows_are_out_of_order_is_refused_rather_than_counted_twice(built: Builder) -> None:
    built.rows("images", [image_row(number) for number in range(3)])
    built.file("images/00001.jsonl", b"\n".join(reversed(built.read("images/00001.jsonl").splitlines())))
    with pytest.raises(ValueError, match="order"):
        derived(built)
