"""
A zip as a stream of bytes, written by Python's own `zipfile` into nothing larger than one chunk.

The directory stands at the end of a zip: until then `zipfile` keeps about a kibibyte for each member.

Pictures and models are stored, text is deflated. Every header is fixed by the member's name and time, so the same
members give the same bytes. Sizes stand behind each member (a data descriptor, APPNOTE 4.3.9), as in any streamed zip.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

LONGEST_NAME = 200
_LEVEL = 6
_UNIX = 3
_READABLE_FILE = 0o100644 << 16
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

    A member of more than 2 GiB is refused by `zipfile`: parts are cut far below (`zip_parts.Limits`).
    """
    sink = _Sink()
    with ZipFile(sink, "w") as archive:
        for member in members:
            with archive.open(_header(member), "w") as target:
                for chunk in member.chunks:
                    target.write(chunk)
                    yield from sink.taken()
            yield from sink.taken()
    yield from sink.taken()


def _header(member: Member) -> ZipInfo:
    """Give the header; the time to two seconds and not before 1980, which is all that the format can say."""
    time = member.time
    header = ZipInfo(safe_name(member.path), (max(time.year, 1980), *time.timetuple()[1:5], time.second // 2 * 2))
    header.compress_type = ZIP_DEFLATED if member.deflated else ZIP_STORED
    header.compress_level = _LEVEL
    header.create_system = _UNIX
    header.external_attr = _READABLE_FILE
    return header


class _Sink:
    """A file that can only be written to, and whose content is taken away again and again."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Keep a chunk until it is taken."""
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""

    def taken(self) -> list[bytes]:
        """Give what was written since the last time."""
        chunks, self._chunks = self._chunks, []
        return [b"".join(chunks)] if chunks else []
