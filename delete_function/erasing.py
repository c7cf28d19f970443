"""
One erasure unit: look once more, note what is there, delete what is meant, say what became of each id.

The first round of a unit writes `.started` before its first delete, so that "deleted" and "already absent" stay
different words after a crash, or after an error that came when the work was done. Later rounds only erase again what
came back. That anything is gone is proven later, by reading.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from delete_function.account import erase_account, state_of_account
from delete_function.late_lists import iterations_there, project_is_there, tags_there
from delete_function.looking import Found, UnitWork
from delete_function.plan import ACCOUNT, ITERATIONS, PROJECTS, STORE_OF, UNPUBLISH
from delete_function.staying_iterations import staying_iterations
from delete_function.whole_projects import arrived_since, images_of_whole_project, no_images_of_whole_project
from shared.domain.errors import (
    CannotFulfil,
    GdprError,
    ResourceAbsent,
    ServiceRefusal,
    StateConflict,
    StillUnderway,
    TransientError,
)
from shared.domain.plan_hash import IMAGES, PREDICTIONS, TAGS
from shared.domain.record import RequestRecord
from shared.domain.resources import Iteration
from shared.domain.selection import Verdicts, newest_first
from shared.domain.subject_request import ImageSelector
from shared.domain.work import UnitOutcome, WorkMessage, WorkUnit
from shared.predictions import find_predictions
from shared.selecting import image_selector
from shared.services import Services

type Look = Callable[[UnitWork], Found]
type Delete = Callable[[UnitWork, Found], None]


def run_unit(services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
    """Erase one unit's items; may run twice, and beside itself, and ends in the same state."""
    request = services.ledger.selector(record.subject_request_id)
    if request is None:
        raise CannotFulfil("bad_message")
    work = UnitWork(services=services, record=record, request=request, unit=unit, round=message.round)
    if unit.kind == ACCOUNT:
        return _erase_account(work)
    look, delete = _KINDS[unit.kind]
    try:
        found = look(work)
    except ResourceAbsent as absent:
        found = _nothing_left(work, absent)
    if work.round > 1:
        found = _without_what_stays(work, found)
        _delete(work, delete, found)
        arrived = arrived_since(work, found)
        counts = {"arrived_after_plan": len(arrived)} if arrived else {}
        return _outcome(work, {"deleted_again": list(found.present), "arrived_after_plan": arrived}, counts)
    seen = services.ledger.keep_started(record.subject_request_id, unit.unit_id, found.seen())
    _delete(work, delete, _as_noted(work, found, seen))
    return _first_outcome(work, found, seen)


def _without_what_stays(work: UnitWork, found: Found) -> Found:
    """Leave alone what the first round found to be no longer meant, also if it is meant again: its word stands."""
    first = work.services.ledger.outcome(work.record.subject_request_id, work.unit.unit_id)
    stays = set(first.details.get("ids", {}).get("no_longer_matching", ())) if first else set[str]()
    return replace(found, present=[item for item in found.present if item not in stays])


def _as_noted(work: UnitWork, found: Found, seen: Mapping[str, Any]) -> Found:
    """
    Leave an image alone that the note before the first delete does not name: another run judged it otherwise.

    If it was only not there then, the verification finds it.
    """
    if work.unit.kind != IMAGES or work.whole:
        return found
    return replace(found, present=[item for item in found.present if item in set(seen["present"])])


def _erase_account(work: UnitWork) -> UnitOutcome:
    """Take the account further until it is gone; each time before that ends in another delivery."""
    name = work.unit.details["account"]
    there = state_of_account(work.services, work.unit) != "absent"
    seen = work.services.ledger.keep_started(
        work.record.subject_request_id, work.unit.unit_id, {"present": [name] if there else [], "totals": None}
    )
    if erase_account(work.services, work.unit) == "not_empty":
        code = "account_not_empty"
        entry = {"store": ACCOUNT, "id": None, "code": code, "operation": "Accounts - Delete", "status": None}
        return UnitOutcome(
            unit_id=work.unit.unit_id,
            counts={ACCOUNT: {"failed": 1}},
            failures=[entry],
            details={"ids": {"failed": [ACCOUNT]}},
        )
    word = "deleted" if seen["present"] else "already_absent"
    return _outcome(work, {word: [ACCOUNT]}, {word: 1})


def _delete(work: UnitWork, delete: Delete, found: Found) -> None:
    """Delete what was found; what goes with its project meanwhile is gone."""
    try:
        delete(work, found)
    except ResourceAbsent:
        if _project_is_there(work):
            raise


def _project_is_there(work: UnitWork) -> bool:
    return project_is_there(work.client, work.project_id)


