"""The document says of a body what the validation says, neither more nor less."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from request_function.approval import Approval
from request_function.openapi import document
from shared.domain.errors import InvalidRequest
from shared.domain.validation import validate_erasure
from tests.unit.domain.bodies import ACCOUNT, ID, erasure_body, export_body, read_export, whole_body

ABSENT = object()
JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, "", "x", "all", [], {}, [1], [""], {"": ""}, {"ids": []}, {"x": 1}]
)
TIMES = [
    "2026-11-24T09:00:00Z",
    "2026-11-24t09:00:00.123456789z",
    "2026-11-24 23:59:59-23:59",
    "2024-02-29T00:00:00Z",
    "2000-02-29T00:00:00Z",
    "0004-02-29T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-00-10T00:00:00Z",
    "0000-01-01T00:00:00Z",
    "2026-01-01T00:00:00+24:00",
    "2026-13-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-01-01T00:00:60Z",
    "2026-01-01T00:00:00",
    "٢٠٢٦-11-24T09:00:00Z",
]
IDS = st.sampled_from([ID, ID.upper(), "0f8fad5b", f"{{{ID}}}", ID.replace("-", ""), f"{ID} "]) | st.uuids().map(str)
TEXTS = st.text(max_size=3) | st.sampled_from(["a" * 512, "a" * 513, "\U0001f600" * 512])


def perhaps(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give objects with any of some members, now and then with junk as a value, or with an unknown member."""
    mixed = {name: st.one_of(values, values, values, JUNK) for name, values in members.items()}
    unknown = st.sampled_from([{}] * 12 + [{"unknown": 1}])
    return st.builds(lambda known, more: known | more, st.fixed_dictionaries({}, optional=mixed), unknown)


ID_LISTS = st.lists(IDS, max_size=3)
TEXT_LISTS = st.lists(TEXTS, max_size=3)
SELECTORS = perhaps(ids=ID_LISTS, tags=TEXT_LISTS, metadata=st.dictionaries(TEXTS, TEXTS | JUNK, max_size=2))
PREDICTIONS = st.booleans() | perhaps(ids=ID_LISTS)
USUAL = {
    "subject_request_id": IDS,
    "subject_request_type": st.sampled_from(["access", "portability", "erasure", "Access"]),
    "regulation": st.sampled_from(["gdpr", "ccpa", "GDPR"]),
    "submitted_time": st.sampled_from(TIMES),
    "requested_by": st.sampled_from(["a", "A-9" * 21, "a" * 65, "a@b", "ä", "a b", ""]),
}
PROJECTS = st.just("all") | TEXT_LISTS
EXPORTS = perhaps(
    **USUAL,
    scope=perhaps(projects=PROJECTS, images=SELECTORS, predictions=PREDICTIONS),
    options=perhaps(
        package=st.sampled_from(["zip", "none", "tar"]),
        formats=st.lists(st.sampled_from(["coco", "csv", "xml"]), max_size=3),
        checksums=st.sampled_from(["service", "sha256"]),
        account=st.booleans(),
        include_keys=st.booleans(),
    ),
)
ACCOUNTS = st.sampled_from(
    [ACCOUNT, ACCOUNT.upper(), f"{ACCOUNT}/", f"{ACCOUNT}/x", "a", ACCOUNT.replace("Groups/g", "Groups/g.")]
)
CONFIRMATIONS = perhaps(projects=TEXT_LISTS, all_projects=st.booleans(), account=TEXTS, resources=TEXT_LISTS)
ERASURE_OPTIONS = perhaps(
    trained_iterations=st.sampled_from(["keep", "unpublish", "delete", "no"]),
    confirm=CONFIRMATIONS,
    dry_run=st.booleans(),
    keep_exports=ID_LISTS,
)
ERASURES = perhaps(
    **USUAL,
    scope=perhaps(
        level=st.sampled_from(["items", "projects", "account", "all"]),
        projects=PROJECTS,
        images=SELECTORS,
        predictions=PREDICTIONS,
        account=ACCOUNTS,
    ),
    options=ERASURE_OPTIONS,
)


