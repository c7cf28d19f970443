"""A storage that is killed has lost nothing, because nothing was under way and everything was written down."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite.server import running_azurite
from tests.acceptance.storage_proxy import StorageCall, storage_proxy
from tests.chaos import storage_end
from tests.chaos.wire import Gate

WRITE = StorageCall("blob", "PUT", "/account/container/name", b"", 1)
READ = StorageCall("blob", "GET", "/account/container/name", b"", 1)
TAKE = StorageCall("queue", "GET", "/account/export-work/messages?numofmessages=4&visibilitytimeout=3", b"", 1)
MOMENT_SECONDS = 0.2


@pytest.mark.azurite
def test_a_killed_storage_comes_back_with_everything_that_it_had_acknowledged(tmp_path: Path) -> None:
    with running_azurite(tmp_path) as azurite:
        with (
            BlobServiceClient.from_connection_string(azurite.connection_string()) as blobs,
            QueueServiceClient.from_connection_string(azurite.connection_string()) as queues,
        ):
            blobs.create_container("some").upload_blob("blob", b"content")
            queues.create_queue("some").send_message("message")
        pid = azurite.pid
        storage_end.kill(azurite, tmp_path, Gate())
        azurite.start()
        assert azurite.pid != pid
        with (
            BlobServiceClient.from_connection_string(azurite.connection_string()) as blobs,
            QueueServiceClient.from_connection_string(azurite.connection_string()) as queues,
        ):
            assert blobs.get_blob_client("some", "blob").download_blob().readall() == b"content"
            assert [one.content for one in queues.get_queue_client("some").receive_messages()] == ["message"]


@pytest.mark.parametrize("change", [WRITE, TAKE], ids=["a write", "taking messages"])
def test_a_closed_gate_waits_for_what_is_under_way_and_holds_what_comes(change: StorageCall) -> None:
    gate, told = Gate(), list[str]()
    gate.enter(change)
    holding = threading.Thread(target=_hold, args=(gate, told, replace(change, number=2)))
    holding.start()
    gate.enter(READ)
    holding.join(MOMENT_SECONDS)
    assert told == []
    gate.leave(change)
    holding.join()
    assert told == ["closed", "open", "next"]


@pytest.mark.azurite
def test_a_call_that_the_end_of_the_storage_cut_off_is_not_waited_for(tmp_path: Path) -> None:
    with running_azurite(tmp_path) as azurite, storage_proxy(azurite) as proxy:
        gate, told = Gate(), list[str]()
        proxy.before, proxy.ended = gate.enter, gate.leave
        storage_end.stop(azurite)
        with pytest.raises(requests.ConnectionError):
            requests.put(f"http://127.0.0.1:{proxy.ports['blob']}/devstoreaccount1/name", timeout=30)
        _hold(gate, told, WRITE)
        assert told == ["closed", "open", "next"]


def _hold(gate: Gate, told: list[str], change: StorageCall) -> None:
    """Close the gate while a further call comes, and tell what happens in which order."""

    def call() -> None:
        gate.enter(change)
        told.append("next")

    with gate.closed():
        told.append("closed")
        calling = threading.Thread(target=call)
        calling.start()
        calling.join(MOMENT_SECONDS)  # it is over sooner where nothing holds the call
        told.append("open")
    calling.join()