def _nothing_left(work: UnitWork, absent: ResourceAbsent) -> Found:
    """A project that the service no longer knows holds nothing; any other 404 is looked at again later."""
    if _project_is_there(work):
        raise StateConflict(absent.operation, status=absent.status, code=absent.code, request_id=absent.request_id)
    if work.whole and work.unit.kind == IMAGES:
        return no_images_of_whole_project(work)
    return Found(present=())


def _first_outcome(work: UnitWork, found: Found, seen: Mapping[str, Any]) -> UnitOutcome:
    if seen["totals"] is not None:
        return _outcome(work, {"arrived_after_plan": seen.get("arrived", ())}, seen["totals"])
    kept, present, planned = set(found.kept), set(seen["present"]), set(work.unit.item_ids)
    unpublish = work.unit.kind == UNPUBLISH
    done, done_before = ("unpublished", "already_unpublished") if unpublish else ("deleted", "already_absent")
    words = {
        done: sorted(present & planned - kept),
        "no_longer_matching": sorted(kept),
        done_before: sorted(planned - present - kept),
        "arrived_after_plan": [] if unpublish else sorted(present - planned - kept),
    }
    counts = {name: len(ids) for name, ids in words.items() if ids or name == done}
    outcome = _outcome(work, words, counts)
    beside = {"learned": seen["learned"], "disputed": sorted(kept & present)}
    return replace(outcome, details={**outcome.details, **{name: ids for name, ids in beside.items() if ids}})


