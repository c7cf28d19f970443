from collections.abc import Sequence
from typing import Any

import pytest

from shared.domain.errors import InvalidRequest, NotAllowed, Violation
from shared.domain.permissions import check_allowed, check_supported
from shared.domain.validation import validate_erasure
from tests.unit.domain.bodies import ID, erasure_body, export_body, read_export, whole_body


def test_the_level_account_needs_its_setting() -> None:
    request = validate_erasure(whole_body("account"))
    with pytest.raises(NotAllowed) as refused:
        check_allowed(request, account_deletion=False, key_export=False)
    (violation,) = refused.value.violations
    assert violation.pointer == "/scope/level"
    assert "ALLOW_ACCOUNT_DELETION" in violation.detail
    check_allowed(request, account_deletion=True, key_export=False)


def test_keys_in_an_export_need_their_setting() -> None:
    request = read_export(export_body(options={"include_keys": True}))
    with pytest.raises(NotAllowed) as refused:
        check_allowed(request, account_deletion=True, key_export=False)
    (violation,) = refused.value.violations
    assert violation.pointer == "/options/include_keys"
    assert "ALLOW_KEY_EXPORT" in violation.detail
    check_allowed(request, account_deletion=False, key_export=True)


@pytest.mark.parametrize(
    "body",
    [erasure_body(), whole_body("projects"), erasure_body(options={"trained_iterations": "keep", "dry_run": True})],
)
def test_the_other_erasures_need_no_setting(body: dict[str, Any]) -> None:
    check_allowed(validate_erasure(body), account_deletion=False, key_export=False)


def test_what_this_version_does_is_let_through() -> None:
    check_supported(read_export(export_body(), package="none"))
    check_supported(read_export(export_body({"projects": "all", "images": {"tags": ["a"]}}), package="none"))
    check_supported(validate_erasure(erasure_body()))


@pytest.mark.parametrize(
    "body",
    [whole_body("account"), whole_body("projects", delete_tags=True), erasure_body({"predictions": {"ids": [ID]}})],
)
def test_what_is_not_built_is_refused_in_so_many_words(body: dict[str, Any]) -> None:
    violations: Sequence[Violation] = ()
    try:
        check_supported(validate_erasure(body))
    except InvalidRequest as refused:
        violations = refused.violations
    assert all("not supported yet" in violation.detail for violation in violations)
