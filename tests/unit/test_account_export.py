"""`account.json` and `account-keys.json`, written from the emulator's accounts by the real clients."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from export_function.account import export_account, preview_settings
from export_function.unit_work import ATTEMPTS, Result
from local.custom_vision.account_info import EMAIL
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import make_session
from shared.adapters.resource_manager import ResourceManagerClient
from shared.domain.errors import ConfigurationError, TransientError
from shared.domain.links import without_links
from shared.packages import PackageStore
from shared.settings import VisionResource
from tests.fakes import InMemoryBlobStore, SettableClock
from tests.unit.adapters.service_answers import Credential

REQUEST = "11111111-2222-4333-8444-555555555555"
TIME = "2026-11-24T09:00:00.000Z"


class World:
    """One emulator with its clients, and a package to write into."""

    def __init__(self, running: RunningEmulator) -> None:
        self.control = EmulatorControl(running.url)
        self.url, self.key = running.url, running.key
        self.session = make_session(2)
        self.packages = PackageStore(InMemoryBlobStore())
        options = {"session": self.session, "clock": SettableClock(), "sleep": lambda _: None}
        self.manager = ResourceManagerClient(running.url, credential=Credential(), **options)  # type: ignore[arg-type]
        self.client = CustomVisionClient(
            running.url,
            key=running.key,
            credential=None,
            budget=UnlimitedBudget(),
            **options,  # type: ignore[arg-type]
        )

    def export(
        self,
        resource_id: str | None,
        *,
        include_keys: bool = False,
        attempt: int = ATTEMPTS,
        prediction_resources: Sequence[str] = (),
    ) -> Result:
        resource = VisionResource(endpoint=self.url, key=self.key, resource_id=resource_id)
        return export_account(
            self.manager,
            {self.client.host: self.client},
            [resource],
            self.packages,
            REQUEST,
            include_keys=include_keys,
            time=TIME,
            attempt=attempt,
            prediction_resources=prediction_resources,
        )

    def file(self, name: str = "account.json") -> Any:
        return json.loads(self.packages.read(REQUEST, name) or b"null")

    def everything(self) -> bytes:
        prefix = f"{REQUEST}/"
        return b"".join(
            self.packages.read(REQUEST, one.name.removeprefix(prefix)) or b""
            for one in self.packages.blobs.entries(prefix)
        )


@pytest.fixture
def world() -> Iterator[World]:
    with running_emulator() as running:
        made = World(running)
        with made.session:
            yield made


def codes(result: Result) -> list[tuple[str | None, str]]:
    return [(entry["id"], entry["code"]) for entry in result.gaps]


def test_an_account_is_written_with_usages_and_names_of_keys(world: World) -> None:
    account = world.control.seed_account("faces", serves=True, tags={"owner": "x"})
    world.control.seed("Portraits", images=2)
    result = world.export(account)
    (entry,) = world.file()
    assert entry["account"]["id"] == entry["resource_id"] == account
    assert entry["account"]["tags"] == {"owner": "x"}
    assert entry["resource"] == world.client.host
    assert entry["usages"][0]["currentValue"] == 1.0
    assert (entry["key_names"], entry["refused"], entry["deleted_accounts"]) == (["key1", "key2"], [], [])
    assert (result.counts, result.gaps, result.failures) == ({"account": {"found": 1, "written": 1}}, [], [])
    assert [row["path"] for row in result.files] == ["account.json"]


@pytest.mark.parametrize("by_arm", [True, False])
def test_values_of_keys_stand_in_their_own_file_alone(world: World, by_arm: bool) -> None:
    account = world.control.seed_account("faces", serves=True) if by_arm else None
    world.export(account)
    assert world.key.encode() not in world.everything()
    result = world.export(account, include_keys=True)
    assert [row["path"] for row in result.files] == ["account.json", "account-keys.json"]
    assert world.key not in json.dumps(world.file())
    assert "second" not in json.dumps(world.file())
    (entry,) = world.file("account-keys.json")
    assert entry["resource"] == world.client.host
    assert world.key in (entry["keys"]["key1"] if by_arm else entry["keys"]["TrainingKeys"]["PrimaryKey"])


def test_deleted_accounts_that_can_be_recovered_are_listed_if_they_may_hold_custom_vision(world: World) -> None:
    account = world.control.seed_account("faces")
    world.control.switch(arm_deletes="at_once")
    for name, kind in (("old", "CustomVision.Training"), ("multi", "CognitiveServices"), ("text", "TextAnalytics")):
        arm_id = world.control.seed_account(name, kind=kind)
        world.session.delete(f"{world.url}{arm_id}?api-version=1", headers={"Authorization": "Bearer x"}, timeout=10)
    world.export(account)
    assert [row["name"] for row in world.file()[0]["deleted_accounts"]] == ["old", "multi"]


@pytest.mark.parametrize(
    ("denied", "part", "missing"),
    [
        ("read", "account", "account"),
        ("listKeys", "keys", "key_names"),
        ("usages", "usages", "usages"),
        ("deletedAccounts", "deleted_accounts", "deleted_accounts"),
    ],
)
def test_what_is_refused_is_named_and_the_rest_is_written(world: World, denied: str, part: str, missing: str) -> None:
    account = world.control.seed_account("faces", denied=[denied])
    result = world.export(account, include_keys=True)
    (entry,) = world.file()
    assert [(one["part"], one["status"], one["code"]) for one in entry["refused"]] == [
        (part, 403, "AuthorizationFailed")
    ]
    read = {"account", "usages", "key_names", "deleted_accounts"} - {missing}
    assert entry[missing] is None
    assert all(entry[name] is not None for name in read)
    assert codes(result) == [(world.client.host, "refused")]
    assert [(one["store"], one["status"]) for one in result.failures] == [("account", 403)]
    assert result.counts == {"account": {"found": 1, "failed": 1}}
    assert len(world.file("account-keys.json")) == (0 if denied == "listKeys" else 1)


def test_an_account_that_is_gone_is_named_and_may_show_among_the_deleted(world: World) -> None:
    account = world.control.seed_account("faces")
    world.control.switch(arm_deletes="at_once")
    world.session.delete(f"{world.url}{account}?api-version=1", headers={"Authorization": "Bearer x"}, timeout=10)
    result = world.export(account)
    (entry,) = world.file()
    assert (entry["account"], [row["name"] for row in entry["deleted_accounts"]]) == (None, ["faces"])
    assert codes(result) == [(world.client.host, "gone")]
    assert result.counts == {"account": {"found": 1, "not_available": 1}}


def test_a_404_of_the_subscription_is_a_refusal_and_no_absence(world: World) -> None:
    account = world.control.seed_account("faces")
    result = world.export(account.replace("5ab5c411", "00000000"))
    assert ("account", {"found": 1, "failed": 1}) in result.counts.items()
    assert {code for _, code in codes(result)} == {"refused"}


def test_without_an_arm_id_account_info_is_written_without_keys(world: World) -> None:
    world.control.seed("Portraits", images=3)
    result = world.export(None)
    (entry,) = world.file()
    assert (entry["source"], entry["account"]["Email"], entry["resource_id"]) == ("GetAccountInfo v1.2", EMAIL, None)
    assert entry["account"]["Quotas"]["PerProject"][0]["Images"]["Used"] == 3
    assert "Keys" not in entry["account"]
    assert "TrainingKeys.PrimaryKey" in entry["key_names"]
    assert result.counts == {"account": {"found": 1, "written": 1}}


def test_account_info_that_no_longer_answers_is_gone(world: World) -> None:
    world.control.switch(account_info="gone")
    result = world.export(None)
    assert world.file()[0]["account"] is None
    assert codes(result) == [(world.client.host, "gone")]
    assert result.counts == {"account": {"found": 1, "not_available": 1}}
    assert result.failures == []


def test_account_info_that_is_refused_is_not_taken_for_gone(world: World) -> None:
    world.control.switch(keys="refuse")
    result = world.export(None)
    assert codes(result) == [(world.client.host, "refused")]
    assert [one["status"] for one in result.failures] == [401]


def test_prediction_resources_that_iterations_name_get_an_entry_each_once(world: World) -> None:
    account = world.control.seed_account("faces")
    prediction = world.control.seed_account("faces-prediction", kind="CustomVision.Prediction")
    absent = prediction + "-of-once"
    named = [prediction, prediction.upper(), account, absent, "not an id"]
    result = world.export(account, include_keys=True, prediction_resources=named)
    assert [(one["resource_id"], one["role"]) for one in world.file()] == [
        (account, "configured"),
        (prediction, "prediction"),
        (absent, "prediction"),
    ]
    assert codes(result) == [(absent, "vanished")]
    assert result.counts == {"account": {"found": 3, "written": 2, "vanished": 1}}
    assert [one["resource_id"] for one in world.file("account-keys.json")] == [account, prediction]


def test_what_may_pass_is_raised_before_the_last_delivery_and_then_recorded(world: World) -> None:
    account = world.control.seed_account("faces")
    world.control.fault("status", operation="AccountsListUsages", status=500, shape="gateway")
    with pytest.raises(TransientError):
        world.export(account, attempt=1)
    assert world.file() is None
    result = world.export(account, attempt=1000)
    (entry,) = world.file()
    assert (entry["usages"], entry["key_names"]) == (None, ["key1", "key2"])
    assert codes(result) == [(world.client.host, "refused")]


def test_a_resource_id_that_is_none_is_a_fault_of_the_settings(world: World) -> None:
    with pytest.raises(ConfigurationError, match="CUSTOM_VISION_RESOURCE_ID"):
        world.export("faces")


def test_what_is_written_holds_no_link(world: World) -> None:
    vault = {"keyVaultProperties": {"keyVaultUri": "https://v.vault.azure.net/?sig=x", "keyName": "k"}}
    account = world.control.seed_account("faces", properties={"encryption": vault})
    world.export(account)
    written = world.file()
    assert written == without_links(written)
    shown: Mapping[str, Any] = written[0]["account"]["properties"]["encryption"]["keyVaultProperties"]
    assert shown == {"keyVault": {"scheme": "https", "host": "v.vault.azure.net", "path": "/"}, "keyName": "k"}


def test_settings_that_only_the_preview_shows_lose_their_secret_and_nothing_else(world: World) -> None:
    project = world.control.seed("Portraits")["project"]
    assert preview_settings(world.client, project) == {}
    world.control.storage_integration(
        project,
        exportModelContainerUri="https://models.blob.core.windows.net/models?sv=1&sig=c2VjcmV0",
        notificationQueueUri="https://models.queue.core.windows.net/news",
    )
    shown = preview_settings(world.client, project)
    assert shown == {
        "exportModelContainer": {"scheme": "https", "host": "models.blob.core.windows.net", "path": "/models"},
        "notificationQueue": {"scheme": "https", "host": "models.queue.core.windows.net", "path": "/news"},
    }
    assert without_links(shown) == shown
