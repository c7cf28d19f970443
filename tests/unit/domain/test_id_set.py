"""A set of ids in little space is a set like any other, and gives its ids in order."""

import tracemalloc
import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.id_set import IdSet, ascending

# Few ids of few beginnings, so that they meet; and what is no GUID, or none in lower case.
GUIDS = st.builds(
    lambda first, last: f"{first:02x}000000-0000-4000-8000-00000000000{last:x}", st.integers(0, 2), st.integers(0, 9)
)
IDS = st.sets(GUIDS | st.uuids().map(str) | st.sampled_from(["account", "ABCDEF00-0000-4000-8000-000000000000", ""]))


@given(IDS, IDS)
def test_it_answers_as_a_set_of_texts_does(some: set[str], others: set[str]) -> None:
    ids = IdSet(some)
    assert set(ids) == some
    assert ids == IdSet(some)
    assert len(ids) == len(some)
    assert {item for item in some | others if item in ids} == some
    assert (ids | others, ids & others, ids - others) == (some | others, some & others, some - others)
    assert (ids <= IdSet(others)) == (some <= others)
    assert others - ids == others - some


@given(IDS)
def test_its_ids_come_in_ascending_order_each_once(some: set[str]) -> None:
    ids = IdSet([*some, *some])
    assert list(ids) == sorted(some)
    assert list(ascending(ids)) == list(ascending(some)) == sorted(some)


@given(IDS, IDS)
def test_what_is_taken_out_is_there_no_more(some: set[str], out: set[str]) -> None:
    ids = IdSet(some)
    for item in out:
        ids.discard(item)
    assert set(ids) == some - out


def test_what_is_no_text_is_not_in_it() -> None:
    assert None not in IdSet(["account"])


def test_an_id_takes_less_than_24_bytes() -> None:
    many = 20_000
    tracemalloc.start()
    try:
        ids = IdSet(str(uuid.uuid5(uuid.NAMESPACE_URL, str(number))) for number in range(many))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(ids) == many
    assert held < 24 * many
