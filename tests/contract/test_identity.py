"""Storage under an identity: Azurite over HTTPS with Entra ID tokens, and a certificate of our own authority."""

import base64
import json
import ssl
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobSasPermissions, generate_blob_sas
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from local.azurite.command import Certificate
from local.azurite.server import Azurite, running_azurite
from shared.adapters.blob_copies import SdkCopies
from shared.adapters.blob_direct_copies import DirectCopies
from shared.adapters.blob_direct_lists import DirectLists
from shared.adapters.blob_direct_small import DirectSmallBlobs
from shared.adapters.blob_links import ReadLinks
from shared.adapters.blob_lists import SdkLists
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.http_exchange import make_session
from shared.adapters.picture_source import HttpPictureSource
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_queues import AzureStorageQueues
from shared.adapters.storage_settings import StorageSettings
from shared.domain.errors import ServiceUnavailable, SourceRefusal, StorageUnavailable
from tests.contract.connect_proxy import connect_proxy

pytestmark = pytest.mark.azurite

ACCOUNT = "devstoreaccount1"


class IssuedTokens:
    """A credential with tokens of the form that Azurite looks at; it checks no signature."""

    def __init__(self, *, audience: str = "https://storage.azure.com") -> None:
        self._audience = audience

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        now = int(time.time())
        claims = {
            "aud": self._audience,
            "iss": f"https://sts.windows.net/{uuid.UUID(int=1)}/",
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 3600,
            "oid": str(uuid.UUID(int=2)),
            "tid": str(uuid.UUID(int=1)),
        }
        parts = (b'{"alg":"none","typ":"JWT"}', json.dumps(claims).encode(), b"unsigned")
        return AccessToken(".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), now + 3600)


def self_made_certificate(folder: Path) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Azurite under test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = Certificate(folder / "certificate.pem", folder / "key.pem")
    files.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_made_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def secure_azurite(certificate: Certificate) -> Iterator[Azurite]:
    with running_azurite(cert=certificate) as server:
        yield server


def identity_settings(server: Azurite) -> StorageSettings:
    group = {
        f"S__{service}ServiceUri": f"https://127.0.0.1:{server.ports[service]}/{ACCOUNT}"
        for service in ("blob", "queue")
    }
    return StorageSettings.from_mapping(group | {"S__credential": "managedidentity"}, "S")


@pytest.fixture
def identity(
    secure_azurite: Azurite, certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StorageConnection]:
    """A connection by token; the authority is known from REQUESTS_CA_BUNDLE alone."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    connection = StorageConnection(identity_settings(secure_azurite), credential_factory=lambda _client: IssuedTokens())
    yield connection
    connection.close()


@pytest.fixture
def name() -> str:
    return f"identity-{uuid.uuid4().hex[:12]}"


def opened(link: str, certificate: Certificate) -> bytes:
    trusting = ssl.create_default_context(cafile=str(certificate.certificate))
    with urllib.request.urlopen(link, timeout=10, context=trusting) as answer:
        return bytes(answer.read())


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=15)


@pytest.mark.parametrize("way", ["sdk", "direct"])
def test_blobs_are_written_read_listed_and_deleted_by_token(identity: StorageConnection, name: str, way: str) -> None:
    small = DirectSmallBlobs(identity, name) if way == "direct" else None
    store = AzureBlobStore(identity.blobs(), name, small=small)
    etag = store.replace("record", b"2", etag=store.create("record", b"1"))
    store.append("log", b"line\n")
    store.write_stream("file", (b"x" * 1024 * 1024 for _ in range(5)), content_type="image/jpeg")
    there = store.read("record")
    assert there is not None
    assert (there.content, there.etag) == (b"2", etag)
    assert [(entry.name, entry.size) for entry in store.entries()] == [("file", 5242880), ("log", 5), ("record", 1)]
    assert store.delete_all(["file", "log", "absent"]) == 2


def test_queues_work_by_token(identity: StorageConnection, name: str) -> None:
    queues = AzureStorageQueues(identity.queues())
    queues.send(name, {"n": 1})
    (message,) = queues.receive(name)
    queues.remove(name, message)
    assert message.content == b'{"n":1}'


def test_a_read_link_by_user_delegation_reads_that_blob_only(
    identity: StorageConnection, name: str, certificate: Certificate
) -> None:
    store = AzureBlobStore(identity.blobs(), name)
    store.put("package.zip", b"zip")
    store.put("other.zip", b"other")
    link = store.read_link("package.zip", expires=soon())
    assert opened(link, certificate) == b"zip"
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        opened(link.replace("package.zip", "other.zip"), certificate)
    refused.value.close()


def test_links_share_a_delegation_key_until_one_outlives_it(identity: StorageConnection, name: str) -> None:
    now = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
    links = ReadLinks(identity.blobs(), name, now=lambda: now)
    ends = [now + timedelta(minutes=minutes) for minutes in (15, 60, 61)]
    keys = [key_of(links.link("a", expires=end)) for end in ends]
    assert keys[0] == keys[1] != keys[2]


def key_of(link: str) -> str:
    return link.split("&ske=")[1].split("&")[0]


def test_a_link_by_user_delegation_over_seven_days_is_refused(identity: StorageConnection, name: str) -> None:
    store = AzureBlobStore(identity.blobs(), name)
    with pytest.raises(ValueError, match="7 days"):
        store.read_link("a", expires=datetime.now(UTC) + timedelta(days=8))


@pytest.mark.parametrize("way", [SdkLists, DirectLists])
def test_a_listing_works_by_token(
    identity: StorageConnection, name: str, way: type[SdkLists] | type[DirectLists]
) -> None:
    lists = DirectLists(identity, name) if way is DirectLists else SdkLists(identity.blobs(), name)
    store = AzureBlobStore(identity.blobs(), name, lists=lists)
    assert list(store.entries()) == []
    store.put("a b/ä+&=", b"", metadata={"state": "open"})
    store.put("c", b"")
    assert [entry.metadata for entry in store.entries("a b/ä+&", with_metadata=True)] == [{"state": "open"}]


@pytest.mark.parametrize("way", [SdkCopies, DirectCopies])
def test_a_copy_by_link_works_by_token(
    identity: StorageConnection, secure_azurite: Azurite, name: str, way: type[SdkCopies] | type[DirectCopies]
) -> None:
    service = StorageConnection(
        StorageSettings.from_mapping({"S": secure_azurite.connection_string("customvision")}, "S")
    )
    pictures = service.blobs().create_container(name)
    blob = pictures.upload_blob("picture", b"picture")
    sas = generate_blob_sas(
        "customvision",
        name,
        "picture",
        account_key=secure_azurite.accounts["customvision"],
        permission=BlobSasPermissions(read=True),
        expiry=soon(),
    )
    copies = DirectCopies(identity, name) if way is DirectCopies else SdkCopies(identity.blobs(), name)
    store = AzureBlobStore(identity.blobs(), name, copies=copies)
    store.copy_from_link("copy", f"{blob.url}?{sas}", source_etag=None, source_md5=None, content_type="image/jpeg")
    with pytest.raises(SourceRefusal, match="link_expired"):
        store.copy_from_link("none", str(blob.url), source_etag=None, source_md5=None, content_type="image/jpeg")
    service.close()
    there = store.read("copy")
    assert there is not None
    assert there.content == b"picture"


def test_a_token_that_is_refused_makes_storage_unavailable(
    secure_azurite: Azurite, certificate: Certificate, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate))
    connection = StorageConnection(
        identity_settings(secure_azurite),
        credential_factory=lambda _client: IssuedTokens(audience="https://example.org"),
    )
    with pytest.raises(StorageUnavailable) as blobs:
        AzureBlobStore(connection.blobs(), name).put("a", b"")
    with pytest.raises(StorageUnavailable) as queues:
        AzureStorageQueues(connection.queues()).send(name, {"n": 1})
    connection.close()
    assert [error.value.status for error in (blobs, queues)] == [403, 403]


def test_a_certificate_of_an_unknown_authority_makes_storage_unavailable(secure_azurite: Azurite, name: str) -> None:
    connection = StorageConnection(identity_settings(secure_azurite), credential_factory=lambda _client: IssuedTokens())
    small = DirectSmallBlobs(connection, name, pause_seconds=0)
    with pytest.raises(StorageUnavailable):
        AzureBlobStore(connection.blobs(), name, small=small).read("a")
    with make_session(1) as session, pytest.raises(ServiceUnavailable):
        HttpPictureSource(session).probe(f"https://127.0.0.1:{secure_azurite.ports['blob']}/{ACCOUNT}/c/b?sig=x")
    connection.close()


@pytest.mark.parametrize("is_excepted", [False, True])
def test_calls_and_pictures_go_through_the_proxy_of_the_environment(
    identity: StorageConnection,
    secure_azurite: Azurite,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    is_excepted: bool,
) -> None:
    place = f"127.0.0.1:{secure_azurite.ports['blob']}"
    store = AzureBlobStore(identity.blobs(), name)
    store.put("record", b"1")
    with connect_proxy() as proxy, make_session(1) as session:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1" if is_excepted else "")
        assert DirectSmallBlobs(identity, name).read("record").content == b"1"
        link = store.read_link("record", expires=soon())
        assert HttpPictureSource(session).probe(link).head == b"1"
        identity.close()
    assert set(proxy.tunnels) == (set() if is_excepted else {place})
