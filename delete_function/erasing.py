"""
One erasure unit: look once more, note what is there, delete what is meant, say what became of each id.

The first round of a unit writes `.started` before its first delete, so that "deleted" and "already absent" stay
different words after a crash, or after an error that came when the work was done. Later rounds only erase again what
came back. That anything is gone is proven later, by reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from delete_function.account import erase_account, state_of_account
from delete_function.kinds import KINDS, Delete
from delete_function.looking import Found, UnitWork
from delete_function.plan import ACCOUNT, STORE_OF, UNPUBLISH
from delete_function.whole_projects import arrived_since, no_images_of_whole_project
from shared.domain.errors import (
    CannotFulfil,
    GdprError,
    ResourceAbsent,
    ServiceRefusal,
    StateConflict,
    StillUnderway,
    TransientError,
)
from shared.domain.plan_hash import IMAGES
from shared.domain.record import RequestRecord
from shared.domain.work import UnitOutcome, WorkMessage, WorkUnit
from shared.services import Services


def run_unit(services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> UnitOutcome:
    """Erase one unit's items; may run twice, and beside itself, and ends in the same state."""
    request = services.ledger.selector(record.subject_request_id)
    if request is None:
        raise CannotFulfil("bad_message")
    work = UnitWork(services=services, record=record, request=request, unit=unit, round=message.round)
    if unit.kind == ACCOUNT:
        return _erase_account(work)
    look, delete = KINDS[unit.kind]
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
        if work.project_is_there():
            raise


def _nothing_left(work: UnitWork, absent: ResourceAbsent) -> Found:
    """A project that the service no longer knows holds nothing; any other 404 is looked at again later."""
    if work.project_is_there():
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
