"""Units of items with pictures: images of the workspace, images of an iteration's own copy, stored predictions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from export_function.narrowing import shown_rows
from export_function.pictures import Copied, PictureCopier, Pictured
from export_function.plan import IMAGES, PREDICTIONS
from export_function.previous import PreviousPackage
from export_function.unit_work import Result, UnitWork, failure, gap, raise_if_worth_waiting
from export_function.vanished import has_vanished, name_vanished
from shared.domain.errors import GdprError, ResourceAbsent
from shared.domain.resources import Image, StoredPrediction
from shared.domain.selection import matches
from shared.domain.work import UnitOutcome
from shared.predictions import query_pages
from shared.selecting import image_selector

VANISHED = "it was there when the export was planned and gone when it was read"


def export_images(work: UnitWork) -> UnitOutcome:
    """Write up to 256 images: their rows as read now, and their original bytes."""
    wanted = _wanted_images(work)
    present, others = _read_images(work, wanted, work.iteration_id)
    copied = _image_copier(work, work.iteration_id).copy_all(present)
    elsewhere = _copied_elsewhere(work, _not_there(wanted, copied) - others)
    raise_if_worth_waiting(_errors([*copied, *elsewhere]), work.attempt)
    result = Result()
    _account_for(result, work, IMAGES, wanted, [*copied, *elsewhere])
    kept = [entry.picture for entry in copied if entry.row is not None]
    result.files.insert(0, _rows_file(work, kept))
    result.details |= _tags_for_narrowed(work, kept) | _unseen({*wanted} - others, present)
    return result.outcome(work.unit)


def export_iteration_images(work: UnitWork) -> UnitOutcome:
    """Write up to 256 rows as an iteration holds them, and the bytes of images that no newer source has."""
    present, others, gone = _read_iteration(work)
    with_bytes = {item for item in work.unit.details["with_bytes"] if not work.erased.covers_image(item)}
    copied = _image_copier(work, work.iteration_id).copy_all([image for image in present if image.id in with_bytes])
    elsewhere = _copied_elsewhere(work, _not_there(with_bytes, copied) - others)
    is_deleted = has_vanished(work, gone)
    raise_if_worth_waiting([*(() if is_deleted else gone), *_errors([*copied, *elsewhere])], work.attempt)
    result = Result()
    copies = [*copied, *elsewhere]
    # What a list answers that is refused proves of no image that it is gone.
    known = with_bytes if is_deleted or not gone else with_bytes - _not_there(with_bytes, copies)
    _account_for(result, work, IMAGES, known, copies)
    for item in sorted(with_bytes - known):
        result.fail(IMAGES, item, "gone", gone[0], gone[0].operation)
    if is_deleted:
        name_vanished(work, result)
    elif gone:
        result.fail(IMAGES, work.iteration_id, "gone", gone[0], gone[0].operation, word="not_available")
    else:
        result.files.insert(0, _rows_file(work, present))
    result.details |= _tags_for_narrowed(work, present)
    result.details |= {} if gone else _unseen({*_wanted_images(work)} - others, present)
    return result.outcome(work.unit)


def export_predictions(work: UnitWork) -> UnitOutcome:
    """Write up to 256 stored predictions: their rows as the query gives them now, and their pictures' bytes."""
    wanted = frozenset(item for item in work.unit.item_ids if not work.erased.covers_prediction(item))
    present = sorted(_find_predictions(work, wanted), key=lambda prediction: prediction.id)
    copier = PictureCopier(
        work=work,
        folder="predictions/files",
        id_name="prediction_id",
        operation="QueryPredictions",
        refresh=lambda prediction_id: next(iter(_find_predictions(work, frozenset({prediction_id}))), None),
    )
    copied = copier.copy_all(present)
    raise_if_worth_waiting(_errors(copied), work.attempt)
    result = Result()
    _account_for(result, work, PREDICTIONS, wanted, copied)
    kept = [entry.picture.row for entry in copied if entry.row is not None]
    rows = shown_rows(work, result, PREDICTIONS, work.project_id, kept)
    result.files.insert(0, work.write_rows(f"predictions/{work.unit.number:05d}.jsonl", rows, "QueryPredictions"))
    return result.outcome(work.unit)


