"""Whether the manifest's counts by store are those of the files that it lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ID = r"[0-9a-f-]{36}"
_FILES = {
    "projects": re.compile(rf"projects/{_ID}/project\.json"),
    "iterations": re.compile(rf"projects/{_ID}/iterations/{_ID}/iteration\.json"),
    "performance": re.compile(rf"projects/{_ID}/iterations/{_ID}/performance\.json"),
    "exported_models": re.compile(rf"projects/{_ID}/iterations/{_ID}/models/.+"),
    "images": re.compile(rf"projects/{_ID}/images/files/.+"),
    "predictions": re.compile(rf"projects/{_ID}/predictions/files/.+"),
}
_TAGS = re.compile(rf"projects/{_ID}/tags\.json")
_WORDS = ("written", "vanished", "failed", "not_available")


@dataclass
class Held:
    """Counts what a package holds, by store. Accounts are not counted: their list has no row of its own each."""

    files: Counter[str] = field(default_factory=Counter)
    tags: dict[str, int] = field(default_factory=dict)
    _are_tags_known: bool = True

    def note_file(self, path: str) -> None:
        """Count a listed file."""
        self.files.update(store for store, pattern in _FILES.items() if pattern.fullmatch(path))

    def note_document(self, path: str, value: object) -> None:
        """Count the tags of a project's workspace."""
        if _TAGS.fullmatch(path) and isinstance(value, list):
            self.tags[path] = len(value)

    def note_unparsed(self, path: str) -> None:
        """Note a document that is too large to be looked into: nobody knows then how many tags there are."""
        self._are_tags_known &= not _TAGS.fullmatch(path)

    def wrong(self, manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Give the counts that differ: where, and what is wrong."""
        stores = manifest["stores"]
        held = {store: self.files[store] for store in _FILES}
        for store, number in (held | ({"tags": sum(self.tags.values())} if self._are_tags_known else {})).items():
            if stores[store]["written"] != number:
                yield f"stores.{store}.written", f"is {stores[store]['written']:,}, the package holds {number:,}"
        for store in ("images", "predictions"):
            named = sum(stores[store][word] for word in _WORDS) + manifest["erased_on_request"]
            if named < stores[store]["found"]:
                yield (
                    f"stores.{store}.found",
                    f"is {stores[store]['found']:,}, of which only {named:,} are accounted for",
                )
