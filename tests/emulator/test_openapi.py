"""Every answer of a whole session fits Microsoft's own OpenAPI of v3.3."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from local.custom_vision.control import EmulatorControl
from tests.emulator.conftest import REFERENCE, Api
from tests.emulator.session import Exchange, drive

SPEC = REFERENCE / "spec" / "v3.3" / "Training.2020-classic-ids.json"
pytestmark = pytest.mark.skipif(not SPEC.exists(), reason="needs the OpenAPI of Microsoft in ../shared/reference/spec")

# Declared as not nullable, and null in recorded answers (`image` of a refused upload: our choice).
NULL_IN_REALITY = {
    *("publishName", "originalPublishResourceId", "domainId", "classificationType", "exportableTo", "downloadUri"),
    *("detectionParameters", "thumbnailUri", "application", "continuation", "tags", "tagName", "image", "tagIds"),
}


def _json_schema(node: Any, nullable: bool = False) -> Any:
    """A Swagger 2 schema as a JSON Schema: nulls where they are allowed, no fields that are not declared."""
    if isinstance(node, list):
        return [_json_schema(one) for one in node]
    if not isinstance(node, dict):
        return node
    schema = {name: _json_schema(value) for name, value in node.items() if name not in ("properties", "x-nullable")}
    if "properties" in node:
        schema["properties"] = {
            name: _json_schema(value, name in NULL_IN_REALITY) for name, value in node["properties"].items()
        }
        schema.setdefault("additionalProperties", False)
    return {"anyOf": [schema, {"type": "null"}]} if nullable or node.get("x-nullable") else schema


@pytest.fixture(scope="module")
def spec() -> Any:
    return json.loads(SPEC.read_text(encoding="utf-8-sig"))


@pytest.fixture
def validate(spec: Any) -> Callable[[Exchange], list[str]]:
    definitions = {name: _json_schema(schema) for name, schema in spec["definitions"].items()}
    operations = {one["operationId"]: one for path in spec["paths"].values() for one in path.values()}

    def check(exchange: Exchange) -> list[str]:
        responses = operations[exchange.operation]["responses"]
        response = responses.get(str(exchange.status), responses["default"] if exchange.status >= 400 else None)
        if response is None:
            return [f"{exchange.operation}: {exchange.status} is not declared"]
        if "schema" not in response or response["schema"].get("type") == "file":
            return [] if isinstance(exchange.body, bytes | None) else [f"{exchange.operation}: body not declared"]
        schema = {"definitions": definitions} | _json_schema(response["schema"])
        found = Draft202012Validator(schema, format_checker=FormatChecker(["uuid"])).iter_errors(exchange.body)
        return [f"{exchange.operation} {exchange.status} {list(error.path)}: {error.message}" for error in found]

    return check


def test_every_answer_of_a_session_fits_the_specification(
    api: Api, control: EmulatorControl, validate: Callable[[Exchange], list[str]]
) -> None:
    faults = [fault for exchange in drive(api, control) for fault in validate(exchange)]
    assert faults == []


def test_the_session_reaches_every_operation_but_region_proposals(
    api: Api, control: EmulatorControl, spec: Any
) -> None:
    declared = {one["operationId"] for path in spec["paths"].values() for one in path.values()}
    assert declared - {exchange.operation for exchange in drive(api, control)} == {"GetImageRegionProposals"}


def test_the_check_notices_wrong_answers(validate: Callable[[Exchange], list[str]]) -> None:
    assert validate(Exchange("GetTags", 200, [{"id": "no guid"}]))
    assert validate(Exchange("GetTags", 200, [{"name": 1}]))
    assert validate(Exchange("GetTags", 200, [{"surprise": True}]))
    assert validate(Exchange("GetTags", 404, {"error": {"code": "404"}}))
    assert validate(Exchange("DeleteTag", 200, None))
