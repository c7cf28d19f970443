"""`make verify-receipt`: one changed byte anywhere in receipt or signature is found; exit codes."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jwt.api_jws import PyJWS

from local.verify_receipt.__main__ import main
from local.verify_receipt.signature import NotProven, signed_content
from shared.adapters.receipt_signer import PemReceiptKeys
from tests.verify.ledgers import key_pair
from tests.verify.receipts import CONTENT, ED, P256, key_set

ROOT = Path(__file__).resolve().parents[2]
BOTH = [pytest.param(ED, id="EdDSA"), pytest.param(P256, id="ES256")]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with receipt.json, receipt.jws and keys.json that belong together."""
    (tmp_path / "receipt.json").write_bytes(CONTENT)
    (tmp_path / "receipt.jws").write_bytes(ED.sign(CONTENT))
    (tmp_path / "keys.json").write_text(json.dumps(key_set(P256, ED)))
    return tmp_path


def verify(files: Path, name: str = "receipt.jws") -> int:
    return main([str(files / name), str(files / "keys.json")])


@pytest.mark.parametrize("name", ["receipt.jws", "receipt.json"])
def test_a_receipt_and_its_signature_are_taken_in_both_forms(
    files: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(files, name) == 0
    assert f"Signed (EdDSA) with the key {ED.public_keys()[0]['kid']}" in capsys.readouterr().out


@pytest.mark.parametrize("signer", BOTH)
def test_each_kind_of_key_is_taken(signer: PemReceiptKeys) -> None:
    assert signed_content(signer.sign(CONTENT), key_set(ED, P256)).content == CONTENT


@given(place=st.integers(0, 10**6), by=st.integers(1, 255))
@pytest.mark.parametrize("signer", BOTH)
def test_one_changed_byte_anywhere_in_a_signature_proves_nothing(signer: PemReceiptKeys, place: int, by: int) -> None:
    jws = signer.sign(CONTENT)
    at = place % len(jws)
    with pytest.raises(NotProven):
        signed_content(jws[:at] + bytes([jws[at] ^ by]) + jws[at + 1 :], key_set(ED, P256))


@pytest.mark.parametrize("signer", BOTH)
def test_every_other_spelling_of_the_last_character_proves_nothing(signer: PemReceiptKeys) -> None:
    jws = signer.sign(CONTENT)
    for other in range(256):
        if other != jws[-1]:
            with pytest.raises(NotProven):
                signed_content(jws[:-1] + bytes([other]), key_set(ED, P256))


@pytest.mark.parametrize("extra", [b"\n", b" ", b"=", b"==", b".", b"A"])
def test_one_more_byte_proves_nothing(extra: bytes) -> None:
    for jws in (ED.sign(CONTENT) + extra, extra + ED.sign(CONTENT)):
        with pytest.raises(NotProven):
            signed_content(jws, key_set(ED))


@given(place=st.integers(0, 10**6), by=st.integers(1, 255))
def test_one_changed_byte_of_a_receipt_beside_its_signature_is_found(
    place: int, by: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("receipt")
    at = place % len(CONTENT)
    (folder / "receipt.jws").write_bytes(ED.sign(CONTENT))
    (folder / "keys.json").write_text(json.dumps(key_set(ED)))
    (folder / "receipt.json").write_bytes(CONTENT[:at] + bytes([CONTENT[at] ^ by]) + CONTENT[at + 1 :])
    assert verify(folder, "receipt.json") == 1


def test_a_key_that_is_not_in_the_set_proves_nothing(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "keys.json").write_text(json.dumps(key_set(P256)))
    assert verify(files) == 1
    assert "not among the keys given" in capsys.readouterr().out


def test_another_key_under_the_same_key_id_proves_nothing() -> None:
    (mine,), (other,) = key_set(ED)["keys"], key_set(PemReceiptKeys(key_pair().private))["keys"]
    with pytest.raises(NotProven, match="not the key that this id belongs to"):
        signed_content(ED.sign(CONTENT), {"keys": [other | {"kid": mine["kid"]}]})


@pytest.mark.parametrize("keys", [None, [], {}, {"keys": {}}, {"keys": ["x"]}, {"keys": [{}]}])
def test_what_is_no_key_set_proves_nothing(keys: object) -> None:
    with pytest.raises(NotProven):
        signed_content(ED.sign(CONTENT), keys)


def part(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": ["EdDSA"]},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"typ": "JWT"},
        {"typ": None},
        {"kid": "x"},
        {"crit": ["b64"], "b64": False},
        {"jwk": {}},
    ],
)
def test_another_header_proves_nothing(change: dict[str, Any]) -> None:
    _, content, signature = ED.sign(CONTENT).split(b".")
    header = {"alg": "EdDSA", "kid": ED.public_keys()[0]["kid"], "typ": "gdpr-receipt+jws"} | change
    with pytest.raises(NotProven):
        signed_content(b".".join([part(header), content, signature]), key_set(ED))


@pytest.mark.parametrize("typ", ["JWT", "JOSE", ""])
def test_what_the_same_key_has_signed_for_another_purpose_is_no_receipt(typ: str) -> None:
    pair = key_pair()
    keys = key_set(PemReceiptKeys(pair.private))
    headers = {"kid": keys["keys"][0]["kid"], "typ": typ}
    jws = PyJWS().encode(CONTENT, pair.private, algorithm="EdDSA", headers=headers).encode()
    with pytest.raises(NotProven, match="not one of a receipt"):
        signed_content(jws, keys)


def test_a_receipt_without_a_signature_beside_it_proves_nothing(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "receipt.jws").unlink()
    assert verify(files, "receipt.json") == 1
    assert "anybody could have written it" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["receipt.jws"], ["receipt.jws", ""], ["", "keys.json"], ["a", "b", "c"]])
def test_a_wrong_call_tells_how_it_is_called(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: make verify-receipt FILE=receipt.jws KEYS=keys.json" in capsys.readouterr().err


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe"])
def test_keys_that_are_no_json_are_named(files: Path, content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "keys.json").write_bytes(content)
    assert verify(files) == 2
    assert f"{files / 'keys.json'} is no JSON" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["receipt.jws", "keys.json"])
def test_a_file_that_is_not_there_is_named(files: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    (files / missing).unlink()
    assert verify(files) == 2
    assert missing in capsys.readouterr().err


def test_keys_that_are_no_json_are_no_proof_of_anything(files: Path) -> None:
    (files / "keys.json").write_text("<html>")
    assert verify(files) == 2


def test_the_command_gives_its_exit_code(files: Path) -> None:
    command = [sys.executable, "-m", "local.verify_receipt", str(files / "receipt.json"), str(files / "keys.json")]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
    (files / "receipt.json").write_bytes(CONTENT + b" ")
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1
