"""
What earlier deliveries of a unit have left in the package.

A unit is delivered again when something of it could not be had. What the delivery before has copied stands already: it
is taken where the picture cannot be had any more. What no outcome lists in the end is removed when the export ends, and
not before: until then a second delivery, beside the one that gives up, may be the one whose outcome stands. A package
holds no file that its manifest does not name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Self

from export_function.account import ACCOUNT_FILE, KEYS_FILE
from export_function.written_pictures import PICTURES, kind_of_picture, store_of_picture
from shared.cleaning.places import picture_id, place
from shared.domain.work import UnitOutcome
from shared.packages import PackageStore, package_prefix, project_path
from shared.ports import WrittenFile
from shared.reading_ahead import ahead

PICTURES_BEGIN = "/files/"

HEAD = 64
"""Bytes that are enough to tell a picture's type."""

_OF_A_PROJECT = ("coco.json", "images", "iterations", "predictions/", "project.json", "tags.")
"""What the names of a project's files begin with: few listings, and each may end where its pictures begin."""

LONGEST_LISTING = 5000

UNWRITTEN = frozenset({"vanished", "copy_refused", "refused", "gone"})
"""Gaps of pictures that are not in the package."""


@dataclass
class Written:
    """
    What the units of one project have written in the end, by their outcomes.

    `listed`: the paths of all files but pictures; `missing`: store and id of pictures that no unit has written, though
    an earlier try of one may have.
    """

    listed: set[str] = field(default_factory=set)
    missing: set[tuple[str, str]] = field(default_factory=set)

    @classmethod
    def of(cls, outcomes: Callable[[], Iterable[UnitOutcome]]) -> Self:
        """Read the outcomes, a second time where pictures are missing."""
        written = cls()
        for outcome in outcomes():
            written.see(outcome)
        written.settle(outcomes)
        return written

    def see(self, outcome: UnitOutcome) -> None:
        """Note an outcome."""
        self.listed |= {row["path"] for row in outcome.files if not kind_of_picture(row)}
        self.missing |= {(gap["store"], gap["id"]) for gap in outcome.gaps if gap["id"] and gap["code"] in UNWRITTEN}

    def settle(self, outcomes: Callable[[], Iterable[UnitOutcome]]) -> None:
        """Leave only those missing that no other unit has written."""
        for outcome in outcomes() if self.missing else ():
            pictures = ((store_of_picture(row), row["ids"].get(kind_of_picture(row))) for row in outcome.files)
            self.missing -= {(store, item) for store, item in pictures if store}

    def has(self, path: str) -> bool:
        """Whether a file of the project is one of what was written, and not of a try that counts for nothing."""
        where = place(path)
        picture = picture_id(where[1]) if where else None
        return picture not in self.missing if picture else path in self.listed


def leftover_picture(packages: PackageStore, path: str, request_id: str) -> tuple[str, WrittenFile, bytes] | None:
    """
    Read the one picture of a package whose path begins so: its path, size and digests, and its first bytes.

    None if there is none, or several. Memory: one chunk.
    """
    prefix = package_prefix(request_id)
    names = [entry.name for entry in packages.blobs.entries(prefix + path)]
    if len(names) != 1:
        return None
    md5, sha256, size, head = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0, b""
    try:
        for chunk in packages.blobs.read_stream(names[0]):
            md5.update(chunk)
            sha256.update(chunk)
            size, head = size + len(chunk), (head + chunk[:HEAD])[:HEAD]
    except KeyError:
        return None
    return names[0].removeprefix(prefix), WrittenFile(size=size, md5=md5.hexdigest(), sha256=sha256.hexdigest()), head


def remove_leftovers(packages: PackageStore, request_id: str, project_id: str, written: Written) -> None:
    """
    Remove what tries of units have written of a project and no outcome lists.

    To be called when every unit has its outcome, also where nothing is lacking: a try that was killed may have written
    rows that the next one did not find any more.
    """
    folders = dict(PICTURES.values())
    pictures = [f"{folders[store]}{item}." for store, item in sorted(written.missing) if store in folders]
    starts = (package_prefix(request_id) + project_path(project_id, path) for path in pictures)
    packages.blobs.delete_all(entry.name for start in starts for entry in packages.blobs.entries(start))
    _remove_unlisted(packages, request_id, project_id, written.listed)


def _remove_unlisted(packages: PackageStore, request_id: str, project_id: str, listed: Collection[str]) -> None:
    """Remove files that are no pictures; `listed`: the paths of those that stay."""
    prefix = package_prefix(request_id)
    starts = [project_path(project_id, place) for place in _OF_A_PROJECT]

    def unlisted(start: str) -> list[str]:
        expected = sum(path.startswith(start) for path in listed)
        names = _before_pictures(packages, prefix + start, expected)
        return [name for name in names if name.removeprefix(prefix) not in listed]

    packages.blobs.delete_all([name for names in ahead(starts, unlisted, len(starts)) for name in names])


def remove_late(packages: PackageStore, request_id: str, late: UnitOutcome, standing: UnitOutcome | None) -> None:
    """Remove what a unit wrote after another run of it had ended, and the outcome that stands does not list."""
    listed = {row["path"] for row in standing.files} if standing else set()
    written = {row["path"] for row in late.files}
    packages.blobs.delete_all([package_prefix(request_id) + path for path in sorted(written - listed)])


def remove_account(packages: PackageStore, request_id: str, listed: Collection[str]) -> None:
    """Remove what tries have written of the accounts and no outcome lists; called as `remove_leftovers`."""
    unlisted = [path for path in (ACCOUNT_FILE, KEYS_FILE) if path not in listed]
    packages.blobs.delete_all([package_prefix(request_id) + path for path in unlisted])


def _before_pictures(packages: PackageStore, start: str, expected: int) -> Iterator[str]:
    """
    List names that begin so: in a folder with pictures, which come last, only the pages of rows before them.

    `expected`: how many there probably are, so that no more pictures than needed are listed behind them.
    """
    entries = packages.blobs.entries(start, page_size=min(expected + 1, LONGEST_LISTING))
    return takewhile(lambda name: PICTURES_BEGIN not in name, (entry.name for entry in entries))
