"""The pages as files: paged, complete, rebuilt, and with nothing in them that must not be there."""

import re
import tracemalloc
from typing import Any

import pytest

from export_function.derived import derive_project, write_index
from export_function.derived.cards import displayed
from export_function.derived.formats import moment, number, percent, size
from export_function.derived.gallery import PICTURES_A_PAGE, Gallery, Section
from export_function.derived.index import PAGES_AT_ONCE
from export_function.derived.markup import element
from tests.unit.derived.built import (
    FACTS,
    HEAD,
    NEW_ITERATION,
    OLD_ITERATION,
    PROJECT_ID,
    REQUEST_ID,
    TIME,
    Builder,
    id_of,
    image_row,
    region,
    tag_row,
)

CAT, DOG = tag_row("cat"), tag_row("dog")
OTHER_PROJECT = "aaaaaaaa-0000-4000-8000-000000000002"


def written(
    builder: Builder, head: dict[str, Any] = HEAD, gaps: tuple[dict[str, Any], ...] = ()
) -> list[dict[str, Any]]:
    return write_index(builder.packages, REQUEST_ID, manifest_head=head, gaps=gaps, time=TIME)


def project(name: str = "Pets", project_id: str = PROJECT_ID, beside: Builder | None = None) -> Builder:
    builder = Builder(beside.packages if beside else None, project_id)
    builder.document("project.json", {"id": project_id, "name": name})
    builder.document("tags.json", [CAT, DOG])
    return builder


def text_of(builder: Builder, path: str) -> str:
    """The page's words, without tags and style sheet."""
    content = re.sub(r"<style>.*?</style>", "", builder.read_whole(path).decode(), flags=re.DOTALL)
    return re.sub("[ \n]+", " ", re.sub(r"<[^>]*>", " ", content)).replace(" , ", ", ")


def figures(builder: Builder, path: str) -> int:
    return builder.read_whole(path).count(b"<figure>")


@pytest.mark.parametrize(("images", "pages"), [(0, []), (1, [1]), (500, [500]), (501, [500, 1]), (1000, [500, 500])])
def test_a_page_has_at_most_500_pictures(images: int, pages: list[int]) -> None:
    builder = project()
    builder.images([image_row(number) for number in range(images)])
    paths = [row["path"] for row in written(builder)]
    assert paths == ["index.html", *(f"index-{at:03d}.html" for at in range(1, len(pages) + 1))]
    assert [figures(builder, path) for path in paths[1:]] == pages


def test_pictures_are_counted_over_all_projects_and_kinds() -> None:
    builder = project()
    builder.images([image_row(number) for number in range(490)])
    builder.rows("predictions", [{"id": id_of("prediction", at)} for at in range(20)])
    other = project("Birds", OTHER_PROJECT, beside=builder)
    other.images([image_row(number) for number in range(5)])
    paths = [row["path"] for row in written(builder)]
    assert [figures(builder, path) for path in paths[1:]] == [500, 15]
    assert "Prediction 491" in text_of(builder, "index-001.html")
    assert "Image 515" in text_of(builder, "index-002.html")
    assert "Training images of Birds" in text_of(builder, "index-002.html")


def test_rows_for_the_manifest_say_what_was_written() -> None:
    builder = project()
    builder.images([image_row(1)])
    for row in written(builder):
        assert row["bytes"] == len(builder.read_whole(row["path"]))
        assert (row["operation"], row["media_type"]) == ("derived", "text/html; charset=utf-8")
        assert (row["time"], row["zipped"]) == (TIME, None)


def test_pages_that_are_not_needed_any_more_go() -> None:
    builder = project()
    rows = [image_row(number) for number in range(501)]
    builder.images(rows)
    written(builder)
    builder.packages.delete_package(REQUEST_ID)
    builder.packages.write_plain(REQUEST_ID, "index-002.html", b"of the erased")
    fewer = project(beside=builder)
    fewer.images(rows[:1])
    written(fewer)
    assert [path for path in builder.paths() if path.startswith("index")] == ["index-001.html", "index.html"]


def test_the_same_package_gives_the_same_pages() -> None:
    builder = project()
    builder.images([image_row(number, CAT) for number in range(3)])
    assert written(builder) == written(builder)


def test_an_image_tells_everything_that_its_row_has() -> None:
    builder = project()
    row = image_row(1, CAT, DOG, regions=[region(CAT, 0.25, 0.1, 0.5, 0.4)], metadata={"subject": "anna"})
    builder.images([row])
    written(builder)
    page = text_of(builder, "index-001.html")
    for words in ("cat", "dog", "25.0\u202f% from the left", "anna", "200 × 100 pixels", "2 January 2026, 03:04 UTC"):
        assert words in page
    assert row["id"] in page


