"""Azure Resource Manager, GetAccountInfo and the managed identity of the emulator, by plain HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.custom_vision.accounts import SUBSCRIPTION
from local.custom_vision.control import EmulatorControl
from local.custom_vision.errors import ControlError
from local.custom_vision.identity import IDENTITY_HEADER
from local.custom_vision.server import RunningEmulator
from tests.emulator.conftest import REFERENCE, Api

RECORDED = REFERENCE / "recordings" / "arm-2017-04-18"
PROVIDER = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.CognitiveServices"
DELETED = f"{PROVIDER}/locations/westeurope/resourceGroups/emulated/deletedAccounts"


class Arm:
    """Azure Resource Manager of one emulator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = "Bearer any"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        params = {"api-version": "2021-04-30"}
        return self.session.request(method, self.url + path, params=params, timeout=10, **options)

    def code(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        answer = self.call(method, path, **options)
        return answer.status_code, str(answer.json()["error"]["code"])


@pytest.fixture
def arm(emulator: RunningEmulator) -> Iterator[Arm]:
    client = Arm(emulator.url)
    with client.session:
        yield client


@pytest.fixture
def account(control: EmulatorControl) -> str:
    return control.seed_account("faces", serves=True, tags={"owner": "x"})


def recorded(name: str) -> list[dict[str, Any]]:
    if not RECORDED.is_dir():
        pytest.skip("the recordings are not there")
    found: list[dict[str, Any]] = json.loads((RECORDED / name).read_text("utf-8-sig"))["Entries"]
    return found


def test_an_account_has_every_key_that_recorded_ones_have(arm: Arm, account: str) -> None:
    entries = recorded("CognitiveServicesAccountListKeysTest.json")
    theirs = next(json.loads(one["ResponseBody"]) for one in entries if "/accounts/" in one["RequestUri"])
    ours = arm.call("GET", account).json()
    assert theirs.keys() <= ours.keys()
    assert theirs["properties"].keys() - {"skuChangeInfo"} <= ours["properties"].keys()


def test_keys_and_usages_have_the_recorded_shape(arm: Arm, account: str) -> None:
    keys = json.loads(recorded("CognitiveServicesAccountListKeysTest.json")[-1]["ResponseBody"])
    usages = json.loads(recorded("CognitiveServicesAccountGetUsagesTest.json")[-1]["ResponseBody"])
    assert arm.call("POST", f"{account}/listKeys").json().keys() == keys.keys()
    assert usages["value"][0].keys() <= arm.call("GET", f"{account}/usages").json()["value"][0].keys()


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_missing_resource_group_is_refused_as_recorded(arm: Arm, account: str, method: str) -> None:
    entry = recorded("CognitiveServicesDeleteAccountErrorTest.json")[-1]
    answer = arm.call(method, account.replace("/emulated/", "/NotExistedRG/"))
    assert answer.status_code == entry["StatusCode"]
    assert answer.json() == json.loads(entry["ResponseBody"])


def test_a_missing_account_is_404_to_read_and_204_to_delete(arm: Arm, account: str) -> None:
    assert arm.code("GET", f"{account}x") == (404, "ResourceNotFound")
    assert arm.call("DELETE", f"{account}x").status_code == 204


def test_an_unknown_subscription_is_another_404(arm: Arm, account: str) -> None:
    assert arm.code("GET", account.replace(SUBSCRIPTION, "nobody's")) == (404, "SubscriptionNotFound")


def test_ids_are_found_in_any_case(arm: Arm, account: str) -> None:
    assert arm.call("GET", account.upper()).json()["id"] == account


def test_without_token_it_is_401_and_without_version_400(arm: Arm, account: str) -> None:
    assert requests.get(arm.url + account, timeout=10).status_code == 401
    assert arm.session.get(arm.url + account, timeout=10).json()["error"]["code"] == "MissingApiVersionParameter"


def test_a_list_goes_on_at_its_next_link(arm: Arm, account: str, control: EmulatorControl) -> None:
    control.seed_account("multi", kind="CognitiveServices")
    control.seed_account("away", group="elsewhere")
    control.switch(arm_page_size=2)
    first = arm.call("GET", f"{PROVIDER}/accounts").json()
    rest = arm.session.get(first["nextLink"], timeout=10).json()
    assert [row["name"] for row in first["value"] + rest["value"]] == ["faces", "multi", "away"]
    assert "nextLink" not in rest
    group = arm.call(
        "GET", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/elsewhere/providers/microsoft.cognitiveservices/accounts"
    )
    assert [row["name"] for row in group.json()["value"]] == ["away"]


def test_a_deletion_takes_its_time_and_leaves_a_recoverable_account(
    arm: Arm, account: str, control: EmulatorControl
) -> None:
    control.switch(arm_seconds=30)
    started = arm.call("DELETE", account)
    assert (started.status_code, started.headers["Retry-After"]) == (202, "30")
    assert arm.call("GET", account).json()["properties"]["provisioningState"] == "Deleting"
    assert arm.code("DELETE", account) == (409, "RequestConflict")
    assert arm.code("DELETE", f"{DELETED}/faces") == (409, "RequestConflict")
    assert arm.session.get(started.headers["Location"], timeout=10).status_code == 202
    control.advance(31)
    assert arm.code("GET", account) == (404, "ResourceNotFound")
    assert arm.session.get(started.headers["Location"], timeout=10).status_code == 200
    assert arm.session.get(started.headers["Azure-AsyncOperation"], timeout=10).json()["status"] == "Succeeded"
    (row,) = arm.call("GET", f"{PROVIDER}/deletedAccounts").json()["value"]
    assert row == arm.call("GET", f"{DELETED}/faces").json()
    assert row["id"] == f"{DELETED}/faces"


def test_a_purge_takes_account_and_projects_for_good(arm: Arm, account: str, control: EmulatorControl) -> None:
    control.seed("Portraits", images=1)
    control.switch(arm_deletes="at_once")
    assert arm.call("DELETE", account).status_code == 200
    assert [one["name"] for one in control.truth()["projects"]] == ["Portraits"]
    assert arm.call("DELETE", f"{DELETED}/faces").status_code == 200
    assert arm.call("DELETE", f"{DELETED}/faces").status_code == 204
    assert control.truth()["projects"] == []
    assert control.truth()["accounts"]["recoverable"] == []


def test_a_deleted_account_comes_back_when_restored(arm: Arm, account: str, control: EmulatorControl) -> None:
    control.switch(arm_deletes="at_once")
    arm.call("DELETE", account)
    body = {"location": "westeurope", "properties": {"restore": True}}
    assert arm.call("PUT", account, json=body).json()["id"] == account
    assert control.truth()["accounts"]["present"] == [account]


def test_after_48_hours_nothing_can_be_recovered(arm: Arm, account: str, control: EmulatorControl) -> None:
    control.switch(arm_deletes="at_once")
    arm.call("DELETE", account)
    control.advance(48 * 3600 + 1)
    assert arm.call("GET", f"{PROVIDER}/deletedAccounts").json() == {"value": []}


def test_a_failed_deletion_leaves_the_account(arm: Arm, account: str, control: EmulatorControl) -> None:
    control.switch(arm_deletes="failed", arm_seconds=1)
    started = arm.call("DELETE", account)
    control.advance(2)
    status = arm.session.get(started.headers["Azure-AsyncOperation"], timeout=10).json()
    assert (status["status"], status["error"]["code"]) == ("Failed", "CannotDeleteResource")
    assert arm.session.get(started.headers["Location"], timeout=10).status_code == 409
    assert arm.call("GET", account).json()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize(
    ("change", "method", "below", "refusal"),
    [
        ({"lock": "CanNotDelete"}, "DELETE", "", (409, "ScopeLocked")),
        ({"lock": "ReadOnly"}, "POST", "/listKeys", (409, "ScopeLocked")),
        ({"policy": True}, "DELETE", "", (403, "RequestDisallowedByPolicy")),
        ({"denied": ["delete"]}, "DELETE", "", (403, "AuthorizationFailed")),
        ({"denied": ["listKeys"]}, "POST", "/listKeys", (403, "AuthorizationFailed")),
        ({"denied": ["usages"]}, "GET", "/usages", (403, "AuthorizationFailed")),
        ({"denied": ["read"]}, "GET", "", (403, "AuthorizationFailed")),
    ],
)
def test_what_stands_in_the_way_refuses(
    arm: Arm,
    account: str,
    control: EmulatorControl,
    change: dict[str, Any],
    method: str,
    below: str,
    refusal: tuple[int, str],
) -> None:
    control.change_account("faces", **change)
    assert arm.code(method, account + below) == refusal
    assert control.truth()["accounts"]["present"] == [account]


def test_a_purge_can_be_refused_after_the_deletion_was_not(arm: Arm, account: str, control: EmulatorControl) -> None:
    control.switch(arm_deletes="at_once")
    control.change_account("faces", denied=["purge"])
    assert arm.call("DELETE", account).status_code == 200
    assert arm.code("DELETE", f"{DELETED}/faces") == (403, "AuthorizationFailed")


@pytest.mark.parametrize(("switch", "status"), [("unauthorized", 401), ("not_found", 404), ("answers", 200)])
def test_the_api_of_a_deleted_account_answers_as_switched(
    arm: Arm, account: str, control: EmulatorControl, api: Api, switch: str, status: int
) -> None:
    assert api.call("GET", "/projects").status_code == 200
    control.switch(arm_deletes="at_once", deleted_account=switch)
    arm.call("DELETE", account)
    assert api.call("GET", "/projects").status_code == status


def test_the_api_outlives_accounts_that_are_not_its_own(arm: Arm, control: EmulatorControl, api: Api) -> None:
    other = control.seed_account("other")
    control.switch(arm_deletes="at_once")
    assert arm.call("DELETE", other).status_code == 200
    assert api.call("GET", "/projects").status_code == 200


def test_faults_hit_and_calls_are_counted(arm: Arm, account: str, control: EmulatorControl) -> None:
    rule = {"code": "TooManyRequests", "shape": "gateway", "retry_after": 7, "times": 1}
    control.fault("status", operation="AccountsGet", status=429, **rule)
    answer = arm.call("GET", account)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert arm.call("GET", account).status_code == 200
    assert control.calls() == {"AccountsGet": {"200": 1, "429": 1}}


def test_a_wrong_audience_is_refused_when_switched(arm: Arm, account: str, control: EmulatorControl, api: Api) -> None:
    control.switch(arm_bearer="audience", bearer="audience")
    vision = token(arm, "https://cognitiveservices.azure.com")
    azure = token(arm, "https://management.azure.com")
    found = [
        arm.call("GET", account, headers={"Authorization": f"Bearer {one}"}).status_code for one in (vision, azure)
    ]
    assert found == [401, 200]
    del api.session.headers["Training-Key"]
    taken = [api.call("GET", "/projects", headers={"Authorization": f"Bearer {one}"}) for one in (vision, azure)]
    assert [one.status_code for one in taken] == [200, 401]


def token(arm: Arm, resource: str) -> str:
    query = {"api-version": "2019-08-01", "resource": resource}
    answer = requests.get(f"{arm.url}/msi/token", query, headers={"X-IDENTITY-HEADER": IDENTITY_HEADER}, timeout=10)
    return str(answer.json()["access_token"])


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ("api-version=2019-08-01&resource=https://a", "wrong", 401),
        ("api-version=2019-08-01", IDENTITY_HEADER, 400),
        ("api-version=2017-09-01&resource=https://a", IDENTITY_HEADER, 400),
    ],
)
def test_no_token_is_given_without_the_header_the_resource_and_the_version(
    arm: Arm, query: str, header: str, status: int
) -> None:
    headers = {"X-IDENTITY-HEADER": header}
    assert requests.get(f"{arm.url}/msi/token?{query}", headers=headers, timeout=10).status_code == status


