"""The manifest and its pages: read, held against the schema and their digests, and listed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.verify_package.counts import Held
from local.verify_package.listing import Listing
from local.verify_package.places import MANIFEST, Place, Unreadable, content_of, parsed
from local.verify_package.report import Report
from local.verify_package.schema import manifest_violations, row_violations


@dataclass(frozen=True)
class Front:
    """A manifest that fits its schema, and the SHA-256 of itself and of its pages by path."""

    manifest: Mapping[str, Any]
    digests: Mapping[str, str]


@dataclass
class FrontReader:
    """Reads manifest and pages from one place; rows go into the listing and are counted."""

    report: Report
    listing: Listing
    held: Held
    place: Place
    _digests: dict[str, str] = field(default_factory=dict)

    def read(self) -> Front | None:
        """Read everything and tell what is wrong with it; None if the manifest itself is of no use."""
        manifest = self._manifest()
        if manifest is None:
            return None
        for page in manifest["files"]:
            self._page(page)
        return Front(manifest, self._digests)

    def _manifest(self) -> dict[str, Any] | None:
        content = self._content(MANIFEST)
        if content is None:
            return None
        self._digests[MANIFEST] = hashlib.sha256(content).hexdigest()
        try:
            manifest = parsed(content)
        except ValueError:
            self.report.finding(MANIFEST, "is no JSON")
            return None
        return manifest if self._fits(MANIFEST, list(manifest_violations(manifest))) else None

    def _fits(self, where: str, violations: list[str]) -> bool:
        for violation in violations:
            self.report.finding(where, violation)
        return not violations

    def _content(self, path: str) -> bytes | None:
        try:
            return content_of(self.place, path)
        except KeyError:
            self.report.finding(path, "is missing")
        except Unreadable as error:
            self.report.finding(path, str(error))
        return None

    def _page(self, page: Mapping[str, Any]) -> None:
        path = page["path"]
        if path in self._digests:
            self.report.finding(path, "stands twice in the manifest")
        self._digests[path] = page["sha256"]
        content = self._content(path)
        if content is None:
            return
        lines = content.splitlines()
        if len(lines) != page["rows"]:
            self.report.finding(path, f"has {len(lines):,} rows, the manifest says {page['rows']:,}")
        for number, line in enumerate(lines, start=1):
            self._row(f"{path} row {number}", line)

    def _row(self, where: str, line: bytes) -> None:
        try:
            row = parsed(line)
        except ValueError:
            self.report.finding(where, "is no JSON")
            return
        if not self._fits(where, list(row_violations(row))):
            return
        if self.listing.add(row):
            self.held.note_file(row["path"])
        else:
            self.report.finding(row["path"], "is listed twice")