def test_an_image_names_its_iterations_and_where_their_labels_differ() -> None:
    builder = project()
    builder.images([image_row(1, CAT)])
    for iteration_id, name, tag in ((OLD_ITERATION, "first", DOG), (NEW_ITERATION, "second", CAT)):
        details = {"id": iteration_id, "name": name, "created": f"2026-0{len(name) - 4}-01T00:00:00Z"}
        builder.document(f"iterations/{iteration_id}/iteration.json", details)
        builder.rows(f"iterations/{iteration_id}/images", [image_row(1, tag)])
    written(builder)
    page = text_of(builder, "index-001.html")
    assert "Also in iterations second first (there with other labels: dog ; 0 regions)" in page


def test_a_prediction_tells_its_results_the_likeliest_first() -> None:
    builder = project()
    results = [{"probability": p, "tagName": n} for p, n in ((0.1, "low"), (0.75, "high"), (8.79471951e-13, "none"))]
    builder.rows("predictions", [{"id": id_of("prediction", 1), "iteration": OLD_ITERATION, "predictions": results}])
    written(builder)
    page = text_of(builder, "index-001.html")
    assert page.index("high 75.0") < page.index("low 10.0") < page.index("none 0.0")


def test_the_overview_says_what_is_held_since_when_and_what_is_missing() -> None:
    builder = project()
    builder.images([image_row(1), image_row(2) | {"created": "2025-05-06T07:08:09"}])
    words = {"found": 1240, "written": 1239, "vanished": 0, "failed": 1, "not_available": 0, "service_count": None}
    gaps = (
        {"store": "images", "id": id_of("image", 9), "code": "copy_refused", "detail": "why"},
        {"store": "predictions", "id": None, "code": "not_asked", "detail": "the request did not ask for it"},
    )
    written(builder, HEAD | {"stores": {"images": words}}, gaps)
    page = text_of(builder, "index.html")
    assert "Training images 1\u202f240 1\u202f239 0 1 0 –" in page
    assert "6 May 2025, 07:08 UTC and 2 January 2026, 03:04 UTC" in page
    assert "listed by the service, but the bytes could not be had" in page
    assert id_of("image", 9) in page
    assert "Stored predictions : not asked for." in page


REFUSED = {"store": "images", "id": id_of("image", 9), "code": "copy_refused", "detail": "why"}
UNASKED = {"store": "account", "id": None, "code": "not_asked", "detail": "the request did not ask for it"}
COULD_NOT = "This was asked for and could not be had."
NOT_MISSING = "Nothing that was asked for is missing."
NOT_ASKED_FOR = "This was not asked for, and so not exported:"


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ((), {NOT_MISSING}),
        ((REFUSED,), {COULD_NOT}),
        ((UNASKED,), {NOT_MISSING, NOT_ASKED_FOR}),
        ((UNASKED, REFUSED), {COULD_NOT, NOT_ASKED_FOR}),
    ],
    ids=["nothing", "refused", "not asked", "both"],
)
def test_what_was_not_asked_for_is_never_said_to_be_missing(gaps: tuple[dict[str, Any], ...], said: set[str]) -> None:
    builder = project()
    written(builder, HEAD, gaps)
    page = text_of(builder, "index.html")
    assert {words for words in (COULD_NOT, NOT_MISSING, NOT_ASKED_FOR) if words in page} == said


def test_what_was_left_out_of_a_kind_that_is_held_is_told_apart_from_the_kind() -> None:
    builder = project()
    part = {"store": "tags", "id": None, "code": "not_asked", "detail": "tags that no selected image carries"}
    written(builder, HEAD, (part,))
    assert "Tags : not asked for: tags that no selected image carries." in text_of(builder, "index.html")


def test_a_count_of_the_service_that_differs_is_explained() -> None:
    builder = project()
    words = {"found": 180, "written": 180, "vanished": 0, "failed": 0, "not_available": 0, "service_count": 178}
    written(builder, HEAD | {"stores": {"images": words}})
    assert "of images that are not only in iterations" in text_of(builder, "index.html")


def test_many_gaps_of_one_kind_are_one_sentence_and_the_first_hundred_ids() -> None:
    builder = project()
    gaps = tuple({"store": "images", "id": id_of("i", n), "code": "vanished", "detail": ""} for n in range(250))
    written(builder, HEAD, gaps)
    page = text_of(builder, "index.html")
    assert page.count("gone when it was read") == 1
    assert "and 150 more" in page


