"""The signature: JWS in compact form (RFC 7515) by a key of a JWK set (RFC 7517), read without any leniency."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jwt import PyJWK
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError

from shared.adapters.receipt_signer import RECEIPT_TYPE, thumbprint

KINDS: Mapping[str, tuple[str, str]] = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256")}
"""Algorithm to the only kind of key (`kty`, `crv`) that it is taken with."""


class NotProven(Exception):
    """The signature proves nothing; the text is one sentence that says why."""


@dataclass(frozen=True)
class Signed:
    """Bytes that a key of the set has signed, the key's id, and the algorithm."""

    content: bytes
    kid: str
    algorithm: str


def signed_content(jws: bytes, key_set: object) -> Signed:
    """Give what is signed; `NotProven` unless a key of the set has signed exactly this text."""
    parts = jws.split(b".")
    if len(parts) != 3:
        raise NotProven("The file is no JWS: it does not have three parts.")
    header_bytes, content, _ = (_decoded(part) for part in parts)
    header = _header(header_bytes)
    key = _key(key_set, header)
    try:
        PyJWS().decode_complete(jws, PyJWK(key, header["alg"]), algorithms=[header["alg"]])
    except PyJWTError:
        raise NotProven("The signature does not fit: the receipt or its signature was changed.") from None
    return Signed(content, str(header["kid"]), str(header["alg"]))


def _decoded(part: bytes) -> bytes:
    """Read base64url in its one spelling: otherwise some bytes of a signature could be changed without a trace."""
    try:
        decoded = base64.b64decode(part + b"=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        decoded = b""
    if not decoded or base64.urlsafe_b64encode(decoded).rstrip(b"=") != part:
        raise NotProven("The file is no JWS: a part of it is not base64url.")
    return decoded


def _header(content: bytes) -> dict[str, Any]:
    try:
        header = json.loads(content)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.keys() != {"alg", "kid", "typ"} or header["typ"] != RECEIPT_TYPE:
        raise NotProven("The file is a JWS, but not one of a receipt.")
    if not isinstance(header["alg"], str) or header["alg"] not in KINDS:
        raise NotProven("The receipt is signed in a way that no receipt of this app is.")
    return header


def _key(key_set: object, header: Mapping[str, Any]) -> dict[str, str]:
    keys = key_set.get("keys") if isinstance(key_set, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise NotProven("The keys are no JWK set.")
    for key in keys:
        if key.get("kid") == header["kid"]:
            if (key.get("kty"), key.get("crv")) != KINDS[header["alg"]] or thumbprint(key) != header["kid"]:
                raise NotProven("The key with the receipt's key id is not the key that this id belongs to.")
            return dict(key)
    raise NotProven("The receipt is signed with a key that is not among the keys given.")
