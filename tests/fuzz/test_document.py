"""The document is OpenAPI, names every route and no other, and uses the words of the code."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from azure.functions.decorators.function_app import Function
from jsonschema import Draft202012Validator

from request_function import openapi_words as words
from request_function.openapi import document
from shared.domain.receipt import residual
from shared.domain.subject_request import RequestStatus, RequestType
from tests.functions.conftest import App, app_of
from tests.test_architecture import app_modules, tree_of

ROOT = Path(__file__).resolve().parents[2]
RECEIPT = json.loads((ROOT / "docs" / "receipt.schema.json").read_text())
CONTRACT = ROOT.parent / "shared" / "CONTRACT.md"

type Json = dict[str, Any]


@pytest.fixture(scope="module")
def app() -> App:
    return app_of({})


def trigger_of(function: Function) -> Json:
    trigger = function.get_trigger()
    assert trigger is not None
    return dict(trigger.get_dict_repr())


def test_it_is_openapi() -> None:
    schema = schemathesis.openapi.from_dict(document())
    schema.validate()
    assert "3.1" in str(schema.specification.version)


@pytest.mark.parametrize("name", sorted(document()["components"]["schemas"]))
def test_every_schema_is_one_and_is_used(name: str) -> None:
    Draft202012Validator.check_schema(document()["components"]["schemas"][name])
    assert f'"#/components/schemas/{name}"' in json.dumps(document())


def test_no_reference_leads_nowhere() -> None:
    names = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(document())))
    assert names <= document()["components"]["schemas"].keys()


def test_the_routes_are_those_of_the_functions(app: App) -> None:
    served = set()
    for name, function in app.functions.items():
        trigger = trigger_of(function)
        if trigger["type"] == "httpTrigger":
            anonymous = str(getattr(trigger["authLevel"], "value", trigger["authLevel"])).upper() == "ANONYMOUS"
            methods = [str(getattr(method, "value", method)).lower() for method in trigger["methods"]]
            served |= {(method, f"/api/{trigger['route']}", name, anonymous) for method in methods}
    described = {
        (method, path, operation["operationId"], operation.get("security") == [])
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }
    assert described == served


def test_it_is_answered_to_anybody(app: App) -> None:
    answer = app.call("get_openapi")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert json.loads(answer.get_body()) == document()


def test_no_cold_start_pays_for_it() -> None:
    script = "import function_app, sys; print([name for name in sys.modules if 'openapi' in name])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env={}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_types_and_statuses_are_the_codes() -> None:
    assert tuple(RequestType) == words.TYPES
    assert tuple(RequestStatus) == words.STATUSES
    assert RECEIPT["properties"]["request_status"]["enum"] == list(words.FINAL_STATUSES)


def test_stores_reasons_and_residuals_are_those_of_the_receipt() -> None:
    properties = RECEIPT["properties"]
    assert properties["stores"]["propertyNames"]["enum"] == list(words.STORES)
    assert properties["reason"]["enum"] == [None, *words.REASONS]
    assert RECEIPT["$defs"]["residual"]["properties"]["code"]["enum"] == list(words.RESIDUALS)


def test_the_receipt_is_the_receipts_schema() -> None:
    schema = document()["components"]["schemas"]["Receipt"]
    assert schema["required"] == RECEIPT["required"]
    assert schema["properties"].keys() == RECEIPT["properties"].keys()


def literals(*calls: str) -> set[str]:
    """Give the texts that the app's code hands to some calls, or names as `reason=`."""
    found = set()
    for path in app_modules().values():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                first = [node.args[0]] if node.args and ast.unparse(node.func) in calls else []
                named = [keyword.value for keyword in node.keywords if keyword.arg == "reason" and "reason" in calls]
                found |= {n.value for n in (*first, *named) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return found


def test_every_reason_of_the_code_is_a_word_of_the_document() -> None:
    used = literals("CannotFulfil", "reason")
    assert {"project_not_found", "expired", "id_in_use"} <= used
    assert used <= {*words.REASONS, *words.CONFLICT_REASONS}


def test_every_residual_of_the_code_is_a_word_of_the_document() -> None:
    used = literals("residual")
    assert len(used) > 5
    assert used <= set(words.RESIDUALS)
    assert all(residual(code)["source"] for code in used)


def test_the_code_uses_every_reason() -> None:
    texts = {
        node.value
        for name, path in app_modules().items()
        if not name.startswith("request_function.openapi")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Constant)
    }
    assert set(words.REASONS) - texts <= {"not_supported_yet", "export_running"}  # kept: the list is closed


def contract_list(beginning: str) -> set[str]:
    """Give the words in backticks of the sentence that begins so."""
    sentence = re.split(r"[.]\s", CONTRACT.read_text().split(f"\n{beginning}")[1])[0]
    return {word for listed in re.findall(r"`([a-z0-9_,\s]+)`", sentence) for word in re.split(r",\s", listed)}


@pytest.mark.skipif(not CONTRACT.exists(), reason="the contract is not beside this checkout")
@pytest.mark.parametrize(
    ("listed", "beginning"),
    [
        (words.STORES, "Stores: "),
        ({*words.REASONS, "completed"}, "Reasons (closed list): "),  # "nothing_matched (the last also with completed)"
        (words.RESIDUALS, "Residual codes: "),
        (words.STATUSES, "`request_status`: "),
    ],
)
def test_the_lists_are_those_of_the_contract(listed: Collection[str], beginning: str) -> None:
    assert set(listed) == contract_list(beginning)
