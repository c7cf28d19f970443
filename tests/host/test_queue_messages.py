"""Queue messages as functions see them, and outputs as they go on a queue."""

import base64
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.functions_host.queue_messages import (
    BadOutput,
    MessageFacts,
    Undecodable,
    decode_body,
    encode_body,
    output_bodies,
    poison_queue_name,
    trigger_input,
    trigger_metadata,
)
from local.functions_host.values import Datum

MOMENT = datetime(2026, 11, 24, 9, 30, 15, tzinfo=UTC)
FACTS = MessageFacts("real-id", "receipt", 2, MOMENT, MOMENT, MOMENT)


def metadata(body: str) -> dict[str, object]:
    return {name: datum.value for name, datum in trigger_metadata(FACTS, body.encode()).items()}


def test_metadata_is_that_of_the_message() -> None:
    seen = metadata("hello")
    assert seen["Id"] == "real-id"
    assert seen["DequeueCount"] == "2"
    assert seen["InsertionTime"] == "2026-11-24T09:30:15+00:00"
    assert seen["QueueTrigger"] == "hello"


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ({"id": "mine"}, "Id", "mine"),  # without case
        ({"ID": 7}, "Id", "7"),  # numbers become text
        ({"dequeueCount": "x"}, "DequeueCount", "x"),
        ({"dequeueCount": 1.5}, "DequeueCount", "1.5"),
        ({"popReceipt": True}, "PopReceipt", "True"),
        ({"insertionTime": "2026-01-02T03:04:05Z"}, "InsertionTime", "01/02/2026 03:04:05"),  # a date loses its zone
        ({"nextVisibleTime": "soon"}, "NextVisibleTime", "soon"),
        ({"id": None}, "Id", "real-id"),  # nulls are left out
        ({"id": ["a"]}, "Id", "real-id"),  # arrays are left out
    ],
)
def test_top_level_properties_of_the_body_overwrite_metadata(body: dict[str, object], name: str, value: str) -> None:
    assert metadata(json.dumps(body))[name] == value


@pytest.mark.parametrize("body", ['["id"]', '{"id": ', "id", '{"id": "x"} and more'])
def test_a_body_that_is_no_json_object_overwrites_nothing(body: str) -> None:
    assert metadata(body)["Id"] == "real-id"


@given(st.binary())
def test_base64_round_trips(body: bytes) -> None:
    assert decode_body(encode_body(body, "base64"), "base64") == body


def test_encoding_none_is_the_text_itself() -> None:
    text = base64.b64encode(b"x").decode()
    assert decode_body(text, "none") == text.encode()


@pytest.mark.parametrize("text", ["not base64!", "{}", "abc"])
def test_what_is_not_base64_cannot_be_decoded(text: str) -> None:
    with pytest.raises(Undecodable):
        decode_body(text, "base64")


def test_bytes_without_utf8_need_base64() -> None:
    with pytest.raises(BadOutput):
        encode_body(b"\xff", "none")


def test_the_trigger_gets_text_unless_it_asks_for_bytes() -> None:
    assert trigger_input(b"a", binary=False) == Datum("string", "a")
    assert trigger_input(b"a", binary=True) == Datum("bytes", b"a")


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("plain", ["plain"]),
        ("", [""]),
        ("[1,", ["[1,"]),  # does not even look like JSON
        ('{"a":1,"b":[]}', ['{\n  "a": 1,\n  "b": []\n}']),  # indented by two
        ('["x",{"a":1},2]', ["x", '{\n  "a": 1\n}', "2"]),  # one message per element
        ("[]", []),
        ('{"t":"2026-01-02T03:04:05.1200Z"}', ['{\n  "t": "2026-01-02T03:04:05.12Z"\n}']),
        ('{"t":"2026-01-02T03:04:05+02:00"}', ['{\n  "t": "2026-01-02T01:04:05+00:00"\n}']),
        ('{"f":1e20}', ['{\n  "f": 1E+20\n}']),
        ('{"f":1.0}', ['{\n  "f": 1.0\n}']),
        ('{"s":"ü\\u0001"}', ['{\n  "s": "ü\\u0001"\n}']),
        ("{}", ["{}"]),
    ],
)
def test_text_that_looks_like_json_is_written_anew(text: str, messages: list[str]) -> None:
    assert output_bodies(Datum("string", text)) == [message.encode() for message in messages]


@pytest.mark.parametrize(
    "text", ['{"a":1}\n{"a":2}', "[1,]", "{x}", "[NaN]", "[" * 70 + "]" * 70, "[" * 9999 + "]" * 9999]
)
def test_text_that_only_looks_like_json_cannot_be_put(text: str) -> None:
    with pytest.raises(BadOutput):
        output_bodies(Datum("string", text))


@given(st.binary())
def test_bytes_pass_untouched(body: bytes) -> None:
    assert output_bodies(Datum("bytes", body)) == [body]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_a_list_of_texts_is_one_untouched_message_each(texts: list[str]) -> None:
    assert output_bodies(Datum("json", json.dumps(texts))) == [text.encode() for text in texts]


def test_nothing_set_is_nothing_sent() -> None:
    assert output_bodies(Datum(None, None)) == []


@pytest.mark.parametrize(
    ("queue", "poison"),
    [("orders", "orders-poison"), ("orders-poison", None), ("q" * 56, "q" * 56 + "-poison"), ("q" * 57, None)],
)
def test_a_poison_queue_is_named_after_its_queue_if_it_can_be(queue: str, poison: str | None) -> None:
    assert poison_queue_name(queue) == poison
