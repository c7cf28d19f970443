"""The pages of a package's manifest (`files/NNNNN.jsonl`): one row per file, written as they fill up, read in turn."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.domain.canonical import canonical
from shared.domain.errors import StorageUnavailable
from shared.packages import JSON_LINES, PackageStore

MANIFEST = "manifest.json"
ROWS_A_PAGE = 1000


@dataclass
class FilePages:
    """Writes file rows as pages; `first` is the number of the first page. May raise `StorageUnavailable`."""

    packages: PackageStore
    request_id: str
    first: int = 1
    written: list[dict[str, Any]] = field(default_factory=list)
    _rows: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a file row."""
        self._rows.append(row)
        if len(self._rows) >= ROWS_A_PAGE:
            self._write()

    def finish(self) -> list[dict[str, Any]]:
        """Write what is left and give the entries of all pages, as the manifest has them."""
        if self._rows:
            self._write()
        return self.written

    def _write(self) -> None:
        rows, self._rows = self._rows, []
        content = b"".join(canonical(row) + b"\n" for row in rows)
        path = f"files/{self.first + len(self.written):05d}.jsonl"
        self.packages.write_plain(self.request_id, path, content, JSON_LINES)
        self.written.append({"path": path, "rows": len(rows), "sha256": hashlib.sha256(content).hexdigest()})


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
