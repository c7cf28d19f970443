"""A write whose answer was lost is sent again, and meets itself: it has won if the blob holds what it wrote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from local.azurite.accounts import APP_ACCOUNT
from local.azurite.server import Azurite
from shared.adapters.blob_direct_small import DirectSmallBlobs
from shared.adapters.blob_small import SdkSmallBlobs, SmallBlobs
from shared.adapters.blob_store import AzureBlobStore
from shared.domain.errors import AlreadyExists, StorageUnavailable, Superseded
from tests.acceptance.storage_proxy import Fate, StorageCall, StorageProxy, storage_proxy
from tests.conftest import Storage
from tests.contract.conftest import connected

pytestmark = pytest.mark.azurite


@dataclass
class Network:
    """A store, and what lies between it and Azurite."""

    store: AzureBlobStore
    proxy: StorageProxy

    def loses(self, answers: int) -> None:
        """Lose the answers of the next calls."""
        left = [Fate.UNANSWERED] * answers
        self.proxy.decide = lambda _: left.pop() if left else Fate.PASS


@pytest.fixture(params=["sdk", "direct"])
def network(request: pytest.FixtureRequest, azurite: Azurite, storage: Storage) -> Iterator[Network]:
    name = storage.name("blobs")
    with storage_proxy(azurite) as proxy:
        connection = connected(proxy.connection_string(APP_ACCOUNT))
        ways: dict[str, Callable[[], SmallBlobs]] = {
            "sdk": lambda: SdkSmallBlobs(connection.blobs(), name),
            "direct": lambda: DirectSmallBlobs(connection, name, pause_seconds=0),
        }
        store = AzureBlobStore(connection.blobs(), name, small=ways[request.param]())
        store.ensure()
        yield Network(store, proxy)
        connection.close()


def content_of(network: Network, name: str = "record") -> bytes | None:
    there = network.store.read(name)
    return there.content if there else None


def test_a_create_that_won_has_won(network: Network) -> None:
    network.loses(1)
    etag = network.store.create("record", b"mine")
    there = network.store.read("record")
    assert there is not None
    assert (there.content, there.etag) == (b"mine", etag)


def test_a_replacement_that_won_has_won(network: Network) -> None:
    first = network.store.create("record", b"1")
    network.loses(1)
    second = network.store.replace("record", b"2", etag=first)
    there = network.store.read("record")
    assert there is not None
    assert (there.content, there.etag) == (b"2", second)


def test_a_write_that_lost_has_lost(network: Network) -> None:
    stale = network.store.create("record", b"theirs")
    network.store.replace("record", b"theirs again", etag=stale)
    network.loses(1)
    with pytest.raises(AlreadyExists):
        network.store.create("record", b"mine")
    network.loses(1)
    with pytest.raises(Superseded):
        network.store.replace("record", b"mine", etag=stale)
    assert content_of(network) == b"theirs again"


def test_a_write_that_lost_at_once_is_not_taken_for_its_own_repetition(network: Network) -> None:
    network.store.create("record", b"the same")
    with pytest.raises(AlreadyExists):
        network.store.create("record", b"the same")


def test_reads_and_deletions_are_sent_again(network: Network) -> None:
    network.store.create("record", b"1")
    network.loses(1)
    assert content_of(network) == b"1"
    network.loses(1)
    network.store.delete("record")
    assert content_of(network) is None


def test_a_storage_that_never_answers_is_unavailable_and_its_error_names_nothing(network: Network) -> None:
    network.proxy.decide = lambda _: Fate.UNANSWERED
    with pytest.raises(StorageUnavailable) as error:
        network.store.put("a-name", b"secret")
    assert not [word for word in ("a-name", "secret", "devstoreaccount1") if word in repr(error.value)]


def test_a_blob_of_many_mebibytes_is_read_whole(network: Network) -> None:
    content = bytes(range(256)) * 4096 * 9
    network.store.put("plan", content, metadata={"status": "done"})
    calls: list[StorageCall] = []
    network.proxy.before = calls.append
    there = network.store.read("plan")
    assert there is not None
    assert (there.content == content, there.metadata) == (True, {"status": "done"})
    assert calls


CALLS: dict[str, Callable[[AzureBlobStore], object]] = {
    "put": lambda store: store.put("record", b"1"),
    "append": lambda store: store.append("lines", b"1"),
    "read": lambda store: store.read("record"),
    "read_stream": lambda store: list(store.read_stream("record")),
    "write_stream": lambda store: store.write_stream("file", [b"1"], content_type="text/plain"),
    "delete": lambda store: store.delete("record"),
    "delete_all": lambda store: store.delete_all(["record"]),
    "entries": lambda store: list(store.entries()),
}


@pytest.mark.parametrize("fate", [Fate.CONFLICT, Fate.UNMET])
@pytest.mark.parametrize("call", CALLS)
def test_a_conflict_that_the_storage_has_not_spoken_of_is_worth_another_try(
    network: Network, call: str, fate: Fate
) -> None:
    network.store.create("record", b"there")
    network.proxy.decide = lambda _: fate
    with pytest.raises(StorageUnavailable):
        CALLS[call](network.store)
