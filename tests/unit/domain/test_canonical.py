import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.canonical import canonical, digest, keyed_digest, readable

OBJECTS = st.dictionaries(st.text(max_size=4), st.integers() | st.text(max_size=4) | st.booleans() | st.none())


@given(OBJECTS)
def test_the_order_of_members_does_not_matter(value: dict[str, object]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@given(OBJECTS)
def test_what_is_written_is_read_back(value: dict[str, object]) -> None:
    assert json.loads(canonical(value)) == json.loads(readable(value)) == value


@pytest.mark.parametrize("write", [canonical, readable])
def test_half_a_surrogate_pair_is_written_as_it_was_sent_and_can_be_read_again(write: Callable[[Any], bytes]) -> None:
    value = {"name": "\ud83d half, \U0001f600 whole, \x00"}
    assert b"\\ud83d half" in write(value)
    assert json.loads(write(value).decode()) == value


def test_the_form_that_digests_are_taken_of_never_changes() -> None:
    assert canonical({"b": [1, None, "ü"], "a": True}) == '{"a":true,"b":[1,null,"ü"]}'.encode()


def test_what_people_read_keeps_the_order_and_ends_a_line() -> None:
    assert readable({"b": 1, "a": 2}) == b'{\n  "b": 1,\n  "a": 2\n}\n'


def test_what_is_no_json_is_not_written() -> None:
    for write in (canonical, readable):
        with pytest.raises(ValueError, match="Out of range"):
            write(float("nan"))


def test_digests_are_sha256() -> None:
    assert digest(b"a") == "sha256:" + hashlib.sha256(b"a").hexdigest()
    assert keyed_digest("k", b"a") == hmac.new(b"k", b"a", "sha256").hexdigest() != keyed_digest("l", b"a")
