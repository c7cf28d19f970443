"""Bodies of requests for the tests of validation, and what validation makes of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.subject_request import SubjectRequest
from shared.domain.validation import validate_erasure, validate_export

type Body = dict[str, Any]

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
ACCOUNT = (
    "/subscriptions/3f2504e0-4f89-41d3-9a0c-0305e82c3301/resourceGroups/g"
    "/providers/Microsoft.CognitiveServices/accounts/a"
)


def export_body(scope: Mapping[str, Any] | None = None, /, **fields: Any) -> Body:
    """Give the smallest export body, with another scope or further fields."""
    return {"scope": {"projects": "all"} if scope is None else dict(scope), **fields}


def erasure_body(scope: Mapping[str, Any] | None = None, /, **fields: Any) -> Body:
    """Give the smallest erasure body at level items, with further members of the scope or further fields."""
    whole = {"level": "items", "projects": "all", "images": {"tags": ["anna"]}} | dict(scope or {})
    return {"scope": whole, "options": {"trained_iterations": "keep"}, **fields}


def whole_body(level: str, scope: Mapping[str, Any] | None = None, **options: Any) -> Body:
    """Give the smallest erasure body at level projects or account."""
    account = {"account": ACCOUNT} if level == "account" else {}
    confirm = {"account": "a"} if level == "account" else {"all_projects": True}
    return {
        "scope": {"level": level, "projects": "all", **account, **(scope or {})},
        "options": {"confirm": confirm} | options,
    }


def read_export(body: object, *, package: str = "zip", account: bool = False) -> SubjectRequest:
    """Validate an export as it comes in over HTTP."""
    return validate_export(body, default_package=package, account_by_default=account)


def export_pointers(body: object) -> list[str]:
    """Give the pointers of all violations of an export body, sorted."""
    with pytest.raises(InvalidRequest) as refused:
        read_export(body)
    return sorted(violation.pointer for violation in refused.value.violations)


def erasure_pointers(body: object) -> list[str]:
    """Give the pointers of all violations of an erasure body, sorted."""
    with pytest.raises(InvalidRequest) as refused:
        validate_erasure(body)
    return sorted(violation.pointer for violation in refused.value.violations)


def resent(request: SubjectRequest) -> Body:
    """Write a request's normal form as the body that a caller would send for it."""
    body = {name: value for name, value in request.to_json().items() if value is not None}
    return body | {"options": {name: value for name, value in body["options"].items() if value is not None}}