def test_nothing_missing_is_said_too() -> None:
    builder = project()
    written(builder)
    assert "Nothing that was asked for is missing." in text_of(builder, "index.html")


def test_a_package_without_projects_has_an_overview() -> None:
    builder = Builder()
    assert [row["path"] for row in written(builder)] == ["index.html"]
    assert "There is no project in this export." in text_of(builder, "index.html")


def test_a_project_whose_details_could_not_be_had_is_shown_by_its_id() -> None:
    builder = Builder()
    builder.images([image_row(1)])
    written(builder)
    page = text_of(builder, "index.html")
    assert "(without a name)" in page
    assert PROJECT_ID in page


def test_a_narrowed_export_says_that_it_is_about_one_person() -> None:
    builder = project()
    head = HEAD | {"scope": {"projects": "1 named", "images": {"tags": 1, "metadata": 2}, "predictions": {"ids": 3}}}
    written(builder, head)
    page = text_of(builder, "index.html")
    assert "about one person" in page
    assert "found by tags, metadata; 3 stored predictions by their ids" in page


@pytest.mark.parametrize(
    ("projects", "words"),
    [
        ("all", "Asked for all projects "),
        ("1 named", "Asked for one project, by its name or id "),
        ("2 named", "Asked for 2 projects, by their names or ids "),
    ],
)
def test_how_many_projects_were_asked_for_is_said_in_words(projects: str, words: str) -> None:
    builder = project()
    written(builder, HEAD | {"scope": {"projects": projects}})
    assert words in text_of(builder, "index.html")


@pytest.mark.parametrize(("items", "words"), [(1, "1 item on request"), (1250, "1\u202f250 items on request")])
def test_a_package_that_was_cleaned_says_how_much_was_erased_from_it(items: int, words: str) -> None:
    builder = project()
    written(builder, HEAD | {"erased_on_request": items, "cleaned": {"passes": 2, "time": "2026-02-03T04:05:06Z"}})
    page = text_of(builder, "index.html")
    assert f"Erased since {words}, in no file of this package any more; manifest.json says when" in page


def test_a_package_that_nothing_was_erased_from_speaks_of_no_erasure() -> None:
    builder = project()
    written(builder, HEAD | {"erased_on_request": 0})
    assert "Erased since" not in text_of(builder, "index.html")


def test_an_export_of_single_predictions_is_about_one_person_too() -> None:
    builder = project()
    written(builder, HEAD | {"scope": {"projects": "all", "predictions": {"ids": 3}}})
    assert "about one person" in text_of(builder, "index.html")


def test_keys_are_warned_of_and_never_shown() -> None:
    builder = project()
    builder.packages.write_plain(REQUEST_ID, "account-keys.json", b'[{"key1": "very-secret-key"}]')
    builder.packages.write_json(REQUEST_ID, "account.json", [{"name": "vision", "key_names": ["key1"]}], **FACTS)
    written(builder)
    page = builder.read_whole("index.html").decode()
    assert "keep that file secret" in page
    assert "very-secret-key" not in page
    assert 'href="account-keys.json"' not in page


def test_no_link_of_the_service_gets_into_any_derived_file() -> None:
    builder = project()
    link = "https://irisprod.blob.core.windows.net/i-1/o-1?sv=2017-04-17&sr=b&sig=SECRET&se=2026-11-25"
    rows = [image_row(1, CAT, originalImageUri=link, metadata={"from": link})]
    builder.images(rows)
    prediction = {"id": id_of("prediction", 1), "originalImageUri": link, "predictions": []}
    builder.rows("predictions", [prediction])
    exports = [{"platform": "ONNX", "status": "Done", "downloadUri": link}]
    builder.document(f"iterations/{OLD_ITERATION}/exports.json", exports)
    builder.packages.write_plain(REQUEST_ID, "account.json", f'[{{"endpoint": "{link}"}}]'.encode())
    files = written(builder) + derive_project(
        builder.packages, REQUEST_ID, PROJECT_ID, formats=["coco", "csv"], time=TIME
    )
    for row in files:
        content = builder.read_whole(row["path"])
        assert b"SECRET" not in content
        assert b"windows.net" not in content


