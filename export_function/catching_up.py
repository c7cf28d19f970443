"""
Lists that moved while an export ran: what came meanwhile is read too, in a further round of units.

Only projects in which something has come, gone or been trained are read again, at most twice; what still differs then
is named in the manifest. A project's own data (details, tags, list of iterations) are written anew with every round,
so that they name what the round brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

from export_function.faults import goes_without
from export_function.moved_lists import has_moved
from export_function.plan import (
    IMAGES,
    ITERATION,
    ITERATION_IMAGES,
    PREDICTIONS,
    IterationInventory,
    ProjectInventory,
    sources_of,
    units_of,
)
from export_function.planning import Planner
from export_function.rounds import all_units, iterations_of, last_sources, outcomes_of
from shared.domain.id_set import IdSet
from shared.domain.record import RequestRecord
from shared.domain.resources import Project
from shared.domain.subject_request import SubjectRequest
from shared.domain.work import Counts, add_counts, number_of
from shared.projects import ResolvedProject
from shared.services import Services

MOST_ROUNDS = 3


@dataclass(frozen=True, kw_only=True)
class CaughtUp:
    """
    What came to one project while the export ran.

    `unit_ids`: its units, saved; `counts`: how many items came, by store; `sources`: what its lists hold now;
    `replaced`: what the project's own data counted until now, as they are counted again.
    """

    project_id: str
    unit_ids: list[str]
    counts: dict[str, int]
    sources: list[dict[str, Any]] = field(default_factory=list)
    replaced: Counts = field(default_factory=dict)

    def as_note(self, round_: int) -> dict[str, Any]:
        """Give what the record keeps of it."""
        return {
            "project_id": self.project_id,
            "units": self.unit_ids,
            "counts": self.counts,
            "sources": self.sources,
            "round": round_,
        }

    @property
    def changed_counts(self) -> Counts:
        """Give what it adds to the record's counts, and takes from them, before its units run."""
        taken = {store: {word: -n for word, n in words.items()} for store, words in self.replaced.items()}
        return add_counts(taken, {store: {"found": number} for store, number in self.counts.items()})


def catch_up(
    services: Services, record: RequestRecord, request: SubjectRequest, plan: Mapping[str, Any]
) -> list[CaughtUp]:
    """Read again what has moved and save units for what is new; nothing for an export of one person's items."""
    if request.narrowed or record.round >= MOST_ROUNDS:
        return []
    planner = Planner(
        services=services,
        request_id=record.subject_request_id,
        request=request,
        settle_for_unstable=True,
        settle_for_refused=True,
        goes_without=partial(goes_without, record),
        next_number=_next_number(plan, record),
    )
    moved = (project for project in plan["projects"] if has_moved(services, record, project))
    found = [_catch_up_project(planner, record, project) for project in moved]
    return [entry for entry in found if entry is not None]


def _next_number(plan: Mapping[str, Any], record: RequestRecord) -> int:
    saved = [unit_id for project in plan["projects"] for unit_id in project["units"]]
    saved += [unit_id for entry in record.notes.get("caught_up", ()) for unit_id in entry["units"]]
    return max((number_of(unit_id) for unit_id in saved), default=0) + 1


def _catch_up_project(planner: Planner, record: RequestRecord, project: Mapping[str, Any]) -> CaughtUp | None:
    resolved = ResolvedProject(resource=project["resource"], project=Project(project["id"], {}))
    now = planner.inventory(resolved)
    new = _new_only(now, _known_ids(planner.services, record, project))
    known_iterations = iterations_of(last_sources(record, project))
    saved = planner.save_units(units_of(new))
    came = [u for u in saved[1:] if u.kind != ITERATION or u.details["iteration_id"] not in known_iterations]
    if not came:
        return None
    return CaughtUp(
        project_id=project["id"],
        unit_ids=[unit.unit_id for unit in [saved[0], *came]],
        counts={
            IMAGES: new.distinct_images,
            PREDICTIONS: sum(len(pages.prediction_ids) for pages in new.predictions),
            "iterations": sum(unit.kind == ITERATION for unit in came),
        },
        sources=sources_of(now),
        replaced=_own_counts(planner.services, record, project),
    )


def _own_counts(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> Counts:
    first = next(outcomes_of(services, record, {**project, "units": project["units"][:1]}), None)
    return first.counts if first else {}


type _Known = dict[tuple[str, str | None], IdSet]


def _known_ids(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> _Known:
    """Give the planned ids by kind and source, those of earlier rounds included."""
    known: _Known = {}
    for unit in services.ledger.units(record.subject_request_id, all_units(record, project)):
        if unit.kind in (IMAGES, ITERATION_IMAGES):
            known.setdefault((IMAGES, unit.details.get("iteration_id")), IdSet()).update(unit.item_ids)
        elif unit.kind == PREDICTIONS:
            known.setdefault((PREDICTIONS, None), IdSet()).update(unit.item_ids)
    return known


def _new_only(now: ProjectInventory, known: _Known) -> ProjectInventory:
    everywhere = IdSet(chain.from_iterable(ids for (kind, _), ids in known.items() if kind == IMAGES))
    iterations = [
        IterationInventory(
            iteration_id=iteration.iteration_id,
            image_ids=IdSet.of(iteration.image_ids) - known.get((IMAGES, iteration.iteration_id), IdSet()),
            with_bytes=IdSet.of(iteration.with_bytes) - everywhere,
        )
        for iteration in now.iterations
    ]
    seen = known.get((PREDICTIONS, None), IdSet())
    pages = [replace(p, prediction_ids=[i for i in p.prediction_ids if i not in seen]) for p in now.predictions]
    return replace(
        now,
        image_ids=IdSet.of(now.image_ids) - known.get((IMAGES, None), IdSet()),
        iterations=iterations,
        predictions=[p for p in pages if p.prediction_ids],
    )
