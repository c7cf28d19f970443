"""How a connection's name becomes a way to reach Azure Storage: connection string or identity. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from local.functions_host.settings import SettingsError

Service = Literal["queue", "blob"]


@dataclass(frozen=True)
class ConnectionString:
    """A connection string of Azure Storage."""

    text: str


@dataclass(frozen=True)
class IdentityConnection:
    """A service's address, reached with Entra ID; `managed` names a managed identity, else the developer's login."""

    service_uri: str
    managed: bool
    client_id: str | None


def find_connection(name: str, service: Service, settings: Mapping[str, str]) -> ConnectionString | IdentityConnection:
    """Look for `AzureWebJobs<name>`, then `<name>`: a connection string wins over the group `<name>__…`.

    SettingsError (one sentence) when neither is set.
    """
    for candidate in (f"AzureWebJobs{name}", name):
        if settings.get(candidate):
            return ConnectionString(settings[candidate])
        identity = _identity(candidate, service, settings)
        if identity is not None:
            return identity
    raise SettingsError(
        f"The setting {name} is missing: give a connection string, or {name}__accountName or "
        f"{name}__{service}ServiceUri for an identity."
    )


def _identity(prefix: str, service: Service, settings: Mapping[str, str]) -> IdentityConnection | None:
    account = settings.get(f"{prefix}__accountName")
    address = settings.get(f"{prefix}__{service}ServiceUri")
    if not address and account:
        address = f"https://{account}.{service}.core.windows.net"
    if not address:
        return None
    managed = settings.get(f"{prefix}__credential", "").lower() == "managedidentity"
    return IdentityConnection(address, managed, settings.get(f"{prefix}__clientId") or None)
