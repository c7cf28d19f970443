"""What signs receipts, in the application's own words. The adapter is `shared.adapters.receipt_signer`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

type PublicKey = Mapping[str, str]
"""A public key as JWK (RFC 7517) with `kid` (RFC 7638 thumbprint), `alg` and `use`."""


class ReceiptKeys(Protocol):
    """The keys of an installation's receipts."""

    @property
    def signs(self) -> bool:
        """Whether there is a key to sign with."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Give a JWS in compact form (RFC 7515) over exactly these bytes; `ConfigurationError` without a key."""
        ...

    def public_keys(self) -> Sequence[PublicKey]:
        """Give the present key first, then the retired ones, each once."""
        ...
