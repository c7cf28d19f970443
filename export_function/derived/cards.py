"""One picture of the gallery, its regions drawn over it, with everything known about it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from export_function.derived import texts
from export_function.derived.formats import finite, moment, number, percent
from export_function.derived.held import HeldImage, HeldPrediction
from export_function.derived.markup import Content, Safe, element, filled, foreign, joined
from export_function.derived.page import facts, to_file
from export_function.derived.regions import Box, box_of, inside, size_of
from shared.domain.resources import Image
from shared.packages import project_path

SHOWN_BY_BROWSERS = frozenset({"jpg", "png", "gif", "bmp", "webp"})
LARGEST = (640, 352)
"""Pixels of a picture in the gallery; said in the page, so that nothing moves when the pictures come."""

RESULTS_IN_SIGHT = 5
DRAWN_FROM = 0.5
"""Results of at least this probability are drawn; detection stores dozens of unlikely boxes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose picture it is: the project's id, and names of its iterations by id."""

    project_id: str
    iteration_names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Mark:
    """
    A box with its number in the caption's list and the tag it is for.

    `box` is the part on the picture, None if there is none.
    """

    number: int
    tag: str
    box: Box | None


def image_card(count: int, image: HeldImage, place: Place) -> Safe:
    """Give the figure of a training image, the `count`-th of the package."""
    marks = [_mark(at, region) for at, region in enumerate(image.shown.row.get("regions") or (), start=1)]
    alt = texts.ALT_IMAGE.format(number=count, tags=_alt_tags(image.shown), regions=_alt_regions(marks))
    caption = (
        element("h3", texts.IMAGE_NUMBER.format(number=number(count))),
        None if image.in_workspace else element("p", texts.ONLY_IN_ITERATION_NOTE, class_="note"),
        _tag_list([name for _, name in image.shown.tags]),
        _region_list(marks),
        facts(_image_facts(image, place)),
    )
    return _figure(image.file, place, alt, size_of(image.shown.row), marks, joined(caption))


def prediction_card(count: int, prediction: HeldPrediction, place: Place) -> Safe:
    """Give the figure of a stored prediction, the `count`-th picture of the package."""
    results = sorted(prediction.shown.row.get("predictions") or (), key=_probability, reverse=True)
    best = texts.ALT_RESULT.format(tag=_result_words(results[0])) if results else ""
    alt = texts.ALT_PREDICTION.format(number=count, result=best)
    caption = (
        element("h3", texts.PREDICTION_NUMBER.format(number=number(count))),
        _results(results),
        facts(_prediction_facts(prediction, place)),
    )
    return _figure(prediction.file, place, alt, size_of(prediction.shown.row), _result_marks(results), joined(caption))


def _figure(
    file: str | None, place: Place, alt: str, size: tuple[int, int] | None, marks: Sequence[Mark], caption: Safe
) -> Safe:
    if file is None:
        shot = element("div", texts.NO_FILE, class_="shot none")
    elif (extension := file.rpartition(".")[2]) not in SHOWN_BY_BROWSERS:
        label = texts.NOT_SHOWN.format(extension=extension)
        shot = element("div", to_file(project_path(place.project_id, file), label), class_="shot none")
    else:
        path = project_path(place.project_id, file)
        width, height = displayed(size) if size else (None, None)
        picture = element("img", src=quote(path), alt=alt, width=width, height=height, loading="lazy", decoding="async")
        shot = to_file(
            path, element("span", picture, _drawing(marks), class_="frame" if size else "frame unsized"), class_="shot"
        )
    return element("figure", shot, element("figcaption", caption))


def _drawing(marks: Sequence[Mark]) -> Safe | None:
    """Draw numbered boxes over the picture; a screen reader has the same as a list in the caption."""
    shapes = [_shape(mark.number, mark.box) for mark in marks if mark.box]
    return element("svg", *shapes, aria_hidden="true", focusable="false") if shapes else None


def _shape(count: int, box: Box) -> Safe:
    sides = dict(zip(("x", "y", "width", "height"), (f"{side * 100:.3f}%" for side in box), strict=True))
    corner = {"x": sides["x"], "y": sides["y"], "dx": "5", "dy": "16"}
    return joined(
        (
            element("rect", class_="under", **sides),
            element("rect", class_="over", **sides),
            element("text", count, **corner),
        )
    )


def _mark(at: int, region: Mapping[str, Any]) -> Mark:
    box = box_of(region)
    return Mark(at, str(region.get("tagName") or ""), inside(box) if box else None)


