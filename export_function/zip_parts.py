"""
Which zip of a package holds which file. Pure: file rows of the manifest in, the same rows with their part out.

Part 1 opens the package: pages for people, manifest, data; then pictures and models in the order of the rows, each
part filled before the next is begun. Sizes are upper bounds, so that a finished zip is never larger than its limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.canonical import canonical
from shared.packages import part_name

type FileRow = Mapping[str, Any]

GIBIBYTE = 1024**3
KEYS_FILE = "account-keys.json"
"""Values of subscription keys: they stay one file in the storage account and travel in no archive."""

KEYS_ARE_NOT_ZIPPED = "keys are never put into a zip"
TOO_LARGE = "larger than a zip may be; it lies beside the zips"

_DATA_TYPES = frozenset({"application/json", "application/x-ndjson"})
_HEADERS = 30 + 16 + 46
"""Bytes of a member besides its content and its name, which stands twice: local header, descriptor, directory."""
_END = 22
_ROW_MARGIN = 64
"""What naming the zip may add to a row of the manifest."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """
    How large a part may become.

    `size`: bytes of a whole zip. `members`: files in one, which bounds the directory that is held while a zip is
    written (about a kibibyte a member) and keeps every zip below the 65,535 from which Zip64 is needed.
    `manifest`: bytes left free in part 1 for manifest.json, whose size is not known before the parts are.
    """

    size: int = GIBIBYTE
    members: int = 2_500
    manifest: int = 16 * 1024**2
    rows_a_page: int = 1000


def is_data(row: FileRow) -> bool:
    """Tell text that a person or a program reads (JSON, JSON lines, CSV, HTML) from pictures and models."""
    return row["media_type"] in _DATA_TYPES or str(row["media_type"]).startswith("text/")


def room_for(row: FileRow) -> int:
    """Give the most bytes that a file takes up in a zip; deflating may add to what cannot be made smaller."""
    size = int(row["bytes"])
    swollen = size + size // 1000 + 64 if is_data(row) else size
    return swollen + _HEADERS + 2 * len(row["path"])


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a package's data and the pages of its manifest take up, in bytes and members."""

    data: int = 0
    data_members: int = 0
    pages: int = 0
    rows: int = 0


def needs_of(rows: Iterable[FileRow]) -> Needs:
    """Add up what belongs into part 1, in one pass over all file rows."""
    data = members = pages = count = 0
    for row in rows:
        count += 1
        pages += len(canonical(row)) + _ROW_MARGIN
        if is_data(row):
            data += room_for(row)
            members += 1
    return Needs(data=data, data_members=members, pages=pages, rows=count)


@dataclass(kw_only=True)
class Part:
    """One part: its number, how many files are in it, and the first and last of their rows (counted from 0)."""

    number: int
    files: int = 0
    first: int | None = None
    last: int | None = None

    def note(self, at: int) -> None:
        """Count the row at this place."""
        self.files += 1
        self.first = at if self.first is None else self.first
        self.last = at


@dataclass
class _Filling:
    """What is taken of one part."""

    number: int
    size: int = _END
    members: int = 0

    def fits(self, size: int, members: int, limits: Limits) -> bool:
        return self.size + size <= limits.size and self.members + members <= limits.members

    def add(self, size: int, members: int) -> int:
        self.size += size
        self.members += members
        return self.number


@dataclass
class PartAssigner:
    """
    Gives every file row its part, row by row, in memory that does not grow with the rows.

    `needs` come from an earlier pass over the same rows (`needs_of`): they keep the room in part 1 that data, manifest
    and its pages take. Data that does not fit there goes on with the pictures. A file that takes more than half a part
    and does not fit the present one gets a part of its own, and the present one is filled further.
    """

    needs: Needs
    limits: Limits = field(default_factory=Limits)
    parts: dict[int, Part] = field(default_factory=lambda: {1: Part(number=1)})

    def __post_init__(self) -> None:
        pages = -(-self.needs.rows // self.limits.rows_a_page)
        names = (pages + 1) * (_HEADERS + 2 * len("files/00001.jsonl"))
        self._front = _Filling(1, _END + self.limits.manifest + self.needs.pages + names, pages + 1)
        self._open = _Filling(1, self._front.size, self._front.members)
        if self._open.fits(self.needs.data, self.needs.data_members, self.limits):
            self._open.add(self.needs.data, self.needs.data_members)
        else:
            self._open = _Filling(1, self.limits.size, self.limits.members)
        self._last = 1
        self._seen = 0

    def assign(self, row: FileRow) -> dict[str, Any]:
        """Give the row with its part in `zipped`; null and a reason where no zip holds it."""
        at, self._seen = self._seen, self._seen + 1
        refusal = self._refusal(row)
        if refusal is not None:
            return {**row, "zipped": None, "why": "; ".join(filter(None, (row.get("why"), refusal)))}
        number = self._place(row)
        self.parts.setdefault(number, Part(number=number)).note(at)
        return {**row, "zipped": part_name(number)}

    def _refusal(self, row: FileRow) -> str | None:
        if row["path"] == KEYS_FILE:
            return KEYS_ARE_NOT_ZIPPED
        return TOO_LARGE if not _Filling(0).fits(room_for(row), 1, self.limits) else None

    def _place(self, row: FileRow) -> int:
        size = room_for(row)
        if is_data(row) and self._front.fits(size, 1, self.limits):
            return self._front.add(size, 1)
        if self._open.fits(size, 1, self.limits):
            return self._open.add(size, 1)
        self._last += 1
        alone = size > self.limits.size // 2
        target = _Filling(self._last)
        if not alone:
            self._open = target
        return target.add(size, 1)


def assign_parts(rows: Iterable[FileRow], assigner: PartAssigner) -> Iterable[dict[str, Any]]:
    """Give the rows with their parts, as a stream; `assigner.parts` then says what the parts are."""
    return map(assigner.assign, rows)
