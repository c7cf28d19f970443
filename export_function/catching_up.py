"""
Lists that moved while an export ran: what came meanwhile is read too, in a further round of units.

Only projects in which something has come, gone or been trained are read again, at most twice; what still differs then
is named in the manifest. A project's own data (details, tags, list of iterations) are written anew with every round,
so that they name what the round brings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby
from typing import Any

from export_function.faults import can_go_without, goes_without_failing
from export_function.plan import (
    IMAGES,
    ITERATION,
    ITERATION_IMAGES,
    PREDICTIONS,
    PROJECT,
    IterationInventory,
    ProjectInventory,
    sources_of,
    units_of,
)
from export_function.planning import Planner
from shared.domain.errors import ResourceAbsent, ServiceRefusal, TransientError
from shared.domain.id_set import IdSet
from shared.domain.record import RequestRecord
from shared.domain.resources import Project
from shared.domain.subject_request import SubjectRequest
from shared.domain.work import Counts, UnitOutcome, add_counts, kind_of, number_of
from shared.inventory import page_digest
from shared.ports import CustomVision
from shared.predictions import newest_ids
from shared.projects import ResolvedProject
from shared.reading_ahead import ahead
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
        settle_for_faults=goes_without_failing(record),
        next_number=_next_number(plan, record),
    )
    moved = (project for project in plan["projects"] if has_moved(services, record, project))
    found = [_catch_up_project(planner, record, project) for project in moved]
    return [entry for entry in found if entry is not None]


def has_moved(
    services: Services, record: RequestRecord, project: Mapping[str, Any], *, only_grown: bool = False
) -> bool:
    """
    Whether a list of the project is another than when it was last read; `only_grown`: whether it may hold more.

    A list is another if its count is, if its newest entries were not there (as many may have come as have gone), or if
    an iteration came or went. Lists that were refused then are not looked at. A constant number of calls per list.
    """
    client, sources = services.resource(project["resource"]), _last_sources(record, project)
    refused = {entry["store"] for entry in project["refused"]}
    looks: dict[str, Callable[[], bool]] = {
        "iterations": lambda: _other_iterations(client, project["id"], sources, only_grown),
        "counts": lambda: _other_counts(client, project["id"], sources, only_grown),
        "images": lambda: _new_images(services, client, record, project),
        "predictions": lambda: _new_predictions(services, client, record, project),
    }
    shown = [look for store, look in looks.items() if store == "images" or store not in refused]
    try:
        return any(ahead(shown, lambda look: look(), len(looks)))
    except ResourceAbsent:
        return not only_grown  # the project or an iteration is gone: nothing can have come
    except (ServiceRefusal, TransientError) as error:
        if not can_go_without(record, error):
            raise
        return True


type _Sources = Sequence[Mapping[str, Any]]


def _other_iterations(client: CustomVision, project_id: str, sources: _Sources, only_grown: bool) -> bool:
    now, then = {iteration.id for iteration in client.get_iterations(project_id)}, _iterations_of(sources)
    return bool(now - then) if only_grown else now != then


def _other_counts(client: CustomVision, project_id: str, sources: _Sources, only_grown: bool) -> bool:
    counted = (source for source in sources if source["counted"] is not None)
    grown_by = (
        client.get_image_count(project_id, iteration_id=source["iteration_id"]) - source["planned"]
        for source in counted
    )
    return any(number > 0 if only_grown else number != 0 for number in grown_by)


def _new_images(services: Services, client: CustomVision, record: RequestRecord, project: Mapping[str, Any]) -> bool:
    """Whether the newest page of the workspace shows an image that was not planned. Iterations get no new ones."""
    workspace = _last_sources(record, project)[0]
    if workspace["counted"] is None:
        return False
    shown = {image.id for image in next(iter(client.image_pages(project["id"], order="Newest")), ())}
    if page_digest(shown) == workspace.get("newest"):
        return False
    return bool(_not_planned(services, record, project, IMAGES, shown))


def _new_predictions(
    services: Services, client: CustomVision, record: RequestRecord, project: Mapping[str, Any]
) -> bool:
    """Whether the newest page of a query of stored predictions shows one that was not planned."""
    if not record.notes["predictions"]:
        return False
    shown: set[str] = set()
    for source in _last_sources(record, project):
        shown |= newest_ids(client, project["id"], source["iteration_id"])
    return bool(_not_planned(services, record, project, PREDICTIONS, shown))


def _not_planned(
    services: Services, record: RequestRecord, project: Mapping[str, Any], kind: str, ids: set[str]
) -> set[str]:
    """Give those of some ids that no unit of a kind has, reading the plan's pages in turn until all are found."""
    unit_ids = (unit_id for unit_id in _all_units(record, project) if kind_of(unit_id) == kind)
    left = set(ids)
    for unit in services.ledger.units(record.subject_request_id, unit_ids) if left else ():
        left -= set(unit.item_ids)
        if not left:
            break
    return left