def _unseen(wanted: set[str], present: Sequence[Image]) -> dict[str, int]:
    """Note how many of the unit's images its source did not show, for the end to compare with the source's count."""
    number = len(wanted - {image.id for image in present})
    return {"unseen": number} if number else {}


def _wanted_images(work: UnitWork) -> list[str]:
    """Give the unit's images without those that an erasure is about to take away."""
    return [item for item in work.unit.item_ids if not work.erased.covers_image(item)]


def _read_images(work: UnitWork, ids: Sequence[str], iteration_id: str | None) -> tuple[list[Image], set[str]]:
    """Read images anew: their rows, and the ids that are somebody else's by now in an export of one person's."""
    rows = _rows_by_ids(work, ids, iteration_id)
    selector = image_selector(work.services, work.request)
    meant = [row for row in rows if work.request.images is None or matches(selector, row)]
    return sorted(meant, key=lambda image: image.id), {row.id for row in rows} - {row.id for row in meant}


def _rows_by_ids(work: UnitWork, ids: Sequence[str], iteration_id: str | None) -> list[Image]:
    """Read images, each once; what is missing is asked for once more, so that a slip of the service is no absence."""
    found: dict[str, Image] = {}
    begun = work.rows_begun if iteration_id == work.iteration_id else None
    for _ in range(2):
        if missing := [item for item in ids if item not in found]:
            read = begun or (lambda: work.client.get_images_by_ids(work.project_id, missing, iteration_id=iteration_id))
            found |= {row.id: row for row in read() if row.id in missing}
            begun = None
    return list(found.values())


def _read_iteration(work: UnitWork) -> tuple[list[Image], set[str], list[ResourceAbsent]]:
    """Read the unit's rows of an iteration; of one that is gone by now nothing but that."""
    try:
        return *_read_images(work, _wanted_images(work), work.iteration_id), []
    except ResourceAbsent as gone:
        return [], set(), [gone]


def _not_there(wanted: Collection[str], copied: Sequence[Copied]) -> set[str]:
    """Give the wanted ids that the source does not show any more."""
    return set(wanted) - {entry.picture.id for entry in copied if entry.row is not None}


def _copied_elsewhere(work: UnitWork, missing: set[str]) -> list[Copied]:
    """
    Copy pictures that have gone from the unit's source since it was planned, from the newest iteration that holds them.

    Deleting images leaves them in iterations, unless that is said; their rows there are written by other units.
    """
    found: list[Copied] = []
    for iteration_id in _planned_iterations(work) if missing else ():
        rows, others = _rows_elsewhere(work, sorted(missing), iteration_id)
        copied = _image_copier(work, iteration_id).copy_all(rows) if rows else []
        found += [entry for entry in copied if entry.row is not None]
        missing = missing - others - {entry.picture.id for entry in found}
        if not missing:
            break
    return found


def _rows_elsewhere(work: UnitWork, ids: Sequence[str], iteration_id: str) -> tuple[list[Image], set[str]]:
    try:
        return _read_images(work, ids, iteration_id)
    except ResourceAbsent:
        return [], set()  # it has gone too


def _planned_iterations(work: UnitWork) -> list[str]:
    """Give the other iterations that hold images, the newest first."""
    plan: Mapping[str, Any] = work.services.ledger.frozen_plan(work.request_id) or {"projects": []}
    project = next(one for one in plan["projects"] if one["id"] == work.project_id)
    held = [source["iteration_id"] for source in project["sources"] if source["counted"] or source["planned"]]
    return [iteration_id for iteration_id in held if iteration_id not in (None, work.iteration_id)]


