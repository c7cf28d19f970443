"""What Azure Resource Manager once answered, read by the client."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.adapters.http_exchange import make_session
from shared.adapters.resource_manager import ResourceManagerClient
from shared.domain.account import AccountId
from shared.domain.errors import ResourceAbsent
from tests.fakes import SettableClock
from tests.unit.adapters.scripted_server import JSON, Reply, ScriptedServer, scripted_server
from tests.unit.adapters.service_answers import Credential

RECORDED = Path(__file__).resolve().parents[3] / "shared" / "reference" / "recordings" / "arm-2017-04-18"


ANY = AccountId(subscription="00000000-0000-4000-a000-000000000001", group="g", name="faces")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def scripted(server: ScriptedServer) -> Iterator[ResourceManagerClient]:
    with make_session(2) as session:
        yield ResourceManagerClient(
            server.url, credential=Credential(), session=session, clock=SettableClock(), sleep=lambda _: None
        )


def test_what_the_service_once_answered_is_read(scripted: ResourceManagerClient, server: ScriptedServer) -> None:
    if not RECORDED.is_dir():
        pytest.skip("the recordings (../shared/reference/recordings) are not there")
    server.script(replayed("CognitiveServicesAccountListKeysTest.json", "POST"))
    assert scripted.list_keys(ANY) == {"key1": "REDACTED", "key2": "REDACTED"}
    server.script(replayed("CognitiveServicesAccountGetUsagesTest.json", "GET"))
    assert scripted.usages(ANY)[0]["name"]["value"] == "textAnalyticsStandardS1"
    server.script(replayed("CognitiveServicesAccountListBySubscriptionTest.json", "GET"))
    assert "TextAnalytics" in {row["kind"] for row in scripted.accounts(ANY.subscription)}
    server.script(replayed("CognitiveServicesDeleteAccountErrorTest.json", "DELETE"))
    assert scripted.delete_account(ANY).state == "absent"
    server.script(replayed("CognitiveServicesAccountKeysErrorTest.json", "POST"))
    with pytest.raises(ResourceAbsent):
        scripted.list_keys(ANY)
    for status, state in ((200, "done"), (204, "absent")):
        server.script(replayed("CognitiveServicesAccountDeleteTest.json", "DELETE", status))
        assert scripted.delete_account(ANY).state == state


def replayed(name: str, method: str, status: int | None = None) -> Reply:
    entries = json.loads((RECORDED / name).read_text("utf-8-sig"))["Entries"]
    chosen = [one for one in entries if one["RequestMethod"] == method and status in (None, one["StatusCode"])][-1]
    return Reply(chosen["StatusCode"], chosen["ResponseBody"].encode(), JSON if chosen["ResponseBody"] else {})
