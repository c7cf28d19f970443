"""Azurite as the suite's storage."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient, ContainerClient

from local.azurite.accounts import APP_ACCOUNT, SERVICE_ACCOUNT
from local.azurite.server import Azurite, AzuriteStartError, running_azurite
from tests.conftest import EntraStandIn, SecureAzurite, Storage
from tests.tooling.conftest import alive, wait_until

ROOT = Path(__file__).resolve().parents[2]
OWNER = """
import time
from local.azurite.server import running_azurite
with running_azurite() as server:
    print(server.pid, flush=True)
    time.sleep(600)
"""


def container(connection: str, name: str = "kept") -> ContainerClient:
    return BlobServiceClient.from_connection_string(connection).get_container_client(name)


def test_both_accounts_are_served_and_hold_different_things(azurite: Azurite) -> None:
    with container(azurite.connection_string(APP_ACCOUNT), "accounts") as client:
        client.create_container()
    with container(azurite.connection_string(SERVICE_ACCOUNT), "accounts") as client:
        assert not client.exists()


def test_over_https_it_takes_entra_id_tokens(azurite_https: SecureAzurite) -> None:
    url = azurite_https.url("blob")
    with BlobServiceClient(url, EntraStandIn(), connection_verify=str(azurite_https.ca_file)) as client:
        client.create_container("tokens")
        assert [found.name for found in client.list_containers()] == ["tokens"]


def test_each_test_gets_names_of_its_own(storage: Storage) -> None:
    with container(storage.connection, storage.name("own")) as client:
        assert not client.exists()


def test_what_was_written_is_there_after_a_restart_on_the_same_ports(tmp_path: Path) -> None:
    with running_azurite(tmp_path / "data with spaces") as server:
        ports = dict(server.ports)
        with container(server.connection_string()) as client:
            client.create_container()
            client.upload_blob("a blob", b"its content")
        server.restart()
        assert server.ports == ports
        with container(server.connection_string()) as client:
            assert client.download_blob("a blob").readall() == b"its content"


def test_leaving_the_block_ends_the_process() -> None:
    with running_azurite() as server:
        pid = server.pid
        assert alive(pid)
    assert not alive(pid)


def test_azurite_ends_when_its_owner_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid = int(owner.stdout.readline())
        owner.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not alive(pid)), "Azurite outlived its owner"


def test_a_port_in_use_is_an_error_that_names_it(azurite: Azurite) -> None:
    port = azurite.ports["blob"]
    with pytest.raises(AzuriteStartError, match=str(port)), running_azurite(blob_port=port):
        pass
