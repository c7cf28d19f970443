"""Units of a project's own data and of each of its iterations. What is refused is named; the rest is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched
from typing import Any

from export_function.account import preview_settings
from export_function.models import export_models
from export_function.narrowing import shown_rows
from export_function.planning import NOT_TRAINED
from export_function.unit_work import Result, UnitWork, failure, gap, raise_if_worth_waiting, refusal_code
from export_function.vanished import has_vanished, name_vanished
from shared.domain.errors import AccessDenied, GdprError, ResourceAbsent, ServiceRefusal, TransientError
from shared.domain.links import identity
from shared.domain.resources import Row
from shared.domain.work import UnitOutcome
from shared.inventory import PASSES
from shared.packages import package_prefix, project_path
from shared.reading_ahead import ahead, together

type Part = Callable[[UnitWork, Result], None]
type Lane = Mapping[str, Part]
"""Parts by their stores, one after the other: a part may need what the one before it has read."""

ROWS_A_FILE = 256
THRESHOLDS = {"threshold": 0.5, "overlapThreshold": 0.5}
"""From which probability and overlap on a guess counts as true; said aloud, since precision and recall depend on it."""


def export_project(work: UnitWork) -> UnitOutcome:
    """Write a project's details, its tags and the list of its iterations; only names where one person is asked for."""
    lanes: list[Lane] = [{"projects": _details}, {"tags": _tags}, {"iterations": _iterations_list}]
    outcome = _parts(work, lanes, work.project_id)
    return replace(outcome, gaps=[*outcome.gaps, *work.unit.details.get("gaps", ())])


def export_iteration(work: UnitWork) -> UnitOutcome:
    """Write an iteration's details, its own tags, its performance, and the models that were exported from it."""
    own = _Iteration()
    lanes: list[Lane] = [{"iterations": own.details}]
    if not work.request.narrowed:
        # One after the other, so that of an iteration that is deleted meanwhile what comes later is not there either.
        in_turn: Lane = {"iterations": own.details, "performance": own.performance, "exported_models": export_models}
        lanes = [in_turn, {"tags": _iteration_tags}]
    elif work.unit.items:  # those of the selected images that the iteration holds
        lanes += [{"performance": _image_performances}]
    return _parts(work, lanes, work.iteration_id)


def _parts(work: UnitWork, lanes: Sequence[Lane], item_id: str | None) -> UnitOutcome:
    """Do every part, the lanes side by side; what cannot be done now is raised for another delivery, or recorded."""
    result, errors = Result(), list[tuple[str, GdprError]]()
    for done, met in ahead(lanes, partial(_in_turn, work), len(lanes)):
        result.add(done)
        errors += met
    if has_vanished(work, [refused for _, refused in errors]):
        name_vanished(work, result)
        errors = [(store, refused) for store, refused in errors if not isinstance(refused, ResourceAbsent)]
        result.count("iterations", vanished=int("iterations" not in result.counts))
    raise_if_worth_waiting([refused for _, refused in errors], work.attempt)
    for store, refused in errors:
        result.fail(store, item_id, refusal_code(refused), refused, "export")
    return result.outcome(work.unit)


def _in_turn(work: UnitWork, lane: Lane) -> tuple[Result, list[tuple[str, GdprError]]]:
    """Do the parts of a lane; gives what they brought, and the errors by store."""
    result, errors = Result(), list[tuple[str, GdprError]]()
    for store, part in lane.items():
        try:
            part(work, result)
        except (ServiceRefusal, TransientError) as error:
            errors.append((store, error))
    return result, errors


def _write_own(work: UnitWork, name: str, value: object, operation: str) -> Mapping[str, Any]:
    """
    Write a file of the project itself; in a further round it replaces what the round before wrote.

    Lists are sorted, since the service's order changes: a second run of the unit writes the same.
    """
    if work.record.round > 1:
        work.services.packages.blobs.delete(package_prefix(work.request_id) + project_path(work.project_id, name))
    return work.write_json(name, value, operation)


def _id(row: Row) -> str:
    return str(row.get("id"))


def _details(work: UnitWork, result: Result) -> None:
    row, (hidden, noted) = together(
        lambda: _shown(work, work.client.get_project(work.project_id).row),
        lambda: ({}, Result()) if work.request.narrowed else _hidden_settings(work),
    )
    row |= hidden
    result.add(noted)
    result.files.append(_write_own(work, "project.json", row, "GetProject"))
    result.count("projects", written=1)


