"""A signed receipt must have the form of the schema and not contradict itself; what it proves is told in words."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.verify_receipt.__main__ import SCHEMA, sound
from local.verify_receipt.numbers import contradictions
from local.verify_receipt.signature import NotProven
from local.verify_receipt.words import in_words
from shared.domain.canonical import readable
from tests.verify.ledgers import STORES
from tests.verify.receipts import CANCELLED, DRY_RUN, EXPORT, ONE, RECEIPT

ALL_KINDS = pytest.mark.parametrize(
    "receipt", [RECEIPT, CANCELLED, EXPORT, DRY_RUN], ids=["erasure", "cancelled", "export", "dry run"]
)
OPTIONAL = {"retry_of", "drift", "api_versions", "service_request_ids"}


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_bytes()))


@pytest.mark.parametrize(
    "receipt", [RECEIPT, CANCELLED, EXPORT, DRY_RUN], ids=["erasure", "cancelled", "export", "dry"]
)
def test_every_kind_of_receipt_is_sound(receipt: dict[str, Any]) -> None:
    assert sound(readable(receipt)) == receipt


@pytest.mark.parametrize(
    "name", [name for name in RECEIPT if name not in ("retry_of", "drift", "api_versions", "service_request_ids")]
)
def test_a_receipt_that_leaves_something_out_is_not_sound(name: str) -> None:
    with pytest.raises(NotProven):
        sound(readable({key: value for key, value in RECEIPT.items() if key != name}))


WRONG: list[tuple[str, object]] = [
    ("subject_request_id", "1"),
    ("subject_request_type", "deletion"),
    ("request_status", "in_progress"),
    ("reason", "no_such_reason"),
    ("received_time", "yesterday"),
    ("plan_hash", "abc"),
    ("history_head", None),
    ("looked_at", {"projects": 1}),
    ("stores", {"photos": STORES["images"]}),
    ("stores", {"images": {"found": 3}}),
    ("stores", {"images": STORES["images"] | {"deleted": -1}}),
    ("stores", {"images": STORES["images"] | {"verified": 1}}),
    ("residuals", [{"code": "no_such_code", "ids": [], "detail": "", "source": ""}]),
    ("signed", "yes"),
    ("signed", False),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_receipt_of_another_form_is_not_sound(name: str, value: object) -> None:
    with pytest.raises(NotProven):
        sound(readable(RECEIPT | {name: value}))


@pytest.mark.parametrize("content", [b"", b"null", b"[]", b"{}", b"\xff"])
def test_what_is_no_receipt_is_not_sound(content: bytes) -> None:
    with pytest.raises(NotProven):
        sound(content)


@pytest.mark.parametrize(
    "receipt", [RECEIPT, CANCELLED, EXPORT, DRY_RUN], ids=["erasure", "cancelled", "export", "dry"]
)
def test_a_true_receipt_does_not_contradict_itself(receipt: dict[str, Any]) -> None:
    assert contradictions(receipt) == []


def images(receipt: dict[str, Any], **words: object) -> dict[str, Any]:
    return receipt | {"stores": receipt["stores"] | {"images": receipt["stores"]["images"] | words}}


CONTRADICTIONS: dict[str, dict[str, Any]] = {
    "one more found": images(RECEIPT, found=4),
    "one less deleted": images(RECEIPT, deleted=0),
    "verified with failures": images(RECEIPT, deleted=0, failed=1),
    "completed and not verified": images(RECEIPT, verified=False),
    "completed with a reason": RECEIPT | {"reason": "items_failed"},
    "partial without a reason": RECEIPT | {"request_status": "partially_completed"},
    "failed without a reason": RECEIPT | {"request_status": "failed"},
    "ended before it began": RECEIPT | {"received_time": "2027-01-01T00:00:00.000Z"},
    "erased without a plan": RECEIPT | {"plan_hash": None},
    "a dry run that deletes": images(DRY_RUN, deleted=1),
    "a dry run that verifies": images(DRY_RUN, verified=True),
    "more written than found": images(EXPORT, written=6),
    "complete with a failure": images(EXPORT, failed=1),
    "complete with something missing": images(EXPORT, not_available=1),
}


@pytest.mark.parametrize("receipt", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_a_receipt_that_contradicts_itself_is_not_sound_although_it_is_signed(receipt: dict[str, Any]) -> None:
    assert contradictions(receipt)
    with pytest.raises(NotProven, match="not sound"):
        sound(readable(receipt))


def told(receipt: dict[str, Any]) -> str:
    return "\n".join(in_words(receipt))


def test_an_erasure_is_told_with_its_numbers_what_it_proves_and_what_remains() -> None:
    text = told(RECEIPT)
    assert f"Erasure {ONE}: completed" in text
    assert "images: found 3, deleted 1, already_absent 1, no_longer_matching 1, rounds 1; verified" in text
    assert "was looked for again after it was erased, twice" in text
    assert "trained_model_learned_from_items, 1 id(s): These iterations were trained with items of the plan" in text


PROVES: list[tuple[Callable[[], dict[str, Any]], str, str]] = [
    (lambda: DRY_RUN, "Nothing was erased", "was looked for again"),
    (lambda: EXPORT, "what the package held", "was looked for again"),
    (lambda: CANCELLED, "It proves no erasure", "was looked for again"),
    (lambda: images(RECEIPT, verified=False), "It proves no erasure", "was looked for again"),
]


@pytest.mark.parametrize(("receipt", "said", "unsaid"), PROVES)
def test_nothing_is_said_to_be_proven_that_is_not(
    receipt: Callable[[], dict[str, Any]], said: str, unsaid: str
) -> None:
    text = told(receipt())
    assert said in text
    assert unsaid not in text


def test_nothing_that_remains_is_said_so() -> None:
    assert "It names nothing that remains." in told(RECEIPT | {"residuals": []})