def test_memory_does_not_grow_with_the_pictures() -> None:
    peaks, under_way = [], 0
    for images in (1500, 6000):
        builder = project()
        builder.picture = b""
        builder.images([image_row(number, CAT, metadata={"n": str(number)}) for number in range(images)])
        tracemalloc.start()
        rows = written(builder) + derive_project(builder.packages, REQUEST_ID, PROJECT_ID, formats=["csv"], time=TIME)
        peaks.append(tracemalloc.get_traced_memory()[1] - sum(row["bytes"] for row in rows))
        tracemalloc.stop()
        under_way = PAGES_AT_ONCE * max(row["bytes"] for row in rows if row["path"].startswith("index-"))
    assert peaks[1] < peaks[0] * 1.1 + under_way


def test_a_full_page_is_put_together_in_no_more_memory_than_its_own_size() -> None:
    gallery, section = Gallery(REQUEST_ID, TIME), Section(PROJECT_ID, "Pets", is_predictions=False)
    for _ in range(PICTURES_A_PAGE):
        gallery.add(section, element("figure", "1\u202f000" * 300))
    tracemalloc.start()
    gallery.finish()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    page = gallery.full()[0][1]
    assert page.count(b"<figure>") == PICTURES_A_PAGE
    assert peak < 1.2 * len(page)


@pytest.mark.parametrize(
    ("picture", "shown"),
    [((200, 100), (200, 100)), ((4000, 3000), (469, 352)), ((200, 600), (117, 352)), ((90000, 1), (640, 1))],
)
def test_a_picture_is_displayed_whole_and_never_enlarged(picture: tuple[int, int], shown: tuple[int, int]) -> None:
    assert displayed(picture) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2020-02-11T16:46:57.7225795", "11 February 2020, 16:46 UTC"),
        ("2020-02-11T16:41:01.171Z", "11 February 2020, 16:41 UTC"),
        ("2026-11-24T01:00:00+02:00", "23 November 2026, 23:00 UTC"),
        ("not a time", "not a time"),
        ("", "–"),
        (None, "–"),
        (5, "5"),
    ],
)
def test_times_are_shown_in_words_whatever_the_api_writes(text: object, words: str) -> None:
    assert re.sub(r"<[^>]*>", "", moment(text)) == words


def test_numbers_are_shown_for_people() -> None:
    assert (number(1234567), number(0)) == ("1\u202f234\u202f567", "0")
    assert (percent(0.12345), percent(None), percent(True), percent(8.8e-13)) == ("12.3\u202f%", "–", "–", "0.0\u202f%")
    assert [size(n) for n in (0, 999, 1000, 4321098, 123456789, 5 * 10**15)] == [
        "0\u202fbytes", "999\u202fbytes", "1.0\u202fKB", "4.3\u202fMB", "123\u202fMB", "5000\u202fTB",
    ]  # fmt: skip


ODD: list[object] = [None, "x", -1, True, [], {}, ["a"], [None], "\x00", "<script>", 1e308, 10**400]
"""Values of other kinds than the API gives, and numbers that no float can hold."""


@pytest.mark.parametrize(
    "place", ["width", "height", "created", "left", "probability", "boundingBox", "precision", "kind"]
)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_a_value_of_another_kind_costs_no_page(place: str, odd: Any) -> None:
    """The row stays whole in the data; in what is made of it the value is left out, or shown as it is."""
    builder = project()
    builder.document("project.json", {"id": PROJECT_ID, "settings": {"classificationType": odd}})
    box = {"left": 0.1, "top": 0.1, "width": 0.5, "height": 0.5}
    result = {"probability": 0.9, "tagId": CAT["id"], "tagName": "cat", "boundingBox": box} | {place: odd}
    image = image_row(1, CAT, regions=[region(CAT, 0.1, 0.1, 0.5, 0.5) | {place: odd}])
    builder.images([image | {place: odd} if place in image else image])
    guess = {
        "id": id_of("prediction", 1),
        "created": odd,
        "predictions": [result, {**result, "boundingBox": {**box, place: odd}}],
    }
    builder.rows("predictions", [guess])
    builder.document("iterations.json", [{"id": NEW_ITERATION, "name": "new"}])
    measured = {place: odd, "perTagPerformance": odd if place == "kind" else [{"id": CAT["id"], place: odd}]}
    builder.document(f"iterations/{NEW_ITERATION}/performance.json", measured)
    derive_project(builder.packages, REQUEST_ID, PROJECT_ID, formats=["coco", "csv"], time=TIME)
    written(builder)
    assert figures(builder, "index-001.html") == 2
    assert b"<script" not in builder.read_whole("index.html") + builder.read_whole("index-001.html")