def _outcome(work: UnitWork, words: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> UnitOutcome:
    return UnitOutcome(
        unit_id=work.unit.unit_id,
        counts={STORE_OF[work.unit.kind]: dict(counts)} if counts else {},
        request_ids=work.request_ids,
        details={"ids": {word: list(ids) for word, ids in words.items() if ids}},
    )


def given_up(
    unit: WorkUnit, started: Mapping[str, Any] | None, code: str, error: GdprError | None, planned: int
) -> UnitOutcome:
    """
    Give the outcome of a unit that could not be carried out: every item of it failed, and is named.

    `started` is what it saw before its first delete. `planned` is how many things the project's id stands for, where
    a unit has no items of its own. Whether some of it was deleted all the same is for the verification to see.
    """
    store, ids = STORE_OF[unit.kind], unit.item_ids or [unit.project_id or ACCOUNT]
    stands_for = {} if unit.item_ids or unit.kind == ACCOUNT else {ids[0]: planned}
    seen = [] if started is None else started["present"] or (ids if (started["totals"] or {}).get("deleted") else [])
    operation, status = "unit", None
    if isinstance(error, TransientError | ServiceRefusal):
        operation, status = error.operation, error.status
    named = _named_code(error) or code
    failures = [{"store": store, "id": item, "code": named, "operation": operation, "status": status} for item in ids]
    return UnitOutcome(
        unit_id=unit.unit_id,
        counts={store: {"failed": sum(stands_for.get(item, 1) for item in ids)}},
        failures=failures,
        details={"ids": {"failed": ids}, "started": list(seen), "stands_for": stands_for},
    )


def _named_code(error: GdprError | None) -> str | None:
    if isinstance(error, StateConflict) and error.code == "BadRequestIterationIsPublished":
        return "blocked_by_published_iteration"
    if isinstance(error, StillUnderway):
        return "verify_deadline"
    return "blocked" if isinstance(error, ServiceRefusal) else None


# images


def _look_at_images(work: UnitWork) -> Found:
    if work.whole:
        return images_of_whole_project(work)
    iterations = newest_first(work.client.get_iterations(work.project_id))
    verdicts = _judge(work, image_selector(work.services, work.request), iterations)
    present = sorted(verdicts.selected)
    kept = sorted(verdicts.rejected | verdicts.conflicting)
    return Found(present=present, kept=kept, learned=_learned(work, iterations, present))


def _learned(work: UnitWork, iterations: Sequence[Iteration], present: Sequence[str]) -> list[str]:
    """Give the iterations trained since the plan whose own copy holds what is about to be deleted from it."""
    known = set(work.unit.details.get("iterations", ()))
    since = [iteration.id for iteration in iterations if iteration.id not in known] if present else []
    return sorted(i for i in since if work.client.get_images_by_ids(work.project_id, present, iteration_id=i))


def _judge(work: UnitWork, selector: ImageSelector, iterations: Sequence[Iteration]) -> Verdicts:
    """Judge the images as they are now; iterations are read only for what the workspace no longer has."""
    verdicts, missing = Verdicts(selector), work.unit.item_ids
    rows = work.client.get_images_by_ids(work.project_id, missing)
    verdicts.observe(rows, None)
    missing = gone = sorted(set(missing) - {row.id for row in rows})
    for iteration in iterations if missing else ():
        rows = work.client.get_images_by_ids(work.project_id, missing, iteration_id=iteration.id)
        verdicts.observe(rows, iteration.id)
        missing = sorted(set(missing) - {row.id for row in rows})
        if not missing:
            break
    rejected = verdicts.rejected | verdicts.conflicting
    _no_newer_row_is_hidden(work, iterations, [item for item in gone if item in rejected])
    return verdicts


def _no_newer_row_is_hidden(work: UnitWork, iterations: Sequence[Iteration], rejected: Sequence[str]) -> None:
    """
    Raise `StillUnderway` if an iteration of the plan holds images that were judged without it: the list is late.

    It may be the one whose row decides: they would be called somebody else's, and never looked for again.
    """
    known = set(work.unit.details.get("iterations", ()))
    for hidden in sorted(known.difference(one.id for one in iterations)) if rejected else ():
        try:
            rows = work.client.get_images_by_ids(work.project_id, rejected, iteration_id=hidden)
        except ResourceAbsent:
            continue
        if rows:
            raise StillUnderway("GetIterations")


def _delete_images(work: UnitWork, found: Found) -> None:
    """Delete images by id with `allIterations`; by id alone they would stay in every trained iteration."""
    if work.whole:
        totals = found.totals or {}
        if any(number for word, number in totals.items() if word != "already_absent"):
            work.note([work.client.delete_all_images(work.project_id)])
    elif found.present:
        work.note(work.client.delete_images(work.project_id, found.present, all_iterations=True))


# predictions


def _look_at_predictions(work: UnitWork) -> Found:
    wanted = None if work.whole else frozenset(work.unit.item_ids)
    return Found(present=find_predictions(work.client, work.project_id, work.iteration_ids(), wanted))


def _delete_predictions(work: UnitWork, found: Found) -> None:
    if found.present:
        work.note(work.client.delete_predictions(work.project_id, found.present))


# iterations


def _look_at_published(work: UnitWork) -> Found:
    iterations = iterations_there(work.client, work.project_id, work.unit.item_ids)
    published = [iteration.id for iteration in iterations if iteration.publish_name]
    return Found(present=sorted(published if work.whole else set(published).intersection(work.unit.item_ids)))


def _unpublish(work: UnitWork, found: Found) -> None:
    for iteration_id in found.present:
        try:
            work.note([work.client.unpublish_iteration(work.project_id, iteration_id)])
        except ServiceRefusal as refusal:
            if refusal.code != "BadRequestIterationNotPublished":
                raise


def _look_at_iterations(work: UnitWork) -> Found:
    there = {iteration.id for iteration in iterations_there(work.client, work.project_id, work.unit.item_ids)}
    if work.whole:
        return Found(present=sorted(there))
    planned = there.intersection(work.unit.item_ids)
    kept = planned & staying_iterations(work.services, work.record.subject_request_id, work.unit)
    return Found(present=sorted(planned - kept), kept=sorted(kept))


def _delete_iterations(work: UnitWork, found: Found) -> None:
    _each(found.present, lambda item: work.note([work.client.delete_iteration(work.project_id, item)]))


# tags


def _look_at_tags(work: UnitWork) -> Found:
    if work.whole:
        return Found(present=sorted(tag.id for tag in work.client.get_tags(work.project_id)))
    wanted = work.unit.item_ids
    planned = {tag.id: tag for tag in tags_there(work.client, work.project_id, wanted) if tag.id in wanted}
    used = {tag_id for tag_id, tag in planned.items() if tag.row.get("imageCount") != 0}  # unsaid may be any number
    unused = planned.keys() - used
    return Found(present=sorted(unused), kept=sorted(used))


def _delete_tags(work: UnitWork, found: Found) -> None:
    _each(found.present, lambda item: work.note([work.client.delete_tag(work.project_id, item)]))


# projects


def _look_at_project(work: UnitWork) -> Found:
    return Found(present=[work.project_id] if _project_is_there(work) else ())


def _delete_project(work: UnitWork, found: Found) -> None:
    _each(found.present, lambda item: work.note([work.client.delete_project(item)]))


def _each(ids: Sequence[str], delete: Callable[[str], None]) -> None:
    """Delete one after the other; what went meanwhile is gone."""
    for item in ids:
        try:
            delete(item)
        except ResourceAbsent:
            continue


_KINDS: Mapping[str, tuple[Look, Delete]] = {
    UNPUBLISH: (_look_at_published, _unpublish),
    PREDICTIONS: (_look_at_predictions, _delete_predictions),
    IMAGES: (_look_at_images, _delete_images),
    ITERATIONS: (_look_at_iterations, _delete_iterations),
    TAGS: (_look_at_tags, _delete_tags),
    PROJECTS: (_look_at_project, _delete_project),
}
