"""Reading a package by its manifest alone, as somebody does who has nothing but the container."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.acceptance.stack import Stack

type Json = dict[str, Any]
FILE_FIELDS = {"path", "bytes", "md5", "sha256", "media_type", "operation", "ids", "time", "zipped"}


@dataclass(frozen=True)
class Package:
    """The package of one export, all of its blobs read."""

    stack: Stack
    request_id: str

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Every blob by its path in the package."""
        prefix = f"{self.request_id}/"
        return {name.removeprefix(prefix): data for name, data in self.stack.files(self.stack.packages, prefix)}

    @cached_property
    def manifest(self) -> Json:
        """The manifest."""
        return dict(json.loads(self.files["manifest.json"]))

    @cached_property
    def listed(self) -> dict[str, Json]:
        """The manifest's rows of files by path; fails if a path stands there twice."""
        rows = [row for page in self.manifest["files"] for row in self.lines(page["path"])]
        by_path = {row["path"]: row for row in rows}
        assert len(by_path) == len(rows)
        return by_path

    def lines(self, path: str) -> list[Json]:
        """The rows of a JSONL file."""
        return [json.loads(line) for line in self.files[path].decode().splitlines()]

    def json(self, path: str) -> Any:
        """The value of a JSON file."""
        return json.loads(self.files[path])

    def image_rows(self, project: str) -> dict[str, Json]:
        """The workspace's image rows of a project by id; fails if an image stands there twice."""
        folder = f"projects/{project}/images/"
        paths = [path for path in self.files if path.startswith(folder) and path.endswith(".jsonl")]
        rows = [row for path in paths for row in self.lines(path)]
        by_id = {row["id"]: row for row in rows}
        assert len(by_id) == len(rows)
        return by_id

    def pictures(self, project: str) -> dict[str, bytes]:
        """The bytes of a project's images by file name."""
        folder = f"projects/{project}/images/files/"
        return {path.removeprefix(folder): data for path, data in self.files.items() if path.startswith(folder)}

    def assert_manifest_is_true(self) -> None:
        """Every file is listed but manifest, pages and zips, each with its size and digests."""
        zips = {path for path in self.files if path.endswith(".zip")}
        unlisted = {"manifest.json", *zips, *(path for path in self.files if path.startswith("files/"))}
        assert self.listed.keys() == self.files.keys() - unlisted
        for page in self.manifest["files"]:
            assert page["sha256"] == _sha256(self.files[page["path"]])
            assert page["rows"] == len(self.lines(page["path"]))
        for path, row in self.listed.items():
            data = self.files[path]
            assert row["bytes"] == len(data), path
            assert row["md5"] in (None, hashlib.md5(data, usedforsecurity=False).hexdigest()), path
            assert row["sha256"] in (None, _sha256(data)), path
            assert row["md5"] or row["sha256"], f"{path} has no digest at all"
            assert row.get("why") or None not in (row["md5"], row["sha256"]), f"{path} does not say why a digest lacks"
            assert row.keys() >= FILE_FIELDS

    def assert_nowhere(self, *words: str, besides: str | None = None) -> None:
        """None of these words in any file or path of the package, except in files with `besides` in their path."""
        for path, data in self.files.items():
            for word in words if besides is None or besides not in path else ():
                assert word.encode() not in data, f"{path} holds {word!r}"
                assert word not in path


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
