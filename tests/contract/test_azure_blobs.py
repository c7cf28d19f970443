"""What only the Azure adapter can show: links, lost answers, memory, silence."""

import gc
import logging
import sys
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import DecodeError, HttpResponseError
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import BlobServiceClient, LinearRetry

from local.azurite.server import Azurite
from shared.adapters.blob_direct_copies import DirectCopies, copy_headers
from shared.adapters.blob_direct_lists import read_page
from shared.adapters.blob_links import account_in
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_queues import AzureStorageQueues
from shared.adapters.storage_settings import StorageSettings
from shared.domain.errors import StorageUnavailable, Superseded
from tests.conftest import Storage
from tests.contract.conftest import PicturesOnAzurite

pytestmark = pytest.mark.azurite

MIB = 1024 * 1024
FEW_BLOCKS = 20 * MIB
NOBODY = "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=a2V5;"


class MeddlingTransport(RequestsTransport):  # type: ignore[misc]
    """Sends for real, and meddles before or after as a network or another process would."""

    refuse_batches = False
    before_send: Callable[[str], None] | None = None

    def send(self, request: Any, **options: Any) -> Any:
        if self.refuse_batches and "comp=batch" in request.url:
            error = HttpResponseError("no batches")
            error.status_code = 501
            raise error
        if self.before_send:
            self.before_send(request.headers.get("x-ms-range", ""))
        return super().send(request, **options)


@dataclass(frozen=True)
class Meddled:
    """A store, and the network between it and Azurite."""

    store: AzureBlobStore
    transport: MeddlingTransport


@pytest.fixture
def meddled(azurite: Azurite, storage: Storage) -> Iterator[Meddled]:
    transport = MeddlingTransport()
    retry = LinearRetry(backoff=0, random_jitter_range=0, retry_total=3)
    service = BlobServiceClient.from_connection_string(
        azurite.connection_string(),
        transport=transport,
        retry_policy=retry,
        max_single_get_size=MIB,
        max_chunk_get_size=MIB,
    )
    with service:
        store = AzureBlobStore(service, storage.name("blobs"))
        store.ensure()
        yield Meddled(store, transport)


