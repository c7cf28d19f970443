"""The public keys by which anybody can check a receipt."""

from __future__ import annotations

from typing import Any

from shared.services import Services


def key_set(services: Services) -> dict[str, Any]:
    """Give the JWK set (RFC 7517, section 5) of the receipt keys, present and retired; empty if there are none."""
    return {"keys": [dict(key) for key in services.receipt_keys.public_keys()]}
