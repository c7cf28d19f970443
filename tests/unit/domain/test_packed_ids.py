"""Ids in eight bytes each are found again, and nothing that is no id is taken for one."""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.packed_ids import ID_BYTES, PackedIds

IDS = st.sets(st.uuids().map(str), max_size=40)


@given(IDS, IDS)
def test_exactly_what_was_packed_is_found(packed: set[str], others: set[str]) -> None:
    ids = PackedIds.of(packed)
    assert {item for item in packed | others if ids.has(item)} == packed
    assert len(ids) == len(ids.content) / ID_BYTES == len(packed)


@given(IDS, IDS)
def test_all_of_others_are_there_if_they_were_packed(packed: set[str], others: set[str]) -> None:
    assert PackedIds.of(packed | others).has_all_of(PackedIds.of(packed))
    assert PackedIds.of(packed).has_all_of(PackedIds.of(packed | others)) == (others <= packed)


def test_what_is_no_guid_is_not_packed_and_not_found() -> None:
    ids = PackedIds.of(["not an id", str(uuid.UUID(int=1))])
    assert len(ids) == 1
    assert not ids.has("not an id")
