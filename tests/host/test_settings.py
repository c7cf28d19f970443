"""Settings: where they come from, and what host.json makes of them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from local.functions_host.connections import ConnectionString, IdentityConnection, find_connection
from local.functions_host.host_json import HostOptions, read_host_options
from local.functions_host.settings import (
    AppSettings,
    SettingsError,
    local_settings,
    local_values,
    merge_settings,
    read_json_file,
    resolve_percent,
)

DEVELOPMENT = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development"}


def options(queues: dict[str, Any], settings: dict[str, str] | None = None, cores: int = 1) -> HostOptions:
    content = {"version": "2.0", "extensions": {"queues": queues}}
    return read_host_options(content, AppSettings(settings or {}), cores)


def test_a_variable_that_is_set_wins_over_local_settings() -> None:
    merged = merge_settings({"A": "environment"}, {"A": "file", "B": "file"})
    assert (merged["A"], merged["B"]) == ("environment", "file")


def test_the_environment_is_development_unless_set() -> None:
    assert merge_settings({}, {})["AZURE_FUNCTIONS_ENVIRONMENT"] == "Development"
    assert merge_settings({"AZURE_FUNCTIONS_ENVIRONMENT": "Staging"}, {})["AZURE_FUNCTIONS_ENVIRONMENT"] == "Staging"


@pytest.mark.parametrize("content", [{"IsEncrypted": True, "Values": {}}, {"Values": {"A": 1}}])
def test_local_settings_that_cannot_be_used_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        local_values(content)


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_file_that_is_no_json_object_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "host.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"host\.json"):
        read_json_file(path)


def test_percent_names_a_setting_without_case() -> None:
    assert resolve_percent("%queue%-x", AppSettings({"QUEUE": "orders"})) == "orders-x"
    with pytest.raises(KeyError, match="Missing"):
        resolve_percent("%Missing%", AppSettings({}))


def test_queue_defaults_are_those_of_the_host() -> None:
    queues = options({}, cores=2).queues
    assert (queues.batch_size, queues.new_batch_threshold, queues.max_dequeue_count) == (16, 16, 5)
    assert (queues.visibility_timeout, queues.message_encoding) == (timedelta(0), "base64")
    assert queues.max_polling_interval == timedelta(minutes=1)


def test_in_development_polling_pauses_two_seconds_at_most() -> None:
    assert options({}, DEVELOPMENT).queues.max_polling_interval == timedelta(seconds=2)


def test_fractions_of_a_second_are_polling_intervals() -> None:
    queues = options({"maxPollingInterval": "00:00:00.1000000"}).queues
    assert queues.max_polling_interval == timedelta(milliseconds=100)


def test_app_settings_override_host_json_without_case() -> None:
    settings = {"azurefunctionsjobhost__EXTENSIONS__queues__BatchSize": "4", **DEVELOPMENT}
    settings["AzureFunctionsJobHost__extensions__http__routePrefix"] = ""
    changed = options({"batchSize": 8}, settings)
    assert (changed.queues.batch_size, changed.queues.new_batch_threshold, changed.route_prefix) == (4, 2, "")


@pytest.mark.parametrize(
    "queues",
    [
        {"batchSize": 33},
        {"batchSize": 0},
        {"batchSize": "many"},
        {"newBatchThreshold": -1},
        {"maxDequeueCount": 0},
        {"visibilityTimeout": "30"},
        {"visibilityTimeout": "8.00:00:00"},
        {"maxPollingInterval": "00:00:00.05"},
        {"messageEncoding": "utf-8"},
    ],
)
def test_host_json_values_out_of_range_are_named(queues: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=next(iter(queues))):
        options(queues)


def test_host_json_must_exist() -> None:
    with pytest.raises(SettingsError, match=r"host\.json"):
        read_host_options({}, AppSettings({}), 1)


def test_local_host_settings_have_their_defaults() -> None:
    local = local_settings(AppSettings({}))
    assert (local.lease_seconds, local.drain_seconds, local.keys, local.body_limit_bytes) == (600, 30, (), 104_857_600)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOCAL_HOST_LEASE_SECONDS", "0"),
        ("LOCAL_HOST_LEASE_SECONDS", "1.5"),
        ("LOCAL_HOST_LEASE_SECONDS", "ten"),
        ("LOCAL_HOST_LEASE_SECONDS", "604801"),
        ("LOCAL_HOST_LEASE_SECONDS", "nan"),
        ("LOCAL_HOST_LEASE_SECONDS", "1_0"),
        ("LOCAL_HOST_LEASE_SECONDS", "\u0661"),
        ("LOCAL_HOST_DRAIN_SECONDS", "-1"),
        ("LOCAL_HOST_DRAIN_SECONDS", "inf"),
        ("LOCAL_HOST_DRAIN_SECONDS", "1e300"),
        ("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "1.5"),
        ("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", "-1"),
    ],
)
def test_a_local_host_setting_that_is_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        local_settings(AppSettings({name: value}))


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"Storage": "text"}, ConnectionString("text")),
        ({"AzureWebJobsStorage": "host", "Storage": "plain"}, ConnectionString("host")),
        ({"Storage": "text", "Storage__accountName": "x"}, ConnectionString("text")),
        (
            {"Storage__accountName": "acct"},
            IdentityConnection("https://acct.queue.core.windows.net", managed=False, client_id=None),
        ),
        (
            {
                "Storage__queueServiceUri": "https://x/acct",
                "Storage__credential": "managedidentity",
                "Storage__clientId": "id",
            },
            IdentityConnection("https://x/acct", managed=True, client_id="id"),
        ),
    ],
)
def test_a_connection_is_a_string_or_an_identity(settings: dict[str, str], expected: object) -> None:
    assert find_connection("Storage", "queue", AppSettings(settings)) == expected


def test_a_missing_connection_is_named() -> None:
    with pytest.raises(SettingsError, match="MyStorage__accountName"):
        find_connection("MyStorage", "blob", AppSettings({}))