def changed(body: dict[str, Any], place: tuple[str, str], value: object) -> dict[str, Any]:
    """Give a body with one member of its scope or options (or of itself) set, or taken away."""
    part, name = place
    copy: dict[str, Any] = json.loads(json.dumps(body))
    members = copy.setdefault(part, {}) if part else copy
    members.pop(name, None)
    if value is not ABSENT:
        members[name] = value
    return copy


def one_change(*bodies: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Give valid bodies with one member changed: both verdicts are frequent then."""
    values = {
        ("scope", "level"): st.sampled_from(["items", "projects", "account"]),
        ("scope", "projects"): PROJECTS,
        ("scope", "images"): SELECTORS,
        ("scope", "predictions"): PREDICTIONS,
        ("scope", "account"): ACCOUNTS,
        ("options", "trained_iterations"): st.sampled_from(["keep", "unpublish", "delete"]),
        ("options", "confirm"): CONFIRMATIONS,
        ("options", "account"): st.booleans(),
        ("options", "include_keys"): st.booleans(),
        ("options", "formats"): st.lists(st.sampled_from(["coco", "csv"])),
        ("options", "keep_exports"): ID_LISTS,
        **{("", name): strategy for name, strategy in USUAL.items()},
        ("", "options"): st.just({}),
    }
    one = st.one_of(
        [st.tuples(st.just(place), values[place] | JUNK | st.just(ABSENT)) for place in sorted(values)],
    )
    return st.builds(lambda body, change: changed(body, *change), st.sampled_from(bodies), one)


VALID_EXPORTS = (
    export_body(),
    export_body({"projects": ["p"], "predictions": False}, options={"account": True}),
    export_body({"projects": "all", "images": {"ids": [ID]}, "predictions": {"ids": [ID]}}),
    export_body({"projects": "all", "predictions": {"ids": [ID]}}),
)
VALID_ERASURES = (
    erasure_body(),
    erasure_body({"predictions": {"ids": [ID]}}),
    {"scope": {"level": "items", "projects": "all", "predictions": {"ids": [ID]}}},
    whole_body("projects"),
    whole_body("account"),
)


@cache
def schema_of(name: str) -> Draft202012Validator:
    """Give the validator of a schema of the document."""
    whole = {"$ref": f"#/components/schemas/{name}", "components": document()["components"]}
    return Draft202012Validator(whole)


READERS: dict[str, Callable[[object], object]] = {
    "ExportRequest": read_export,
    "ErasureRequest": validate_erasure,
    "Approval": lambda body: Approval.read(body, None),
}


def is_accepted(name: str, body: object) -> bool:
    """Ask the validation."""
    try:
        READERS[name](body)
    except InvalidRequest:
        return False
    return True


@pytest.mark.parametrize("body", VALID_EXPORTS)
def test_the_examples_of_exports_are_valid(body: dict[str, Any]) -> None:
    assert is_accepted("ExportRequest", body)


@pytest.mark.parametrize("body", VALID_ERASURES)
def test_the_examples_of_erasures_are_valid(body: dict[str, Any]) -> None:
    assert is_accepted("ErasureRequest", body)


@given(one_change(*VALID_EXPORTS) | EXPORTS | JUNK)
def test_of_exports_the_document_says_what_the_validation_says(body: object) -> None:
    assert schema_of("ExportRequest").is_valid(body) == is_accepted("ExportRequest", body)


@given(one_change(*VALID_ERASURES) | ERASURES | JUNK)
def test_of_erasures_the_document_says_what_the_validation_says(body: object) -> None:
    assert schema_of("ErasureRequest").is_valid(body) == is_accepted("ErasureRequest", body)


APPROVALS = perhaps(
    decision=st.sampled_from(["approve", "reject", "Approve"]),
    plan_hash=TEXTS | st.sampled_from(["sha256:" + "0" * 64, "a" * 100, "a" * 101]),
    approver=USUAL["requested_by"],
    reason=TEXTS | st.sampled_from(["a" * 500, "a" * 501]),
)


@given(APPROVALS | JUNK)
def test_of_approvals_the_document_says_what_the_validation_says(body: object) -> None:
    assert schema_of("Approval").is_valid(body) == is_accepted("Approval", body)