def _hidden_settings(work: UnitWork) -> tuple[dict[str, Any], Result]:
    """
    Give the settings that v3.3 does not show, and what is to be said of them; what v3.3 shows is written without too.

    That a service does not know the preview version is noted beside them; that it forbids or fails to is named, and
    counts as one failure more: the rest of the project is written.
    """
    try:
        shown = preview_settings(work.client, work.project_id)
    except (AccessDenied, TransientError) as error:
        raise_if_worth_waiting([error], work.attempt)
        result = Result()
        result.count("projects", failed=1)
        detail = f"settings that only v3.4-preview shows: {error}"
        result.gaps.append(gap("projects", work.project_id, "refused", detail))
        result.failures.append(failure("projects", work.project_id, "refused", error, error.operation))
        return {}, result
    except ServiceRefusal as refusal:
        return {"previewSettingsNote": f"v3.4-preview is not offered here (status {refusal.status})"}, Result()
    return {"previewSettings": shown} if shown else {}, Result()


def _iterations_list(work: UnitWork, result: Result) -> None:
    rows = [_shown(work, iteration.row) for iteration in work.client.get_iterations(work.project_id)]
    result.files.append(_write_own(work, "iterations.json", sorted(rows, key=_id), "GetIterations"))


def _tags(work: UnitWork, result: Result) -> None:
    if work.request.narrowed:
        return  # the tags that the selected rows carry are known when all of them have been written
    rows = [tag.row for tag in work.client.get_tags(work.project_id)]
    result.files.append(_write_own(work, "tags.json", sorted(rows, key=_id), "GetTags"))
    result.count("tags", found=len(rows), written=len(rows))


def _iteration_tags(work: UnitWork, result: Result) -> None:
    rows = [tag.row for tag in work.client.get_tags(work.project_id, iteration_id=work.iteration_id)]
    result.files.append(work.write_json("tags.json", rows, "GetTags"))


def _shown(work: UnitWork, row: Row) -> dict[str, Any]:
    """In an export narrowed to one person projects and iterations are named, nothing more."""
    return {key: row[key] for key in ("id", "name") if key in row} if work.request.narrowed else dict(row)


@dataclass
class _Iteration:
    """The parts of an iteration of which one needs what another has read."""

    row: Row = field(default_factory=dict)

    def details(self, work: UnitWork, result: Result) -> None:
        self.row = work.client.get_iteration(work.project_id, work.iteration_id or "").row
        result.files.append(work.write_json("iteration.json", _shown(work, self.row), "GetIteration"))
        result.count("iterations", written=1)

    def performance(self, work: UnitWork, result: Result) -> None:
        try:
            row = work.client.get_iteration_performance(
                work.project_id, work.iteration_id or "", thresholds=self._thresholds
            )
        except ServiceRefusal as refusal:
            if refusal.code not in NOT_TRAINED:
                raise
            result.gaps.append(gap("performance", work.iteration_id, "not_trained", "the iteration has no performance"))
            return
        written = work.write_json("performance.json", dict(row), "GetIterationPerformance")
        result.files.append({**written, "parameters": self._thresholds})
        result.count("performance", found=1, written=1)
        _image_performances(work, result)

    @property
    def _thresholds(self) -> Mapping[str, float]:
        """A classification has no boxes that could overlap."""
        is_detection = bool(self.row) and not self.row.get("classificationType")
        return THRESHOLDS if is_detection else {"threshold": THRESHOLDS["threshold"]}


def _image_performances(work: UnitWork, result: Result) -> None:
    try:
        for number, rows in enumerate(batched(_performance_rows(work, result), ROWS_A_FILE, strict=False), start=1):
            name = f"image_performances/{number:05d}.jsonl"
            kept = [row for row in rows if not work.erased.covers_image(str(row.get("id")).lower())]
            shown = shown_rows(work, result, "performance", work.iteration_id, kept)
            result.files.append(work.write_rows(name, shown, "GetImagePerformances"))
    except ServiceRefusal as refusal:
        if refusal.code not in NOT_TRAINED:
            raise
        result.gaps.append(gap("performance", work.iteration_id, "not_trained", "the iteration has no performance"))


def _performance_rows(work: UnitWork, result: Result) -> Iterator[Row]:
    """
    Give the rows of per-image performance, each once; in a narrowed export only the selected images' rows.

    The list is paged over an order with ties, so it is read until as many rows were seen as the service counts, before
    and after: rows that go between two pages hide others.
    """
    wanted = frozenset(work.unit.item_ids) if work.request.narrowed else None
    given, seen = set[str](), set[str]()
    count = work.client.get_image_performance_count(work.project_id, work.iteration_id or "")
    for _ in PASSES:
        for page in work.client.image_performance_pages(work.project_id, work.iteration_id or ""):
            for row in page:
                item = identity(row)
                seen.add(item)
                if item not in given:
                    given.add(item)
                    if wanted is None or item in wanted:
                        yield row
        before, count = count, work.client.get_image_performance_count(work.project_id, work.iteration_id or "")
        if len(seen) == before == count:
            return
        if before != count:
            seen.clear()
    result.count("performance", not_available=1)
    result.gaps.append(gap("performance", work.iteration_id, "list_moved", "rows per image: fewer than are counted"))
