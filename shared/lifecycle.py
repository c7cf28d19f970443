"""
How a request moves on: one message, one step; every step may be repeated, and of two that meet one wins.

The two function folders bring their own `Fulfilment` (what planning, a unit and each phase mean); this module owns the
order of writes: outcome before acknowledgement, record before the messages of its phase, receipt before the final
status.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from shared.acceptance import work_queue
from shared.domain.errors import (
    CannotFulfil,
    GdprError,
    InvalidRequest,
    ServiceRefusal,
    StillUnderway,
    Superseded,
    TransientError,
    UnknownRequest,
)
from shared.domain.json_input import parse_json
from shared.domain.phases import counted_phase, is_counting
from shared.domain.record import RequestRecord
from shared.domain.retry import redelivery_delay
from shared.domain.subject_request import RequestStatus
from shared.domain.work import Counts, UnitOutcome, WorkMessage, WorkUnit, add_counts, kind_of
from shared.finishing import Ending, clean_up, finish
from shared.fulfilment import Decision, Finish, Fulfilment, Move, Nothing, TooEarly, Wait
from shared.ledger import STEP, Versioned
from shared.reading_ahead import together
from shared.services import Services

LAST_DELIVERY = 5
"""host.json `maxDequeueCount`: on this delivery a failure is recorded instead of raised."""

LONG_WAIT_SECONDS = 30.0
"""From here on (or from half of WATCHDOG_AFTER_SECONDS) a wait leaves a mark, so that the watchdog lets it be."""
LONGEST_EARLY_SECONDS = 60.0
"""A message that comes too early is sent again after this at the latest: the clock may be set right meanwhile."""
MOST_APPENDS_AT_ONCE = 64
"""By how many lines the number that an append answers may lag: Azurite counts before others that append beside it."""
MAX_SENT_AGAIN = 3
"""How often lost or poisoned work is sent again before its failure is recorded."""

_log = logging.getLogger(__name__)


def handle(services: Services, fulfilment: Fulfilment, body: bytes, delivery: int) -> None:
    """
    Work one message of an internal queue through; returning acknowledges it.

    `delivery` is the dequeue count. What may pass is sent again with a delay; a bug is raised for the host to deliver
    again, and recorded as a failure on the last delivery. A message that is none is raised, so that it gets to the
    poison queue, where it is accounted for.
    """
    message = WorkMessage.from_json(parse_json(body))
    try:
        if _is_in_vain(services, message):
            give_up(services, fulfilment, message, "delivery_exhausted", None)
        else:
            _work(services, fulfilment, message, delivery)
    except UnknownRequest:
        _log.warning("a message for request %s, which this queue does not know, is dropped", message.request_id)
    except Superseded:
        services.queues.send(fulfilment.queue, message.to_json(), delay_seconds=1)
    except (TransientError, ServiceRefusal) as error:
        _try_later(services, fulfilment, message, error)
    except Exception as error:  # a bug: the host delivers again, and the last delivery leaves evidence
        if delivery < LAST_DELIVERY or isinstance(error, InvalidRequest):
            raise
        _log.exception("request %s: giving up after %d deliveries", message.request_id, delivery)
        give_up(services, fulfilment, message, "internal_error", None)


def _is_in_vain(services: Services, message: WorkMessage) -> bool:
    """
    Whether a message came back, or was sent again, too often for its work to be tried once more.

    What the watchdog took for lost may only have waited behind others: if the request has moved on since, it goes on.
    """
    if message.poisoned > MAX_SENT_AGAIN:
        return True
    return message.resent > MAX_SENT_AGAIN and services.ledger.read(message.request_id).record.resent >= message.resent


def _work(services: Services, fulfilment: Fulfilment, message: WorkMessage, delivery: int) -> None:
    if message.unit_id is not None:
        _work_unit(services, fulfilment, message)
        return
    current = _of_this_queue(services, fulfilment, message)
    if current.record.status.is_final:
        clean_up(services, current.record)
    elif message.is_overtaken(current.record.turn):
        _leave(services, fulfilment, current.record, message, delivery)
    else:
        advance(services, fulfilment, current, message.turn)


def _leave(
    services: Services, fulfilment: Fulfilment, record: RequestRecord, message: WorkMessage, delivery: int
) -> None:
    """
    Drop the message of a step that has been taken.

    One that is delivered again, and whose step was the last that was taken, may be of a process that died before it
    sent what follows. So that is sent. If it has been sent all the same, whichever comes second is dropped for good.
    """
    if delivery > 1 and message.turn == record.turn - 1:
        _log.info("request %s: a step has been taken, and what follows is sent again", message.request_id)
        following = WorkMessage(request_id=message.request_id, turn=record.turn)
        services.queues.send(fulfilment.queue, following.to_json())
    else:
        _log.info("request %s: a message of a step that has been taken is dropped", message.request_id)


def _work_unit(services: Services, fulfilment: Fulfilment, message: WorkMessage) -> None:
    current, found = together(
        lambda: _of_this_queue(services, fulfilment, message), lambda: _found_of_unit(services, message)
    )
    record = current.record
    if record.status.is_final:
        clean_up(services, record)
    else:
        end = partial(fulfilment.run_unit, services, record, message=message)
        _end_unit(services, fulfilment, record, message, found, end)


def _of_this_queue(services: Services, fulfilment: Fulfilment, message: WorkMessage) -> Versioned:
    """Read the message's request; to the queue of the other kind it is unknown, whoever put the message there."""
    current = services.ledger.read(message.request_id)
    if work_queue(current.record.subject_request_type) != fulfilment.queue:
        raise UnknownRequest("the request is of the other kind")
    return current


