"""What a project's folder gets when all its items are there: tags of a narrowed export, and the derived files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export_function.derived import derive_project
from export_function.leftovers import Written
from export_function.plan import DATA_PHASE
from export_function.rounds import outcomes_of
from export_function.unit_work import Result, UnitWork
from shared.domain.errors import ResourceAbsent
from shared.domain.phases import phase_of_unit
from shared.domain.resources import Row, Tag
from shared.domain.work import UnitOutcome


def export_project_end(work: UnitWork) -> UnitOutcome:
    """Write the tags that one person's rows carry, where the export is narrowed, then COCO and CSV as asked for."""
    result = Result()
    if work.request.images is not None:
        _carried_tags(work, result)
    written = Written.of(lambda: outcomes_of(work.services, work.record, _planned_project(work)))
    written.see(result.outcome(work.unit))
    derived = derive_project(
        work.services.packages,
        work.request_id,
        work.project_id,
        formats=work.request.options["formats"],
        time=work.now(),
        is_held=written.has,
    )
    result.files.extend(derived)
    return result.outcome(work.unit)


def _carried_tags(work: UnitWork, result: Result) -> None:
    """Take the tags from the workspace, and from an iteration where the workspace no longer has them."""
    project = _planned_project(work)
    wanted = _tag_ids(work, project["units"])
    tags: dict[str, Row] = {}
    for source in project["sources"]:
        if wanted - tags.keys():
            tags = {tag.id: tag.row for tag in _tags_of(work, source["iteration_id"]) if tag.id in wanted} | tags
    result.files.append(work.write_json("tags.json", [tags[tag_id] for tag_id in sorted(tags)], "GetTags"))
    result.count("tags", found=len(tags), written=len(tags))


def _tags_of(work: UnitWork, iteration_id: str | None) -> Sequence[Tag]:
    """Read the tags of a source; an iteration that is gone by now has none."""
    try:
        return work.client.get_tags(work.project_id, iteration_id=iteration_id)
    except ResourceAbsent:
        if iteration_id is None:
            raise
        return ()


def _planned_project(work: UnitWork) -> Mapping[str, Any]:
    plan = work.services.ledger.frozen_plan(work.request_id) or {"projects": []}
    return next(project for project in plan["projects"] if project["id"] == work.project_id)


def _tag_ids(work: UnitWork, unit_ids: Sequence[str]) -> set[str]:
    data = [unit_id for unit_id in unit_ids if phase_of_unit(unit_id, is_export=True) == DATA_PHASE]
    outcomes = work.services.ledger.outcomes(work.request_id, data)
    return {tag_id for outcome in outcomes for tag_id in outcome.details.get("tag_ids", ())}
