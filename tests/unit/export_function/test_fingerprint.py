"""What makes two readings of the accounts the same."""

from typing import Any

import pytest

from export_function.fingerprint import fingerprint_of_accounts

ACCOUNT: dict[str, Any] = {
    "resource": "one.example",
    "account": {"name": "one", "etag": "1", "properties": {"endpoint": "there"}},
    "usages": [{"name": {"value": "a"}, "currentValue": 1.0, "limit": 5.0, "nextResetTime": "2026-12-01"}],
    "key_names": ["key1", "key2"],
}
OLD_ACCOUNT = {"account": {"Email": "a@example.org", "Quotas": {"Tier": "S0", "Projects": {"Total": 9, "Used": 1}}}}


def printed(*facts: dict[str, Any]) -> str:
    return fingerprint_of_accounts(facts)


@pytest.mark.parametrize(
    "other",
    [
        ACCOUNT | {"account": {**ACCOUNT["account"], "etag": "2"}},
        ACCOUNT | {"usages": [{**ACCOUNT["usages"][0], "currentValue": 2.0, "nextResetTime": "2027-01-01"}]},
        ACCOUNT | {"key_names": ["key2", "key1"]},
    ],
)
def test_counters_and_the_order_of_lists_change_nothing(other: dict[str, Any]) -> None:
    assert printed(other) == printed(ACCOUNT)
    assert printed(OLD_ACCOUNT, other) == printed(ACCOUNT, OLD_ACCOUNT)


def test_what_is_used_of_an_old_account_changes_nothing() -> None:
    used = {"Tier": "S0", "Projects": {"Total": 9, "Used": 2, "TimeUntilReset": "1"}}
    assert printed({"account": {**OLD_ACCOUNT["account"], "Quotas": used}}) == printed(OLD_ACCOUNT)


@pytest.mark.parametrize(
    "other",
    [
        ACCOUNT | {"key_names": ["key1"]},
        ACCOUNT | {"usages": [{**ACCOUNT["usages"][0], "limit": 6.0}]},
        ACCOUNT | {"account": None},
        ACCOUNT | {"refused": [{"part": "usages"}]},
    ],
)
def test_everything_else_does(other: dict[str, Any]) -> None:
    assert printed(other) != printed(ACCOUNT)
