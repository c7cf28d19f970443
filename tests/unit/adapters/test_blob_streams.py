"""A stream becomes blocks, of which one is held at a time."""

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.blob_streams import blocks_of, upload_blocks
from shared.adapters.storage_connection import BLOCK_BYTES


class Weighed:
    """A blob that keeps the sizes of its blocks."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def stage_block(self, block_id: str, data: bytes) -> None:
        assert block_id
        self.sizes.append(len(data))

    def commit_block_list(self, blocks: list[Any], **options: object) -> None:
        assert len(blocks) == len(self.sizes)
        assert options


def at_once(write: Callable[[], object]) -> object:
    return write()


@given(st.lists(st.binary(max_size=50), max_size=20), st.integers(1, 40))
def test_blocks_are_the_chunks_cut_anew(chunks: list[bytes], size: int) -> None:
    blocks = list(blocks_of(chunks, size))
    assert b"".join(blocks) == b"".join(chunks)
    assert all(len(block) == size for block in blocks[:-1])
    assert all(0 < len(block) <= size for block in blocks)


def test_a_long_stream_takes_the_memory_of_two_blocks_and_a_half() -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(10 * BLOCK_BYTES // 65_536):
            yield bytes(65_536)

    blob: Any = Weighed()
    tracemalloc.start()
    try:
        written = upload_blocks(blob, chunks(), content_type="application/zip", write=at_once)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert blob.sizes == [BLOCK_BYTES] * 10
    assert written.size == 10 * BLOCK_BYTES
    assert peak < 2.5 * BLOCK_BYTES  # the one that is gathered, with room to grow, and its copy
