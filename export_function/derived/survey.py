"""What lies in a package's project folders, found by listing. One project is held at a time, in 18 bytes a picture."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from shared.domain.identifiers import GUID_BYTES, guid, guid_to_bytes
from shared.packages import PICTURES_A_LISTING, PackageStore, package_prefix, project_path

IMAGE_FILES = "images/files/"
PREDICTION_FILES = "predictions/files/"
_ROW_PAGE = re.compile(r"\d{5,}\.jsonl")


class FileIndex:
    """The files of pictures of one folder, by id; must be filled in ascending order of names, as listings come."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._extensions = array("H")
        self._words: list[str] = []

    def add(self, file_name: str) -> None:
        """Note a file named `{id}.{extension}`; any other name is no picture's and is left out."""
        stem, _, extension = file_name.partition(".")
        packed = guid_to_bytes(stem)
        if packed is None or not extension:
            return
        if extension not in self._words:
            self._words.append(extension)
        self._ids += packed
        self._extensions.append(self._words.index(extension))

    def file_name(self, item_id: str) -> str | None:
        """Give the file's name of a picture, None if the package has no bytes of it."""
        wanted = guid_to_bytes(item_id) or b""
        at = bisect_left(self, wanted)
        return f"{item_id}.{self._words[self._extensions[at]]}" if at < len(self) and self[at] == wanted else None

    def __len__(self) -> int:
        return len(self._extensions)

    def __getitem__(self, at: int) -> bytes:
        return bytes(self._ids[at * GUID_BYTES : (at + 1) * GUID_BYTES])


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """
    One project's files: `names` are relative to its folder, without pictures, in ascending order, each with its size.

    `images` and `predictions` say which pictures' bytes are there.
    """

    project_id: str
    names: dict[str, int] = field(default_factory=dict)
    images: FileIndex = field(default_factory=FileIndex)
    predictions: FileIndex = field(default_factory=FileIndex)

    def add(self, name: str, size: int) -> None:
        """Note a file; names come in ascending order."""
        if name.startswith(IMAGE_FILES):
            self.images.add(name.removeprefix(IMAGE_FILES))
        elif name.startswith(PREDICTION_FILES):
            self.predictions.add(name.removeprefix(PREDICTION_FILES))
        else:
            self.names[name] = size

    def row_pages(self, folder: str) -> list[str]:
        """Give the names of the row pages (`NNNNN.jsonl`) of a folder such as `images`, in order."""
        start = f"{folder}/"
        return [n for n in self.names if n.startswith(start) and _ROW_PAGE.fullmatch(n.removeprefix(start))]

    def iteration_ids(self) -> list[str]:
        """Give the ids of the iterations that have files here."""
        parts = (name.split("/") for name in self.names if name.startswith("iterations/"))
        return sorted({part[1] for part in parts if len(part) > 2 and guid(part[1]) == part[1]})

    def in_folder(self, folder: str) -> dict[str, int]:
        """Give names and sizes of the files below a folder."""
        return {name: size for name, size in self.names.items() if name.startswith(f"{folder}/")}


def survey_project(
    packages: PackageStore, request_id: str, project_id: str, is_held: Callable[[str], bool] | None = None
) -> ProjectFiles:
    """
    List one project's folder; `is_held` leaves out files, by their path in the package, that are none of it.

    May raise `StorageUnavailable`, as all of this module.
    """
    folder = project_path(project_id, "")
    listed = _listed(packages, package_prefix(request_id) + folder)
    return _gather(project_id, (entry for entry in listed if is_held is None or is_held(folder + entry[0])))


def survey_projects(packages: PackageStore, request_id: str) -> Iterator[ProjectFiles]:
    """List all projects of a package, one after the other, in order of id."""
    prefix = f"{package_prefix(request_id)}projects/"
    for project_id, entries in groupby(_listed(packages, prefix), key=lambda entry: entry[0].partition("/")[0]):
        yield _gather(project_id, ((name.partition("/")[2], size) for name, size in entries))


def _listed(packages: PackageStore, prefix: str) -> Iterator[tuple[str, int]]:
    """Give the names below a prefix, without it, and sizes."""
    entries = packages.blobs.entries(prefix, page_size=PICTURES_A_LISTING)
    return ((entry.name.removeprefix(prefix), entry.size) for entry in entries)


def _gather(project_id: str, entries: Iterable[tuple[str, int]]) -> ProjectFiles:
    files = ProjectFiles(project_id)
    for name, size in entries:
        files.add(name, size)
    return files
