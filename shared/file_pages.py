"""The pages of a package's manifest (`files/NNNNN.jsonl`): one row per file, written as they fill up, read in turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from typing import Any

from shared.domain.canonical import canonical
from shared.domain.errors import StorageUnavailable
from shared.packages import JSON_LINES, PackageStore
from shared.reading_ahead import ahead

MANIFEST = "manifest.json"
PAGES = "files/"
ROWS_A_PAGE = 1000
PAGES_AT_ONCE = 3


def write_pages(
    packages: PackageStore, request_id: str, rows: Iterable[Mapping[str, Any]], *, first: int = 1
) -> list[dict[str, Any]]:
    """
    Write file rows as pages, numbered from `first` on, and give the entries of the pages as the manifest has them.

    A few pages are under way while the next rows are taken. May raise `StorageUnavailable`; then no page is under way.
    """

    def write(page: tuple[dict[str, Any], bytes]) -> dict[str, Any]:
        entry, content = page
        packages.write_plain(request_id, entry["path"], content, JSON_LINES)
        return entry

    return list(ahead(_pages_of(rows, first), write, PAGES_AT_ONCE))


def _pages_of(rows: Iterable[Mapping[str, Any]], first: int) -> Iterator[tuple[dict[str, Any], bytes]]:
    lines = (canonical(row) + b"\n" for row in rows)  # a fifth of what the rows take as objects
    for number, page in enumerate(batched(lines, ROWS_A_PAGE, strict=False), start=first):
        content = b"".join(page)
        path = f"{PAGES}{number:05d}.jsonl"
        yield {"path": path, "rows": len(page), "sha256": hashlib.sha256(content).hexdigest()}, content


def manifest_of_package(packages: PackageStore, request_id: str) -> dict[str, Any] | None:
    """Read a package's manifest; None if it has none."""
    content = packages.read(request_id, MANIFEST)
    return None if content is None else json.loads(content)


def listed_rows(packages: PackageStore, request_id: str, *, first: int = 0, last: int | None = None) -> Iterator[Any]:
    """
    Read the file rows of a package's manifest page by page, those from `first` to `last` (counted from 0) at least.

    Pages outside are not read. `StorageUnavailable` where the manifest or one of its pages is absent.
    """
    at = 0
    for page in json.loads(needed(packages, request_id, MANIFEST))["files"]:
        start, at = at, at + page["rows"]
        if at > first and (last is None or start <= last):
            yield from map(json.loads, needed(packages, request_id, page["path"]).splitlines())


def needed(packages: PackageStore, request_id: str, path: str) -> bytes:
    """Read a file that must be there; `StorageUnavailable` if it is not."""
    content = packages.read(request_id, path)
    if content is None:
        raise StorageUnavailable("read package (the manifest or a page of it is absent)")
    return content
