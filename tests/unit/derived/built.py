"""Packages for the tests of derived files, written through the same store that an export uses."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from PIL import Image as Picture

from shared.packages import PackageStore, package_prefix, picture_path, project_path
from tests.fakes import InMemoryBlobStore

REQUEST_ID = "11111111-2222-4333-8444-555555555555"
PROJECT_ID = "aaaaaaaa-0000-4000-8000-000000000001"
OLD_ITERATION = "bbbbbbbb-0000-4000-8000-000000000001"
NEW_ITERATION = "bbbbbbbb-0000-4000-8000-000000000002"
TIME = "2026-11-24T09:00:00Z"
HEAD = {"created_time": TIME, "scope": {"projects": "all"}, "stores": {}}
FACTS: dict[str, Any] = {"operation": "GetImagesByIds", "ids": {}, "time": TIME}

type Row = dict[str, Any]


def id_of(kind: str, number: int) -> str:
    """Give the same GUID for the same words, always."""
    return str(uuid5(UUID(PROJECT_ID), f"{kind} {number}"))


def tag_row(name: str, kind: str = "Regular", number: int = 0) -> Row:
    """Give a tag; its id follows from its name and `number`."""
    return {"id": id_of(f"tag {name}", number), "name": name, "description": None, "type": kind, "imageCount": 3}


def on_image(tag: Row) -> Row:
    """Give a tag as an image's row carries it."""
    return {"tagId": tag["id"], "tagName": tag["name"], "created": "2026-01-02T03:04:05.1234567"}


def region(tag: Row, left: float, top: float, width: float, height: float) -> Row:
    """Give a region as an image's row carries it."""
    sides = {"left": left, "top": top, "width": width, "height": height}
    return {"regionId": id_of("region", hash((left, top)) % 1000), **on_image(tag), **sides}


def image_row(number: int, *tags: Row, **more: Any) -> Row:
    """Give an image of 200 x 100 pixels; like the service, without keys for what it does not have."""
    row: Row = {"id": id_of("image", number), "created": "2026-01-02T03:04:05.1234567", "width": 200, "height": 100}
    if tags:
        row["tags"] = [on_image(tag) for tag in tags]
    return row | more


def picture_bytes(form: str = "PNG", color: tuple[int, int, int] = (40, 90, 140)) -> bytes:
    """Give a picture of 200 x 100 pixels."""
    buffer = io.BytesIO()
    Picture.new("RGB", (200, 100), color).save(buffer, form)
    return buffer.getvalue()


class Builder:
    """Writes one project into a package."""

    def __init__(self, packages: PackageStore | None = None, project_id: str = PROJECT_ID) -> None:
        self.packages = packages or PackageStore(InMemoryBlobStore())
        self.project_id = project_id
        self.picture = picture_bytes()

    def document(self, name: str, value: Any) -> None:
        """Write a JSON file of the project."""
        self.packages.write_json(REQUEST_ID, project_path(self.project_id, name), value, **FACTS)

    def rows(self, folder: str, rows: Sequence[Row], page: int = 256) -> None:
        """Write rows as pages, in order of id as export units do."""
        ordered = sorted(rows, key=lambda row: str(row["id"]))
        for number, start in enumerate(range(0, len(ordered), page), start=1):
            name = project_path(self.project_id, f"{folder}/{number:05d}.jsonl")
            self.packages.write_rows(REQUEST_ID, name, ordered[start : start + page], **FACTS)

    def bytes_of(self, rows: Sequence[Row], extension: str = "png") -> None:
        """Write the same picture for each of the images."""
        for row in rows:
            path = picture_path(self.project_id, row["id"], extension)
            self.packages.write_plain(REQUEST_ID, path, self.picture, "image/png")

    def file(self, name: str, content: bytes) -> None:
        """Write any file of the project."""
        self.packages.write_plain(REQUEST_ID, project_path(self.project_id, name), content)

    def images(self, rows: Sequence[Row]) -> None:
        """Write images of the workspace, rows and bytes."""
        self.rows("images", rows)
        self.bytes_of(rows)

    def read(self, name: str) -> bytes:
        """Read a file of the project."""
        return self.read_whole(project_path(self.project_id, name))

    def read_whole(self, path: str) -> bytes:
        """Read a file of the package."""
        content = self.packages.read(REQUEST_ID, path)
        assert content is not None, path
        return content

    def paths(self) -> list[str]:
        """List the package."""
        prefix = package_prefix(REQUEST_ID)
        return [entry.name.removeprefix(prefix) for entry in self.packages.blobs.entries(prefix)]

    def unpack(self, folder: Path) -> Iterator[Path]:
        """Write the package into a folder, as an unpacked zip has it."""
        for path in self.paths():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read_whole(path))
            yield target
