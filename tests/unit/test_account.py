"""Ids, kinds and rows of accounts: what is read of them, and what is left out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.account import (
    AccountId,
    DeletedAccount,
    address_parts,
    key_names,
    kind_of,
    may_be_erased,
    may_hold_custom_vision,
    says_absent,
    short_location,
    state_of,
    without_secrets,
)
from shared.domain.errors import AccessDenied, ResourceAbsent
from shared.domain.links import without_links
from shared.ports_account import Operation

SUBSCRIPTION = "5AB5C411-0000-4000-A000-000000000001"
ID = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Rg_(1).x/providers/Microsoft.CognitiveServices/accounts/faces-1"
PLACE = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CognitiveServices/locations/West US/resourceGroups/Rg_(1).x"
DELETED = {"id": f"{PLACE}/deletedAccounts/FACES-1", "kind": "customvision.training"}


def test_an_arm_id_is_read_in_any_case_and_with_a_slash_at_its_end() -> None:
    account = AccountId.parse(ID.upper() + "/")
    assert account is not None
    assert (account.subscription, account.group, account.name) == (SUBSCRIPTION.lower(), "RG_(1).X", "FACES-1")


def test_the_path_of_an_id_is_quoted_and_reads_back() -> None:
    account = AccountId.parse(ID.replace("Rg_(1).x", "gruppe-ä"))
    assert account is not None
    assert "/resourceGroups/gruppe-%C3%A4/providers/Microsoft.CognitiveServices/accounts/faces-1" in account.path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "faces-1",
        ID + "/listKeys",
        ID.replace("CognitiveServices", "Storage"),
        ID.replace("faces-1", ".."),
        ID.replace("faces-1", "a?b=c"),
        ID.replace("faces-1", "a/../b"),
        ID.replace("Rg_(1).x", ".."),
        ID.replace("Rg_(1).x", "group."),
        ID.replace("Rg_(1).x", "a b"),
        ID.replace(SUBSCRIPTION, "no-guid"),
        ID + "\n",
    ],
)
def test_what_is_no_id_of_an_account_is_none(text: str) -> None:
    assert AccountId.parse(text) is None


def test_a_deleted_account_is_known_again_in_any_case() -> None:
    account, deleted = AccountId.parse(ID), DeletedAccount.from_row(DELETED)
    assert account is not None
    assert deleted is not None
    assert account.same_as(deleted)
    assert (deleted.location, deleted.kind) == ("westus", "CustomVision.Training")


def test_an_account_of_the_same_name_in_another_group_is_another_one() -> None:
    account, deleted = AccountId.parse(ID.replace("Rg_(1).x", "other")), DeletedAccount.from_row(DELETED)
    assert account is not None
    assert deleted is not None
    assert not account.same_as(deleted)


@pytest.mark.parametrize(
    "row", [{}, {"id": None}, {"id": ID}, {"id": f"{PLACE}/deletedAccounts/a".replace("West US", "?")}]
)
def test_a_row_of_another_form_is_no_deleted_account(row: dict[str, Any]) -> None:
    assert DeletedAccount.from_row(row) is None


@pytest.mark.parametrize(
    ("text", "short"), [("West US", "westus"), ("westeurope", "westeurope"), ("../x", None), ("", None)]
)
def test_a_location_is_its_short_name_or_none(text: str, short: str | None) -> None:
    assert short_location(text) == short


@pytest.mark.parametrize(
    ("kind", "erased", "holds"),
    [
        ("CustomVision.Training", True, True),
        ("customvision.prediction", True, True),
        ("CognitiveServices", False, True),
        ("AIServices", False, True),
        ("TextAnalytics", False, False),
        ("", False, False),
    ],
)
def test_only_accounts_of_custom_vision_alone_may_be_erased(kind: str, erased: bool, holds: bool) -> None:
    read = kind_of({"kind": kind})
    assert (may_be_erased(read), may_hold_custom_vision(read)) == (erased, holds)


@pytest.mark.parametrize(
    ("code", "absent"),
    [("ResourceNotFound", True), ("ResourceGroupNotFound", True), ("SubscriptionNotFound", False), ("", False)],
)
def test_only_some_404s_say_that_an_account_is_gone(code: str, absent: bool) -> None:
    assert says_absent(ResourceAbsent("Accounts - Get", status=404, code=code)) is absent
    assert not says_absent(AccessDenied("Accounts - Get", status=403, code=code))


@pytest.mark.parametrize(
    ("row", "deleted", "state"),
    [
        ({"properties": {"provisioningState": "Succeeded"}}, False, "present"),
        ({}, True, "present"),
        ({"properties": {"provisioningState": "Deleting"}}, False, "going"),
        (None, True, "recoverable"),
        (None, False, "absent"),
    ],
)
def test_an_account_stands_where_its_two_lists_say(row: Any, deleted: bool, state: str) -> None:
    assert state_of(row, DeletedAccount.from_row(DELETED) if deleted else None) == state


def test_an_address_keeps_scheme_host_and_path_alone() -> None:
    secret = "https://user:pw@models.blob.core.windows.net:444/models?sv=1&sig=abc#x"
    assert address_parts(secret) == {"scheme": "https", "host": "models.blob.core.windows.net:444", "path": "/models"}


@pytest.mark.parametrize("text", ["", "no address", "https://[", "https://host:port/", "?sig=abc"])
def test_what_is_no_address_has_no_parts(text: str) -> None:
    assert address_parts(text) is None


def test_a_row_keeps_its_facts_and_loses_its_secrets() -> None:
    row = {
        "tags": {"key1": "mine", "password": "mine too"},
        "properties": {
            "callRateLimit": {"rules": [{"key": "default", "count": 10}]},
            "encryption": {
                "keySource": "Microsoft.KeyVault",
                "keyVaultProperties": {"keyName": "k", "keyVaultUri": "https://v/"},
            },
            "apiProperties": {
                "qnaAzureSearchEndpointKey": "s",
                "storageAccountConnectionString": "s",
                "websiteName": "w",
            },
        },
    }
    assert without_secrets(row) == {
        "tags": {"key1": "mine", "password": "mine too"},
        "properties": {
            "callRateLimit": {"rules": [{"key": "default", "count": 10}]},
            "encryption": {
                "keySource": "Microsoft.KeyVault",
                "keyVaultProperties": {"keyName": "k", "keyVault": {"scheme": "https", "host": "v", "path": "/"}},
            },
            "apiProperties": {"websiteName": "w"},
        },
    }


SECRET = "c2VjcmV0LXZhbHVl"
NAMES = ["Keys", "PrimaryKey", "accessToken", "adminPassword", "clientSecret", "connectionString"]
LINKS = ["downloadUri", "imageUrl", "exportModelContainerUri"]


@given(
    st.recursive(
        st.dictionaries(st.sampled_from(NAMES), st.just(SECRET), max_size=3)
        | st.dictionaries(
            st.sampled_from(LINKS), st.just(f"https://a.blob.core.windows.net/c?sig={SECRET}"), max_size=3
        ),
        lambda inner: st.dictionaries(st.sampled_from(["a", "properties", "Keys"]), inner) | st.lists(inner),
    )
)
def test_no_secret_is_left_however_deep_it_stands(row: Any) -> None:
    shown = without_secrets(row)
    assert SECRET not in json.dumps(shown)
    assert without_links(shown) == shown


def test_keys_are_named_in_order_and_without_values() -> None:
    assert key_names({"key2": "b", "key1": "a"}) == ["key1", "key2"]
    pair = {"PrimaryKey": "a", "SecondaryKey": "b"}
    names = [
        "PredictionKeys.PrimaryKey",
        "PredictionKeys.SecondaryKey",
        "TrainingKeys.PrimaryKey",
        "TrainingKeys.SecondaryKey",
    ]
    assert key_names({"TrainingKeys": pair, "PredictionKeys": pair}) == names
    assert key_names(None) == []


def test_an_operation_reads_back_from_its_note() -> None:
    operation = Operation(
        "purge", "/subscriptions/s/providers/Microsoft.CognitiveServices/locations/x/operationStatuses/1"
    )
    assert Operation.from_note(json.loads(json.dumps(operation.to_note()))) == operation


@pytest.mark.parametrize("note", [{}, {"kind": "other", "path": "/"}, {"kind": "delete", "path": 1}])
def test_a_note_of_another_form_is_no_operation(note: dict[str, object]) -> None:
    assert Operation.from_note(note) is None
