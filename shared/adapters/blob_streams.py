"""Blobs of any length through little memory: block uploads with digests on the way, and bounded downloads."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count
from uuid import uuid4

from azure.storage.blob import BlobBlock, BlobClient, ContentSettings, StorageStreamDownloader

from shared.adapters.storage_connection import BLOCK_BYTES
from shared.adapters.storage_errors import SDK_ERRORS, Failure, answer, failure_of, translated
from shared.domain.errors import Superseded
from shared.ports import WrittenFile

type Write = Callable[[Callable[[], object]], object]
"""Runs a write, and runs it again after making the container where that was missing."""


class Digests:
    """Length, MD5 and SHA-256 of what passed."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256()
        self._size = 0

    def over(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the blocks on and take note of them; none is held while the next one is gathered."""
        for block in blocks:
            self._md5.update(block)
            self._sha256.update(block)
            self._size += len(block)
            yield block
            del block

    def md5(self) -> bytearray:
        """Give the MD5 as the SDK wants it."""
        return bytearray(self._md5.digest())

    def written(self) -> WrittenFile:
        """Give what is known of the whole."""
        return WrittenFile(self._size, self._md5.hexdigest(), self._sha256.hexdigest())


def blocks_of(chunks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Cut and join chunks of any length into blocks of `size` bytes; the last one may be shorter, none is empty."""
    pending = bytearray()
    for chunk in chunks:
        pending += chunk
        while len(pending) >= size:
            block = bytes(memoryview(pending)[:size])
            del pending[:size]
            yield block
            del block
    if pending:
        yield bytes(pending)


def upload_blocks(blob: BlobClient, chunks: Iterable[bytes], *, content_type: str, write: Write) -> WrittenFile:
    """
    Write `chunks` to a blob, in one Put Blob or as a block list, and give size and digests.

    Memory: the block that is under way, or the next one while it is gathered, and for a moment its copy.
    Errors of `chunks` pass as they are; those of the SDK are translated.
    """
    digests = Digests()
    blocks = digests.over(blocks_of(chunks, BLOCK_BYTES))
    first = next(blocks, b"")
    if len(first) < BLOCK_BYTES:
        settings = ContentSettings(content_type=content_type, content_md5=digests.md5())
        with translated("write blob"):
            write(lambda: blob.upload_blob(first, overwrite=True, content_settings=settings))
        return digests.written()
    stage = partial(_stage, blob, write, uuid4().hex, count())
    staged, first = [stage(first)], b""
    staged.extend(map(stage, blocks))  # `map` keeps no block, and a loop would one while the next is gathered
    settings = ContentSettings(content_type=content_type, content_md5=digests.md5())
    with translated("commit blocks"):
        blob.commit_block_list(staged, content_settings=settings)
    return digests.written()


def _stage(blob: BlobClient, write: Write, upload: str, numbers: Iterator[int], block: bytes) -> BlobBlock:
    """Put a block under an id of this very upload: two writers of one name must never mix their blocks."""
    block_id = f"{upload}{next(numbers):05d}"
    with translated("stage block"):
        write(partial(blob.stage_block, block_id, block))
    return BlobBlock(block_id)


def download_chunks(download: StorageStreamDownloader[bytes]) -> Iterator[bytes]:
    """Read an opened download chunk by chunk; the SDK holds every later range to the ETag of the first."""
    with translated("read blob"):
        try:
            yield from download.chunks()
        except SDK_ERRORS as error:
            if failure_of(error) is not Failure.CHANGED:
                raise
            raise Superseded("read blob") from answer(error)
