"""
The settings of one storage connection, checked without calling anything.

The forms are those of the Functions host ("Connection values for identity-based connections"): a connection string,
or a group of settings `<NAME>__accountName`, `<NAME>__blobServiceUri`, `<NAME>__queueServiceUri`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import urlsplit

from shared.domain.addresses import is_endpoint
from shared.domain.errors import ConfigurationError

type Service = Literal["blob", "queue"]

_ACCOUNT_NAME = re.compile(r"[a-z0-9]{3,24}")
_SUFFIX = "core.windows.net"


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """
    One storage connection as it is configured.

    Either `connection_string`, or the service URLs for Entra ID (`client_id` names a user-assigned identity).
    """

    name: str
    connection_string: str | None = field(default=None, repr=False)
    blob_url: str | None = None
    queue_url: str | None = None
    client_id: str | None = None

    @classmethod
    def from_mapping(
        cls, mapping: Mapping[str, str], name: str, *, needs: tuple[Service, ...] = ("blob", "queue")
    ) -> Self:
        """
        Read the connection `name` (`AzureWebJobsStorage`, `DATA_STORAGE`); a connection string wins over a group.

        Raises ConfigurationError with every problem, in names of settings and never with a value.
        """
        text = mapping.get(name, "").strip()
        problems = _string_problems(name, text, needs) if text else _group_problems(mapping, name, needs)
        if problems:
            raise ConfigurationError(problems)
        if text:
            return cls(name, connection_string=text)
        return cls(
            name,
            blob_url=_service_url(mapping, name, "blob"),
            queue_url=_service_url(mapping, name, "queue"),
            client_id=mapping.get(f"{name}__clientId", "").strip() or None,
        )


def is_configured(mapping: Mapping[str, str], name: str) -> bool:
    """Whether the connection `name` is given in any form (so that a default can stand in where it is not)."""
    group = ("accountName", "blobServiceUri", "queueServiceUri")
    return any(mapping.get(key, "").strip() for key in (name, *(f"{name}__{part}" for part in group)))


def _string_problems(name: str, text: str, needs: tuple[Service, ...]) -> list[str]:
    """Check what the SDK would only find at the first call; a SAS is no use, since read links are made with the key."""
    parts = _parts(text)
    is_emulator = parts.get("usedevelopmentstorage") == "true"
    if not is_emulator and not (parts.get("accountname") and _is_key(parts.get("accountkey", ""))):
        return [f"{name} is not a connection string with AccountName and AccountKey"]
    if not all(map(is_endpoint, _addresses(parts, () if is_emulator else needs))):
        return [f"{name} must lead to https:// addresses (http:// on loopback only)"]
    return []


def _parts(text: str) -> dict[str, str]:
    """Take a connection string apart as the SDK does; nothing where it would not read it."""
    pairs = [part.partition("=") for part in text.rstrip(";").split(";")]
    return {key.lower(): value for key, _, value in pairs} if all(equals for _, equals, _ in pairs) else {}


def _addresses(parts: Mapping[str, str], needs: tuple[Service, ...]) -> list[str]:
    """
    Give the addresses that a connection string names, and those that its protocol makes of the account's name.

    The host takes the protocol always, the SDK only beside a suffix.
    """
    named = [parts[key] for key in ("blobendpoint", "queueendpoint", "developmentstorageproxyuri") if key in parts]
    protocol, suffix = parts.get("defaultendpointsprotocol", "https"), parts.get("endpointsuffix", _SUFFIX)
    made = [service for service in needs if f"{service}endpoint" not in parts]
    return named + [f"{protocol}://{parts['accountname']}.{service}.{suffix}" if suffix else "" for service in made]


def _is_key(text: str) -> bool:
    try:
        return bool(base64.b64decode(text, validate=True))
    except ValueError:  # binascii.Error is one, and so is what characters beyond ASCII raise
        return False


def _group_problems(mapping: Mapping[str, str], name: str, needs: tuple[Service, ...]) -> list[str]:
    if not is_configured(mapping, name):
        return [f"{name} is not set (a connection string, or {name}__accountName for an identity)"]
    problems = [problem for service in needs if (problem := _url_problem(mapping, name, service))]
    if mapping.get(f"{name}__credential", "").strip().lower() not in ("", "managedidentity"):
        problems.append(f"{name}__credential can only be managedidentity")
    return list(dict.fromkeys(problems))


def _url_problem(mapping: Mapping[str, str], name: str, service: Service) -> str | None:
    setting, account = f"{name}__{service}ServiceUri", f"{name}__accountName"
    if text := mapping.get(setting, "").strip():
        return None if _is_plain_https(text) else f"{setting} must be an https URI without a query"
    if text := mapping.get(account, "").strip():
        return None if _ACCOUNT_NAME.fullmatch(text) else f"{account} is not the name of a storage account"
    return f"{setting} is not set"


def _is_plain_https(text: str) -> bool:
    """Tokens and user-delegation links go over https only: the SDK refuses anything else at the first call."""
    return is_endpoint(text) and urlsplit(text).scheme == "https"


def _service_url(mapping: Mapping[str, str], name: str, service: Service) -> str | None:
    if text := mapping.get(f"{name}__{service}ServiceUri", "").strip():
        return text.rstrip("/")
    account = mapping.get(f"{name}__accountName", "").strip()
    return f"https://{account}.{service}.{_SUFFIX}" if account else None
