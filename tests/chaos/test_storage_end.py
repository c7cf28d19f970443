"""A storage that is killed has lost nothing, because nothing was under way and everything was written down."""

import threading
from pathlib import Path

import pytest
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from local.azurite.server import running_azurite
from tests.acceptance.storage_proxy import StorageCall
from tests.chaos import storage_end
from tests.chaos.wire import Gate

WRITE = StorageCall("blob", "PUT", "/account/container/name", b"", 1)
READ = StorageCall("blob", "GET", "/account/container/name", b"", 1)
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
        storage_end.start(azurite, Gate())
        assert azurite.pid != pid
        with (
            BlobServiceClient.from_connection_string(azurite.connection_string()) as blobs,
            QueueServiceClient.from_connection_string(azurite.connection_string()) as queues,
        ):
            assert blobs.get_blob_client("some", "blob").download_blob().readall() == b"content"
            assert [one.content for one in queues.get_queue_client("some").receive_messages()] == ["message"]


def test_a_closed_gate_waits_for_the_writes_under_way_and_holds_the_next_ones() -> None:
    gate, told = Gate(), list[str]()
    gate.enter(WRITE)
    holding = threading.Thread(target=_hold, args=(gate, told))
    holding.start()
    gate.enter(READ)
    holding.join(MOMENT_SECONDS)
    assert told == []
    gate.leave(WRITE)
    holding.join()
    assert told == ["closed", "open", "next write"]


def test_what_the_end_of_the_storage_cut_off_is_not_waited_for() -> None:
    gate, told = Gate(), list[str]()
    gate.enter(WRITE)
    gate.forget()
    _hold(gate, told)
    assert told == ["closed", "open", "next write"]


def _hold(gate: Gate, told: list[str]) -> None:
    """Close the gate while another write comes, and tell what happens in which order."""

    def write() -> None:
        gate.enter(StorageCall("blob", "PUT", "/account/container/next", b"", 2))
        told.append("next write")

    with gate.closed():
        told.append("closed")
        writing = threading.Thread(target=write)
        writing.start()
        writing.join(MOMENT_SECONDS)  # it is over sooner where nothing holds the write
        told.append("open")
    writing.join()
