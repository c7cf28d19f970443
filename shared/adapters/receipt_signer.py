"""
Keys from settings, and signatures with them: JWS in compact form (RFC 7515) by PyJWT, keys by cryptography.

EdDSA with Ed25519 (RFC 8037) or ES256 with P-256 (RFC 7518). The libraries are imported when a key is configured and
not before: they would add to every cold start.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from shared.domain.errors import ConfigurationError
from shared.ports_receipt import PublicKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    type Private = Ed25519PrivateKey | EllipticCurvePrivateKey
    type Public = Ed25519PublicKey | EllipticCurvePublicKey

RECEIPT_TYPE = "gdpr-receipt+jws"
"""`typ` of the signature's header: what was signed with these keys for another purpose is no receipt (RFC 8725)."""

SIGNING_KEY = "RECEIPT_SIGNING_KEY"
RETIRED_KEYS = "RECEIPT_RETIRED_KEYS"

_THUMBPRINT_MEMBERS = ("crv", "kty", "x", "y")
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----.*?-----END \1-----", re.DOTALL)
_PRIVATE_RULE = f"{SIGNING_KEY} must be an unencrypted private key in PEM: Ed25519, or EC on the curve P-256"
_PUBLIC_RULE = f"{RETIRED_KEYS} must be public keys in PEM, one after the other: Ed25519, or EC on the curve P-256"


@dataclass(frozen=True, repr=False)
class PemReceiptKeys:
    """
    The keys as two settings give them: PEM texts, in which `\\n` may stand for a line break; None = not given.

    Nothing is read before it is needed. Whatever uses a malformed setting raises `ConfigurationError`, which names it.
    """

    signing_pem: str | None = None
    retired_pems: str | None = None

    def check(self) -> None:
        """Read both settings; `ConfigurationError` with everything that is wrong with them."""
        problems: list[str] = []
        for read in (lambda: self._private, lambda: self._retired):
            try:
                read()
            except ConfigurationError as error:
                problems += error.problems
        if problems:
            raise ConfigurationError(problems)

    @property
    def signs(self) -> bool:
        """Whether there is a key to sign with."""
        return self.signing_pem is not None

    def sign(self, content: bytes) -> bytes:
        """Give the JWS over exactly these bytes; `ConfigurationError` without a key."""
        from jwt.api_jws import PyJWS

        key = self._private
        if key is None:
            raise ConfigurationError([f"{SIGNING_KEY} is not set, and a receipt waits for its signature"])
        public = _jwk(key.public_key())
        headers = {"kid": public["kid"], "typ": RECEIPT_TYPE}
        return PyJWS().encode(content, key, algorithm=public["alg"], headers=headers).encode()

    def public_keys(self) -> Sequence[PublicKey]:
        """Give the present key first, then the retired ones, each once."""
        present = [] if self._private is None else [self._private.public_key()]
        keys = [_jwk(key) for key in (*present, *self._retired)]
        return list({key["kid"]: key for key in keys}.values())

    @cached_property
    def _private(self) -> Private | None:
        return None if self.signing_pem is None else _private_key(_lines(self.signing_pem))

    @cached_property
    def _retired(self) -> tuple[Public, ...]:
        text = _lines(self.retired_pems or "")
        if _PEM.sub("", text).strip():
            raise ConfigurationError([_PUBLIC_RULE])
        return tuple(_public_key(found[0]) for found in _PEM.finditer(text))


def thumbprint(key: PublicKey) -> str:
    """Give the SHA-256 thumbprint of a public JWK (RFC 7638, section 3), base64url without padding."""
    members = {name: key[name] for name in _THUMBPRINT_MEMBERS if name in key}
    content = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


def _lines(text: str) -> str:
    """An app setting is one line: `\\n` stands for the line breaks that PEM needs."""
    return text.replace("\\r", "").replace("\\n", "\n")


@contextmanager
def _held_to(rule: str) -> Iterator[None]:
    """Turn whatever the library says about a key into the rule; its texts may repeat the key."""
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        yield
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: the key is encrypted
        raise ConfigurationError([rule]) from None


def _private_key(pem: str) -> Private:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    with _held_to(_PRIVATE_RULE):
        key = load_pem_private_key(pem.encode(), None)
        if isinstance(key, Ed25519PrivateKey):
            return key
        if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
            return key
        raise ValueError("a key of another kind")


def _public_key(pem: str) -> Public:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    with _held_to(_PUBLIC_RULE):
        key = load_pem_public_key(pem.encode())
        if isinstance(key, Ed25519PublicKey):
            return key
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            return key
        raise ValueError("a key of another kind")


def _jwk(key: Public) -> dict[str, str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm

    if isinstance(key, Ed25519PublicKey):
        algorithm, written = "EdDSA", OKPAlgorithm.to_jwk(key, as_dict=True)
    else:
        algorithm, written = "ES256", ECAlgorithm.to_jwk(key, as_dict=True)
    members = {name: str(value) for name, value in written.items() if name in _THUMBPRINT_MEMBERS}
    return {**members, "kid": thumbprint(members), "alg": algorithm, "use": "sig"}
