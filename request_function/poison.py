"""
The poison watch: what the host gave up on is accounted for over HTTP.

A message of a work queue is sent again, a few times, and then left to the watchdog; one of a public queue becomes a
ledger entry that says it failed, and is replaced by a note without its body.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from shared.domain.errors import InvalidRequest
from shared.domain.identifiers import guid
from shared.domain.json_input import parse_json
from shared.domain.subject_request import RequestType
from shared.domain.work import DELETION_WORK, EXPORT_WORK, WorkMessage
from shared.intake import message_json, refuse
from shared.lifecycle import MAX_SENT_AGAIN
from shared.ports import QueuedMessage
from shared.services import Services

PUBLIC_QUEUES: Mapping[str, RequestType] = {
    "export-requests": RequestType.ACCESS,
    "deletion-requests": RequestType.ERASURE,
}
WORK_QUEUES = (EXPORT_WORK, DELETION_WORK)
MOST_A_RUN = 2000
HIDDEN_SECONDS = 240
"""Shorter than the timer's period: what a run has looked at and left is there again for the next."""

_log = logging.getLogger(__name__)


def watch_poison_queues(services: Services) -> int:
    """Deal with everything in the poison queues that is not dealt with yet; gives how many messages that were."""
    public = sum(_drain(services, queue, type_) for queue, type_ in PUBLIC_QUEUES.items())
    return public + sum(_drain(services, queue, None) for queue in WORK_QUEUES)


def _drain(services: Services, queue: str, type_: RequestType | None) -> int:
    dealt_with, seen = 0, 0
    poison = f"{queue}-poison"
    while seen < MOST_A_RUN and (messages := services.queues.receive(poison, hidden_seconds=HIDDEN_SECONDS)):
        seen += len(messages)
        dealt_with += sum(_deal_with(services, queue, type_, message) for message in messages)
    return dealt_with


def _deal_with(services: Services, queue: str, type_: RequestType | None, message: QueuedMessage) -> bool:
    if type_ is None:
        _send_again(services, queue, message)
    elif _is_note(message.content):
        return False
    else:
        refuse(services, queue, type_, message.content, message.message_id, _reason(message.content))
    services.queues.remove(f"{queue}-poison", message)
    return True


def _send_again(services: Services, queue: str, message: QueuedMessage) -> None:
    try:
        work = WorkMessage.from_json(parse_json(message.content))
    except InvalidRequest:
        _log.error("a message on %s that is none is dropped", queue)
        return
    if work.poisoned > MAX_SENT_AGAIN:  # not even its failure could be recorded
        _log.error("request %s: a message on %s that fails for good is dropped", work.request_id, queue)
        return
    services.queues.send(queue, work.poisoned_again().to_json())


def _is_note(content: bytes) -> bool:
    try:
        note = json.loads(content)
    except ValueError:
        return False
    return isinstance(note, dict) and set(note) == {"subject_request_id", "reason", "message_sha256"}


def _reason(content: bytes) -> str:
    """A message that could be read was given up on; one that could not was none."""
    try:
        body = message_json(content)
    except InvalidRequest:
        return "bad_message"
    return "delivery_exhausted" if isinstance(body, dict) and _names_a_request(body) else "bad_message"


def _names_a_request(body: Mapping[str, object]) -> bool:
    return "scope" in body or guid(body.get("subject_request_id")) is not None
