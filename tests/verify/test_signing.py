"""Signing at the end of a request: the order of writes, what a crash leaves, keys that come, change and go."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.verify_receipt.signature import signed_content
from request_function.keys import key_set
from request_function.reading import signed_receipt
from shared.adapters.receipt_signer import PemReceiptKeys
from shared.domain.errors import ConfigurationError, Conflict
from shared.finishing import clean_up, finish
from tests.fakes import StoppingBlobStore, WorldStopped
from tests.verify.ledgers import COMPLETED, KeyPair, Ledger, key_pair, request_id

ONE = request_id(1)
SIGNING = key_pair()
OTHER = key_pair("ES256")
WRITES_OF_AN_END = 6
"""Receipt, signature, record; selector and index are among what follows."""


def keys(pair: KeyPair, *retired: KeyPair) -> PemReceiptKeys:
    return PemReceiptKeys(pair.private, "".join(one.public for one in retired) or None)


def signature(ledger: Ledger) -> bytes:
    """Give the JWS that stands, checked against the bytes of the receipt that stands."""
    jws = ledger.read(f"{ONE}/receipt.jws")
    checked = signed_content(jws, key_set(ledger.services(keys=keys(SIGNING, OTHER))))
    assert checked.content == ledger.read(f"{ONE}/receipt.json")
    return jws


def test_a_receipt_is_signed_over_the_exact_bytes_that_are_stored() -> None:
    ledger = Ledger(keys(SIGNING))
    ledger.finished(ONE)
    assert json.loads(ledger.read(f"{ONE}/receipt.json"))["signed"] is True
    assert signature(ledger) == signed_receipt(ledger.services(), ONE)
    assert ledger.blobs.content_type(f"{ONE}/receipt.jws") == "application/jose"


def test_without_a_key_the_receipt_says_so_and_there_is_no_signature() -> None:
    ledger = Ledger()
    ledger.finished(ONE)
    assert json.loads(ledger.read(f"{ONE}/receipt.json"))["signed"] is False
    assert f"{ONE}/receipt.jws" not in ledger.names()
    assert signed_receipt(ledger.services(), ONE) is None


def test_an_unsigned_receipt_stays_unsigned_when_a_key_comes() -> None:
    ledger = Ledger()
    ledger.finished(ONE)
    services = ledger.services(keys=keys(SIGNING))
    clean_up(services, services.ledger.read(ONE).record)
    assert signed_receipt(services, ONE) is None


def test_before_the_end_there_is_no_signature_to_ask_for() -> None:
    ledger = Ledger(keys(SIGNING))
    ledger.accepted(ONE)
    with pytest.raises(Conflict):
        signed_receipt(ledger.services(), ONE)


@pytest.mark.parametrize("writes", range(WRITES_OF_AN_END))
def test_a_crash_at_any_write_of_the_end_is_made_good(writes: int) -> None:
    ledger = Ledger(keys(SIGNING))
    current = ledger.accepted(ONE)
    with pytest.raises(WorldStopped):
        finish(ledger.services(StoppingBlobStore(ledger.blobs, stop_after=writes)), current, COMPLETED)
    standing = ledger.blobs.read(f"{ONE}/receipt.json")
    ledger.clock.advance(60)
    again = ledger.services().ledger.read(ONE)
    if again.record.status.is_final:
        clean_up(ledger.services(), again.record)
    else:
        finish(ledger.services(), again, COMPLETED)
    assert standing is None or standing.content == ledger.read(f"{ONE}/receipt.json")
    assert signature(ledger)
    assert f"{ONE}/selector.json" not in ledger.names()


def test_the_record_is_not_final_before_the_signature_is_there() -> None:
    for writes in range(WRITES_OF_AN_END):
        ledger = Ledger(keys(SIGNING))
        current = ledger.accepted(ONE)
        with pytest.raises(WorldStopped):
            finish(ledger.services(StoppingBlobStore(ledger.blobs, stop_after=writes)), current, COMPLETED)
        final = ledger.services().ledger.read(ONE).record.status.is_final
        assert not final or f"{ONE}/receipt.jws" in ledger.names()


def test_a_key_that_changed_between_receipt_and_signature_signs_with_the_present_one() -> None:
    ledger = Ledger(keys(SIGNING))
    current = ledger.accepted(ONE)
    with pytest.raises(WorldStopped):
        finish(ledger.services(StoppingBlobStore(ledger.blobs, stop_after=1)), current, COMPLETED)
    ledger.keys = keys(OTHER, SIGNING)
    finish(ledger.services(), ledger.services().ledger.read(ONE), COMPLETED)
    assert signed_content(signature(ledger), key_set(ledger.services())).algorithm == "ES256"


def test_a_key_that_was_taken_away_keeps_no_request_from_ending_and_the_signature_follows_later() -> None:
    ledger = Ledger(keys(SIGNING))
    current = ledger.accepted(ONE)
    with pytest.raises(WorldStopped):
        finish(ledger.services(StoppingBlobStore(ledger.blobs, stop_after=1)), current, COMPLETED)
    without = ledger.services(keys=PemReceiptKeys())
    assert finish(without, without.ledger.read(ONE), COMPLETED).status.is_final
    with pytest.raises(ConfigurationError, match="RECEIPT_SIGNING_KEY"):
        signed_receipt(without, ONE)
    assert signed_receipt(ledger.services(), ONE) == signature(ledger)


def test_a_missing_signature_is_made_when_the_request_is_looked_after_again() -> None:
    ledger = Ledger(keys(SIGNING))
    current = ledger.accepted(ONE)
    with pytest.raises(WorldStopped):
        finish(ledger.services(StoppingBlobStore(ledger.blobs, stop_after=1)), current, COMPLETED)
    without = ledger.services(keys=PemReceiptKeys())
    finish(without, without.ledger.read(ONE), COMPLETED)
    assert f"{ONE}/receipt.jws" not in ledger.names()
    clean_up(ledger.services(), ledger.services().ledger.read(ONE).record)
    assert signature(ledger)


def test_a_second_signature_never_replaces_the_first() -> None:
    ledger = Ledger(keys(OTHER))
    ledger.finished(ONE)
    first = signature(ledger)
    clean_up(ledger.services(), ledger.services().ledger.read(ONE).record)
    assert signature(ledger) == first == signed_receipt(ledger.services(), ONE)


@given(content=st.binary(min_size=1, max_size=200))
@pytest.mark.parametrize("pair", [SIGNING, OTHER], ids=["EdDSA", "ES256"])
def test_any_bytes_come_back_as_they_were_signed(pair: KeyPair, content: bytes) -> None:
    signer = keys(pair)
    signed = signed_content(signer.sign(content), {"keys": list(signer.public_keys())})
    assert signed.content == content
