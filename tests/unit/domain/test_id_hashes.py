"""Hashes by id in little space are kept as a dictionary keeps them."""

import tracemalloc
import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.id_hashes import IdHashes

GUIDS = st.builds(
    lambda first, last: f"{first:02x}000000-0000-4000-8000-00000000000{last:x}", st.integers(0, 2), st.integers(0, 9)
)
HASHES = st.binary(min_size=16, max_size=16)


@given(st.lists(st.tuples(GUIDS, HASHES | st.none())), st.sets(GUIDS))
def test_the_last_hash_of_an_id_is_given_and_none_of_what_was_forgotten(
    steps: list[tuple[str, bytes | None]], retained: set[str]
) -> None:
    kept, model = IdHashes(), dict[str, bytes]()
    for item, row_hash in steps:
        if row_hash is None:
            kept.discard(item)
            model.pop(item, None)
        else:
            kept.put(item, row_hash)
            model[item] = row_hash
    ids = {item for item, _ in steps} | retained
    assert {item: kept.get(item) for item in ids} == {item: model.get(item) for item in ids}
    kept.retain(retained)
    assert {item: kept.get(item) for item in ids} == {item: model.get(item) for item in ids & retained} | dict.fromkeys(
        ids - retained
    )


def test_what_is_no_guid_is_not_kept() -> None:
    kept = IdHashes()
    kept.put("account", b"0" * 16)
    kept.discard("account")
    assert kept.get("account") is None


def test_a_hundred_thousand_take_less_than_five_mebibytes() -> None:
    tracemalloc.start()
    kept = IdHashes()
    for _ in range(100_000):
        kept.put(str(uuid.uuid4()), b"0123456789abcdef")
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 5 * 2**20
