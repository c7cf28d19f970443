import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.errors import InvalidRequest
from shared.domain.json_input import MAX_DEPTH, parse_json


def why(body: bytes) -> str:
    with pytest.raises(InvalidRequest) as refused:
        parse_json(body)
    (violation,) = refused.value.violations
    assert violation.pointer == ""
    return violation.detail


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b'\xef\xbb\xbf{"a": [1, -2.5, true, null, "\\u00e9"]}', {"a": [1, -2.5, True, None, "é"]}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        ('{"ä": "ö"}'.encode(), {"ä": "ö"}),
        (b"12345678901234567890", 12345678901234567890),
        (b" [ ] \n", []),
    ],
)
def test_json_is_read(body: bytes, value: object) -> None:
    assert parse_json(body) == value


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is not valid JSON"),
        (b"{", "the body is not valid JSON"),
        (b"{'a': 1}", "the body is not valid JSON"),
        (b"{} {}", "the body is not valid JSON"),
        (b'{"a": 1,}', "the body is not valid JSON"),
        (b"[01]", "the body is not valid JSON"),
        (b'"\t"', "the body is not valid JSON"),
        (b"\xff\xfe{\x00}\x00", "the body is not valid UTF-8"),
        (b'"\xc3"', "the body is not valid UTF-8"),
        (b'{"a": 1, "a": 1}', "an object names the same field twice"),
        (b'{"a": {"b": 1, "\\u0062": 2}}', "an object names the same field twice"),
        (b"NaN", "NaN and Infinity are not JSON"),
        (b"[Infinity]", "NaN and Infinity are not JSON"),
        (b'{"a": -Infinity}', "NaN and Infinity are not JSON"),
        (b"[1e999]", "a number is too large"),
        (b"[-1e999]", "a number is too large"),
        (b"123456789012345678901", "a number is too large"),
        (b"[" + b"9" * 100_000 + b"]", "a number is too large"),
        (b'"\\ud800"', "a text holds an unpaired surrogate"),
        (b'{"\\udfff": 1}', "a text holds an unpaired surrogate"),
        (b'["\\ude00\\ud83d"]', "a text holds an unpaired surrogate"),
        (b"[" * 100_000, "the JSON is nested too deeply"),
        (b'{"a":' * 100_000, "the JSON is nested too deeply"),
        (b"[" * 1000 + b"]" * 1000, "the JSON is nested too deeply"),
    ],
)
def test_what_two_parsers_could_read_differently_is_refused(body: bytes, reason: str) -> None:
    assert why(body) == reason


def test_nesting_ends_at_its_limit() -> None:
    def nested(levels: int) -> bytes:
        return b"[" * levels + b"]" * levels

    assert parse_json(nested(MAX_DEPTH)) is not None
    assert why(nested(MAX_DEPTH + 1)) == "the JSON is nested too deeply"


def test_no_reason_repeats_the_body() -> None:
    assert "secret" not in why(b'{"secret": secret}') + why(b'{"secret": 1, "secret": 2}')


@given(st.binary(max_size=64))
@example(b'{"a":1e400}')
@example(b"\x00")
@example(b'"' + b"\\ud8" + b'"')
def test_any_bytes_are_a_value_or_an_invalid_request(body: bytes) -> None:
    try:
        value = parse_json(body)
    except InvalidRequest:
        return
    json.dumps(value, allow_nan=False).encode()


JSONISH = st.text(alphabet='{}[]",:0123456789eE+-.\\ud8fntrueasl NIi', max_size=40).map(str.encode)


@given(JSONISH)
def test_almost_json_is_a_value_or_an_invalid_request(body: bytes) -> None:
    try:
        value = parse_json(body)
    except InvalidRequest:
        return
    assert json.loads(body) == value


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES, st.booleans())
def test_what_json_dumps_writes_is_read_back(value: object, ascii_only: bool) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