def outcomes_of(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> Iterator[UnitOutcome]:
    """Read the outcomes of a project's units, rounds included; of its own data, read in every round, as one outcome."""
    rounds = [(unit_id, round_) for units, round_ in _rounds(record, project) for unit_id in units]
    own_units = [entry for entry in rounds if kind_of(entry[0]) == PROJECT]
    others = [entry for entry in rounds if kind_of(entry[0]) != PROJECT]
    outcomes = services.ledger.outcomes_by_round(record.subject_request_id, [*own_units, *others])
    for is_own, found in groupby(outcomes, lambda outcome: kind_of(outcome.unit_id) == PROJECT):
        if is_own:
            yield latest_of(list(found))
        else:
            yield from found


def latest_of(outcomes: Sequence[UnitOutcome]) -> UnitOutcome:
    """
    Give what stands of a project's own data that were written several times (oldest first).

    A file is as it was written last. What the last time could not be had is named, and keeps the count of its file
    from before.
    """
    last, counts = outcomes[-1], dict(outcomes[-1].counts)
    for earlier in reversed(outcomes[:-1]):
        for store, words in earlier.counts.items():
            if words.get("written") and not counts.get(store, {}).get("written"):
                counts = add_counts(counts, {store: words})
    files = {row["path"]: row for outcome in outcomes for row in outcome.files}
    return replace(last, counts=counts, files=list(files.values()))


def counted_last(record: RequestRecord, project: Mapping[str, Any]) -> int:
    """Give the service's count of the workspace as it was last read."""
    return int(_last_sources(record, project)[0]["counted"] or 0)


def _rounds(record: RequestRecord, project: Mapping[str, Any]) -> Iterator[tuple[Sequence[str], int]]:
    """Give the units of a project by round."""
    yield project["units"], 1
    for entry in _entries(record, project):
        yield entry["units"], entry["round"]


def _all_units(record: RequestRecord, project: Mapping[str, Any]) -> Iterator[str]:
    """Give a project's units, the newest first: what came last is in the last ones."""
    return (unit_id for units, _ in reversed(list(_rounds(record, project))) for unit_id in reversed(units))


def _entries(record: RequestRecord, project: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in record.notes.get("caught_up", ()) if entry["project_id"] == project["id"]]


def _last_sources(record: RequestRecord, project: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Give what a project's lists held when they were last read, the workspace first."""
    sources: Sequence[Mapping[str, Any]] = [project, *_entries(record, project)][-1]["sources"]
    return sources


def _iterations_of(sources: Sequence[Mapping[str, Any]]) -> set[str]:
    return {source["iteration_id"] for source in sources if source["iteration_id"] is not None}


def _next_number(plan: Mapping[str, Any], record: RequestRecord) -> int:
    saved = [unit_id for project in plan["projects"] for unit_id in project["units"]]
    saved += [unit_id for entry in record.notes.get("caught_up", ()) for unit_id in entry["units"]]
    return max((number_of(unit_id) for unit_id in saved), default=0) + 1


def _catch_up_project(planner: Planner, record: RequestRecord, project: Mapping[str, Any]) -> CaughtUp | None:
    resolved = ResolvedProject(resource=project["resource"], project=Project(project["id"], {}))
    now = planner.inventory(resolved)
    new = _new_only(now, _known_ids(planner.services, record, project))
    known_iterations = _iterations_of(_last_sources(record, project))
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
    for unit in services.ledger.units(record.subject_request_id, _all_units(record, project)):
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
