"""
Packages: what an export writes, on a blob container (layout: `gdpr-exports/` in docs/architecture.md).

Names are made of ids that are GUIDs and of fixed words; nothing that the service names becomes a path. Rows are
written whole, without links.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from shared.domain.canonical import canonical, readable
from shared.domain.errors import AlreadyExists
from shared.domain.identifiers import guid
from shared.domain.links import without_links
from shared.ports import BlobStore

JSON = "application/json"
JSON_LINES = "application/x-ndjson"
PICTURES_A_LISTING = 2000
"""Rows of a page where pictures are listed: a page of 5,000, the most there is, takes 4 MiB more while it is read."""


def package_prefix(request_id: str) -> str:
    """Give the prefix of all blobs of a package."""
    return f"{checked(request_id)}/"


def project_path(project_id: str, name: str) -> str:
    """Give the path of a project's file inside a package."""
    return f"projects/{checked(project_id)}/{name}"


def picture_path(project_id: str, image_id: str, extension: str) -> str:
    """Give the path of an image's bytes inside a package; the extension comes from the bytes."""
    return project_path(project_id, f"images/files/{checked(image_id)}.{extension}")


def part_name(part: int) -> str:
    """Give the file name of a zip of a package, counted from 1."""
    if part < 1:
        raise ValueError("parts are counted from 1")
    return f"package-{part:03d}.zip"


def checked(value: str) -> str:
    """Give the id if it is a GUID in lower case, and so safe in a path; ValueError otherwise."""
    if guid(value) != value:
        raise ValueError("an id that is no GUID cannot become a path")
    return value


class PackageStore:
    """The packages over one container. All methods may raise `StorageUnavailable`."""

    def __init__(self, blobs: BlobStore) -> None:
        self.blobs = blobs

    def write_json(self, request_id: str, path: str, value: Any, **facts: Any) -> dict[str, Any]:  # noqa: ANN401
        """Write a JSON file without links and give its row for the manifest; `facts` are operation, ids and time."""
        return self._write(request_id, path, readable(without_links(value)), JSON, facts)

    def write_rows(
        self,
        request_id: str,
        path: str,
        rows: Iterable[Mapping[str, Any]],
        **facts: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Write rows as JSON lines without links and give the file's row for the manifest."""
        content = b"".join(canonical(without_links(dict(row))) + b"\n" for row in rows)
        return self._write(request_id, path, content, JSON_LINES, facts)

    def write_plain(self, request_id: str, path: str, content: bytes, content_type: str = JSON) -> None:
        """Write one of the files that the manifest does not list: itself and its pages."""
        self.blobs.put(package_prefix(request_id) + path, content, content_type=content_type)

    def read(self, request_id: str, path: str) -> bytes | None:
        """Read a file of a package; None if it is not there."""
        blob = self.blobs.read(package_prefix(request_id) + path)
        return blob.content if blob else None

    def part_link(self, request_id: str, part: int, expires: datetime) -> str | None:
        """Give a read-only link to a zip, valid until `expires`; None if there is no such part."""
        if not 1 <= part < 100_000:
            return None
        name = package_prefix(request_id) + part_name(part)
        there = any(entry.name == name for entry in self.blobs.entries(name, page_size=1))
        return self.blobs.read_link(name, expires=expires) if there else None

    def delete_package(self, request_id: str) -> int:
        """Delete everything that a package has, and give the number of files."""
        prefix = package_prefix(request_id)
        return self.blobs.delete_all(entry.name for entry in self.blobs.entries(prefix))

    def _standing(self, name: str, content: bytes, content_type: str) -> bytes:
        """
        Write if absent and give the bytes that stand.

        A unit may run twice, and two readings of one list differ; what its outcome says of a file must stay true.
        """
        try:
            self.blobs.create(name, content, content_type=content_type)
        except AlreadyExists:
            standing = self.blobs.read(name)
            return content if standing is None else standing.content
        return content

    def _write(
        self, request_id: str, path: str, content: bytes, content_type: str, facts: Mapping[str, Any]
    ) -> dict[str, Any]:
        content = self._standing(package_prefix(request_id) + path, content, content_type)
        return file_row(
            path,
            size=len(content),
            md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            sha256=hashlib.sha256(content).hexdigest(),
            media_type=content_type,
            **facts,
        )


def file_row(
    path: str,
    *,
    size: int,
    md5: str | None,
    sha256: str | None,
    media_type: str,
    operation: str,
    ids: Mapping[str, str],
    time: str,
    why: str | None = None,
) -> dict[str, Any]:
    """
    Give a file's row for the manifest.

    `size` in bytes, digests in hex, `ids` say what it is of, `time` when it was read; `why` says why a digest is null.
    """
    row = {
        "path": path,
        "bytes": size,
        "md5": md5,
        "sha256": sha256,
        "media_type": media_type,
        "operation": operation,
        "ids": dict(ids),
        "time": time,
        "zipped": None,
    }
    return row if why is None else row | {"why": why}
