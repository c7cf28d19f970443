import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from shared.adapters.custom_vision_errors import Refusal, code_and_message, error_of
from shared.domain.errors import (
    AccessDenied,
    GdprError,
    RequestTooLong,
    ResourceAbsent,
    ServiceRefusal,
    ServiceUnavailable,
    StateConflict,
    Throttled,
    TransientError,
    UnexpectedResponse,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HTML = b"<html><body>nginx</body></html>"


def service(code: str, message: str = "") -> bytes:
    return json.dumps({"code": code, "message": message}).encode()


def gateway(code: str, message: str = "") -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


def refused(
    status: int, body: bytes = b"", query_length: int = 0, headers: Mapping[str, str] = MappingProxyType({})
) -> GdprError:
    return error_of("GetImages", Refusal(status, CaseInsensitiveDict(headers), body, query_length), NOW)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (service("NotFoundProject", "gone"), ("NotFoundProject", "gone")),
        (gateway("429", "slow down"), ("429", "slow down")),
        (b'{"Code":"BadRequestExportAlreadyInProgress","Message":""}', ("BadRequestExportAlreadyInProgress", "")),
        (b'{"ERROR":{"CODE":"401","MESSAGE":"no"}}', ("401", "no")),
        (b'{"code":null,"message":null}', ("", "")),
        (b'{"error":"text"}', ("", "")),
        (b'{"error":null,"code":"X"}', ("X", "")),
        (b'{"code":"Anna Schmidt <a@b.example>"}', ("", "")),  # no code looks like that, a person does
        (b'{"code":429}', ("429", "")),
        (b"[]", ("", "")),
        (b'"text"', ("", "")),
        (b'{"code":"NotFou', ("", "")),
        (HTML, ("", "")),
        (b"", ("", "")),
        (b"\xff\xfe\x00", ("", "")),
    ],
)
def test_all_forms_of_error_bodies_are_read(body: bytes, expected: tuple[str, str]) -> None:
    assert code_and_message(body) == expected


@given(st.binary(max_size=60))
def test_no_body_breaks_the_reading(body: bytes) -> None:
    assert len(code_and_message(body)) == 2


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (400, service("BadRequestIterationIsPublished"), StateConflict),
        (400, service("BadRequestTrainingAlreadyInProgress"), StateConflict),
        (400, service("BadRequestExportWhileTraining"), StateConflict),
        (400, service("BadRequestExportAlreadyInProgress"), StateConflict),
        (403, service("ForbiddenDRModeEnabled"), StateConflict),
        (409, service("ConflictInvalid"), StateConflict),
        (409, b"", StateConflict),
        (400, service("BadRequestExceededBatchSize"), UnexpectedResponse),
        (404, service("NotFoundIterationPerformance"), UnexpectedResponse),
        (400, service("BadRequestIterationIsNotTrained"), UnexpectedResponse),
        (400, HTML, UnexpectedResponse),
        (404, service("NotFoundProject"), ResourceAbsent),
        (404, gateway("404"), ResourceAbsent),
        (401, gateway("401"), AccessDenied),
        (403, service("ForbiddenUserInsufficientCapability"), AccessDenied),
        (403, HTML, AccessDenied),
        (414, HTML, RequestTooLong),
        (431, b"", RequestTooLong),
        (415, service("UnsupportedMediaType"), UnexpectedResponse),
        (302, b"", UnexpectedResponse),
        (206, b"", UnexpectedResponse),
        (408, b"", Throttled),
        (429, gateway("429"), Throttled),
        (500, service("ErrorUnknown"), ServiceUnavailable),
        (502, HTML, ServiceUnavailable),
        (503, b"", ServiceUnavailable),
        (504, b"", ServiceUnavailable),
        (599, b"", ServiceUnavailable),
    ],
)
def test_the_type_of_the_error_says_what_to_do_next(status: int, body: bytes, expected: type[GdprError]) -> None:
    assert type(refused(status, body)) is expected


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("body", [b"", HTML, gateway("404")])
def test_a_hop_that_refuses_a_long_query_is_no_proof_of_absence(status: int, body: bytes) -> None:
    assert type(refused(status, body, query_length=10_000)) is RequestTooLong


def test_the_services_own_404_stands_however_long_the_query() -> None:
    assert type(refused(404, service("NotFoundProject"), query_length=10_000)) is ResourceAbsent


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        ({"Retry-After": "7"}, b"", 7.0),
        ({"retry-after": "Tue, 24 Nov 2026 09:00:09 GMT"}, b"", 9.0),
        ({}, gateway("429", "Please retry after 17 seconds."), 17.0),
        ({"Retry-After": "3"}, gateway("429", "retry after 17 seconds"), 3.0),
        ({}, gateway("429", "too many"), None),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_the_wished_delay_comes_along(status: int, headers: dict[str, str], body: bytes, expected: float) -> None:
    error = refused(status, body, headers=headers)
    assert isinstance(error, TransientError)
    assert error.retry_after == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"apim-request-id": "A", "Request-Id": "R"}, "A"),
        ({"Request-Id": "R"}, "R"),
        ({}, None),
    ],
)
@pytest.mark.parametrize("status", [404, 429])
def test_errors_carry_operation_status_code_and_request_id(
    status: int, headers: dict[str, str], expected: str | None
) -> None:
    error = refused(status, service("NotFoundProject", "secret message"), headers=headers)
    assert isinstance(error, ServiceRefusal | TransientError)
    assert (error.operation, error.status, error.request_id) == ("GetImages", status, expected)
    assert "secret" not in repr(error) + str(vars(error))
