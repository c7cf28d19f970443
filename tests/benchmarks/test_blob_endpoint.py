"""The lean endpoint under the real Storage SDK and under the app's own adapter."""

import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError
from azure.storage.blob import BlobServiceClient, ContainerClient

from benchmarks.blob_endpoint.process import BlobEndpoint, running_endpoint
from local.azurite.accounts import APP_ACCOUNT, SERVICE_ACCOUNT
from shared.adapters.blob_direct_copies import DirectCopies
from shared.adapters.blob_direct_lists import DirectLists
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.http_exchange import make_session
from shared.adapters.picture_source import HttpPictureSource
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_settings import StorageSettings
from shared.domain.errors import AlreadyExists, SourceRefusal, Superseded


@pytest.fixture(scope="module")
def endpoint() -> Iterator[BlobEndpoint]:
    with running_endpoint() as running:
        yield running


@pytest.fixture
def store(endpoint: BlobEndpoint, request: pytest.FixtureRequest) -> Iterator[AzureBlobStore]:
    name = "test" + str(abs(hash(request.node.name)))
    connection = StorageConnection(
        StorageSettings("DATA_STORAGE", connection_string=endpoint.connection_string(APP_ACCOUNT))
    )
    yield AzureBlobStore(
        connection.blobs(), name, copies=DirectCopies(connection, name), lists=DirectLists(connection, name)
    )
    connection.close()


@pytest.fixture
def pictures(endpoint: BlobEndpoint) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(endpoint.connection_string(SERVICE_ACCOUNT)) as service:
        container = service.get_container_client("pictures")
        if not container.exists():
            container.create_container()
        yield container


def test_a_blob_is_created_once(store: AzureBlobStore) -> None:
    store.create("a", b"1")
    with pytest.raises(AlreadyExists):
        store.create("a", b"2")
    found = store.read("a")
    assert found is not None
    assert found.content == b"1"


def test_only_the_state_that_was_read_is_replaced(store: AzureBlobStore) -> None:
    first = store.create("a", b"1", metadata={"state": "open"})
    second = store.replace("a", b"2", etag=first)
    with pytest.raises(Superseded):
        store.replace("a", b"3", etag=first)
    found = store.read("a")
    assert found is not None
    assert (found.content, found.etag) == (b"2", second)


def test_lines_are_appended_in_order(store: AzureBlobStore) -> None:
    assert [store.append("tally", line) for line in (b"1\n", b"2\n")] == [1, 2]
    found = store.read("tally")
    assert found is not None
    assert found.content == b"1\n2\n"


def test_a_listing_has_an_order_pages_and_metadata(store: AzureBlobStore) -> None:
    for name in ("b/2", "a/1", "b/1", "c & d/1", "b/3"):
        store.put(name, name.encode(), metadata={"name": name[0]})
    assert [entry.name for entry in store.entries(page_size=2)] == ["a/1", "b/1", "b/2", "b/3", "c & d/1"]
    entries = list(store.entries("b/", with_metadata=True))
    assert [(entry.name, entry.size, entry.metadata) for entry in entries] == [
        (f"b/{number}", 3, {"name": "b"}) for number in (1, 2, 3)
    ]


def test_blobs_are_deleted_alone_and_many_at_once(store: AzureBlobStore) -> None:
    for number in range(5):
        store.put(f"x/{number}", b"")
    assert store.delete("x/0")
    assert not store.delete("x/0")
    assert store.delete_all([f"x/{number}" for number in range(5)]) == 4
    assert list(store.entries()) == []


def test_a_long_stream_comes_back_whole(store: AzureBlobStore) -> None:
    blocks = [bytes([number]) * 1024 * 1024 for number in range(6)]
    written = store.write_stream("long", iter(blocks), content_type="application/zip")
    assert b"".join(store.read_stream("long")) == b"".join(blocks)
    assert [(entry.size, entry.md5.hex() if entry.md5 else None) for entry in store.entries()] == [
        (written.size, written.md5)
    ]


