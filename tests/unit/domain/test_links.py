"""Links of the service are bearer secrets; what is exported must not carry any."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.links import REMOVED, identity, without_links

SAS = "https://x.blob.core.windows.net/c/b?sv=2022&sig=c2VjcmV0"
LOCAL_SAS = "http://127.0.0.1:10000/devstoreaccount2/c/b?se=1&sig=c2VjcmV0"

KEYS = st.sampled_from(
    ["id", "metadata", "regions", "tags", "originalImageUri", "thumbnailUri", "downloadUri", "imageUrl", "URL", "urls"]
)
TEXTS = st.sampled_from(["", "anna", "a?b", SAS, LOCAL_SAS, SAS.upper(), f"see {SAS} for more"]) | st.text(max_size=6)
VALUES = st.recursive(
    TEXTS | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
ROWS = st.dictionaries(KEYS, VALUES, max_size=5)
PLAIN = st.recursive(
    st.text("abc ?&=", max_size=6) | st.integers() | st.booleans() | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "metadata", "regions", "tags", "left"]), inner, max_size=4)
    ),
    max_leaves=12,
)


def members(value: Any, *, in_metadata: bool = False) -> Iterator[tuple[str, Any, bool]]:
    """Walk all members of all objects: key, value, and whether the object is a row's metadata."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield key, member, in_metadata
            yield from members(member, in_metadata=key == "metadata" and not in_metadata)
    elif isinstance(value, list):
        for item in value:
            yield from members(item)


@given(ROWS)
def test_no_link_survives_anywhere(row: dict[str, Any]) -> None:
    cleaned = without_links(row)
    assert "sig=" not in json.dumps(cleaned).lower()
    assert ".blob.core." not in json.dumps(cleaned).lower()
    link_keys = [key for key, _, in_metadata in members(cleaned) if not in_metadata and re.search("(?i)ur[il]s?$", key)]
    assert not link_keys


@given(ROWS)
def test_cleaning_twice_changes_nothing_more(row: dict[str, Any]) -> None:
    once = without_links(row)
    assert without_links(once) == once


@given(PLAIN)
def test_what_holds_no_link_stays_as_it_is(value: object) -> None:
    assert without_links(value) == value


@given(ROWS)
def test_the_row_itself_is_left_alone(row: dict[str, Any]) -> None:
    before = json.dumps(row)
    without_links(row)
    assert json.dumps(row) == before


@pytest.mark.parametrize(
    "key", ["originalImageUri", "resizedImageUri", "thumbnailUri", "downloadUri", "uri", "URL", "imageUrls", "url"]
)
def test_a_key_of_a_link_is_dropped(key: str) -> None:
    assert without_links({key: "https://example.com/p", "id": "1", "deep": [{key: None}]}) == {"id": "1", "deep": [{}]}


@pytest.mark.parametrize("text", [SAS, LOCAL_SAS, SAS.upper(), "x?SIG=1", "https://a.queue.core.windows.net/q"])
def test_a_text_with_a_signature_or_a_storage_address_is_replaced_as_a_whole(text: str) -> None:
    assert without_links({"note": f"see {text} now"}) == {"note": REMOVED}


def test_a_link_that_stands_as_a_key_of_metadata_is_removed_too() -> None:
    assert without_links({"metadata": {SAS: "x", "url": "y"}}) == {"metadata": {REMOVED: "x", "url": "y"}}


OTHER_SAS = SAS.replace("c/b", "c/a")


def test_links_that_stand_as_keys_of_one_object_cost_none_of_its_values() -> None:
    row = {"metadata": {SAS: "second", OTHER_SAS: "first", REMOVED: "the customer's own", "leak": "x"}}
    assert without_links(row) == {
        "metadata": {f"{REMOVED} 3": "second", f"{REMOVED} 2": "first", REMOVED: "the customer's own", "leak": "x"}
    }


def test_the_names_of_removed_keys_do_not_depend_on_their_order() -> None:
    pairs = [(SAS, "b"), (OTHER_SAS, "a")]
    assert without_links({"metadata": dict(pairs)}) == without_links({"metadata": dict(reversed(pairs))})


def test_a_link_that_stands_as_a_key_of_any_object_is_removed() -> None:
    assert without_links({"copies": {SAS: 1, "kept": [{LOCAL_SAS: 2}]}}) == {
        "copies": {REMOVED: 1, "kept": [{REMOVED: 2}]}
    }


def test_metadata_keys_are_the_customers_own() -> None:
    row = {"metadata": {"profileUrl": "https://example.com/anna", "uri": "x", "leak": SAS}}
    assert without_links(row) == {"metadata": {"profileUrl": "https://example.com/anna", "uri": "x", "leak": REMOVED}}


def test_an_ordinary_word_that_ends_alike_is_no_link() -> None:
    assert without_links({"curious": "a", "urinal": "b", "domainId": "c"}) == {
        "curious": "a",
        "urinal": "b",
        "domainId": "c",
    }


def test_a_row_is_told_by_its_id_and_where_that_is_none_by_all_that_it_holds_but_its_links() -> None:
    item = "7F8FAD5B-D9CB-469F-A165-70867728950E"
    assert identity({"id": item, "a": 1}) == identity({"id": item.lower(), "a": 2}) == item.lower()
    odd: list[dict[str, Any]] = [{"a": 1}, {"a": 2}, {"id": 7, "a": 1}, {"id": [item], "a": 1}, {"id": "", "a": 1}]
    assert len({identity(row) for row in odd}) == len(odd)
    assert identity({"a": 1, "originalImageUri": SAS}) == identity({"originalImageUri": LOCAL_SAS, "a": 1})
