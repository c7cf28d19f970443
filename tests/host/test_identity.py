"""Storage reached with an identity instead of a key: Azurite over HTTPS, tokens from a local identity endpoint."""

import base64
import datetime as dt
import ipaddress
import json
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from azure.storage.queue import QueueServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from local.azurite.accounts import APP_ACCOUNT
from local.azurite.command import Certificate
from local.azurite.server import Azurite, running_azurite
from local.functions_host.process import running_host
from tests.host.conftest import APPS, Queues, new_queues

pytestmark = pytest.mark.azurite


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def new_token() -> dict[str, str]:
    """A token as Azurite takes it: the right audience and times, no signature that anyone checks."""
    now, tenant = int(time.time()), str(uuid.UUID(int=1))
    claims = {
        "aud": "https://storage.azure.com",
        "iss": f"https://sts.windows.net/{tenant}/",
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + 3600,
        "oid": str(uuid.UUID(int=2)),
        "tid": tenant,
    }
    token = ".".join([encoded({"alg": "none", "typ": "JWT"}), encoded(claims), encoded("x")])
    return {
        "access_token": token,
        "expires_on": str(now + 3600),
        "resource": "https://storage.azure.com",
        "token_type": "Bearer",
    }


class _Identity(BaseHTTPRequestHandler):
    """The managed identity endpoint of an App Service, for whoever knows its header."""

    def do_GET(self) -> None:
        """Answer with a token."""
        body = json.dumps(new_token()).encode()
        self.send_response(200 if self.headers["X-IDENTITY-HEADER"] == "known" else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def identity_endpoint() -> Iterator[str]:
    """The address of a running identity endpoint."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Identity) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/token"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate of its own for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(addresses, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = Path(folder, "cert.pem"), Path(folder, "key.pem")
    pem.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificate(pem, private)


@pytest.fixture(scope="module")
def https_azurite(certificate: Certificate) -> Iterator[Azurite]:
    """An Azurite that speaks HTTPS and takes tokens."""
    with running_azurite(cert=certificate) as server:
        yield server


@pytest.mark.parametrize("credential", ["", "managedidentity"])
def test_queues_and_timers_work_without_a_key(
    https_azurite: Azurite, certificate: Certificate, identity_endpoint: str, credential: str
) -> None:
    address = f"https://127.0.0.1:{{port}}/{APP_ACCOUNT}"
    authority = str(certificate.certificate)
    with QueueServiceClient.from_connection_string(
        https_azurite.connection_string(), connection_verify=authority
    ) as service:
        queues: Queues = new_queues(service)
        settings = {
            "AzureWebJobsStorage__queueServiceUri": address.format(port=https_azurite.ports["queue"]),
            "AzureWebJobsStorage__blobServiceUri": address.format(port=https_azurite.ports["blob"]),
            "AzureWebJobsStorage__credential": credential,
            "IDENTITY_ENDPOINT": identity_endpoint,
            "IDENTITY_HEADER": "known",
            "REQUESTS_CA_BUNDLE": authority,
            "SCHEDULE": "0 0 0 1 1 *",
            "AzureFunctionsWebHost__hostid": queues.tag,
            "TAG": queues.tag,
        }
        with running_host(APPS / "timers", settings):
            [run] = queues.take("at-startup")
    assert json.loads(run)["past_due"] is False
