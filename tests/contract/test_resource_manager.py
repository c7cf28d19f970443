"""The client of Azure Resource Manager against the emulator and scripted answers."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from shared.adapters.http_exchange import Timeouts, make_session
from shared.adapters.resource_manager import API_VERSION, ResourceManagerClient, token_scope
from shared.domain.account import PREDICTION, AccountId
from shared.domain.errors import (
    AccessDenied,
    ConfigurationError,
    OutcomeUnknown,
    ResourceAbsent,
    StateConflict,
    Throttled,
    UnexpectedResponse,
)
from shared.ports_account import Operation, ResourceManager
from tests.contract.account_answers import ANY, answer, parsed, refused
from tests.fakes import SettableClock
from tests.unit.adapters.scripted_server import Reply, ScriptedServer, scripted_server
from tests.unit.adapters.service_answers import Credential, query_of


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with make_session(2) as made:
        yield made


def client_of(url: str, session: requests.Session, credential: Credential | None = None) -> ResourceManagerClient:
    return ResourceManagerClient(
        url,
        credential=credential or Credential(),
        session=session,
        clock=SettableClock(),
        sleep=lambda _: None,
        timeouts=Timeouts(connect=2, read=5),
    )


@pytest.fixture
def manager(emulator: RunningEmulator, session: requests.Session) -> ResourceManager:
    return client_of(emulator.url, session)


@pytest.fixture
def account(control: EmulatorControl) -> AccountId:
    return parsed(control.seed_account("faces", serves=True))


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def scripted(server: ScriptedServer, session: requests.Session) -> ResourceManagerClient:
    return client_of(server.url, session)


def test_account_usages_and_keys_are_read(
    manager: ResourceManager, account: AccountId, emulator: RunningEmulator
) -> None:
    row = manager.get_account(account)
    assert (row["id"], row["kind"]) == (account.path, "CustomVision.Training")
    assert [one["currentValue"] for one in manager.usages(account)] == [0.0, 0.0]
    assert manager.list_keys(account) == {"key1": emulator.key, "key2": "faces-second-key"}


def test_lists_are_read_to_their_last_page(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.seed_account("second", kind=PREDICTION)
    control.seed_account("third")
    control.switch(arm_page_size=1, arm_deletes="at_once")
    assert [row["name"] for row in manager.accounts(account.subscription)] == ["faces", "second", "third"]
    for row in manager.accounts(account.subscription):
        manager.delete_account(parsed(str(row["id"])))
    deleted = manager.deleted_accounts(account.subscription)
    assert [(one.name, one.location) for one in deleted] == [
        ("faces", "westeurope"),
        ("second", "westeurope"),
        ("third", "westeurope"),
    ]
    assert [one.kind for one in deleted].count(PREDICTION) == 1


def test_an_account_goes_from_present_to_absent_by_deletion_and_purge(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.switch(arm_seconds=30)
    assert manager.account_state(account) == "present"
    started = manager.delete_account(account)
    assert (started.state, started.retry_after) == ("running", 30)
    assert started.operation is not None
    assert manager.account_state(account) == "going"
    assert manager.progress(started.operation).state == "running"
    control.advance(31)
    assert manager.progress(started.operation).state == "succeeded"
    assert (manager.account_exists(account), manager.account_state(account)) == (False, "recoverable")
    deleted = manager.find_deleted(account)
    assert deleted is not None
    purging = manager.purge_account(account, deleted.location)
    assert purging.operation is not None
    assert (purging.state, purging.operation.kind) == ("running", "purge")
    control.advance(31)
    assert manager.progress(purging.operation).state == "succeeded"
    assert manager.account_state(account) == "absent"


@pytest.mark.parametrize("headers", ["both", "async", "location"])
@pytest.mark.parametrize(("deletes", "end"), [("accepted", "succeeded"), ("failed", "failed"), ("never", "running")])
def test_an_operation_is_followed_by_either_header_to_its_true_end(
    manager: ResourceManager, account: AccountId, control: EmulatorControl, headers: str, deletes: str, end: str
) -> None:
    control.switch(arm_operation_headers=headers, arm_deletes=deletes, arm_seconds=5)
    operation = manager.delete_account(account).operation
    assert operation is not None
    control.advance(6)
    kept = Operation.from_note(json.loads(json.dumps(operation.to_note())))
    assert kept == operation
    progress = manager.progress(operation)
    assert progress.state == end
    assert progress.code == ("CannotDeleteResource" if end == "failed" else None)


def test_without_an_operation_the_state_alone_tells(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.switch(arm_operation_headers="none", arm_seconds=5)
    started = manager.delete_account(account)
    assert (started.state, started.operation) == ("running", None)
    control.advance(6)
    assert manager.account_state(account) == "recoverable"


def test_an_operation_that_nobody_knows_any_more_is_unknown(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    operation = manager.delete_account(account).operation
    control.reset()
    assert operation is not None
    assert manager.progress(operation).state == "unknown"


def test_deleting_and_purging_again_finds_nothing(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.switch(arm_deletes="at_once")
    answers = [manager.delete_account(account), manager.delete_account(account)]
    answers += [manager.purge_account(account, "West Europe"), manager.purge_account(account, "westeurope")]
    assert [one.state for one in answers] == ["done", "absent", "done", "absent"]


def test_a_missing_resource_group_is_an_absent_account_and_a_missing_subscription_is_not(
    manager: ResourceManager, account: AccountId
) -> None:
    nowhere = AccountId(account.subscription, "nowhere", "faces")
    assert not manager.account_exists(nowhere)
    assert manager.delete_account(nowhere).state == "absent"
    stranger = AccountId(account.subscription.replace("5ab5", "0000"), "emulated", "faces")
    for call in (manager.account_exists, manager.delete_account, manager.account_state):
        with pytest.raises(ResourceAbsent) as refusal:
            call(stranger)
        assert refusal.value.code == "SubscriptionNotFound"


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"lock": "CanNotDelete"}, StateConflict, "ScopeLocked"),
        ({"policy": True}, AccessDenied, "RequestDisallowedByPolicy"),
        ({"denied": ["delete"]}, AccessDenied, "AuthorizationFailed"),
    ],
)
def test_what_stands_in_the_way_of_a_deletion_is_told_apart(
    manager: ResourceManager,
    account: AccountId,
    control: EmulatorControl,
    change: dict[str, Any],
    error: type[AccessDenied | StateConflict],
    code: str,
) -> None:
    control.change_account("faces", **change)
    with pytest.raises(error) as refusal:
        manager.delete_account(account)
    assert refusal.value.code == code
    assert "faces" not in str(refusal.value)
    assert manager.account_state(account) == "present"


def test_a_purge_is_refused_while_the_deletion_runs_and_without_the_role(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.switch(arm_seconds=5)
    control.change_account("faces", denied=["purge"])
    manager.delete_account(account)
    with pytest.raises(StateConflict, match="RequestConflict"):
        manager.purge_account(account, "westeurope")
    control.advance(6)
    with pytest.raises(AccessDenied, match="AuthorizationFailed"):
        manager.purge_account(account, "westeurope")
    assert manager.account_state(account) == "recoverable"


def test_a_deletion_whose_answer_is_lost_is_not_sent_again(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.switch(arm_deletes="at_once")
    control.fault("work_then_reset", operation="AccountsDelete")
    with pytest.raises(OutcomeUnknown):
        manager.delete_account(account)
    assert control.calls()["AccountsDelete"] == {"reset": 1}
    assert manager.account_state(account) == "recoverable"


def test_throttling_says_how_long(manager: ResourceManager, account: AccountId, control: EmulatorControl) -> None:
    rule = {"code": "TooManyRequests", "shape": "gateway", "retry_after": 42}
    control.fault("status", operation="AccountsGet", status=429, **rule)
    with pytest.raises(Throttled) as refusal:
        manager.get_account(account)
    assert refusal.value.retry_after == 42
    assert control.calls()["AccountsGet"] == {"429": 1}


def test_reads_are_tried_again_within_seconds(
    manager: ResourceManager, account: AccountId, control: EmulatorControl
) -> None:
    control.fault("status", operation="AccountsListKeys", status=503, shape="gateway", first=1)
    assert set(manager.list_keys(account)) == {"key1", "key2"}


def test_calls_carry_the_token_and_one_version(scripted: ResourceManagerClient, server: ScriptedServer) -> None:
    server.script(answer({"id": "x"}))
    scripted.get_account(ANY)
    (asked,) = server.asked
    assert asked.headers["authorization"] == "Bearer a-token"
    assert query_of(asked) == {"api-version": [API_VERSION]}


@pytest.mark.parametrize(
    ("endpoint", "scope"),
    [
        ("https://management.azure.com", "https://management.azure.com/.default"),
        ("https://Management.ChinaCloudApi.cn", "https://management.chinacloudapi.cn/.default"),
        ("http://127.0.0.1:7080", "https://management.azure.com/.default"),
        ("http://localhost:7080", "https://management.azure.com/.default"),
    ],
)
def test_tokens_are_for_the_cloud_of_the_endpoint(endpoint: str, scope: str) -> None:
    assert token_scope(endpoint) == scope


@pytest.mark.parametrize("endpoint", ["http://management.azure.com", "https://a/?b=c", "https://u:p@a", "arm"])
def test_another_endpoint_than_https_is_a_fault_of_the_settings(endpoint: str, session: requests.Session) -> None:
    with pytest.raises(ConfigurationError, match="ARM_ENDPOINT"):
        client_of(endpoint, session)


def test_a_next_page_elsewhere_is_not_followed(
    scripted: ResourceManagerClient, server: ScriptedServer, session: requests.Session
) -> None:
    with scripted_server() as other:
        server.script(answer({"value": [], "nextLink": f"{other.url}/subscriptions/x"}))
        with pytest.raises(UnexpectedResponse):
            scripted.accounts(ANY.subscription)
        assert other.asked == []


def test_a_list_that_never_ends_is_given_up(scripted: ResourceManagerClient, server: ScriptedServer) -> None:
    page = {"value": [], "nextLink": f"{server.url}/again?api-version=1"}
    server.script(answer(page))
    with pytest.raises(UnexpectedResponse, match="EndlessList"):
        scripted.accounts(ANY.subscription)


PLACE = "/subscriptions/s/providers/Microsoft.CognitiveServices/locations/x/operationStatuses/1"


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example" + PLACE,
        "{url}/other/path",
        "{url}/subscriptions/s/providers/Microsoft.CognitiveServices/../x",
        "no address",
    ],
)
def test_an_operation_elsewhere_is_not_kept(
    scripted: ResourceManagerClient, server: ScriptedServer, address: str
) -> None:
    where = address.format(url=server.url)
    server.script(Reply(202, b"", {"Azure-AsyncOperation": where, "Location": where}))
    started = scripted.delete_account(ANY)
    assert (started.state, started.operation) == ("running", None)


def test_of_an_operation_the_path_is_kept_and_no_query(scripted: ResourceManagerClient, server: ScriptedServer) -> None:
    server.script(Reply(202, b"", {"Location": f"{server.url}{PLACE}?t=1&c=secret&api-version=1", "Retry-After": "12"}))
    started = scripted.delete_account(ANY)
    assert (started.operation, started.retry_after) == (Operation("delete", PLACE), 12)


def test_the_id_of_a_deletion_is_kept_for_the_support(scripted: ResourceManagerClient, server: ScriptedServer) -> None:
    server.script(Reply(200, b"", {"x-ms-request-id": "8f3b"}))
    assert scripted.delete_account(ANY).request_id == "8f3b"
    server.script(refused(403, "AuthorizationFailed", **{"x-ms-request-id": "9f3b"}))
    with pytest.raises(AccessDenied) as refusal:
        scripted.delete_account(ANY)
    assert refusal.value.request_id == "9f3b"


@pytest.mark.parametrize("path", ["/elsewhere", "http://other/", "", PLACE + "/../../x", PLACE + "?a=b"])
def test_a_note_that_names_no_operation_is_not_asked(
    scripted: ResourceManagerClient, server: ScriptedServer, path: str
) -> None:
    with pytest.raises(ValueError, match="operation"):
        scripted.progress(Operation("delete", path))
    assert server.asked == []


@pytest.mark.parametrize(
    ("reply", "state", "code"),
    [
        (answer({"status": "Running"}), "running", None),
        (answer({"status": "Succeeded"}), "succeeded", None),
        (answer({"status": "Canceled", "error": {"code": "Stopped"}}), "failed", "Stopped"),
        (answer({"status": "Failed"}), "failed", None),
        (Reply(202, b"", {}), "running", None),
        (Reply(204, b"", {}), "succeeded", None),
        (refused(409, "ScopeLocked"), "failed", "ScopeLocked"),
        (refused(404, "NotFound"), "unknown", "NotFound"),
        (refused(403, "AuthorizationFailed"), "unknown", "AuthorizationFailed"),
    ],
)
def test_an_operation_stands_as_its_answer_says(
    scripted: ResourceManagerClient, server: ScriptedServer, reply: Reply, state: str, code: str | None
) -> None:
    server.script(reply)
    progress = scripted.progress(Operation("delete", PLACE))
    assert (progress.state, progress.code) == (state, code)


@pytest.mark.parametrize(
    "body", [[], {"value": None}, {"value": ["x"]}, {"value": [{"id": "/subscriptions/x"}]}, {"value": [{}]}]
)
def test_an_answer_of_another_kind_is_not_taken_for_an_empty_list(
    scripted: ResourceManagerClient, server: ScriptedServer, body: object
) -> None:
    server.script(answer(body))
    with pytest.raises(UnexpectedResponse):
        scripted.deleted_accounts(ANY.subscription)


def test_keys_that_are_no_texts_are_refused(scripted: ResourceManagerClient, server: ScriptedServer) -> None:
    server.script(answer({"key1": {"value": "k"}}))
    with pytest.raises(UnexpectedResponse):
        scripted.list_keys(ANY)


def test_nothing_is_logged_of_keys_addresses_and_tokens(
    manager: ResourceManager, account: AccountId, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    manager.list_keys(account)
    manager.delete_account(account)
    text = caplog.text
    assert not any(word in text for word in ("faces", "a-token", "emulator-training-key", account.subscription))