def advance(services: Services, fulfilment: Fulfilment, current: Versioned, turn: int = 0) -> None:
    """Take steps until the request is final, waits, or its units have been sent; `turn` is the message's."""
    following: Versioned | None = current
    while following is not None:
        decision = _decide(services, fulfilment, following)
        if isinstance(decision, TooEarly):
            _come_again(services, fulfilment, following.record, turn, decision.seconds)
            return
        following = _apply(services, fulfilment, following, decision)


def _come_again(services: Services, fulfilment: Fulfilment, record: RequestRecord, turn: int, seconds: float) -> None:
    """Send a message of the present turn again that clocks which differ made early; another one is one too many."""
    if 0 < turn == record.turn:
        message = WorkMessage(request_id=record.subject_request_id, turn=turn)
        services.queues.send(fulfilment.queue, message.to_json(), delay_seconds=min(seconds, LONGEST_EARLY_SECONDS))


def _decide(services: Services, fulfilment: Fulfilment, current: Versioned) -> Decision:
    try:
        return fulfilment.step(services, current)
    except CannotFulfil as error:
        return Finish(ending=Ending(status=RequestStatus.FAILED, reason=error.reason))


def _apply(
    services: Services, fulfilment: Fulfilment, current: Versioned, decision: Move | Wait | Finish | Nothing
) -> Versioned | None:
    match decision:
        case Move(record=record, unit_ids=unit_ids):
            moved = services.ledger.write(current, record)
            send_units(services, fulfilment, record, unit_ids)
            return None if unit_ids else moved
        case Wait(record=record, seconds=seconds):
            turn = current.record.turn + 1
            services.ledger.write(current, replace(record, turn=turn, resent=0))  # a step that is taken is no lost one
            message = WorkMessage(request_id=record.subject_request_id, turn=turn)
            services.queues.send(fulfilment.queue, message.to_json(), delay_seconds=seconds)
        case Finish(ending=ending, record=changed):
            finish(services, Versioned(changed or current.record, current.etag), ending)
    return None


def send_units(services: Services, fulfilment: Fulfilment, record: RequestRecord, unit_ids: Sequence[str]) -> None:
    """Send one message per unit of the record's phase and round."""
    for unit_id in unit_ids:
        message = WorkMessage(
            request_id=record.subject_request_id, unit_id=unit_id, round=record.round, turn=record.turn
        )
        services.queues.send(fulfilment.queue, message.to_json())


type _Found = tuple[UnitOutcome | None, WorkUnit | None]
"""A unit's outcome, where it has one, and the unit itself."""


def _found_of_unit(services: Services, message: WorkMessage) -> _Found:
    ledger, request_id, unit_id = services.ledger, message.request_id, message.unit_id or ""
    return together(
        lambda: ledger.outcome(request_id, unit_id, message.round), lambda: ledger.unit(request_id, unit_id)
    )


def _end_unit(
    services: Services,
    fulfilment: Fulfilment,
    record: RequestRecord,
    message: WorkMessage,
    found: _Found,
    end: Callable[[WorkUnit], UnitOutcome],
) -> None:
    """Settle a unit: by the outcome that stands, else by what `end` makes of it while it is due; else not at all."""
    outcome, unit = found
    if outcome is None:
        if unit is None or not _is_due(fulfilment, record, unit, message):
            dropped = message.request_id, message.unit_id
            _log.warning("request %s: a message for unit %s out of its phase is dropped", *dropped)
            return
        outcome = end(unit)
    settle(services, fulfilment, record, outcome, message.round)


