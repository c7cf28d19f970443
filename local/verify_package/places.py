"""Where a package's files lie: in a folder, or in a zip. Both are read as streams."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from os import walk
from pathlib import Path
from typing import IO, Any, Protocol
from zipfile import BadZipFile, ZipFile

from local.verify_package.zip_form import wrong_form

MANIFEST = "manifest.json"
ZIP_NAME = re.compile(r"package-\d{3,}\.zip")
FIRST_ZIP = "package-001.zip"


class NoPackage(Exception):
    """There is nothing to verify at the place that was named."""


class Unreadable(Exception):
    """A file cannot be read to its end; the text says why, in words for a person."""


class Place(Protocol):
    """Something that holds files of a package."""

    @property
    def name(self) -> str:
        """Empty for the folder, else the zip's name in the manifest."""
        ...

    def paths(self) -> Iterator[str]:
        """Give the paths of all files, the zips beside a folder's files left out."""
        ...

    def open(self, path: str) -> IO[bytes]:
        """Open a file; KeyError if there is none, `Unreadable` if it cannot be opened."""
        ...


@dataclass(frozen=True)
class FolderPlace:
    """The files as they lie in a folder."""

    root: Path
    name: str = ""

    def paths(self) -> Iterator[str]:
        """Walk through the folder, lazily, one directory at a time; a link to a directory counts as a file."""
        for folder, folders, files in walk(self.root):
            linked = [name for name in folders if (Path(folder) / name).is_symlink()]
            folders.sort()
            for file in sorted([*files, *linked]):
                if not (Path(folder) == self.root and ZIP_NAME.fullmatch(file)):
                    yield (Path(folder) / file).relative_to(self.root).as_posix()

    def open(self, path: str) -> IO[bytes]:
        """Open a file below the folder."""
        file = self.root / path
        if (file.exists() or file.is_symlink()) and not file.is_file():
            raise Unreadable("is no file, or a link to none")
        try:
            return file.open("rb")
        except FileNotFoundError:
            raise KeyError(path) from None
        except OSError as error:
            raise Unreadable(f"cannot be opened ({error.strerror})") from error


class ZipPlace:
    """The files in one zip; its directory is held in memory while it is open."""

    def __init__(self, name: str, archive: ZipFile) -> None:
        self.name = name
        self._archive = archive

    def paths(self) -> Iterator[str]:
        """Give the names as often as they stand in the zip's directory; folders, which hold nothing, are left out."""
        return (info.filename for info in self._archive.infolist() if not info.is_dir() or info.file_size)

    def wrong_form(self) -> Iterator[tuple[str, str]]:
        """Give what is wrong with the zip beside the content of its files, as `zip_form.wrong_form` does."""
        return wrong_form(self._archive)

    def open(self, path: str) -> IO[bytes]:
        """Open a member; its CRC is checked when it has been read to the end."""
        try:
            return self._archive.open(path)
        except (BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise Unreadable(f"its header in the zip is damaged ({type(error).__name__})") from error


@contextmanager
def opened_zip(path: Path) -> Iterator[ZipPlace]:
    """Open a zip; `Unreadable` if it is none, or not whole. One with a manifest counts as the first, however named."""
    try:
        archive = ZipFile(path)
    except (BadZipFile, OSError, ValueError) as error:
        raise Unreadable("is no whole zip file (cut off, or damaged at its end)") from error
    with archive:
        known = ZIP_NAME.fullmatch(path.name) is not None
        yield ZipPlace(FIRST_ZIP if not known and MANIFEST in archive.namelist() else path.name, archive)


@dataclass(frozen=True)
class Download:
    """What lies at the path that was named: the folder of files, if there are any, and the zips."""

    folder: FolderPlace | None
    zips: tuple[Path, ...]

    def front(self) -> AbstractContextManager[Place | None]:
        """Open what the manifest is read from: the folder, else the first zip; None if neither is there."""
        if self.folder is not None:
            return nullcontext(self.folder)
        first = [file for file in self.zips if file.name == FIRST_ZIP or len(self.zips) == 1]
        return opened_zip(first[0]) if first else nullcontext(None)


def download_at(path: Path) -> Download:
    """Look what lies at a path; `NoPackage` if it is no package."""
    if path.is_file():
        return Download(None, (path,))
    if not path.is_dir():
        raise NoPackage(f"{path} is not there")
    zips = tuple(sorted(file for file in path.iterdir() if ZIP_NAME.fullmatch(file.name)))
    has_files = (path / MANIFEST).is_file() or (path / "files").is_dir() or (path / "projects").is_dir()
    if not zips and not has_files:
        raise NoPackage(f"{path} holds neither {MANIFEST} nor {FIRST_ZIP}")
    return Download(FolderPlace(path) if has_files else None, zips)


def content_of(place: Place, path: str) -> bytes:
    """Read a small file whole; errors as of `chunks_of`."""
    return b"".join(chunks_of(place, path))


def chunks_of(place: Place, path: str, size: int = 1024 * 1024) -> Iterator[bytes]:
    """Read a file in chunks; KeyError if absent, `Unreadable` if it ends early or its checksum in the zip is wrong."""
    with place.open(path) as stream:
        try:
            while chunk := stream.read(size):
                yield chunk
        except (BadZipFile, zlib.error, EOFError, OSError) as error:
            raise Unreadable(f"cannot be read to its end ({_words(error)})") from error


def parsed(content: bytes | bytearray) -> Any:  # noqa: ANN401 - any JSON value
    """Read JSON; ValueError if it is none, or nested so deeply that it cannot be read."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _words(error: Exception) -> str:
    return "its CRC is wrong" if isinstance(error, BadZipFile) else type(error).__name__
