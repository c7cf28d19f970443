"""
What Custom Vision answers, checked to be of the expected kind.

Every reader takes the operation's name and gives a function from response to value. Half an answer is
`OutcomeUnknown` (another try may bring the whole); a whole answer of another kind is `UnexpectedResponse`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, TypeGuard

from requests import Response

from shared.adapters.custom_vision_errors import request_id_of
from shared.domain.errors import OutcomeUnknown, UnexpectedResponse
from shared.domain.identifiers import guid
from shared.domain.resources import Image, Project, Resource, Row, StoredPrediction
from shared.ports import DeletionAnswer, PredictionPage

type Reader[T] = Callable[[str], Callable[[Response], T]]

# Our own word in the place of a service code: the status was fine, the body was not.
UNEXPECTED_BODY = "UnexpectedBody"


def as_row(operation: str) -> Callable[[Response], Row]:
    """Read one JSON object."""

    def read(response: Response) -> Row:
        value = _json(operation, response)
        if not _is_object(value):
            raise _unexpected(operation, response)
        return value

    return read


def as_rows(operation: str) -> Callable[[Response], Sequence[Row]]:
    """Read a list of JSON objects."""

    def read(response: Response) -> Sequence[Row]:
        value = _json(operation, response)
        if not _is_list_of_objects(value):
            raise _unexpected(operation, response)
        return value

    return read


def as_count(operation: str) -> Callable[[Response], int]:
    """Read a bare integer."""

    def read(response: Response) -> int:
        value = _json(operation, response)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise _unexpected(operation, response)
        return value

    return read


def as_resource[R: Resource](kind: type[R]) -> Reader[R]:
    """Read one row with an id."""

    def for_operation(operation: str) -> Callable[[Response], R]:
        row = as_row(operation)
        return lambda response: _resource(operation, response, kind, row(response))

    return for_operation


def as_resources[R: Resource](kind: type[R]) -> Reader[Sequence[R]]:
    """Read a list of rows with ids."""

    def for_operation(operation: str) -> Callable[[Response], Sequence[R]]:
        rows = as_rows(operation)
        return lambda response: [_resource(operation, response, kind, row) for row in rows(response)]

    return for_operation


def as_distinct[R: Resource](kind: type[R]) -> Reader[Sequence[R]]:
    """Read a list that one answer holds whole: rows with ids, each once, as a row that stands twice is one thing."""

    def for_operation(operation: str) -> Callable[[Response], Sequence[R]]:
        resources = as_resources(kind)(operation)
        return lambda response: list({one.id: one for one in resources(response)}.values())

    return for_operation


def as_prediction_page(operation: str) -> Callable[[Response], PredictionPage]:
    """Read `{token, results}`; the last page is told by a continuation that is absent, null or empty."""

    def read(response: Response) -> PredictionPage:
        page = as_row(operation)(response)
        token, results = page.get("token"), page.get("results")
        if not _is_list_of_objects(results) or not (token is None or _is_object(token)):
            raise _unexpected(operation, response)
        predictions = [_resource(operation, response, StoredPrediction, row) for row in results]
        return PredictionPage(predictions, token if token and token.get("continuation") else None)

    return read


def as_deletion(response: Response) -> DeletionAnswer:
    """Tell done from accepted; the body is empty."""
    return DeletionAnswer(response.status_code == 202, request_id_of(response.headers))


def _json(operation: str, response: Response) -> Any:  # noqa: ANN401 (it is whatever the service sent)
    try:
        return json.loads(response.content, parse_constant=str, parse_float=_number)
    except RecursionError:
        begun = False
    except ValueError:
        begun = response.content.lstrip()[:1] in (b"[", b"{")
    if begun:
        raise OutcomeUnknown(operation, status=response.status_code, request_id=request_id_of(response.headers))
    raise _unexpected(operation, response)


def _number(text: str) -> float | str:
    """Read a number; what no JSON could be written of again (too large, as NaN and Infinity) stays as its text."""
    number = float(text)
    return number if isfinite(number) else text


def _resource[R: Resource](operation: str, response: Response, kind: type[R], row: Row) -> R:
    """
    Give the row. Ids become paths, in the service's addresses and in packages, so each is checked where it comes in.

    So is the form of what decisions are made by: an image whose tags cannot be read is not one without tags.
    """
    if guid(row.get("id")) is None or not _has_form_of(kind, row):
        raise _unexpected(operation, response)
    return kind.from_row(row)


def _has_form_of(kind: type[Resource], row: Row) -> bool:
    return all(row.get(name) is None or has_form(row[name]) for name, has_form in _FORMS.get(kind, {}).items())


def _is_object(value: object) -> TypeGuard[Row]:
    return isinstance(value, dict)


def _is_list_of_objects(value: object) -> TypeGuard[list[Row]]:
    return isinstance(value, list) and all(isinstance(part, dict) for part in value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_FORMS: Mapping[type[Resource], Mapping[str, Callable[[object], bool]]] = {
    Project: {"settings": _is_object},
    Image: {
        "tags": _is_list_of_objects,
        "regions": _is_list_of_objects,
        "metadata": _is_object,
        "originalImageUri": _is_text,
    },
    StoredPrediction: {"predictions": _is_list_of_objects, "originalImageUri": _is_text},
}
"""Members of rows that are read further, and what tells that a value has the form that the API gives them."""


def _unexpected(operation: str, response: Response) -> UnexpectedResponse:
    return UnexpectedResponse(
        operation,
        status=response.status_code,
        code=UNEXPECTED_BODY,
        request_id=request_id_of(response.headers),
    )