def status_of(link: str, method: str = "GET", body: bytes | None = None) -> int:
    request = urllib.request.Request(link, data=body, method=method, headers={"x-ms-blob-type": "BlockBlob"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def in_fifteen_minutes() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=15)


def test_a_read_link_reads_and_refuses_writes_and_other_blobs(azure_store: AzureBlobStore) -> None:
    azure_store.put("a/package 1.zip", b"zip")
    azure_store.put("a/other.zip", b"other")
    link = azure_store.read_link("a/package 1.zip", expires=in_fifteen_minutes())
    with urllib.request.urlopen(link, timeout=10) as answer:
        assert answer.read() == b"zip"
    other = link.replace("package%201", "other")
    assert other != link
    refused = [status_of(link, "PUT", b"x"), status_of(link, "DELETE"), status_of(other), status_of(link + "x")]
    assert refused == [403] * 4


def test_an_expired_read_link_reads_nothing(azure_store: AzureBlobStore) -> None:
    azure_store.put("package.zip", b"zip")
    assert status_of(azure_store.read_link("package.zip", expires=datetime.now(UTC) - timedelta(seconds=5))) == 403


def test_links_to_azure_are_for_https_only() -> None:
    settings = StorageSettings.from_mapping({"S": NOBODY.replace("http;", "https;")}, "S")
    link = AzureBlobStore(StorageConnection(settings).blobs(), "c").read_link("b", expires=in_fifteen_minutes())
    assert link.startswith("https://devstoreaccount1.blob.core.windows.net/c/b?")
    assert "&spr=https&" in link


def test_the_account_is_known_at_a_dns_zone_endpoint_too() -> None:
    url = "https://stgdpr.z01.blob.storage.azure.net"
    assert BlobServiceClient(url).account_name is None
    assert account_in(f"{url}/c/b") == "stgdpr"


def test_a_stream_of_40_mebibytes_takes_memory_of_a_few_blocks(azure_store: AzureBlobStore) -> None:
    piece = b"x" * (256 * 1024)
    azure_store.write_stream("warm", [piece], content_type="image/jpeg")
    tracemalloc.start()
    try:
        azure_store.write_stream("big", (piece for _ in range(160)), content_type="application/zip")
        written = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        size = sum(len(chunk) for chunk in azure_store.read_stream("big"))
        read = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 40 * MIB
    assert written < FEW_BLOCKS
    assert read < FEW_BLOCKS


def test_a_blob_overwritten_in_the_middle_of_a_stream_ends_it(azure_store: AzureBlobStore) -> None:
    azure_store.write_stream("file", (b"1" * MIB for _ in range(12)), content_type="image/jpeg")
    chunks = azure_store.read_stream("file")
    next(chunks)
    azure_store.write_stream("file", (b"2" * MIB for _ in range(12)), content_type="image/jpeg")
    with pytest.raises(Superseded):
        list(chunks)


def test_the_content_type_is_kept_and_a_copy_has_its_sources(
    azure_store: AzureBlobStore,
    azurite_pictures: PicturesOnAzurite,
    connection: StorageConnection,
    storage: Storage,
) -> None:
    azure_store.put("page", b"", content_type="text/html")
    azure_store.write_stream("file", [b"x"], content_type="image/png")
    link = azurite_pictures.publish(b"picture").link
    azure_store.copy_from_link("copy", link, source_etag=None, source_md5=None, content_type="application/zip")
    listed = connection.container(storage.name("blobs")).list_blobs()
    types = {blob.name: blob.content_settings.content_type for blob in listed}
    assert types == {"page": "text/html", "file": "image/png", "copy": "image/jpeg"}


def test_a_listing_goes_on_from_page_to_page_only_as_it_is_read(azure_store: AzureBlobStore) -> None:
    for number in range(3):
        azure_store.put(f"{number}", b"")
    entries = azure_store.entries(page_size=1)
    assert next(entries).name == "0"
    azure_store.delete("2")
    assert [entry.name for entry in entries] == ["1"]


def test_a_container_deleted_meanwhile_is_made_again(
    azure_store: AzureBlobStore, connection: StorageConnection, storage: Storage
) -> None:
    azure_store.put("file", b"")
    connection.container(storage.name("blobs")).delete_container()
    assert azure_store.read("file") is None
    assert azure_store.delete_all(["file"]) == 0
    azure_store.append("log", b"line\n")
    assert [entry.name for entry in azure_store.entries()] == ["log"]


def test_a_wrong_key_is_unavailable_and_no_secret_is_told(
    azurite: Azurite, storage: Storage, azurite_pictures: PicturesOnAzurite, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    own_key = azurite.accounts["devstoreaccount1"]
    wrong = azurite.connection_string().replace(own_key, azurite.accounts["customvision"])
    connection = StorageConnection(StorageSettings.from_mapping({"S": wrong}, "S"))
    store = AzureBlobStore(connection.blobs(), storage.name("blobs"))
    link = azurite_pictures.publish(b"picture").link
    with pytest.raises(StorageUnavailable) as written:
        store.put("name", b"content")
    with pytest.raises(StorageUnavailable) as copied:
        store.copy_from_link("name", link, source_etag=None, source_md5=None, content_type="image/jpeg")
    with pytest.raises(StorageUnavailable) as sent:
        AzureStorageQueues(connection.queues()).send(storage.name("work"), {"n": 1})
    connection.close()
    assert [error.value.status for error in (written, copied, sent)] == [403] * 3
    told = "".join(str(error.value) + str(error.value.__cause__) for error in (written, copied, sent)) + caplog.text
    assert not [secret for secret in ("sig=", "127.0.0.1", own_key, "content-length") if secret in told.lower()]


def test_calls_leave_no_line_in_the_log(azure_store: AzureBlobStore, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    azure_store.put("name", b"content", metadata={"status": "done"})
    azure_store.read("name")
    list(azure_store.entries())
    assert caplog.records == []


def test_a_storage_that_does_not_listen_is_unavailable() -> None:
    endpoints = "BlobEndpoint=http://127.0.0.1:9/devstoreaccount1;"
    transport = RequestsTransport()
    retry = LinearRetry(backoff=0, random_jitter_range=0, retry_total=1)
    with BlobServiceClient.from_connection_string(
        NOBODY + endpoints, transport=transport, retry_policy=retry
    ) as service:
        store = AzureBlobStore(service, "c")
        with pytest.raises(StorageUnavailable) as error:
            store.read("name")
        with pytest.raises(StorageUnavailable):
            list(store.entries())
    assert error.value.status is None


def test_direct_copies_to_a_storage_that_does_not_listen_are_unavailable() -> None:
    endpoint = "BlobEndpoint=http://127.0.0.1:9/devstoreaccount1;"
    settings = StorageSettings.from_mapping({"S": NOBODY + endpoint}, "S", needs=("blob",))
    connection = StorageConnection(settings)
    store = AzureBlobStore(connection.blobs(), "c", copies=DirectCopies(connection, "c", pause_seconds=0))
    with pytest.raises(StorageUnavailable) as error:
        store.copy_from_link("b", "https://x/y?sig=1", source_etag=None, source_md5=None, content_type="image/jpeg")
    connection.close()
    assert error.value.status is None
    assert "MaxRetryError" not in str(error.value)


def test_what_a_header_cannot_hold_is_encoded_and_nothing_twice() -> None:
    headers = copy_headers("https://x/ä%20b\r\n?sig=a%2Bb%3D&se=1", source_etag=None, source_md5=None)
    assert headers["x-ms-copy-source"] == "https://x/%C3%A4%20b%0D%0A?sig=a%2Bb%3D&se=1"
    assert list(headers) == sorted(headers)


ROW = """<Blob><Name{encoded}>{name}</Name><Properties><Last-Modified>Tue, 24 Nov 2026 09:00:00 GMT</Last-Modified>
<Etag>0x1</Etag><Content-Length>3</Content-Length><Content-MD5/></Properties>{metadata}</Blob>"""


def a_page(rows: str, marker: str = "<NextMarker/>") -> bytes:
    return f'<?xml version="1.0"?><EnumerationResults><Blobs>{rows}</Blobs>{marker}</EnumerationResults>'.encode()


def test_a_page_of_a_listing_is_read_as_the_service_documents_it() -> None:
    rows = ROW.format(encoded="", name="a%20b", metadata="<Metadata><k>v</k><empty/></Metadata><OrMetadata/>")
    rows += ROW.format(encoded=' Encoded="true"', name="a%EF%BF%BFb", metadata="")
    entries, marker = read_page(a_page(rows, "<NextMarker>2!4</NextMarker>"))
    assert marker == "2!4"
    assert [entry.name for entry in entries] == ["a%20b", "a\uffffb"]
    first = entries[0]
    assert (first.size, first.etag, first.md5, first.metadata) == (3, '"0x1"', None, {"k": "v", "empty": ""})
    assert first.last_modified == datetime(2026, 11, 24, 9, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b"<EnumerationResults><Blobs>", a_page("<Blob><Name>a</Name></Blob>"), b"\xff"])
def test_a_page_that_is_none_is_an_answer_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises(DecodeError):
        read_page(body)


def test_a_page_that_was_read_is_given_back_without_the_garbage_collector() -> None:
    body = a_page(ROW.format(encoded="", name="a", metadata="") * 500)
    gc.disable()
    try:
        held_before = sys.getrefcount(body)
        assert len(read_page(body)[0]) == 500
        assert sys.getrefcount(body) == held_before
    finally:
        gc.enable()


def test_the_last_page_has_no_marker() -> None:
    assert read_page(a_page("")) == ([], None)


def test_a_direct_copy_by_a_wrong_key_is_the_targets_fault(
    azurite: Azurite, storage: Storage, azurite_pictures: PicturesOnAzurite
) -> None:
    own_key = azurite.accounts["devstoreaccount1"]
    wrong = azurite.connection_string().replace(own_key, azurite.accounts["customvision"])
    connection = StorageConnection(StorageSettings.from_mapping({"S": wrong}, "S"))
    name = storage.name("blobs")
    store = AzureBlobStore(connection.blobs(), name, copies=DirectCopies(connection, name))
    link = azurite_pictures.publish(b"picture").link
    with pytest.raises(StorageUnavailable) as error:
        store.copy_from_link("b", link, source_etag=None, source_md5=None, content_type="image/jpeg")
    connection.close()
    assert error.value.status == 403
    assert "sig=" not in str(error.value) + str(error.value.__cause__)


def test_where_there_are_no_batches_blobs_are_deleted_one_by_one(meddled: Meddled) -> None:
    for name in ("a", "b", "c"):
        meddled.store.put(name, b"")
    meddled.transport.refuse_batches = True
    assert meddled.store.delete_all(["a", "absent", "b"]) == 2
    assert [entry.name for entry in meddled.store.entries()] == ["c"]


def test_one_blob_that_cannot_be_deleted_is_told(
    azure_store: AzureBlobStore, connection: StorageConnection, storage: Storage
) -> None:
    azure_store.put("free", b"")
    azure_store.put("leased", b"")
    connection.container(storage.name("blobs")).get_blob_client("leased").acquire_lease(15)
    with pytest.raises(StorageUnavailable, match="LeaseIdMissing"):
        azure_store.delete_all(["free", "leased"])
    assert [entry.name for entry in azure_store.entries()] == ["leased"]


def test_a_blob_overwritten_between_two_ranges_is_read_again_whole(
    meddled: Meddled, connection: StorageConnection, storage: Storage
) -> None:
    other = AzureBlobStore(connection.blobs(), storage.name("blobs"))
    other.put("page", b"1" * 2 * MIB)

    def overwrite(byte_range: str) -> None:
        if byte_range.startswith(f"bytes={MIB}-"):
            meddled.transport.before_send = None
            other.put("page", b"2" * 2 * MIB)

    meddled.transport.before_send = overwrite
    there = meddled.store.read("page")
    assert there is not None
    assert there.content == b"2" * 2 * MIB
