"""
What comes in from outside, over HTTP and over the public queues, on its way to being accepted or refused.

Both ways share the rules; they differ in how a refusal is told: over HTTP in the answer, on a queue by a ledger entry
of its own and a poison message without the body.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from codecs import BOM_UTF8
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4, uuid5

from shared.acceptance import accept, wake
from shared.domain.errors import ConfigurationError, Conflict, InvalidRequest, RejectedRequest
from shared.domain.fields import named_beside_sign_in
from shared.domain.identifiers import MESSAGE_NAMESPACE, guid, id_of_message
from shared.domain.json_input import parse_json
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, RequestType, SubjectRequest
from shared.domain.validation import wakes_only
from shared.finishing import Ending, finish
from shared.services import Services

type Validate = Callable[[Services, object], SubjectRequest]


@dataclass(frozen=True, kw_only=True)
class Intake:
    """One kind of request: its public queue, its type for entries of refused messages, and its validation."""

    queue: str
    entry_type: RequestType
    validate: Validate

    def from_http(self, services: Services, body: object, verified_requester: str | None) -> RequestRecord:
        """Accept a body posted over HTTP; raises all that is wrong with it."""
        named = named_beside_sign_in(body, "requested_by", verified_requester)
        try:
            request = self.validate(services, body)
        except InvalidRequest as error:
            raise InvalidRequest([*named, *error.violations]) from None
        if named:
            raise InvalidRequest(named)
        given = request if request.request_id else replace(request, request_id=str(uuid4()))
        return accept(services, given, origin="http", verified_requester=verified_requester)

    def from_queue(self, services: Services, content: bytes, message_id: str) -> RequestRecord:
        """
        Accept a message of the public queue, or record that it was refused; either way it is dealt with.

        A message without an id is named after the queue and its own id, so that a redelivery is the same request.
        """
        try:
            body = message_json(content)
            woken = wakes_only(body)
            if woken is not None:
                return wake(services, woken, is_export=self.entry_type.is_export)
            request = self.validate(services, body)
            named = request if request.request_id else replace(request, request_id=self._id(message_id))
            return accept(services, named, origin="queue")
        except RejectedRequest as error:
            return refuse(services, self.queue, self.entry_type, content, message_id, _reason(error))

    def _id(self, message_id: str) -> str:
        return guid(id_of_message(self.queue, message_id)) or ""


def refuse(
    services: Services, queue: str, entry_type: RequestType, content: bytes, message_id: str, reason: str
) -> RequestRecord:
    """
    Record that a message of a public queue cannot be a request: an entry of its own, and a note without the body.

    Neither holds a value of the message; its SHA-256 lets whoever sent it recognise it.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    request_id = str(uuid5(MESSAGE_NAMESPACE, f"refused:{queue}:{message_id}:{sha256}"))
    record = _refused_record(services, request_id, entry_type)
    current = services.ledger.create(record) or services.ledger.read(request_id)
    if current.record.status.is_final:
        return current.record
    note = {"subject_request_id": request_id, "reason": reason, "message_sha256": sha256}
    services.queues.send(f"{queue}-poison", note)
    return finish(services, current, Ending(status=RequestStatus.FAILED, reason=reason))


def _refused_record(services: Services, request_id: str, entry_type: RequestType) -> RequestRecord:
    now = services.now()
    record = RequestRecord(
        subject_request_id=request_id,
        subject_request_type=entry_type,
        regulation="gdpr",
        status=RequestStatus.PENDING,
        received_time=now,
        expected_completion_time=now,
        updated_time=now,
        body_salt="",
        body_hash="",
        origin="refused_message",
        notes={"options": {}},
    )
    return record.evolve(now)


def message_json(content: bytes) -> object:
    """
    Read a public queue's message: JSON, or base64 of it, in lines, too; `InvalidRequest` if it is neither.

    A byte order mark before either is passed over.
    """
    try:
        return parse_json(content)
    except InvalidRequest as error:
        try:
            decoded = base64.b64decode(b"".join(content.removeprefix(BOM_UTF8).split()), validate=True)
        except (binascii.Error, ValueError):
            raise error from None
        return parse_json(decoded)


def _reason(error: RejectedRequest) -> str:
    return "id_in_use" if isinstance(error, Conflict) else "bad_message"


def require_hash_key(services: Services) -> None:
    """Raise `ConfigurationError` if erasures cannot be recorded: their hashes must be keyed."""
    if services.settings.ledger_hash_key is None:
        raise ConfigurationError(["LEDGER_HASH_KEY is required for erasures"])
