"""Every answer of a whole session is one that the document announces, and the document announces no other."""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from request_function.openapi import document
from shared.domain.subject_request import RequestStatus
from tests.fuzz.driven import Exchange, Session
from tests.unit.in_process import region
from tests.verify.ledgers import key_pair

type Json = dict[str, Any]


@pytest.fixture(scope="module")
def session() -> Iterator[list[Exchange]]:
    with region() as one:
        yield Session(one).drive(RECEIPT_SIGNING_KEY=key_pair().private, RECEIPT_RETIRED_KEYS=key_pair("ES256").public)


def operations() -> dict[str, Json]:
    """Give the document's operations by the name of their function."""
    paths: dict[str, Json] = document()["paths"]
    return {operation["operationId"]: operation for path in paths.values() for operation in path.values()}


def closed(node: Any) -> Any:
    """Give a schema that allows no member that it does not name: an answer may not say more than the document."""
    if isinstance(node, list):
        return [closed(one) for one in node]
    if not isinstance(node, dict):
        return node
    schema = {name: closed(value) for name, value in node.items()}
    return schema | {"additionalProperties": False} if "properties" in node and "type" in node else schema


def faults(exchange: Exchange) -> list[str]:
    """Give what is wrong with an answer by the document."""
    where = f"{exchange.function} {exchange.status}"
    response = operations()[exchange.function]["responses"].get(str(exchange.status))
    if response is None:
        return [f"{where} is not announced"]
    missing = [
        f"{where}: no {name}"
        for name, header in response.get("headers", {}).items()
        if header["required"] and name not in exchange.headers
    ]
    content = response.get("content", {exchange.media_type: {"schema": {}}})
    if exchange.media_type not in content:
        return [*missing, f"{where}: {exchange.media_type} is not announced"]
    schema = closed({"components": document()["components"], **content[exchange.media_type]["schema"]})
    found = Draft202012Validator(schema).iter_errors(exchange.body)
    return missing + [f"{where} {error.json_path}: {error.message}" for error in found]


def test_every_answer_is_as_the_document_says(session: list[Exchange]) -> None:
    assert [fault for exchange in session for fault in faults(exchange)] == []


def test_every_code_of_the_document_is_answered(session: list[Exchange]) -> None:
    announced = {(name, int(code)) for name, operation in operations().items() for code in operation["responses"]}
    answered = {(exchange.function, exchange.status) for exchange in session}
    by_host = {(name, code) for name, code in announced if code == HTTPStatus.UNAUTHORIZED}
    assert answered <= announced
    assert announced - answered <= by_host


def test_the_session_has_seen_every_status(session: list[Exchange]) -> None:
    seen = {e.body["request_status"] for e in session if e.function == "get_request" and e.status == 200}
    assert seen == {status.value for status in RequestStatus} - {RequestStatus.PLANNING.value}  # over in one step here


WRONG: list[Json] = [
    {"request_status": "done"},
    {"reason": "because"},
    {"surprise": 1},
    {"counts": {"pictures": {"found": 1}}},
    {"links": {"self": "/api/x"}},
    {"failures": [{"store": "images"}]},
]


def test_the_check_notices_wrong_answers(session: list[Exchange]) -> None:
    status = next(e for e in session if e.function == "get_request" and e.status == 200)
    assert faults(status) == []
    for change in WRONG:
        assert faults(replace(status, body=status.body | change)), change
    assert faults(replace(status, status=418))
    assert faults(replace(status, media_type="text/plain"))
