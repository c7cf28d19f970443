"""The forms in which a storage connection is configured."""

import subprocess
import sys

import pytest
from azure.identity import DefaultAzureCredential

from shared.adapters.storage_connection import StorageConnection, default_credential
from shared.adapters.storage_settings import StorageSettings, is_configured
from shared.domain.errors import ConfigurationError
from tests.conftest import ROOT

NAME = "DATA_STORAGE"
STRING = "DefaultEndpointsProtocol=https;AccountName=stgdpr;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net"


class Token:
    """A credential that no test uses to call."""

    def get_token(self, *scopes: str, **options: object) -> object:
        raise AssertionError("nothing is called")


def urls(settings: StorageSettings) -> tuple[str, str]:
    connection = StorageConnection(settings, credential_factory=lambda _client_id: Token())  # type: ignore[arg-type,return-value]
    return connection.container("c").url, connection.queues().get_queue_client("q").url


def parsed(**values: str) -> StorageSettings:
    return StorageSettings.from_mapping({name.replace("X", NAME, 1): value for name, value in values.items()}, NAME)


def problems(**values: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as error:
        parsed(**values)
    assert not [value for value in values.values() if value.strip() and value in str(error.value)]
    return error.value.problems


def test_a_connection_string_names_the_account() -> None:
    assert urls(parsed(X=STRING)) == (
        "https://stgdpr.blob.core.windows.net/c",
        "https://stgdpr.queue.core.windows.net/q",
    )


def test_development_storage_is_azurite_at_its_usual_ports() -> None:
    assert urls(parsed(X="UseDevelopmentStorage=true")) == (
        "http://127.0.0.1:10000/devstoreaccount1/c",
        "http://127.0.0.1:10001/devstoreaccount1/q",
    )


def test_an_account_name_stands_for_both_services() -> None:
    assert urls(parsed(X__accountName="stgdpr")) == (
        "https://stgdpr.blob.core.windows.net/c",
        "https://stgdpr.queue.core.windows.net/q",
    )


def test_service_uris_win_over_the_account_name() -> None:
    settings = parsed(X__accountName="stgdpr", X__blobServiceUri="https://own.example.org/")
    assert urls(settings) == ("https://own.example.org/c", "https://stgdpr.queue.core.windows.net/q")


def test_a_connection_string_wins_over_a_group() -> None:
    assert parsed(X=STRING, X__accountName="other").blob_url is None


def test_a_client_id_reaches_the_credential() -> None:
    seen: list[str | None] = []

    def factory(client_id: str | None) -> Token:
        seen.append(client_id)
        return Token()

    settings = parsed(X__accountName="stgdpr", X__credential="managedidentity", X__clientId="client")
    connection = StorageConnection(settings, credential_factory=factory)  # type: ignore[arg-type]
    assert seen == []
    connection.blobs()
    connection.queues()
    assert seen == ["client"]


@pytest.mark.parametrize("client_id", [None, "client"])
def test_the_credential_is_the_default_one_unmodified(client_id: str | None) -> None:
    assert type(default_credential(client_id)) is DefaultAzureCredential


def test_the_identity_library_is_not_imported_where_no_identity_is_used() -> None:
    program = """
import sys
from shared.adapters.storage_connection import StorageConnection
from shared.adapters.storage_settings import StorageSettings
StorageConnection(StorageSettings("S", connection_string="UseDevelopmentStorage=true")).blobs()
sys.exit("azure.identity" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_one_service_is_enough_where_one_is_needed() -> None:
    mapping = {f"{NAME}__blobServiceUri": "https://own.example.org"}
    assert StorageSettings.from_mapping(mapping, NAME, needs=("blob",)).blob_url == "https://own.example.org"
    assert problems(X__blobServiceUri="https://own.example.org") == (f"{NAME}__queueServiceUri is not set",)


@pytest.mark.parametrize(
    "text",
    [
        "AccountName=stgdpr",
        "nonsense",
        f"{STRING[:40]}AccountKey=!",
        "AccountKey=c2VjcmV0",
        "AccountName=stgdpr;AccountKey=schlüssel",
        "AccountName=stgdpr;AccountKey=\udcff",
        "UseDevelopmentStorage=TRUE",
    ],
)
def test_a_malformed_connection_string_is_named_and_not_shown(text: str) -> None:
    assert problems(X=text) == (f"{NAME} is not a connection string with AccountName and AccountKey",)


@pytest.mark.parametrize(
    "text", [f"{STRING};garbage", f";{STRING}", STRING.replace(";", ";;"), STRING.replace(";", "; ")]
)
def test_what_the_sdk_would_not_read_is_no_connection_string(text: str) -> None:
    assert problems(X=text) == (f"{NAME} is not a connection string with AccountName and AccountKey",)


KEY = "AccountName=stgdpr;AccountKey=c2VjcmV0"


@pytest.mark.parametrize(
    "text",
    [
        STRING.replace("https", "http"),
        f"DefaultEndpointsProtocol=http;{KEY}",
        f"DefaultEndpointsProtocol=HTTP;{KEY};BlobEndpoint=http://127.0.0.1:10000/stgdpr",
        f"{KEY};BlobEndpoint=http://stgdpr.blob.core.windows.net",
        f"{KEY};QueueEndpoint=http://10.0.0.4:10001/stgdpr;BlobEndpoint=http://127.0.0.1:10000/stgdpr",
        f"{KEY};BlobEndpoint=http://azurite:10000/stgdpr",
        f"{KEY};BlobEndpoint=http://localhost@evil.example/",
        f"{KEY};BlobEndpoint=http://127.0.0.1.example/",
        f"{KEY};BlobEndpoint=stgdpr.blob.core.windows.net",
        f"{KEY};BlobEndpoint=",
        f"{KEY};EndpointSuffix=",
        f"DefaultEndpointsProtocol=ftp;{KEY}",
        f"{KEY};BlobEndpoint=https://stgdpr.blob.core.windows.net:99999",
        f"{KEY};BlobEndpoint=https://[",
        f"{KEY};BlobEndpoint=https://stgdpr.blob.core.windows.net/?sig=signature",
        "UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://elsewhere.example",
    ],
)
def test_nothing_goes_in_clear_to_another_machine(text: str) -> None:
    assert problems(X=text) == (f"{NAME} must lead to https:// addresses (http:// on loopback only)",)


@pytest.mark.parametrize("host", ["127.0.0.1:10000", "127.0.0.2:10000", "localhost:10000", "[::1]:10000"])
def test_an_emulator_on_this_machine_is_reached_by_http(host: str) -> None:
    endpoints = f"BlobEndpoint=http://{host}/stgdpr;QueueEndpoint=http://{host}/stgdpr;"
    assert urls(parsed(X=f"DefaultEndpointsProtocol=http;{KEY};{endpoints}"))[0] == f"http://{host}/stgdpr/c"


def test_the_protocol_does_not_matter_where_each_service_that_is_needed_has_its_address() -> None:
    mapping = {NAME: f"DefaultEndpointsProtocol=http;{KEY};BlobEndpoint=http://127.0.0.1:10000/stgdpr"}
    assert StorageSettings.from_mapping(mapping, NAME, needs=("blob",)).connection_string == mapping[NAME]


def test_what_is_not_set_is_named() -> None:
    assert problems() == (f"{NAME} is not set (a connection string, or {NAME}__accountName for an identity)",)


@pytest.mark.parametrize(
    "uri",
    [
        "http://own.example.org",
        "http://127.0.0.1:10000/own",
        "own.example.org",
        "https://own.example.org?sig=1",
        "https://own.example.org#f",
        "https://user@own.example.org",
        "https://own.example.org:99999",
        "https://own..example.org",
        "https://own.exam\nple.org",
        "https://[",
        "https://",
    ],
)
def test_a_service_uri_is_https_without_a_query(uri: str) -> None:
    assert problems(X__accountName="stgdpr", X__blobServiceUri=uri) == (
        f"{NAME}__blobServiceUri must be an https URI without a query",
    )


def test_all_problems_are_named_at_once() -> None:
    assert problems(X__accountName="Not An Account", X__queueServiceUri="ftp://q", X__credential="password") == (
        f"{NAME}__accountName is not the name of a storage account",
        f"{NAME}__queueServiceUri must be an https URI without a query",
        f"{NAME}__credential can only be managedidentity",
    )


def test_whether_a_connection_is_configured_in_any_form() -> None:
    assert not is_configured({}, NAME)
    assert not is_configured({NAME: " ", f"{NAME}__clientId": "x"}, NAME)
    assert is_configured({NAME: STRING}, NAME)
    assert is_configured({f"{NAME}__blobServiceUri": "https://own.example.org"}, NAME)


def test_no_key_in_the_text_of_settings() -> None:
    assert "c2VjcmV0" not in repr(parsed(X=STRING))
