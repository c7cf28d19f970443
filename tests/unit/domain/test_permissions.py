from typing import Any

import pytest

from shared.domain.errors import NotAllowed
from shared.domain.permissions import check_allowed
from shared.domain.validation import validate_erasure
from tests.unit.domain.bodies import erasure_body, export_body, read_export, whole_body


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
