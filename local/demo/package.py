"""The package of an export: fetched as a person fetches it, and what lies in such a copy."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from azure.storage.blob import ContainerClient

from local.demo.app import App

CONTAINER = "gdpr-exports"
_SIGNATURE = re.compile(rb"[?&]sig=")
_TEXTS = {".json", ".jsonl", ".html", ".csv"}
Json = dict[str, Any]


def names_in_storage(storage: str, request_id: str) -> list[str]:
    """Return the paths of a package's files within its prefix."""
    with ContainerClient.from_connection_string(storage, CONTAINER) as container:
        names = container.list_blob_names(name_starts_with=f"{request_id}/")
        return [str(name).removeprefix(f"{request_id}/") for name in names]


def part_path(request_id: str, part: int) -> str:
    """Return the route to one zip of a package."""
    return f"/api/requests/{request_id}/package?part={part}"


def download(app: App, request_id: str, folder: Path) -> list[Path]:
    """Fetch every zip of a package into a new `folder` and unpack it there; the zips."""
    folder.mkdir(parents=True)
    zips: list[Path] = []
    while app.save_redirected(part_path(request_id, len(zips) + 1), target := _part(folder, len(zips) + 1)):
        with ZipFile(target) as archive:
            archive.extractall(folder)
        zips.append(target)
    return zips


def files_in(folder: Path) -> list[Path]:
    """Return all files of an unpacked package, the zips beside them left out."""
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".zip"]


def pictures_in(folder: Path) -> Mapping[str, str]:
    """Return the SHA-256 of every image's file, by image id."""
    paths = folder.glob("projects/*/images/files/*")
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def rows_in(folder: Path) -> Mapping[str, Json]:
    """Return the rows of the workspaces' images, by image id."""
    return {row["id"]: row for path in folder.glob("projects/*/images/*.jsonl") for row in _lines(path)}


def files_with_links(folder: Path) -> list[str]:
    """Return which files other than pictures hold a signed link."""
    return _texts_with(_SIGNATURE, folder)


def files_naming(person: str, folder: Path) -> list[str]:
    """Return which files other than pictures hold this name as a word of its own."""
    return _texts_with(re.compile(rb"(?<![\w-])" + re.escape(person.encode()) + rb"(?![\w-])"), folder)


def _part(folder: Path, part: int) -> Path:
    return folder / f"package-{part:03}.zip"


def _texts_with(pattern: re.Pattern[bytes], folder: Path) -> list[str]:
    texts = [path for path in files_in(folder) if path.suffix in _TEXTS]
    return sorted(path.relative_to(folder).as_posix() for path in texts if pattern.search(path.read_bytes()))


def _lines(path: Path) -> Iterator[Json]:
    return (json.loads(line) for line in path.read_bytes().splitlines())
