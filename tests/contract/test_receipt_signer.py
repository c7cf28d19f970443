"""The keys of receipts: which are taken, how they are published, and that other software accepts the signatures."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)

from shared.adapters.receipt_signer import PemReceiptKeys, thumbprint
from shared.bootstrap import Installation
from shared.domain.errors import ConfigurationError
from tests.verify.ledgers import SETTINGS, KeyPair, key_pair

ROOT = Path(__file__).resolve().parents[2]
ED, P256 = key_pair("EdDSA"), key_pair("ES256")
BOTH = [pytest.param(ED, id="EdDSA"), pytest.param(P256, id="ES256")]
CONTENT = b'{\n  "receipt": "\xc3\xa4"\n}\n'


def decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey | dsa.DSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def problems(keys: PemReceiptKeys) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        keys.check()
    return refused.value.problems


@pytest.mark.parametrize("pair", BOTH)
def test_a_signature_is_what_the_standard_says_by_another_implementation(pair: KeyPair) -> None:
    header, payload, signature = PemReceiptKeys(pair.private).sign(CONTENT).split(b".")
    assert decoded(payload) == CONTENT
    public, signed, raw = load_pem_public_key(pair.public.encode()), header + b"." + payload, decoded(signature)
    if isinstance(public, ed25519.Ed25519PublicKey):
        public.verify(raw, signed)
    else:
        assert isinstance(public, ec.EllipticCurvePublicKey)
        parts = (int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
        public.verify(encode_dss_signature(*parts), signed, ec.ECDSA(SHA256()))


@pytest.mark.parametrize(("pair", "algorithm"), [(ED, "EdDSA"), (P256, "ES256")])
def test_the_header_names_algorithm_key_and_type(pair: KeyPair, algorithm: str) -> None:
    keys = PemReceiptKeys(pair.private)
    header = json.loads(decoded(keys.sign(CONTENT).split(b".")[0]))
    assert header == {"alg": algorithm, "kid": keys.public_keys()[0]["kid"], "typ": "gdpr-receipt+jws"}


def test_a_key_id_is_the_thumbprint_of_the_rfcs_own_example() -> None:
    # RFC 8037, appendix A.3
    key = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(key | {"use": "sig", "kid": "any"}) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize("pair", BOTH)
def test_a_public_key_is_published_without_its_private_half(pair: KeyPair) -> None:
    (key,) = PemReceiptKeys(pair.private).public_keys()
    assert key.keys() - {"y"} == {"kty", "crv", "x", "kid", "alg", "use"}


def test_retired_keys_follow_the_present_one_and_none_stands_twice() -> None:
    kid = {name: PemReceiptKeys(pair.private).public_keys()[0]["kid"] for name, pair in {"ed": ED, "p": P256}.items()}
    rotated = PemReceiptKeys(ED.private, P256.public + "\n" + ED.public + P256.public)
    assert [key["kid"] for key in rotated.public_keys()] == [kid["ed"], kid["p"]]
    assert [key["kid"] for key in PemReceiptKeys(None, P256.public).public_keys()] == [kid["p"]]


def test_without_keys_nothing_is_published_and_nothing_signed() -> None:
    keys = PemReceiptKeys()
    keys.check()
    assert (keys.signs, list(keys.public_keys())) == (False, [])
    with pytest.raises(ConfigurationError, match="RECEIPT_SIGNING_KEY is not set"):
        keys.sign(CONTENT)


@pytest.mark.parametrize("pair", BOTH)
@pytest.mark.parametrize("escape", ["\\n", "\\r\\n", "\r\n"])
def test_line_breaks_may_be_escaped_since_a_setting_is_one_line(pair: KeyPair, escape: str) -> None:
    one_line = PemReceiptKeys(pair.private.replace("\n", escape), pair.public.replace("\n", escape))
    one_line.check()
    assert one_line.public_keys() == PemReceiptKeys(pair.private).public_keys()


def test_the_older_form_of_an_ec_key_is_taken() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    assert PemReceiptKeys(pem).public_keys()[0]["alg"] == "ES256"


NOT_PRIVATE = {
    "words": "a secret word",
    "nothing in it": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "cut short": ED.private[:60],
    "public": ED.public,
    "RSA": pem_of(rsa.generate_private_key(65537, 2048)),
    "another curve": pem_of(ec.generate_private_key(ec.SECP384R1())),
    "Ed448": pem_of(ed448.Ed448PrivateKey.generate()),
    "encrypted": ed25519.Ed25519PrivateKey.generate()
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    .decode(),
}


@pytest.mark.parametrize("text", NOT_PRIVATE.values(), ids=NOT_PRIVATE.keys())
def test_anything_but_a_private_key_of_the_two_kinds_is_a_problem_named_after_its_setting(text: str) -> None:
    (problem,) = problems(PemReceiptKeys(text))
    assert problem.startswith("RECEIPT_SIGNING_KEY ")
    assert not any(line in problem for line in text.splitlines() if len(line) > 3)


NOT_PUBLIC = {
    "words": "a secret word",
    "private": P256.private,
    "one good, then words": ED.public + "more",
    "one good, then RSA": ED.public
    + rsa.generate_private_key(65537, 2048)
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
    "another curve": ec.generate_private_key(ec.SECP384R1())
    .public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode(),
}


@pytest.mark.parametrize("text", NOT_PUBLIC.values(), ids=NOT_PUBLIC.keys())
def test_anything_but_public_keys_is_a_problem_of_the_retired_keys(text: str) -> None:
    (problem,) = problems(PemReceiptKeys(ED.private, text))
    assert problem.startswith("RECEIPT_RETIRED_KEYS ")
    assert not any(line in problem for line in text.splitlines() if len(line) > 3)


def test_an_error_about_a_key_carries_no_other_error_that_could_show_it() -> None:
    with pytest.raises(ConfigurationError) as refused:
        PemReceiptKeys("secret").check()
    assert refused.value.__cause__ is None


def test_no_representation_shows_a_key() -> None:
    assert ED.private.splitlines()[1] not in repr(PemReceiptKeys(ED.private)) + str(PemReceiptKeys(ED.private))


def test_an_installation_names_both_settings_at_once_and_no_value() -> None:
    environ = {**SETTINGS, "RECEIPT_SIGNING_KEY": "secret-1", "RECEIPT_RETIRED_KEYS": "secret-2"}
    found = Installation(environ).problems()
    assert [problem.split()[0] for problem in found] == ["RECEIPT_SIGNING_KEY", "RECEIPT_RETIRED_KEYS"]
    assert "secret" not in "".join(found)


def test_the_library_for_signing_does_not_slow_down_the_start() -> None:
    script = "import sys, function_app; print({'jwt', 'jwt.algorithms'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
