"""Whether a zip holds nothing but its files: every byte belongs to one, and both places that describe it agree."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import IO
from zipfile import ZipFile, ZipInfo

_LOCAL = Struct("<4s5H3I2H")
_DESCRIPTOR = Struct("<4s3I")
_END = Struct("<4s4H2IH")
_ENTRY_BYTES = 46
_DESCRIBED_BEHIND = 1 << 3
"""Flag of a file whose checksum and sizes stand behind it: APPNOTE 4.4.4."""

BETWEEN = "holds bytes that belong to no file"
DIFFERS = "its header in the zip is not as the zip's directory says"


def wrong_form(archive: ZipFile) -> Iterator[tuple[str, str]]:
    """Give what is wrong with the form of a zip: the file's name, or an empty one for the zip itself, and the words."""
    stream, at, is_dense = archive.fp, 0, True
    if stream is None:
        return
    members = archive.infolist()
    for info in sorted(members, key=lambda one: one.header_offset):
        is_dense &= info.header_offset == at
        at, is_as_listed = _member(stream, info)
        if not is_as_listed:
            yield info.filename, DIFFERS
    directory = sum(_ENTRY_BYTES + len(_name(one)) + len(one.extra) + len(one.comment) for one in members)
    stream.seek(at + directory)
    end = _END.pack(b"PK\5\6", 0, 0, len(members), len(members), directory, at, 0)
    if not is_dense or stream.read(_END.size + 1) != end:
        yield "", BETWEEN


def _member(stream: IO[bytes], info: ZipInfo) -> tuple[int, bool]:
    """Give where a file ends in the zip, and whether its own header and what stands behind it are as listed."""
    stream.seek(info.header_offset)
    header = stream.read(_LOCAL.size)
    if len(header) < _LOCAL.size:
        return info.header_offset, False
    _, _, flags, method, time, day, crc, packed, unpacked, name_bytes, extra_bytes = _LOCAL.unpack(header)
    name = stream.read(name_bytes)
    facts, listed = (crc, packed, unpacked), (info.CRC, info.compress_size, info.file_size)
    end = info.header_offset + _LOCAL.size + name_bytes + extra_bytes + info.compress_size
    is_same = (flags, method, time, day, name) == (info.flag_bits, info.compress_type, *_dos_time(info), _name(info))
    if not flags & _DESCRIBED_BEHIND:
        return end, is_same and facts == listed
    stream.seek(end)
    behind = stream.read(_DESCRIPTOR.size)
    return end + _DESCRIPTOR.size, is_same and facts in ((0, 0, 0), listed) and behind == _DESCRIPTOR.pack(
        b"PK\7\x08", *listed
    )


def _dos_time(info: ZipInfo) -> tuple[int, int]:
    year, month, day, hour, minute, second = info.date_time
    return hour << 11 | minute << 5 | second // 2, year - 1980 << 9 | month << 5 | day


def _name(info: ZipInfo) -> bytes:
    """Give a file's name as the zip writes it: UTF-8 by its flag (bit 11), else the code page of old."""
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")
