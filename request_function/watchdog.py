"""
The watchdog: what a crash or a lost message left standing is set going again, a bounded number of times.

It decides nothing about a request. It sends the messages that should be there; the queue functions do the work, and
record the failure of a message that has come back too often.
"""

from __future__ import annotations

import logging
from datetime import datetime

from request_function.poison import PUBLIC_QUEUES
from shared.acceptance import work_queue
from shared.domain.errors import DamagedRecord, Superseded, UnknownRequest
from shared.domain.phases import has_units, phase_of_unit
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import parse_rfc3339
from shared.domain.work import WorkMessage
from shared.finishing import clean_up
from shared.index_entries import IndexEntry
from shared.ledger import STEP, Versioned
from shared.services import Services

_log = logging.getLogger(__name__)


def resend_lost_work(services: Services) -> int:
    """Look at every request that is not known to be final; gives how many were set going again."""
    for queue in PUBLIC_QUEUES:  # a trigger makes none, and whoever sends from outside would find none
        services.queues.ensure(queue)
    return sum(_look_after(services, entry) for entry in services.ledger.index() if entry.state == "open")


def _look_after(services: Services, entry: IndexEntry) -> int:
    try:
        return _set_going(services, entry)
    except DamagedRecord as error:
        _log.error("%s; it goes on when that has been put right", error)
        return 0


def _set_going(services: Services, entry: IndexEntry) -> int:
    try:
        current = services.ledger.read(entry.request_id)
    except UnknownRequest:
        return _drop_orphan(services, entry)
    if not services.ledger.is_indexed_by(current.record, entry):
        return _drop_orphan(services, entry)
    if current.record.status.is_final:
        clean_up(services, current.record)
        return 0
    return _resend(services, current) if _is_stalled(services, current.record) else 0


def _drop_orphan(services: Services, entry: IndexEntry) -> int:
    """An index entry is written before its record; one that is old and has none never got one."""
    if services.now() - entry.received_time > services.settings.watchdog_after:
        services.ledger.drop_index_entry(entry)
    return 0


def _is_stalled(services: Services, record: RequestRecord) -> bool:
    if record.status is RequestStatus.AWAITING_APPROVAL and not record.is_half_rejected:
        return services.now() - (record.phase_time or record.received_time) > services.settings.approval_expires
    return services.now() - _last_sign(services, record) > services.settings.watchdog_after


def _last_sign(services: Services, record: RequestRecord) -> datetime:
    """The latest time at which the request showed life, or said that it would wait until."""
    times = [record.updated_time]
    proof = record.notes.get("proof", {})
    times += [parse_rfc3339(proof["next_time"])] if proof.get("next_time") else []
    waits = services.ledger.waits_until(record.subject_request_id, STEP)
    return max([*times, waits] if waits else times)


def _resend(services: Services, current: Versioned) -> int:
    record = current.record
    done = len(services.ledger.tally(record.subject_request_id, record.phase or "", record.round).units)
    if has_units(record) and done > _seen_done(record):
        return _note(services, current, resent=0, done=done, turn=record.turn) and 0
    lost = _lost_units(services, record) if has_units(record) else [None]
    turn = record.turn if lost == [None] else record.turn + 1
    if not lost or not _note(services, current, resent=record.resent + 1, done=done, turn=turn):
        return 0
    _log.warning("request %s: %d message(s) sent again", record.subject_request_id, len(lost))
    for unit_id in lost:
        message = WorkMessage(
            request_id=record.subject_request_id,
            unit_id=unit_id,
            round=record.round,
            resent=record.resent + 1,
            turn=turn,
        )
        services.queues.send(work_queue(record.subject_request_type), message.to_json())
    return 1


def _seen_done(record: RequestRecord) -> int:
    """Give how many units of the present phase and round were done when the watchdog last looked."""
    seen = record.notes.get("watched", {})
    return int(seen["done"]) if [seen.get("phase"), seen.get("round")] == [record.phase, record.round] else 0


def _note(services: Services, current: Versioned, *, resent: int, done: int, turn: int) -> bool:
    """Count the sending in the record first, so that of two watchdogs one sends; False for the other one."""
    record = current.record
    notes = {**record.notes, "watched": {"phase": record.phase, "round": record.round, "done": done}}
    try:
        services.ledger.write(current, record.evolve(services.now(), resent=resent, turn=turn, notes=notes))
    except Superseded:
        return False
    return True


def _lost_units(services: Services, record: RequestRecord) -> list[str | None]:
    """
    Give the units of the present phase without a noted outcome, but those that wait for the outside.

    If all are noted, what is lost is the message of the next step: None stands for it.
    """
    request_id = record.subject_request_id
    plan = services.ledger.plan(request_id) or {"projects": []}
    saved = [unit_id for project in plan["projects"] for unit_id in project["units"]] + plan.get("extra_units", [])
    saved += [plan["account"]["unit"]] if plan.get("account") else []
    planned = [unit for unit in saved if phase_of_unit(unit, is_export=record.is_export) == record.phase]
    wanted = record.notes.get("round_units") if record.round > 1 else record.notes.get("phase_unit_ids", planned)
    noted = services.ledger.tally(request_id, record.phase or "", record.round).units
    missing = [unit_id for unit_id in wanted or planned if unit_id not in noted]
    return [unit_id for unit_id in missing if not _waits(services, request_id, unit_id)] if missing else [None]


def _waits(services: Services, request_id: str, unit_id: str) -> bool:
    until = services.ledger.waits_until(request_id, unit_id)
    return until is not None and until + services.settings.watchdog_after > services.now()