def test_account_info_has_the_shape_of_the_example(api: Api, control: EmulatorControl) -> None:
    example = REFERENCE / "spec" / "v1.2" / "examples" / "GetAccountInfo.json"
    if not example.is_file():
        pytest.skip("the specification is not there")
    control.seed("Portraits", images=3, tags=["a"])
    api.base = f"{api.emulator.url}/customvision/v1.2/Training"
    assert shape(api.json("GET", "/account")) == shape(json.loads(example.read_text())["responses"]["200"]["body"])


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return [shape(one) for one in value] if isinstance(value, list) else type(value).__name__


def test_account_info_wants_the_key_and_can_be_gone(api: Api, control: EmulatorControl) -> None:
    api.base = f"{api.emulator.url}/customvision/v1.2/Training"
    assert api.call("GET", "/account", headers={"Training-Key": "wrong"}).status_code == 401
    control.switch(account_info="gone")
    assert api.call("GET", "/account").status_code == 404


def test_the_preview_shows_storage_settings_with_their_secrets(api: Api, control: EmulatorControl) -> None:
    project = api.project()
    link = "https://models.blob.core.windows.net/models?sv=2020-10-02&sig=abc"
    control.storage_integration(project, exportModelContainerUri=link)
    assert "exportModelContainerUri" not in api.json("GET", f"/projects/{project}")["settings"]
    preview = Api(api.emulator, "v3.4-preview")
    with preview.session:
        assert preview.json("GET", f"/projects/{project}")["settings"]["exportModelContainerUri"] == link


@pytest.mark.parametrize("fields", [{"kind": "Toaster"}, {"lock": "Padlock"}, {"colour": "red"}])
def test_an_account_that_cannot_be_is_refused_by_the_control_route(control: EmulatorControl, fields: Any) -> None:
    with pytest.raises(ControlError):
        control.seed_account("odd", **fields)


def test_only_accounts_that_are_there_can_be_changed(control: EmulatorControl) -> None:
    with pytest.raises(ControlError):
        control.change_account("nobody", policy=True)
