"""The same storage twice, in memory and on Azurite; and the stand-in of the service."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from azure.storage.blob import BlobSasPermissions, ContainerClient, ContentSettings, generate_blob_sas

from local.azurite.server import Azurite
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from shared.adapters.blob_direct_copies import DirectCopies
from shared.adapters.blob_direct_lists import DirectLists
from shared.adapters.blob_direct_small import DirectSmallBlobs
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_queues import AzureStorageQueues
from shared.adapters.storage_settings import StorageSettings
from shared.domain.errors import SourceRefusal
from shared.ports import BlobStore, QueuedMessage, Queues
from tests.conftest import Storage
from tests.fakes import Fetched, InMemoryBlobStore, InMemoryQueues, SettableClock

BOTH = ["memory", pytest.param("azurite", marks=pytest.mark.azurite)]


@dataclass(frozen=True)
class Picture:
    """A picture of the service as one read of its link shows it."""

    name: str
    link: str
    etag: str
    md5: bytes


class Pictures(Protocol):
    """Where pictures come from: the Custom Vision side of a copy."""

    def publish(self, content: bytes, name: str = "picture") -> Picture: ...
    def expired_link(self, picture: Picture) -> str: ...
    def absent_link(self) -> str: ...


class PicturesInMemory:
    def __init__(self) -> None:
        self._found: dict[str, Fetched] = {}

    def publish(self, content: bytes, name: str = "picture") -> Picture:
        found = Fetched(content, f'"{uuid.uuid4().hex}"')
        self._found[f"memory://{name}"] = found
        md5 = hashlib.md5(content, usedforsecurity=False).digest()
        return Picture(name, f"memory://{name}", str(found.etag), md5)

    def expired_link(self, picture: Picture) -> str:
        return f"{picture.link}?expired"

    def absent_link(self) -> str:
        return "memory://nothing"

    def fetch(self, link: str) -> Fetched | SourceRefusal:
        if link.endswith("?expired"):
            return SourceRefusal("link_expired", status=403)
        return self._found.get(link) or SourceRefusal("source_absent", status=404)


class PicturesOnAzurite:
    """Blobs of the second account, since Azurite checks no signature of a source within one account."""

    def __init__(self, container: ContainerClient, account_key: str) -> None:
        self._container = container
        self._key = account_key

    def publish(self, content: bytes, name: str = "picture") -> Picture:
        settings = ContentSettings(content_type="image/jpeg")
        blob = self._container.upload_blob(
            name, content, overwrite=True, content_settings=settings, metadata={"subject": "somebody"}
        )
        properties = blob.get_blob_properties()
        md5 = bytes(properties.content_settings.content_md5 or b"")
        return Picture(name, self._link(name, timedelta(minutes=10)), str(properties.etag), md5)

    def expired_link(self, picture: Picture) -> str:
        return self._link(picture.name, -timedelta(minutes=10))

    def absent_link(self) -> str:
        return self._link("nothing", timedelta(minutes=10))

    def _link(self, name: str, life: timedelta) -> str:
        sas = generate_blob_sas(
            str(self._container.account_name),
            self._container.container_name,
            name,
            account_key=self._key,
            permission=BlobSasPermissions(read=True),
            expiry=datetime.now(UTC) + life,
        )
        return f"{self._container.get_blob_client(name).url}?{sas}"


def connected(connection_string: str) -> StorageConnection:
    return StorageConnection(StorageSettings.from_mapping({"STORAGE": connection_string}, "STORAGE"))


@pytest.fixture(scope="session")
def connection(azurite: Azurite) -> Iterator[StorageConnection]:
    """The app's account."""
    connection = connected(azurite.connection_string())
    yield connection
    connection.close()


@pytest.fixture(scope="session")
def service_connection(azurite: Azurite) -> Iterator[StorageConnection]:
    """The account of the service's pictures."""
    connection = connected(azurite.connection_string("customvision"))
    yield connection
    connection.close()


@pytest.fixture
def azure_store(connection: StorageConnection, storage: Storage) -> AzureBlobStore:
    """A store on Azurite whose container nobody has made."""
    return AzureBlobStore(connection.blobs(), storage.name("blobs"))


@pytest.fixture
def direct_store(connection: StorageConnection, storage: Storage) -> AzureBlobStore:
    """The same, but copies and listings go past the SDK's pipeline."""
    name = storage.name("blobs")
    return AzureBlobStore(
        connection.blobs(),
        name,
        copies=DirectCopies(connection, name),
        lists=DirectLists(connection, name),
        small=DirectSmallBlobs(connection, name),
    )


@pytest.fixture
def azurite_pictures(service_connection: StorageConnection, storage: Storage, azurite: Azurite) -> PicturesOnAzurite:
    container = service_connection.blobs().create_container(storage.name("pictures"))
    return PicturesOnAzurite(container, azurite.accounts["customvision"])


@dataclass(frozen=True)
class BlobWorld:
    """A store, and the pictures that it can copy from."""

    store: BlobStore
    pictures: Pictures


@pytest.fixture(params=[*BOTH, pytest.param("direct", marks=pytest.mark.azurite)])
def copying(request: pytest.FixtureRequest) -> BlobWorld:
    """Store and pictures, in memory, and on Azurite by both ways of sending a copy."""
    return blob_world(request)


@pytest.fixture(params=BOTH)
def world(request: pytest.FixtureRequest) -> BlobWorld:
    """Store and pictures, once in memory and once on Azurite."""
    return blob_world(request)


def blob_world(request: pytest.FixtureRequest) -> BlobWorld:
    if request.param == "memory":
        pictures = PicturesInMemory()
        return BlobWorld(InMemoryBlobStore(fetch=pictures.fetch), pictures)
    store = "azure_store" if request.param == "azurite" else "direct_store"
    return BlobWorld(request.getfixturevalue(store), request.getfixturevalue("azurite_pictures"))


@pytest.fixture
def store(world: BlobWorld) -> BlobStore:
    return world.store


@dataclass(frozen=True)
class QueueWorld:
    """Queues, a queue name of the test's own, and a way to let a little time pass for them."""

    queues: Queues
    name: str
    let_pass: Callable[[float], object]
    seconds: Callable[[], float]

    def receive_within(self, seconds: float, *, hidden_seconds: float = 300) -> QueuedMessage:
        """Take the message that becomes visible within `seconds`; fails if there is none by then (and a margin)."""
        deadline = time.monotonic() + seconds + 10
        while time.monotonic() < deadline:
            if taken := self.queues.receive(self.name, hidden_seconds=hidden_seconds):
                return taken[0]
            self.let_pass(0.1)
        raise AssertionError("no message became visible in time")


@pytest.fixture(params=BOTH)
def queue_world(request: pytest.FixtureRequest) -> QueueWorld:
    """Queues in memory (their time is set) and on Azurite (their time is the wall's)."""
    if request.param == "memory":
        clock = SettableClock()
        return QueueWorld(InMemoryQueues(clock), "work", clock.advance, lambda: clock.now().timestamp())
    connection: StorageConnection = request.getfixturevalue("connection")
    storage: Storage = request.getfixturevalue("storage")
    return QueueWorld(AzureStorageQueues(connection.queues()), storage.name("work"), time.sleep, time.monotonic)


@pytest.fixture(scope="module")
def emulator() -> Iterator[RunningEmulator]:
    """The stand-in of the service, started once for all tests of a module."""
    with running_emulator() as running:
        yield running


@pytest.fixture
def control(emulator: RunningEmulator) -> EmulatorControl:
    """Its control, when it holds nothing again."""
    control = EmulatorControl(emulator.url)
    control.reset()
    return control