def test_a_copy_holds_its_source_to_etag_and_md5(store: AzureBlobStore, pictures: ContainerClient) -> None:
    source = pictures.upload_blob("one.jpg", b"picture", overwrite=True)
    etag = source.get_blob_properties().etag
    md5 = bytes(source.get_blob_properties().content_settings.content_md5 or b"")
    store.copy_from_link("copy", source.url, source_etag=etag, source_md5=md5, content_type="image/jpeg")
    found = store.read("copy")
    assert found is not None
    assert found.content == b"picture"
    for other_etag, other_md5 in (('"0x1"', md5), (etag, bytes(16))):
        with pytest.raises(SourceRefusal, match="source_changed"):
            store.copy_from_link(
                "copy", source.url, source_etag=other_etag, source_md5=other_md5, content_type="image/jpeg"
            )


def test_a_copy_of_nothing_is_refused(store: AzureBlobStore, pictures: ContainerClient) -> None:
    with pytest.raises(SourceRefusal, match="source_absent"):
        store.copy_from_link(
            "copy", f"{pictures.url}/none.jpg", source_etag=None, source_md5=None, content_type="image/jpeg"
        )


def test_a_read_is_held_to_its_etag(endpoint: BlobEndpoint, pictures: ContainerClient) -> None:
    blob = pictures.upload_blob("two.jpg", b"picture", overwrite=True)
    with pytest.raises(ResourceModifiedError):
        blob.download_blob(etag='"0x1"', match_condition=MatchConditions.IfNotModified)
    assert endpoint.peek(urlsplit(blob.url).path.lstrip("/")) == b"picture"


def test_calls_and_connections_are_counted(endpoint: BlobEndpoint, pictures: ContainerClient) -> None:
    blob = pictures.upload_blob("three.jpg", b"picture", overwrite=True)
    endpoint.reset()
    threads = [threading.Thread(target=blob.download_blob().readall) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    assert endpoint.counts()["calls"] == {"customvision GetBlob": 3}
    assert endpoint.counts()["connections"] >= 1


def test_calls_are_told_apart_by_kind_of_blob(endpoint: BlobEndpoint, pictures: ContainerClient) -> None:
    endpoint.reset()
    for number in range(2):
        pictures.upload_blob(f"kinds/{number}.jpg", b"picture", overwrite=True)
    assert endpoint.counts()["kinds"] == {"customvision PutBlob kinds/N.jpg": 2}
    assert endpoint.names("customvision/pictures/kinds/") == ["kinds/0.jpg", "kinds/1.jpg"]


def test_a_busy_copy_is_done_in_the_end_and_an_unreadable_one_is_a_refusal(
    endpoint: BlobEndpoint, store: AzureBlobStore, pictures: ContainerClient
) -> None:
    source = pictures.upload_blob("five.jpg", b"picture", overwrite=True).url
    try:
        endpoint.set_bad_copies(busy=1000)
        store.copy_from_link("copy", source, source_etag=None, source_md5=None, content_type="image/jpeg")
        endpoint.set_bad_copies(unreadable=1000)
        with pytest.raises(SourceRefusal):
            store.copy_from_link("other", source, source_etag=None, source_md5=None, content_type="image/jpeg")
    finally:
        endpoint.set_bad_copies()
    assert [entry.name for entry in store.entries()] == ["copy"]


def test_one_connection_serves_one_probe_after_the_other(endpoint: BlobEndpoint, pictures: ContainerClient) -> None:
    pictures.upload_blob("four.jpg", b"picture", overwrite=True)
    with make_session(4) as session:
        source = HttpPictureSource(session)
        source.probe(f"{pictures.url}/four.jpg")
        before = endpoint.open_connections()
        assert [source.probe(f"{pictures.url}/four.jpg").size for _ in range(3)] == [7, 7, 7]
        assert endpoint.open_connections() == before
