"""A small package with every kind of file, written through the app's own store: what zips and verification are fed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from export_function.zip_parts import FileRow, Limits, PartAssigner, needs_of
from export_function.zipping import build_part
from shared.domain.canonical import canonical, readable
from shared.file_pages import listed_rows
from shared.packages import JSON_LINES, PackageStore, file_row, package_prefix
from shared.ports import BlobStore

REQUEST = "3f0f9a52-0a52-4a3e-9d0c-5a2b8f0f1c11"
PROJECT = "8f3c1f0a-93c1-4d0e-9d0b-3f6b8f6c7a11"
ITERATION = "2b6a7c55-60de-4a75-8d9a-0a0f6f3f2d10"
TIME = "2026-11-24T09:00:01.500Z"
STORES = ("account", "projects", "iterations", "performance", "tags", "images", "predictions", "exported_models")

type Row = dict[str, Any]


def image_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def bytes_of(seed: str, size: int) -> bytes:
    """Give bytes that no deflating makes smaller, always the same for a seed."""
    return random.Random(seed).randbytes(size)


@dataclass
class PackageWriter:
    """Writes one package; `finish` lists it, and `zip_all` zips it."""

    blobs: BlobStore
    limits: Limits = field(default_factory=Limits)
    rows_a_page: int = 4
    rows: list[Row] = field(default_factory=list)
    assigner: PartAssigner | None = None
    request_id: str = REQUEST

    @property
    def packages(self) -> PackageStore:
        return PackageStore(self.blobs)

    def json(self, path: str, value: object, **ids: str) -> None:
        row = self.packages.write_json(self.request_id, path, value, operation="Get", ids=ids, time=TIME)
        self.rows.append(row)

    def lines(self, path: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self.rows.append(
            self.packages.write_rows(
                self.request_id, path, rows, operation="Get", ids={"project_id": PROJECT}, time=TIME
            )
        )

    def file(self, path: str, content: bytes, media_type: str, *, copied: bool = False, **ids: str) -> None:
        """Write any file; `copied` as where the storage service copied it: its SHA-256 is not known."""
        self.packages.write_plain(self.request_id, path, content, media_type)
        self.rows.append(
            file_row(
                path,
                size=len(content),
                md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
                sha256=None if copied else hashlib.sha256(content).hexdigest(),
                media_type=media_type,
                operation="Get",
                ids={"project_id": PROJECT, **ids},
                time=TIME,
                why="the bytes were copied inside the storage service and not read here" if copied else None,
            )
        )

    def picture(self, number: int, content: bytes) -> None:
        path = f"projects/{PROJECT}/images/files/{image_id(number)}.png"
        self.file(path, content, "image/png", copied=number % 2 == 0, image_id=image_id(number))

    def project(self, pictures: int = 6, *, size: int = 3000) -> None:
        """Write a project with something of everything."""
        base = f"projects/{PROJECT}"
        self.json(f"{base}/project.json", {"id": PROJECT, "name": "Ångström"}, project_id=PROJECT)
        self.json(f"{base}/tags.json", [{"name": "anna"}, {"name": "<script>"}])
        self.json(f"{base}/iterations.json", [{"id": ITERATION, "name": "Iteration 1"}])
        self.lines(f"{base}/images/00001.jsonl", ({"id": image_id(n), "tags": []} for n in range(pictures)))
        for number in range(pictures):
            self.picture(number, bytes_of(f"picture {number}", size))
        self.json(f"{base}/iterations/{ITERATION}/iteration.json", {"id": ITERATION})
        self.json(f"{base}/iterations/{ITERATION}/performance.json", {"precision": 1.0})
        self.file(f"{base}/iterations/{ITERATION}/models/001-onnx.zip", bytes_of("model", 500), "application/zip")
        self.lines(f"{base}/predictions/00008.jsonl", [{"id": image_id(900)}])
        self.file(
            f"{base}/predictions/files/{image_id(900)}.jpg",
            bytes_of("prediction", 700),
            "image/jpeg",
            prediction_id=image_id(900),
        )
        self.file(f"{base}/images.csv", b"id,tags\r\n", "text/csv")
        self.file("index.html", b"<!doctype html><title>Package</title>", "text/html; charset=utf-8")

    def stores(self) -> dict[str, Row]:
        """Count what the rows hold, in the manifest's words."""
        ends = {"projects": "/project.json", "iterations": "/iteration.json", "performance": "/performance.json"}
        written = {store: sum(row["path"].endswith(end) for row in self.rows) for store, end in ends.items()}
        written |= {
            "images": sum("image_id" in row["ids"] for row in self.rows),
            "predictions": sum("prediction_id" in row["ids"] for row in self.rows),
            "exported_models": sum("/models/" in row["path"] for row in self.rows),
            "tags": 2 * written["projects"],
        }
        words = {"vanished": 0, "failed": 0, "not_available": 0, "service_count": None}
        return {store: {"found": written.get(store, 0), "written": written.get(store, 0), **words} for store in STORES}

    def finish(self, *, zipped: bool = True) -> list[Row]:
        """Assign parts (unless the package has no zips), write pages and manifest, and give the rows as listed."""
        rows = self._assigned() if zipped else self.rows
        pages = [
            self._page(number, rows[start : start + self.rows_a_page])
            for number, start in enumerate(range(0, len(rows), self.rows_a_page), start=1)
        ]
        gap = {"store": "account", "id": None, "code": "not_asked", "detail": "the request did not ask for it"}
        manifest = {
            "subject_request_id": self.request_id,
            "created_time": TIME,
            "api_version": "v3.3",
            "scope": {"projects": "all"},
            "stores": self.stores(),
            "gaps": [gap],
            "erased_on_request": 0,
            "files": pages,
        }
        self.packages.write_plain(self.request_id, "manifest.json", readable(manifest))
        return rows

    def _assigned(self) -> list[Row]:
        self.assigner = PartAssigner(needs_of(self.rows), self.limits)
        return [self.assigner.assign(row) for row in self.rows]

    def _page(self, number: int, rows: Iterable[FileRow]) -> Row:
        lines = [canonical(row) + b"\n" for row in rows]
        path, content = f"files/{number:05d}.jsonl", b"".join(lines)
        self.packages.write_plain(self.request_id, path, content, JSON_LINES)
        return {"path": path, "rows": len(lines), "sha256": hashlib.sha256(content).hexdigest()}

    def zip_all(self) -> None:
        """Build every part, reading no more of the manifest than the part's rows."""
        assert self.assigner is not None
        for part in self.assigner.parts.values():
            rows = partial(listed_rows, self.packages, self.request_id, first=part.first or 0, last=part.last)
            build_part(self.packages, self.request_id, part.number, rows)

    def names(self) -> Iterator[str]:
        """Give the paths of all files of the package."""
        prefix = package_prefix(self.request_id)
        return (entry.name.removeprefix(prefix) for entry in self.blobs.entries(prefix))

    def content(self, path: str) -> bytes:
        content = self.packages.read(self.request_id, path)
        assert content is not None
        return content

    def download(self, folder: Path, *, only_zips: bool = False) -> Path:
        """Put the package's files into a folder, as a person does who downloads it."""
        for path in self.names():
            if not only_zips or (path.endswith(".zip") and path.startswith("package-")):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(self.content(path))
        return folder


def finished_package(blobs: BlobStore, **options: Any) -> PackageWriter:
    """Write a small package and its zips."""
    writer = PackageWriter(blobs, **options)
    writer.project()
    writer.finish()
    writer.zip_all()
    return writer
