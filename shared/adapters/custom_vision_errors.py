"""
Refusals of Custom Vision and of Azure Resource Manager, read without trusting their form.

Three forms occur: the service's `{"code", "message"}`, the gateway's and ARM's `{"error": {"code", "message"}}` (the
gateway's with the status as its code), and the old `{"Code", "Message"}`; hops in between answer HTML or nothing. Codes
of the service are those of the enum `CustomVisionErrorCodes` of the Training API v3.3, which may grow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.domain.errors import (
    AccessDenied,
    RequestTooLong,
    ResourceAbsent,
    ServiceRefusal,
    ServiceUnavailable,
    StateConflict,
    Throttled,
    TransientError,
    UnexpectedResponse,
)
from shared.domain.retry import wished_delay

STATE_CODES = frozenset(
    {
        "ForbiddenDRModeEnabled",
        "BadRequestIterationIsPublished",
        "BadRequestTrainingAlreadyInProgress",
        "BadRequestExportWhileTraining",
        "BadRequestExportAlreadyInProgress",
    }
)
# A 404 of an iteration that is there: it has no performance because it was never trained.
UNTRAINED_CODE = "NotFoundIterationPerformance"
# 64 ids take 2,500 characters; hops that limit the length at all do so at 2,048 or more.
LONG_QUERY = 2000

_CODE = re.compile(r"[A-Za-z0-9_.-]{1,100}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success: status, headers (case-insensitive), body, length of the query it answers."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    query_length: int = 0


def error_of(operation: str, refusal: Refusal, now: datetime) -> TransientError | ServiceRefusal:
    """Turn a refusal into the error whose type says what to do next."""
    code, message = code_and_message(refusal.body)
    request_id = request_id_of(refusal.headers)
    transient = _transient_type(refusal.status)
    if transient:
        delay = wished_delay(refusal.headers.get("Retry-After"), message, now)
        return transient(operation, status=refusal.status, retry_after=delay, request_id=request_id)
    kind = _refusal_type(refusal, code)
    return kind(operation, status=refusal.status, code=code, request_id=request_id)


def _transient_type(status: int) -> type[Throttled | ServiceUnavailable] | None:
    if status in (408, 429):
        return Throttled
    return ServiceUnavailable if status >= 500 else None


def _refusal_type(refusal: Refusal, code: str) -> type[ServiceRefusal]:
    if is_too_long(refusal, code):
        return RequestTooLong
    if code in STATE_CODES or code.startswith("Conflict") or refusal.status == 409:
        return StateConflict
    if code == UNTRAINED_CODE:
        return UnexpectedResponse
    return {401: AccessDenied, 403: AccessDenied, 404: ResourceAbsent}.get(refusal.status, UnexpectedResponse)


def is_too_long(refusal: Refusal, code: str) -> bool:
    """
    Tell whether a hop refused the length of the request.

    Some do it with a bare 400 or 404: with a long query these are taken for it unless the service's own code came
    along, so that a hop's 404 never looks like a resource that is gone.
    """
    if refusal.status in (414, 431):
        return True
    by_a_hop = not code or code.isdigit()
    return refusal.status in (400, 404) and by_a_hop and refusal.query_length > LONG_QUERY


def code_and_message(body: bytes) -> tuple[str, str]:
    """Read code and message in any of the forms, empty where there are none; a code that is no word is dropped."""
    try:
        fields = _lowered(json.loads(body))
    except ValueError:
        return "", ""
    inner = _lowered(fields.get("error")) or fields
    code = str(inner.get("code") or "")
    return (code if _CODE.fullmatch(code) else ""), str(inner.get("message") or "")


def _lowered(value: object) -> dict[str, object]:
    return {str(name).lower(): part for name, part in value.items()} if isinstance(value, dict) else {}


def request_id_of(headers: Mapping[str, str]) -> str | None:
    """Give the id under which the service's support finds the call."""
    names = ("apim-request-id", "Request-Id", "x-ms-request-id")
    return next((value for name in names if (value := headers.get(name))), None)