def _image_copier(work: UnitWork, iteration_id: str | None) -> PictureCopier:
    def refresh(image_id: str) -> Image | None:
        rows = work.client.get_images_by_ids(work.project_id, [image_id], iteration_id=iteration_id)
        return rows[0] if rows else None

    return PictureCopier(
        work=work,
        folder="images/files",
        id_name="image_id",
        operation="GetImagesByIds",
        refresh=refresh,
        held=_held_before(work),
    )


def _held_before(work: UnitWork) -> Mapping[str, Mapping[str, Any]]:
    """Give what the package before holds of the unit's images; nothing for an export that is not scheduled."""
    before = work.record.notes.get("previous")
    package = PreviousPackage.of(work.services, before, work.project_id) if before else None
    return package.pictures(work.unit.item_ids) if package else {}


def _errors(copied: Sequence[Copied]) -> list[GdprError]:
    return [entry.row for entry in copied if isinstance(entry.row, GdprError)]


def _account_for(result: Result, work: UnitWork, store: str, wanted: Collection[str], copied: Sequence[Copied]) -> None:
    """Give every planned item its word, and every file its row."""
    vanished = sorted(_not_there(wanted, copied))
    failed = [(entry.picture.id, entry.row) for entry in copied if isinstance(entry.row, GdprError)]
    rows = [entry.row for entry in copied if entry.row is not None and not isinstance(entry.row, GdprError)]
    result.count(store, written=len(rows), vanished=len(vanished), failed=len(failed))
    result.files.extend(sorted(rows, key=lambda row: str(row["path"])))
    result.gaps.extend(gap(store, item, "vanished", VANISHED) for item in vanished)
    for item, error in failed:
        result.gaps.append(gap(store, item, "copy_refused", "the service lists it, but its bytes could not be had"))
        result.failures.append(failure(store, item, "copy_refused", error, "copy"))


def _rows_file(work: UnitWork, images: Sequence[Pictured]) -> Mapping[str, Any]:
    name = f"images/{work.unit.number:05d}.jsonl"
    return work.write_rows(name, [image.row for image in images], "GetImagesByIds")


def _tags_for_narrowed(work: UnitWork, pictures: Sequence[Pictured]) -> dict[str, list[str]]:
    """A narrowed package holds the tags that its rows carry: the unit says which."""
    if not work.request.narrowed:
        return {}
    return {"tag_ids": sorted({tag_id for image in pictures if isinstance(image, Image) for tag_id, _ in image.tags})}


def _find_predictions(work: UnitWork, wanted: frozenset[str]) -> list[StoredPrediction]:
    """Ask for the planned pages; what has moved to another page by now is looked for through the whole query."""
    found: dict[str, StoredPrediction] = {}
    for page in _planned_pages(work):
        found |= {prediction.id: prediction for prediction in page if prediction.id in wanted}
    if len(found) < len(wanted):
        for page in _all_pages(work):
            found |= {prediction.id: prediction for prediction in page if prediction.id in wanted}
    return list(found.values())


def _all_pages(work: UnitWork) -> Iterator[Sequence[StoredPrediction]]:
    """Walk through the unit's query from its beginning, or where its iteration was deleted, through that of all."""
    query = work.unit.details["query"]
    try:
        for _, page in query_pages(work.client, work.project_id, query):
            yield page
    except ResourceAbsent:
        if query is None or query in {iteration.id for iteration in work.client.get_iterations(work.project_id)}:
            raise
        for _, page in query_pages(work.client, work.project_id, None):
            yield page


def _planned_pages(work: UnitWork) -> Iterator[Sequence[StoredPrediction]]:
    for token in work.unit.details["tokens"]:
        try:
            query = work.unit.details["query"]
            page = work.client.query_predictions(work.project_id, iteration_id=query, token=token)
        except ResourceAbsent:
            return
        yield page.predictions
