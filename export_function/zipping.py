"""
The zips of a package: each one unit of work, built as a stream from the package's blobs and redone whole.

What goes into a part stands in the manifest's rows (`zipped`); the manifest is written before the zips. Every member
is held against its row while it passes, so a zip never holds anything else than what the manifest says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from export_function.zip_parts import FileRow, is_data
from export_function.zip_stream import Member, zip_chunks
from shared.domain.errors import StorageUnavailable
from shared.domain.times import parse_rfc3339
from shared.file_pages import MANIFEST, needed
from shared.packages import PackageStore, package_prefix, part_name
from shared.ports import WrittenFile
from shared.reading_ahead import ahead

ZIP = "application/zip"
READERS = 8
READ_AHEAD_BYTES = 1024**2
"""Files up to this size are read whole, several at a time: the wait for each of many small blobs would be the work."""

type Listed = Callable[[], Iterable[FileRow]]
"""Gives the manifest's file rows from the beginning, each time it is called."""


def build_part(packages: PackageStore, request_id: str, part: int, rows: Listed) -> WrittenFile:
    """
    Write `package-NNN.zip` and give its size and digests; whatever was there is replaced when the new one is whole.

    `rows` may give any of the manifest's rows, in their order: those of this part are taken. It is called twice, as
    data goes before pictures. Memory: a few blocks of the store, up to 8 files of at most 1 MiB that are read ahead,
    and about a kibibyte a member for the zip's directory.
    Errors: `StorageUnavailable`, also where a listed file is absent or not as listed; then nothing is written.
    """
    name = package_prefix(request_id) + part_name(part)
    members = _members(packages, request_id, part, rows)
    return packages.blobs.write_stream(name, zip_chunks(members), content_type=ZIP)


def _members(packages: PackageStore, request_id: str, part: int, rows: Listed) -> Iterator[Member]:
    """Part 1 begins with the pages for people and the manifest; each part has its data before its pictures."""
    mine = part_name(part)
    read = partial(_listed, packages, request_id)
    data = sorted((r for r in rows() if r["zipped"] == mine and is_data(r)), key=_pages_first)
    yield from ahead((row for row in data if _is_page(row)), read, READERS)
    if part == 1:
        yield from _manifest_members(packages, request_id)
    yield from ahead((row for row in data if not _is_page(row)), read, READERS)
    yield from ahead((r for r in rows() if r["zipped"] == mine and not is_data(r)), read, READERS)


def _is_page(row: FileRow) -> bool:
    return str(row["media_type"]).startswith("text/html")


def _pages_first(row: FileRow) -> tuple[bool, str]:
    return not _is_page(row), str(row["path"]).replace("index.html", "")


def _manifest_members(packages: PackageStore, request_id: str) -> Iterator[Member]:
    manifest = json.loads(needed(packages, request_id, MANIFEST))
    time = parse_rfc3339(manifest["created_time"])
    for path in (MANIFEST, *(page["path"] for page in manifest["files"])):
        yield Member(path=path, time=time, deflated=True, chunks=[needed(packages, request_id, path)])


def _listed(packages: PackageStore, request_id: str, row: FileRow) -> Member:
    """Give the member of a row, with its bytes where they are few; larger ones are read when their turn comes."""
    streamed = _as_listed(packages, package_prefix(request_id) + row["path"], row)
    chunks = list(streamed) if row["bytes"] <= READ_AHEAD_BYTES else streamed
    return Member(path=row["path"], time=parse_rfc3339(row["time"]), deflated=is_data(row), chunks=chunks)


def _as_listed(packages: PackageStore, name: str, row: FileRow) -> Iterator[bytes]:
    """Read a blob and hold it against its row; where it differs the unit is worth another try, not the zip."""
    size, md5 = 0, hashlib.md5(usedforsecurity=False)
    try:
        for chunk in packages.blobs.read_stream(name):
            size += len(chunk)
            if size > row["bytes"]:
                break
            md5.update(chunk)
            yield chunk
    except KeyError:
        raise StorageUnavailable("zip (a listed file is absent)") from None
    if size != row["bytes"] or row["md5"] not in (None, md5.hexdigest()):
        raise StorageUnavailable("zip (a file is not as listed)")
