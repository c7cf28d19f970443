"""What a package holds of what erasures take away: its listing, its rows and its manifest, read again each time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.cleaning.places import (
    Erased,
    contents_left,
    covers,
    has_contents,
    is_doomed,
    is_rows,
    may_change,
    picture_id,
    place,
    row_ids,
    tags_in,
)
from shared.cleaning.scrubbing import project_entries
from shared.file_pages import listed_rows, manifest_of_package
from shared.packages import PackageStore, package_prefix, project_path
from shared.ports import BlobEntry
from shared.tombstones import Tombstones


@dataclass
class Held:
    """
    What was found.

    `images` and `predictions`: ids with a picture or a row; `tags`: ids that a file has something of; `projects`:
    folders that should be gone; `listed`: paths that the manifest should not list; `stale`: files that are not as the
    manifest lists them although they must be; `unfinished`: a pass is underway. `seen`: those of the projects that the
    package has at all, which is no finding.
    """

    images: set[str] = field(default_factory=set)
    predictions: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    projects: list[str] = field(default_factory=list)
    listed: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    unfinished: bool = False
    seen: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        items = self.images or self.predictions or self.tags
        return any((items, self.projects, self.listed, self.stale, self.unfinished))

    @property
    def ids(self) -> frozenset[str]:
        """All ids that were found, of items, tags and projects."""
        return frozenset(self.images | self.predictions | self.tags).union(self.projects)

    def note(self, store: str, item_id: str) -> None:
        """Note an item."""
        (self.images if store == "images" else self.predictions).add(item_id)


def held_of(packages: PackageStore, request_id: str, erased: Erased) -> Held:
    """
    Look through a package for what is taken away, without changing anything.

    Memory: one page of rows, the ids found, and about 200 bytes per data file. May raise `StorageUnavailable`.
    """
    found, changing = Held(), _ChangingFiles()
    if manifest_of_package(packages, request_id) is not None:
        for row in listed_rows(packages, request_id):
            _note_listed(row, erased, found, changing)
    for project_id, tombstones in erased.items():
        for path, entry in project_entries(packages, request_id, project_id):
            found.seen.add(project_id)
            _note_file(packages, request_id, (project_id, path), tombstones, found)
            changing.compare(project_path(project_id, path), entry, found)
    prefix = package_prefix(request_id)
    for entry in packages.blobs.entries(f"{prefix}index"):
        changing.compare(entry.name.removeprefix(prefix), entry, found)
    return found


def _note_listed(row: Mapping[str, Any], erased: Erased, found: Held, changing: _ChangingFiles) -> None:
    path = row["path"]
    where = place(path)
    if where and where[0] in erased:
        found.seen.add(where[0])
    if is_doomed(path, erased):
        found.listed.append(path)
        picture = picture_id(where[1]) if where else None
        if picture:
            found.note(*picture)
    elif may_change(path, erased):
        changing.listed[path] = (row["bytes"], row["md5"])


def _note_file(
    packages: PackageStore, request_id: str, where: tuple[str, str], tombstones: Tombstones, found: Held
) -> None:
    project_id, path = where
    picture = picture_id(path)
    if picture and covers(tombstones, *picture):
        found.note(*picture)
    if has_contents(path, tombstones):
        content = packages.read(request_id, project_path(project_id, path)) or b""
        for store, item, _ in row_ids(path, content) if is_rows(path) else ():
            if covers(tombstones, store, item):
                found.note(store, item)
        if contents_left(path, content, Tombstones(tags=tombstones.tags)) != content:
            found.tags |= tags_in(content, tombstones.tags)
    if tombstones.whole and project_id not in found.projects:
        found.projects.append(project_id)


@dataclass
class _ChangingFiles:
    """Files that cleaning writes again, as the manifest lists them."""

    listed: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def compare(self, path: str, entry: BlobEntry, found: Held) -> None:
        """Note a file that has another size or MD5 than the manifest says."""
        if path not in self.listed:
            return
        size, md5 = self.listed[path]
        if size != entry.size or (md5 and entry.md5 and md5 != entry.md5.hex()):
            found.stale.append(path)


def tag_count(packages: PackageStore, request_id: str, project_id: str, tombstones: Tombstones) -> int:
    """Count the tags that a project's file of tags holds and that are taken away."""
    content = packages.read(request_id, project_path(project_id, "tags.json"))
    listed = [] if content is None else json.loads(content)
    return sum(tombstones.whole or str(tag["id"]).lower() in tombstones.tags for tag in listed)