def _result_marks(results: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Give the boxes to draw: those of likely results, under the numbers that these have in the list."""
    return [
        _mark(at, {**result["boundingBox"], "tagName": result.get("tagName")})
        for at, result in enumerate(results, start=1)
        if _probability(result) >= DRAWN_FROM and isinstance(result.get("boundingBox"), Mapping)
    ]


def _tag_list(names: Sequence[str]) -> Safe:
    if not names:
        return element("p", texts.UNTAGGED)
    return element("ul", *(element("li", foreign(name)) for name in names), class_="tags", aria_label=texts.TAGS)


def _region_list(marks: Sequence[Mark]) -> Safe | None:
    items = [element("li", _region_words(mark)) for mark in marks]
    return element("ol", *items, aria_label=texts.REGIONS) if items else None


def _region_words(mark: Mark) -> Safe:
    if mark.box is None:
        return filled(texts.REGION_UNPLACED, tag=foreign(mark.tag))
    sides = {side: percent(value) for side, value in mark.box._asdict().items()}
    return filled(texts.REGION, tag=foreign(mark.tag), **sides)


def _image_facts(image: HeldImage, place: Place) -> list[tuple[Content, Content]]:
    row = image.shown.row
    width, height = row.get("width"), row.get("height")
    holding = [_held_in(iteration_id, own, image, place) for iteration_id, own in image.iterations.items()]
    return [
        (texts.UPLOADED, moment(row.get("created"))),
        (texts.SIZE, texts.PIXELS.format(width=width, height=height) if size_of(row) else None),
        (texts.METADATA, _list([_pair(key, text) for key, text in image.shown.metadata.items()])),
        (texts.IN_ITERATIONS if image.in_workspace else texts.ONLY_IN_ITERATIONS, _list(holding)),
        (texts.ID, element("code", image.shown.id)),
    ]


def _pair(key: str, text: str) -> Safe:
    return filled(texts.PAIR, key=element("b", foreign(key)), value=foreign(text))


def _held_in(iteration_id: str, own: Image, image: HeldImage, place: Place) -> Safe:
    """Name an iteration, and what its copy is labelled with where that differs from what is shown."""
    name = foreign(place.iteration_names.get(iteration_id) or iteration_id)
    if _labels(own) == _labels(image.shown):
        return name
    tags = ", ".join(tag for _, tag in own.tags) or texts.UNTAGGED
    regions = len(own.row.get("regions") or ())
    return filled(texts.OTHER_LABELS, iteration=name, tags=foreign(tags), regions=regions)


def _labels(image: Image) -> tuple[list[str], list[tuple[str, Box | None]]]:
    regions = image.row.get("regions") or ()
    boxes = sorted(((str(r.get("tagId")), box_of(r)) for r in regions), key=repr)
    return sorted(tag_id for tag_id, _ in image.tags), boxes


def _prediction_facts(prediction: HeldPrediction, place: Place) -> list[tuple[Content, Content]]:
    iteration = prediction.shown.iteration_id
    return [
        (texts.MADE, moment(prediction.shown.created)),
        (texts.BY_ITERATION, foreign(place.iteration_names.get(iteration) or iteration) if iteration else None),
        (texts.ID, element("code", prediction.shown.id)),
    ]


def _results(results: Sequence[Mapping[str, Any]]) -> Safe:
    if not results:
        return element("p", texts.NO_RESULTS)
    items = [element("li", _result(result)) for result in results]
    first, rest = items[:RESULTS_IN_SIGHT], items[RESULTS_IN_SIGHT:]
    shown = element("ol", *first, aria_label=texts.RESULTS)
    if not rest:
        return shown
    summary = element("summary", texts.MORE_RESULTS.format(number=number(len(rest))))
    return joined((shown, element("details", summary, element("ol", *rest, start=len(first) + 1))))


def _result(result: Mapping[str, Any]) -> Safe:
    return joined((_result_tag(result), " ", percent(result.get("probability"))))


def _result_tag(result: Mapping[str, Any]) -> Safe | str:
    """Name the tag of a result; in an export of one person other tags have no name."""
    name = result.get("tagName") or result.get("tagId")
    return foreign(str(name)) if name else texts.RESULT_NOT_NAMED


def _result_words(result: Mapping[str, Any]) -> str:
    name = result.get("tagName") or result.get("tagId") or texts.RESULT_NOT_NAMED
    return f"{name} {percent(result.get('probability'))}"


def _probability(result: Mapping[str, Any]) -> float:
    return finite(result.get("probability")) or 0.0


def _list(items: Sequence[Content]) -> Safe | None:
    return element("ul", *(element("li", item) for item in items)) if items else None


def displayed(size: tuple[int, int]) -> tuple[int, int]:
    """Give the width and height to display: the whole picture within `LARGEST`, never enlarged, at least one pixel."""
    scale = min(1.0, *(most / side for most, side in zip(LARGEST, size, strict=True)))
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def _alt_tags(image: Image) -> str:
    names = ", ".join(name for _, name in image.tags)
    return texts.ALT_TAGS.format(tags=names) if names else texts.ALT_UNTAGGED


def _alt_regions(marks: Sequence[Mark]) -> str:
    if not marks:
        return ""
    return texts.ALT_REGION if len(marks) == 1 else texts.ALT_REGIONS.format(number=len(marks))
