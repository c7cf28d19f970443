import hashlib
import hmac
import json

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
