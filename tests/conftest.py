"""What every test may use: a clean environment, a settled Hypothesis, and one Azurite."""

import base64
import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import pytest
from azure.core.credentials import AccessToken

from local.azurite.accounts import APP_ACCOUNT, SERVICE_ACCOUNT
from local.azurite.certificate import write_certificate
from local.azurite.server import Azurite, running_azurite

ROOT = Path(__file__).resolve().parent.parent
SETTING_PREFIXES = ("AZURE_", "AzureFunctionsJobHost", "AzureWebJobs", "AZURITE_", "CUSTOM_VISION_", "EMULATOR_")
LOCAL_HOST_PREFIXES = ("LOCAL_HOST_", "WEBSITE_", "FUNCTIONS_", "PYTHON_THREADPOOL_", "MSI_", "IDENTITY_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy")

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


def app_settings() -> frozenset[str]:
    """Return the names of all settings of the app, as its example file lists them."""
    example = ROOT / "local.settings.json.example"
    return frozenset(json.loads(example.read_text())["Values"]) if example.exists() else frozenset()


def pytest_configure() -> None:
    """Take away what the developer's shell would leak into the app, its processes and the SDKs."""
    settings = app_settings()
    for name in list(os.environ):
        if name in settings or name.startswith(SETTING_PREFIXES + LOCAL_HOST_PREFIXES) or name.lower() in PROXIES:
            del os.environ[name]


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite in memory for the whole run, with the app's account and the Custom Vision emulator's."""
    with running_azurite() as server:
        yield server


@dataclass(frozen=True)
class SecureAzurite:
    """An Azurite over HTTPS that takes Entra ID tokens, and the file that its clients trust."""

    server: Azurite
    ca_file: Path

    def url(self, service: str) -> str:
        """Return the address of the app's account at `service` (blob, queue, table)."""
        return f"https://127.0.0.1:{self.server.ports[service]}/{APP_ACCOUNT}"


class EntraStandIn:
    """A credential whose tokens have the form that Azurite checks; it looks at no signature."""

    def get_token(self, *scopes: str, **kwargs: object) -> AccessToken:
        """Return a token for Azure Storage, good for an hour."""
        now, tenant = int(time.time()), str(uuid.UUID(int=1))
        who: dict[str, object] = {
            "aud": "https://storage.azure.com",
            "iss": f"https://sts.windows.net/{tenant}/",
            "tid": tenant,
        }
        claims = who | {"oid": str(uuid.UUID(int=2)), "iat": now - 60, "nbf": now - 60, "exp": now + 3600}
        parts = ({"alg": "none", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return AccessToken(".".join([*encoded, "unsigned"]), now + 3600)


@pytest.fixture(scope="session")
def azurite_https(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureAzurite]:
    """One Azurite over HTTPS for the whole run, apart from the other one."""
    certificate = write_certificate(tmp_path_factory.mktemp("azurite_https"))
    with running_azurite(cert=certificate) as server:
        yield SecureAzurite(server, certificate.certificate)


@dataclass(frozen=True)
class Storage:
    """The session's storage accounts, with names that no other test uses."""

    connection: str
    """Connection string of the app's account."""
    service_connection: str
    """Connection string of the account that holds the Custom Vision emulator's images."""
    unique: str = field(default_factory=lambda: uuid.uuid4().hex[:12])

    def name(self, role: str) -> str:
        """Return a name for a container or queue, unique to this test: `role`, a hyphen, 12 characters."""
        return f"{role}-{self.unique}"


@pytest.fixture
def storage(azurite: Azurite) -> Storage:
    """The session's Azurite, with container and queue names of this test's own."""
    return Storage(azurite.connection_string(), azurite.connection_string(SERVICE_ACCOUNT))
