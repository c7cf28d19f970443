"""Timers on Azurite: when they fire, what they are given, and that only one instance fires."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.azurite.server import Azurite
from tests.host.conftest import Queues, StartApp, eventually

pytestmark = pytest.mark.azurite

NEVER_SOON = "0 0 0 1 1 *"


@pytest.fixture
def host_blobs(azurite: Azurite) -> ContainerClient:
    """The container of the host's own blobs."""
    service = BlobServiceClient.from_connection_string(azurite.connection_string())
    return service.get_container_client("azure-webjobs-hosts")


def status_of(blobs: ContainerClient, queues: Queues, function: str) -> dict[str, Any] | None:
    try:
        blob = blobs.download_blob(f"timers/{queues.tag}/{function}/status")
    except ResourceNotFoundError:
        return None
    stored: dict[str, Any] = json.loads(blob.readall())
    return stored


def write_status(blobs: ContainerClient, queues: Queues, last: datetime, following: datetime) -> None:
    text = json.dumps({"Last": last.isoformat(), "Next": following.isoformat(), "LastUpdated": last.isoformat()})
    if not blobs.exists():
        blobs.create_container()
    blobs.upload_blob(f"timers/{queues.tag}/monitored/status", text.encode())


def runs(queues: Queues, role: str, count: int = 1) -> list[dict[str, Any]]:
    return [json.loads(text) for text in queues.take(role, count)]


def test_a_timer_fires_by_its_schedule(start_app: StartApp, queues: Queues) -> None:
    with start_app("timers", SCHEDULE=NEVER_SOON):
        seen = runs(queues, "every-second", 3)
    assert len({int(run["time"]) for run in seen}) == 3
    assert all(run["past_due"] is False for run in seen)
    assert all(run["schedule"] == {"AdjustForDST": True} for run in seen)


def test_a_schedule_within_a_minute_is_not_monitored(
    start_app: StartApp, queues: Queues, host_blobs: ContainerClient
) -> None:
    with start_app("timers", SCHEDULE=NEVER_SOON):
        assert runs(queues, "every-second")[0]["status"] == {}
        eventually(lambda: status_of(host_blobs, queues, "monitored"), "the status of a monitored timer")
    assert status_of(host_blobs, queues, "every_second") is None


def test_a_timer_never_overlaps_with_itself(start_app: StartApp, queues: Queues) -> None:
    """Each run takes 2.2 seconds on a schedule of one second: the next starts after it."""
    with start_app("timers", SCHEDULE=NEVER_SOON):
        times = sorted(run["time"] for run in runs(queues, "slow-runs", 3))
    assert min(times[1] - times[0], times[2] - times[1]) >= 2.2


def test_run_on_startup_runs_at_each_start(start_app: StartApp, queues: Queues) -> None:
    with start_app("timers", SCHEDULE=NEVER_SOON) as host:
        runs(queues, "at-startup")
        assert host.stop() == 0
        host.start()
        runs(queues, "at-startup")


def test_a_missed_run_is_made_up_once_and_past_due(
    start_app: StartApp, queues: Queues, host_blobs: ContainerClient
) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    write_status(host_blobs, queues, hour - timedelta(hours=9), hour - timedelta(hours=8))
    with start_app("timers", SCHEDULE="0 0 * * * *") as host:
        [run] = runs(queues, "monitored")
        assert run["past_due"] is True
        assert datetime.fromisoformat(run["status"]["Next"]) == hour - timedelta(hours=8)
        stored = eventually(lambda: _moved_on(status_of(host_blobs, queues, "monitored"), hour), "the new status")
        assert datetime.fromisoformat(stored["Next"]) == hour + timedelta(hours=1)
        assert host.stop() == 0
        assert host.log().count("monitored succeeded") == 1


def _moved_on(status: dict[str, Any] | None, hour: datetime) -> dict[str, Any] | None:
    return status if status and datetime.fromisoformat(status["Next"]) > hour else None


def test_a_changed_schedule_is_not_past_due(start_app: StartApp, queues: Queues, host_blobs: ContainerClient) -> None:
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    write_status(host_blobs, queues, hour - timedelta(hours=9), hour - timedelta(hours=8))
    with start_app("timers", SCHEDULE=NEVER_SOON) as host:
        stored = eventually(lambda: _moved_on(status_of(host_blobs, queues, "monitored"), hour), "the new status")
        assert datetime.fromisoformat(stored["Next"]).month == 1
        assert host.stop() == 0
        assert "monitored succeeded" not in host.log()


def test_only_one_of_two_hosts_fires_and_the_other_takes_over(start_app: StartApp, queues: Queues) -> None:
    with start_app("timers", SCHEDULE=NEVER_SOON) as first:
        runs(queues, "every-second")
        with start_app("timers", SCHEDULE=NEVER_SOON) as second:
            pids = {run["pid"] for run in runs(queues, "every-second", 3)}
            assert pids == {first.pid}
            assert first.stop() == 0
            queues.client("every-second").clear_messages()
            assert runs(queues, "every-second")[0]["pid"] == second.pid


def test_a_timer_is_run_by_hand_without_input(start_app: StartApp, queues: Queues) -> None:
    with start_app("timers", SCHEDULE=NEVER_SOON) as host:
        assert requests.post(f"{host.url}/admin/functions/monitored", json={}, timeout=10).status_code == 202
        [run] = runs(queues, "monitored")
    assert (run["past_due"], run["status"]) == (False, {})


def test_an_unset_schedule_puts_one_function_in_error_and_the_others_run(start_app: StartApp, queues: Queues) -> None:
    with start_app("timers", SCHEDULE=NEVER_SOON) as host:
        assert "in_error      in error: the setting NOT_SET that it names is not set" in host.log()
        runs(queues, "every-second")