def _is_due(fulfilment: Fulfilment, record: RequestRecord, unit: WorkUnit, message: WorkMessage) -> bool:
    return record.phase == fulfilment.phase_of(unit.kind) and record.round == message.round


def settle(
    services: Services, fulfilment: Fulfilment, record: RequestRecord, outcome: UnitOutcome, round_: int
) -> None:
    """
    Write a unit's outcome (once), note it, and start the next step if it was the phase's last.

    Of two that end together the one whose line stands last sends the message; killed before that, it comes again.
    """
    request_id = record.subject_request_id
    standing = services.ledger.keep_outcome(request_id, outcome, round_)
    phase = fulfilment.phase_of(kind_of(standing.unit_id))
    lines = services.ledger.add_to_tally(request_id, phase, round_, standing)
    if (phase, round_) != (record.phase, record.round) or lines + MOST_APPENDS_AT_ONCE < record.phase_units:
        return
    tally = services.ledger.tally(request_id, phase, round_) if record.phase_units > 1 else None  # it is the only one
    if tally is None or (len(tally.units) >= record.phase_units and tally.latest == standing.unit_id):
        services.queues.send(fulfilment.queue, WorkMessage(request_id=request_id).to_json())


def _try_later(
    services: Services, fulfilment: Fulfilment, message: WorkMessage, error: TransientError | ServiceRefusal
) -> None:
    current = services.ledger.read(message.request_id)
    if message.unit_id is None:  # the turn may have moved on in a write whose answer was lost: then nothing follows yet
        message = replace(message, turn=current.record.turn)
    if isinstance(error, TransientError) and not isinstance(error, StillUnderway):
        delay, following = redelivery_delay(message.attempt, error), message.again()
    else:
        delay, following = fulfilment.patience(services, current.record, error, message.waits + 1), message.waiting()
    if delay is not None and _is_sent(services, current, following):
        _log.info("request %s: a second delivery of a message that waits is dropped", message.request_id)
        return
    _log.warning("request %s: %s; %s", message.request_id, error, _outlook(delay))
    if delay is None:
        give_up(services, fulfilment, message, _code_of(error), error)
        return
    services.queues.send(fulfilment.queue, following.to_json(), delay_seconds=delay)
    if delay >= min(LONG_WAIT_SECONDS, services.settings.watchdog_after.total_seconds() / 2):
        until, unit_id = services.now() + timedelta(seconds=delay), message.unit_id or STEP
        wait = _waiting_for(current, message)
        services.ledger.keep_waiting_mark(message.request_id, unit_id, until, of=wait, place=following.place)


def _is_sent(services: Services, current: Versioned, following: WorkMessage) -> bool:
    """
    Whether another delivery of the same message has sent what follows; otherwise each would go on by itself.

    What the watchdog sends is never behind a mark: a unit's message has a turn of its own, and for a step the record
    has another ETag.
    """
    mark = services.ledger.waiting_mark(following.request_id, following.unit_id or STEP)
    return mark is not None and mark.of == _waiting_for(current, following) and mark.place >= following.place


def _waiting_for(current: Versioned, message: WorkMessage) -> str:
    """Name what a message is about: a unit's round, or the next step of a request in exactly this state."""
    return f"round {message.round}" if message.unit_id else current.etag


def _outlook(delay: float | None) -> str:
    return "giving up" if delay is None else f"again in {delay:.0f} s"


def _code_of(error: GdprError) -> str:
    return error.code if isinstance(error, TransientError) else "refused"


def give_up(
    services: Services, fulfilment: Fulfilment, message: WorkMessage, code: str, error: GdprError | None
) -> None:
    """Record that a message's work could not be done: the unit's failed outcome, or the end of the request."""
    current = _of_this_queue(services, fulfilment, message)
    record = current.record
    if record.status.is_final:
        clean_up(services, record)
    elif message.is_overtaken(record.turn):
        _log.info("request %s: it goes on by another message than the one given up", message.request_id)
    elif message.unit_id is None:
        finish(services, current, fulfilment.abandoned(services, record, error))
    else:
        found = _found_of_unit(services, message)
        _end_unit(
            services,
            fulfilment,
            record,
            message,
            found,
            lambda u: fulfilment.given_up(services, record, u, code, error),
        )


def counts_so_far(services: Services, record: RequestRecord) -> Counts:
    """Give the record's counts with those of the phase and round that are ending: what the next phase begins with."""
    if not is_counting(record):
        return record.counts
    tally = services.ledger.tally(record.subject_request_id, counted_phase(record), record.round)
    return add_counts(record.counts, tally.counts)
