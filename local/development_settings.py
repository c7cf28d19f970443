"""`local.settings.json` for the local stack, made from the example once and never overwritten."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from local.pieces import DEFAULT_EMULATOR_PORT, TRAINING_KEY

EXAMPLE = "local.settings.json.example"
SETTINGS = "local.settings.json"


class ExampleMissingError(RuntimeError):
    """There is no example to make the settings from."""


def signing_key() -> str:
    """Return a new private key for receipts (Ed25519, PEM)."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def development_values(example: Mapping[str, str], ledger_key: str, receipt_key: str) -> dict[str, str]:
    """Return the example's values with those of the local stack: Azurite, the emulator, and the two keys."""
    return {
        **example,
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
        "CUSTOM_VISION_ENDPOINT": f"http://127.0.0.1:{DEFAULT_EMULATOR_PORT}",
        "CUSTOM_VISION_TRAINING_KEY": TRAINING_KEY,
        "LEDGER_HASH_KEY": ledger_key,
        "RECEIPT_SIGNING_KEY": receipt_key,
    }


def ensure_settings(root: Path) -> bool:
    """Write `root`/local.settings.json from the example if there is none; return whether it was written.

    The ledger key is a fresh random one, since hashes made with a public key would hide nobody, and so is the key that
    signs receipts; so the file is for its owner's eyes.

    Raises:
        ExampleMissingError: neither file is there.
    """
    settings, example = root / SETTINGS, root / EXAMPLE
    if settings.exists():
        return False
    if not example.exists():
        raise ExampleMissingError(f"{EXAMPLE} is missing, so {SETTINGS} cannot be made.")
    content = json.loads(example.read_text())
    content["Values"] = development_values(content["Values"], secrets.token_hex(32), signing_key())
    try:
        descriptor = os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another piece of the stack, started in the same instant, was first
        return False
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    return True
