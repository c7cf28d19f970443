"""Taking items out of the files of one project of a package. Every step may be repeated and ends the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from shared.cleaning.places import contents_left, covers, has_contents, is_rows, picture_id
from shared.packages import JSON, JSON_LINES, PackageStore, package_prefix, project_path
from shared.ports import BlobEntry
from shared.tombstones import Tombstones


def project_entries(packages: PackageStore, request_id: str, project_id: str) -> Iterator[tuple[str, BlobEntry]]:
    """List the files of a project: the path inside the project, and what the listing says."""
    prefix = package_prefix(request_id) + project_path(project_id, "")
    return ((entry.name.removeprefix(prefix), entry) for entry in packages.blobs.entries(prefix))


def scrub_project(packages: PackageStore, request_id: str, project_id: str, tombstones: Tombstones) -> None:
    """
    Remove the pictures and rows of what is taken away; a project that goes as a whole loses all its files.

    Pages are written again only where a row goes. Memory: one page. May raise `StorageUnavailable`.
    """
    listed = project_entries(packages, request_id, project_id)
    if tombstones.whole:
        packages.blobs.delete_all(entry.name for _, entry in listed)
        return
    packages.blobs.delete_all(entry.name for path, entry in listed if _goes(path, tombstones))
    for path, _ in project_entries(packages, request_id, project_id):
        if has_contents(path, tombstones):
            scrub_rows(packages, request_id, project_id, path, tombstones)


def as_it_lies(packages: PackageStore, request_id: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give a file's row of the manifest with the size and digests that the file has now; None if it is not there."""
    try:
        chunks = packages.blobs.read_stream(package_prefix(request_id) + row["path"])
    except KeyError:
        return None
    size, md5, sha256 = 0, hashlib.md5(usedforsecurity=False), hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        md5.update(chunk)
        sha256.update(chunk)
    return {**row, "bytes": size, "md5": md5.hexdigest(), "sha256": sha256.hexdigest()}


def _goes(path: str, tombstones: Tombstones) -> bool:
    picture = picture_id(path)
    return picture is not None and covers(tombstones, *picture)


def scrub_rows(packages: PackageStore, request_id: str, project_id: str, path: str, tombstones: Tombstones) -> None:
    """Remove what is taken away from one file of a project (its path there) that stays: a page of rows, or of tags."""
    whole_path = project_path(project_id, path)
    content = packages.read(request_id, whole_path)
    left = None if content is None else contents_left(path, content, tombstones)
    if left is not None and left != content:
        packages.write_plain(request_id, whole_path, left, JSON_LINES if is_rows(path) else JSON)
