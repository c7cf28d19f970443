"""The package of an export in Blob Storage: a copy of it on disk, and what such a copy holds."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient

CONTAINER = "gdpr-exports"
_WORKERS = 4
_SIGNATURE = re.compile(rb"[?&]sig=")
Json = dict[str, Any]


def names_in_storage(storage: str, request_id: str) -> list[str]:
    """Return the paths of a package's files within its prefix."""
    with ContainerClient.from_connection_string(storage, CONTAINER) as container:
        names = container.list_blob_names(name_starts_with=f"{request_id}/")
        return [str(name).removeprefix(f"{request_id}/") for name in names]


def download(storage: str, request_id: str, folder: Path) -> int:
    """Copy every file of a package to `folder`; how many."""
    names = names_in_storage(storage, request_id)
    with ContainerClient.from_connection_string(storage, CONTAINER) as container:

        def save(name: str) -> None:
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(container.download_blob(f"{request_id}/{name}").readall())

        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(save, names))
    return len(names)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below `folder`."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def pictures_in(folder: Path) -> Mapping[str, str]:
    """Return the SHA-256 of every image's file, by image id."""
    paths = folder.glob("projects/*/images/files/*")
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def rows_in(folder: Path) -> Mapping[str, Json]:
    """Return the rows of the workspaces' images, by image id."""
    return {row["id"]: row for path in folder.glob("projects/*/images/*.jsonl") for row in _lines(path)}


def files_with_links(folder: Path) -> list[str]:
    """Return which files other than pictures hold a signed link."""
    paths = [path for path in folder.rglob("*") if path.suffix in {".json", ".jsonl", ".html", ".csv"}]
    return [str(path.relative_to(folder)) for path in paths if _SIGNATURE.search(path.read_bytes())]


def _lines(path: Path) -> Iterator[Json]:
    return (json.loads(line) for line in path.read_bytes().splitlines())
