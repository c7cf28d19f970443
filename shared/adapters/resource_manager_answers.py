"""
What Azure Resource Manager answers, checked to be of the expected kind.

Addresses that it names (next page, operation) are followed on ARM's own host only, since the token travels along; of an
operation only the path is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, unquote

from requests import Response

from shared.adapters.custom_vision_answers import UNEXPECTED_BODY, as_row
from shared.adapters.custom_vision_errors import code_and_message, request_id_of
from shared.adapters.http_exchange import split_address
from shared.domain.errors import UnexpectedResponse
from shared.domain.resources import Row
from shared.domain.retry import wished_delay
from shared.ports import Clock
from shared.ports_account import DeletionStart, Operation, OperationProgress

ABSENT: Final = "absent"

_OPERATION = re.compile(
    r"/subscriptions/[\w-]{1,64}(/resourceGroups/[^/?#]{1,300})?/providers/Microsoft\.CognitiveServices/[\w./-]{1,400}",
    re.IGNORECASE,
)
_PROGRESS: Mapping[str, Literal["succeeded", "failed"]] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, and where the next one is (empty: there is none)."""

    rows: Sequence[Row]
    path: str
    query: Mapping[str, str]


def as_page(operation: str, host: str) -> Callable[[Response], Page]:
    """Read `{value, nextLink}`; `UnexpectedResponse` for a next page on another host."""

    def read(response: Response) -> Page:
        body = as_row(operation)(response)
        rows, link = body.get("value"), body.get("nextLink")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise _unexpected(operation, response)
        if not link:
            return Page(rows, "", {})
        parts = split_address(str(link))
        if parts is None or parts.netloc.lower() != host:
            raise _unexpected(operation, response)
        return Page(rows, parts.path, dict(parse_qsl(parts.query)))

    return read


def as_keys(operation: str) -> Callable[[Response], Mapping[str, str]]:
    """Read `{key1, key2}`."""

    def read(response: Response) -> Mapping[str, str]:
        keys = as_row(operation)(response)
        if not all(isinstance(value, str) for value in keys.values()):
            raise _unexpected(operation, response)
        return keys

    return read


def as_start(kind: Literal["delete", "purge"], host: str, clock: Clock) -> Callable[[Response], DeletionStart]:
    """Tell done (200) from running (202) and from nothing there (204)."""

    def read(response: Response) -> DeletionStart:
        request_id = request_id_of(response.headers)
        if response.status_code == 204:
            return DeletionStart(ABSENT, request_id=request_id)
        if response.status_code == 200:
            return DeletionStart("done", request_id=request_id)
        return DeletionStart("running", _operation(kind, response, host), _delay(response, clock), request_id)

    return read


def _operation(kind: Literal["delete", "purge"], response: Response, host: str) -> Operation | None:
    """Give the operation to ask, by `Azure-AsyncOperation` (which knows reasons) or `Location`; None if none fits."""
    for name in ("Azure-AsyncOperation", "Location"):
        parts = split_address(response.headers.get(name, ""))
        if parts and parts.netloc.lower() == host and is_operation_path(parts.path):
            return Operation(kind, parts.path)
    return None


def is_operation_path(path: str) -> bool:
    """Say whether a path is one of the provider's own, and free of steps upwards."""
    return bool(_OPERATION.fullmatch(path)) and ".." not in unquote(path).split("/")


def as_progress(operation: str, clock: Clock) -> Callable[[Response], OperationProgress]:
    """Read the state of an operation: by its `status` where the body has one, else by the HTTP status."""

    def read(response: Response) -> OperationProgress:
        delay = _delay(response, clock)
        status = _status(operation, response)
        if status is None:
            return OperationProgress("running" if response.status_code == 202 else "succeeded", delay)
        state = _PROGRESS.get(status.lower())
        if state is None:
            return OperationProgress("running", delay)
        return OperationProgress(state, None, code_and_message(response.content)[0] or None)

    return read


def _status(operation: str, response: Response) -> str | None:
    if not response.content:
        return None
    status: Any = as_row(operation)(response).get("status")
    return status if isinstance(status, str) else None


def _delay(response: Response, clock: Clock) -> float | None:
    return wished_delay(response.headers.get("Retry-After"), "", clock.now())


def _unexpected(operation: str, response: Response) -> UnexpectedResponse:
    return UnexpectedResponse(
        operation, status=response.status_code, code=UNEXPECTED_BODY, request_id=request_id_of(response.headers)
    )
