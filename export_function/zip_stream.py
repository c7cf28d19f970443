"""
A zip as a stream of bytes, with nothing held but one chunk and the directory of what was written.

The directory stands at the end of a zip and is kept packed until then, name and 46 bytes a member. (Python's `zipfile`
writes the same bytes, but keeps some 900 for each member, and a host builds six zips at a time.)

Pictures and models are stored, text is deflated. Every header is fixed by the member's name and time, so the same
members give the same bytes. Sizes stand behind each member (a data descriptor, APPNOTE 4.3.9), as in any streamed zip.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from struct import Struct

LONGEST_NAME = 200
_LEVEL = 6
_STORED, _DEFLATED = 0, 8
_VERSION = 20
_MADE_BY = 3 << 8 | _VERSION
"""Made on Unix, so that the attributes below are read as a file's mode."""
_READABLE_FILE = 0o100644 << 16
_SIZES_FOLLOW = 1 << 3

_LOCAL = Struct("<4s5H3I2H")
_DESCRIPTOR = Struct("<4s3I")
_ENTRY = Struct("<4s6H3I5H2I")
_END = Struct("<4s4H2IH")
"""Local header, data descriptor, directory entry, end record: APPNOTE 4.3.7, 4.3.9, 4.3.12, 4.3.16."""

_WORD = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9_-])?")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
"""Names that Windows reads as devices whatever stands behind the dot."""


@dataclass(frozen=True, kw_only=True)
class Member:
    """A file on its way into a zip: its path, its time (UTC), whether it is worth deflating, and its bytes."""

    path: str
    time: datetime
    deflated: bool
    chunks: Iterable[bytes]


def safe_name(path: str) -> str:
    """Give the path if every system can unpack it, in lower case and of at most 200 characters; ValueError if not."""
    words = path.split("/")
    if len(path) > LONGEST_NAME or not all(_WORD.fullmatch(w) and not _DEVICE.fullmatch(w) for w in words):
        raise ValueError("a path that is not safe on every system cannot go into a zip")
    return path


def zip_chunks(members: Iterable[Member]) -> Iterator[bytes]:
    """
    Give a zip's bytes as they come about. Errors of the members' bytes pass; what was given by then is no zip.

    At most 65,535 members, and 4 GiB in all, else struct.error: parts are cut far below (`zip_parts.Limits`).
    """
    directory, size, number = bytearray(), 0, 0
    for member in members:
        passing, begins = _Passing(member), size
        for piece in passing.pieces():
            size += len(piece)
            yield piece
        directory += passing.entry(begins)
        number += 1
    yield bytes(directory)
    yield _END.pack(b"PK\5\6", 0, 0, number, number, len(directory), size, 0)


class _Passing:
    """One member while it passes: what is known of it when its bytes have been given."""

    def __init__(self, member: Member) -> None:
        self._chunks = member.chunks
        self._name = safe_name(member.path).encode("ascii")
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS) if member.deflated else None
        method = _DEFLATED if member.deflated else _STORED
        self._kind = (_VERSION, _SIZES_FOLLOW, method, *_dos_time(member.time))
        self._checksum = self._packed = self._size = 0

    def pieces(self) -> Iterator[bytes]:
        """Give local header, bytes and data descriptor."""
        yield _LOCAL.pack(b"PK\3\4", *self._kind, 0, 0, 0, len(self._name), 0) + self._name
        for piece in self._content():
            self._packed += len(piece)
            yield piece
        yield _DESCRIPTOR.pack(b"PK\7\x08", *self._told)

    def entry(self, begins: int) -> bytes:
        """Give the directory's entry of a member whose local header begins at this byte of the zip."""
        lengths = (len(self._name), 0, 0, 0, 0)
        return _ENTRY.pack(b"PK\1\2", _MADE_BY, *self._kind, *self._told, *lengths, _READABLE_FILE, begins) + self._name

    @property
    def _told(self) -> tuple[int, int, int]:
        return self._checksum, self._packed, self._size

    def _content(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._checksum = zlib.crc32(chunk, self._checksum)
            self._size += len(chunk)
            yield self._deflate.compress(chunk) if self._deflate else chunk
        if self._deflate:
            yield self._deflate.flush()


def _dos_time(time: datetime) -> tuple[int, int]:
    """Give time and date to two seconds and not before 1980, which is all that the format can say."""
    date = max(time.year - 1980, 0) << 9 | time.month << 5 | time.day
    return time.hour << 11 | time.minute << 5 | time.second // 2, date
