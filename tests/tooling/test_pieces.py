"""How the pieces of the local stack are joined."""

import json
import stat
from pathlib import Path

import pytest

from local.azurite.accounts import ACCOUNT_KEYS, DEFAULT_PORTS
from local.development_settings import EXAMPLE, SETTINGS, ExampleMissingError, ensure_settings
from local.pieces import Ports, PortSettingError, emulator_environment, host_environment, ports_from
from local.stack import where_things_are

PORTS = Ports(DEFAULT_PORTS)
REAL_AZURE = {
    "AzureWebJobsStorage__accountName": "production",
    "DATA_STORAGE": "AccountName=production",
    "DATA_STORAGE__accountName": "production",
    "CUSTOM_VISION_ENDPOINT": "https://production.cognitiveservices.azure.com",
    "CUSTOM_VISION_RESOURCE_ID": "/subscriptions/production",
    "CUSTOM_VISION_TRAINING_KEY": "production",
    "ARM_ENDPOINT": "https://production",
}


def test_without_settings_the_usual_ports_are_taken() -> None:
    assert ports_from({}) == Ports({"blob": 10000, "queue": 10001, "table": 10002}, emulator=7080, host=7071)


def test_each_port_can_be_chosen() -> None:
    environ = {
        "AZURITE_BLOB_PORT": "1",
        "AZURITE_QUEUE_PORT": "2",
        "AZURITE_TABLE_PORT": "3",
        "EMULATOR_PORT": "4",
    }
    assert ports_from(environ, "5") == Ports({"blob": 1, "queue": 2, "table": 3}, emulator=4, host=5)


@pytest.mark.parametrize("value", ["0", "65536", "x", "-1", "1.5"])
def test_a_port_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(PortSettingError, match="AZURITE_QUEUE_PORT"):
        ports_from({"AZURITE_QUEUE_PORT": value})


@pytest.mark.parametrize("value", ["", "0", "65536", "x"])
def test_a_hosts_port_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(PortSettingError, match=r"^PORT must be a port"):
        ports_from({}, value)


def test_the_emulator_keeps_its_images_in_an_account_that_is_not_the_apps() -> None:
    environ = emulator_environment({}, PORTS, azurite_listens=True)
    assert "AccountName=customvision;" in environ["EMULATOR_STORAGE"]
    assert "BlobEndpoint=http://127.0.0.1:10000/customvision;" in environ["EMULATOR_STORAGE"]


def test_without_azurite_the_emulator_gets_no_storage() -> None:
    assert "EMULATOR_STORAGE" not in emulator_environment({}, PORTS, azurite_listens=False)


def test_a_storage_that_is_set_for_the_emulator_is_kept() -> None:
    environ = emulator_environment({"EMULATOR_STORAGE": "mine"}, PORTS, azurite_listens=True)
    assert environ["EMULATOR_STORAGE"] == "mine"


def test_the_stack_never_touches_what_the_shell_points_to() -> None:
    environ = host_environment(REAL_AZURE, PORTS)
    assert [name for name, value in environ.items() if "production" in value] == []


def test_the_stack_never_touches_what_the_settings_file_points_to() -> None:
    in_the_file = {name for name in REAL_AZURE if "__" not in name} | {"AzureWebJobsStorage"}
    assert host_environment({}, PORTS).keys() >= in_the_file


def test_the_stacks_host_uses_its_own_storage_emulator_and_key() -> None:
    environ = host_environment({"EMULATOR_TRAINING_KEY": "chosen", "LEDGER_HASH_KEY": "kept"}, PORTS)
    assert "AccountName=devstoreaccount1;" in environ["AzureWebJobsStorage"]
    assert environ["CUSTOM_VISION_ENDPOINT"] == "http://127.0.0.1:7080"
    assert environ["CUSTOM_VISION_TRAINING_KEY"] == "chosen"
    assert environ["LEDGER_HASH_KEY"] == "kept"


def test_the_stack_says_where_every_piece_listens() -> None:
    text = where_things_are(PORTS, Path("/data"))
    assert [port for port in PORTS.named() if f"127.0.0.1:{port}" not in text] == []
    assert "curl -i http://127.0.0.1:7071/api/exports" in text


def test_no_key_is_shown_where_the_stack_says_where_things_are() -> None:
    text = where_things_are(PORTS, Path("/data"))
    assert [key for key in ACCOUNT_KEYS.values() if key in text] == []


def test_development_settings_are_made_from_the_example_for_its_owner_alone(tmp_path: Path) -> None:
    example = {"IsEncrypted": False, "Values": {"FUNCTIONS_WORKER_RUNTIME": "python", "LEDGER_HASH_KEY": ""}}
    (tmp_path / EXAMPLE).write_text(json.dumps(example))
    assert ensure_settings(tmp_path)
    made = json.loads((tmp_path / SETTINGS).read_text())
    assert made["IsEncrypted"] is False
    assert made["Values"]["FUNCTIONS_WORKER_RUNTIME"] == "python"
    assert made["Values"]["AzureWebJobsStorage"] == "UseDevelopmentStorage=true"
    assert len(made["Values"]["LEDGER_HASH_KEY"]) == 64
    assert stat.S_IMODE((tmp_path / SETTINGS).stat().st_mode) == 0o600


def test_each_machine_gets_a_ledger_key_of_its_own(tmp_path: Path) -> None:
    keys = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / EXAMPLE).write_text('{"Values": {}}')
        ensure_settings(tmp_path / name)
        keys.add(json.loads((tmp_path / name / SETTINGS).read_text())["Values"]["LEDGER_HASH_KEY"])
    assert len(keys) == 2


def test_settings_that_are_there_are_never_written_over(tmp_path: Path) -> None:
    (tmp_path / EXAMPLE).write_text('{"Values": {}}')
    (tmp_path / SETTINGS).write_text("mine")
    assert not ensure_settings(tmp_path)
    assert (tmp_path / SETTINGS).read_text() == "mine"


def test_without_the_example_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(ExampleMissingError, match=EXAMPLE):
        ensure_settings(tmp_path)
