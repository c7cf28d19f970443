"""
From values and errors to HTTP answers: the only place that knows status codes.

Errors are `application/problem+json` (RFC 9457) with all violations; none repeats what was sent, but the names of
fields.
"""

from __future__ import annotations

import functools
import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import azure.functions as func

from shared.domain.canonical import readable
from shared.domain.errors import (
    ConfigurationError,
    Conflict,
    DamagedRecord,
    Gone,
    InvalidRequest,
    NotAllowed,
    RejectedRequest,
    Superseded,
    TransientError,
    UnknownRequest,
    Violation,
)
from shared.domain.fields import unknown_parameters
from shared.domain.json_input import MAX_BODY_BYTES, parse_json
from shared.domain.record import RequestRecord
from shared.domain.status_view import accepted_view
from shared.settings import Settings

POLL_SECONDS = 5
MAX_VIOLATIONS_SHOWN = 1000
_PRINCIPAL = re.compile(r"[\x21-\x7e]{1,255}")
"""What an identity provider's id of a person looks like (OpenID Connect: at most 255 ASCII characters)."""
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)")

type Handler = Callable[[func.HttpRequest], func.HttpResponse]

_log = logging.getLogger(__name__)


class UnacceptableBody(RejectedRequest):
    """The body is too large (413) or not JSON (415)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Unidentified(RejectedRequest):
    """The platform has not said who is calling."""


class NotAcceptable(RejectedRequest):
    """The form asked for by `Accept` cannot be had."""


def json_body(request: func.HttpRequest) -> Any:  # noqa: ANN401 - any JSON value
    """Read the JSON body of a request without a query; `UnacceptableBody` or `InvalidRequest` otherwise."""
    refuse_parameters_but(request)
    content = request.get_body()
    if len(content) > MAX_BODY_BYTES:
        raise UnacceptableBody(413, "the body is larger than 1 MiB")
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnacceptableBody(415, "the body must be application/json")
    if request.headers.get("content-encoding", "").strip().lower() not in ("", "identity"):
        raise UnacceptableBody(415, "the body must not be compressed (Content-Encoding)")
    if not content:  # the Functions host hands nothing over of what comes in chunks
        raise InvalidRequest([Violation("", "the body is empty; one sent in chunks, without Content-Length, is lost")])
    return parse_json(content)


def refuse_parameters_but(request: func.HttpRequest, *known: str) -> None:
    """Raise `InvalidRequest` if the query holds anything but these, and but what is the host's."""
    if unknown := unknown_parameters(request.params, known):
        raise InvalidRequest(unknown)


def json_answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """Answer with JSON."""
    return raw_answer(readable(value), "application/json", status, headers)


def raw_answer(
    content: bytes, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Answer with bytes as they are; nothing of this app may be cached by anybody."""
    return func.HttpResponse(
        content, status_code=status, mimetype=media_type, headers={"Cache-Control": "no-store", **(headers or {})}
    )


def problem(
    status: int,
    detail: str,
    violations: Sequence[Violation] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """Answer with a problem; `extra` are further members of it."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [{"pointer": v.pointer, "detail": v.detail} for v in violations[:MAX_VIOLATIONS_SHOWN]],
        **(extra or {}),
    }
    return raw_answer(readable(body), "application/problem+json", status, headers)


def answers_errors(handler: Handler) -> Handler:
    """
    Wrap an HTTP function so that every error of the domain becomes its answer.

    Anything else is a bug: it is raised, and the host answers 500 without a word of it.
    """

    @functools.wraps(handler)
    def answering(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return handler(req)
        except RejectedRequest as error:
            return _rejection(error)
        except ConfigurationError as error:
            violations = [Violation("", problem_) for problem_ in error.problems]
            return problem(503, "settings are missing or malformed", violations, {"Retry-After": "60"})
        except DamagedRecord as error:
            _log.error("%s", error)
            return problem(503, "what is kept about the request is damaged", headers=_retry_after(error))
        except (TransientError, Superseded) as error:
            _log.warning("%s", error)
            return problem(503, "the storage account does not answer now", headers=_retry_after(error))

    return answering


def _rejection(error: RejectedRequest) -> func.HttpResponse:
    match error:
        case InvalidRequest(violations=violations):
            return problem(400, "the request is not valid", violations)
        case NotAllowed(violations=violations):
            return problem(403, "this installation does not allow it", violations)
        case Conflict(extra=extra):
            return problem(409, str(error), extra=extra)
        case UnacceptableBody(status=status):
            return problem(status, str(error))
        case _:
            return problem(_STATUS[type(error)], str(error))


_STATUS: Mapping[type[RejectedRequest], int] = {
    UnknownRequest: 404,
    Gone: 410,
    Unidentified: 401,
    NotAcceptable: 406,
}


def _retry_after(error: Exception) -> dict[str, str]:
    wished = getattr(error, "retry_after", None) or POLL_SECONDS
    return {"Retry-After": str(math.ceil(wished))}


def asks_for(request: func.HttpRequest, media_type: str) -> bool:
    """
    Whether the Accept header names a media type itself, and gives JSON no more weight than it.

    A weight of 0 refuses it (RFC 9110, 12.4.2); one that is none counts as 1.
    """
    ranges = (part.replace(" ", "").split(";") for part in request.headers.get("accept", "").lower().split(","))
    weights = {name: _weight(parameters) for name, *parameters in ranges}
    return 0 < weights.get(media_type, 0) >= weights.get("application/json", 0)


def _weight(parameters: Sequence[str]) -> float:
    return min((float(found[1]) for found in map(_WEIGHT.fullmatch, parameters) if found), default=1)


def accepted_answer(record: RequestRecord) -> func.HttpResponse:
    """Answer 202: the request is recorded, and this is where to look."""
    headers = {"Location": f"/api/requests/{record.subject_request_id}", "Retry-After": str(POLL_SECONDS)}
    return json_answer(accepted_view(record), 202, headers)


def caller_of(request: func.HttpRequest, settings: Settings) -> str | None:
    """
    Give who calls, where the platform's sign-in is trusted (TRUST_PLATFORM_IDENTITY); None where it is not.

    Raises `Unidentified` if the platform names nobody, or not as a platform would.
    """
    if not settings.trust_platform_identity:
        return None
    principal: str = request.headers.get("x-ms-client-principal-id", "").strip()
    if not _PRINCIPAL.fullmatch(principal):
        raise Unidentified("the platform has not established who is calling")
    return principal
