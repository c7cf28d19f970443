"""
Pictures into a package, by the way that keeps their bytes out of this process where that is possible.

One ranged read of the source tells type, size, ETag and MD5; then the storage service fetches the bytes itself (Copy
Blob From URL) on the condition that they are still the same. Where that cannot be had, the bytes stream through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from export_function.leftovers import leftover_picture
from export_function.unit_work import UnitWork
from shared.domain.errors import (
    GdprError,
    OutcomeUnknown,
    ResourceAbsent,
    ServiceRefusal,
    SourceRefusal,
    TransientError,
)
from shared.domain.media_type import media_type
from shared.domain.resources import Image, StoredPrediction
from shared.packages import checked, file_row, package_prefix, project_path
from shared.ports import SourceFacts
from shared.reading_ahead import side_by_side

LARGEST_COPY = 256 * 1024 * 1024
NOT_SEEN = "the bytes were copied inside the storage service and not read here"
FRESH_LINKS = 2
TAKE_OVER_LINK_LIFE = timedelta(minutes=30)

type Pictured = Image | StoredPrediction
type Refresh = Callable[[str], Pictured | None]


@dataclass(frozen=True, slots=True)
class Copied:
    """A picture and what became of it: its manifest row, None if it vanished, or why it could not be had."""

    picture: Pictured
    row: Mapping[str, Any] | GdprError | None


@dataclass(frozen=True, kw_only=True)
class PictureCopier:
    """
    Copies the pictures of one unit.

    `folder`: where the files go, under the project; `refresh`: reads one row anew, for a fresh link; `id_name`: what
    the picture's id is called in the manifest; `operation`: what gave the rows; `held`: manifest rows of pictures that
    the package before holds, by id.
    """

    work: UnitWork
    folder: str
    id_name: str
    operation: str
    refresh: Refresh
    held: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def copy_all(self, pictures: Sequence[Pictured]) -> list[Copied]:
        """
        Copy pictures side by side; each ends as a value, never as an error.

        As many at once as COPY_CONCURRENCY allows, and fewer while the process could not copy them faster anyway.
        """
        return side_by_side(pictures, self._copied, self.work.services.settings.copy_concurrency)

    def _copied(self, picture: Pictured) -> Copied:
        try:
            with self.work.services.copy_pace.turn():
                return Copied(picture, self._copy(picture))
        except (SourceRefusal, ServiceRefusal, TransientError) as error:
            return Copied(picture, self._copied_before(picture) or error)

    def _copied_before(self, picture: Pictured) -> dict[str, Any] | None:
        """Give the row of what an earlier delivery of the unit has copied: a picture does not change under its id."""
        if self.work.attempt == 1:
            return None
        found = leftover_picture(self.work.services.packages, self._path(picture, ""), self.work.request_id)
        if found is None:
            return None
        path, written, head = found
        return self._row(picture, path, written.size, written.md5, written.sha256, media_type(head)[0])

    def _copy(self, picture: Pictured) -> dict[str, Any] | None:
        """Copy one picture; None if it is gone from the service. A refused link is replaced by a fresh one, twice."""
        taken_over = self._take_over(picture)
        if taken_over is not None:
            return taken_over
        current = picture
        for _ in range(FRESH_LINKS):
            try:
                return self._copy_once(current)
            except SourceRefusal:
                fresh = self.refresh(picture.id)
                if fresh is None:
                    return None
                current = fresh
        return self._copy_once(current)

    def _copy_once(self, picture: Pictured) -> dict[str, Any]:
        link = picture.original_link
        if link is None:
            raise SourceRefusal("source_absent")
        if not link.lower().startswith(("https://", "http://")):
            return self._stream(picture, self.work.client.artifact(self.work.project_id, link), None)
        pictures = self.work.services.pictures
        facts = pictures.probe(link)
        if self._wants_sha256 or facts.md5 is None or facts.size > LARGEST_COPY:
            return self._stream(picture, pictures.stream(link, expected_size=facts.size), facts)
        return self._server_side(picture, link, facts)

    def _take_over(self, picture: Pictured) -> dict[str, Any] | None:
        """Copy an unchanged picture inside the storage account, from the package before; None if that cannot be."""
        row, before = self.held.get(picture.id), self.work.record.notes.get("previous")
        if row is None or before is None or row.get("created") != picture.created or not row["md5"]:
            return None
        if self._wants_sha256 and not row["sha256"]:
            return None
        blobs = self.work.services.packages.blobs
        expires = self.work.services.now() + TAKE_OVER_LINK_LIFE
        try:
            link = blobs.read_link(package_prefix(before) + row["path"], expires=expires)
            blobs.copy_from_link(
                package_prefix(self.work.request_id) + row["path"],
                link,
                source_etag=None,
                source_md5=bytes.fromhex(row["md5"]),
                content_type=row["media_type"],
            )
        except SourceRefusal:
            return None
        return {**row, "ids": {**self.work.ids, self.id_name: picture.id}, "operation": "copy of the package before"}

    @property
    def _wants_sha256(self) -> bool:
        return bool(self.work.request.options["checksums"] == "sha256")

    def _server_side(self, picture: Pictured, link: str, facts: SourceFacts) -> dict[str, Any]:
        mime, extension = media_type(facts.head)
        path = self._path(picture, extension)
        try:
            self.work.services.packages.blobs.copy_from_link(
                package_prefix(self.work.request_id) + path,
                link,
                source_etag=facts.etag,
                source_md5=facts.md5,
                content_type=mime,
            )
        except SourceRefusal as error:
            if error.reason == "source_changed":
                raise
            # The probe has just read this link: what the store cannot fetch by itself may still be had by reading it.
            source = self.work.services.pictures.stream(link, expected_size=facts.size)
            return self._stream(picture, source, facts)
        return self._row(picture, path, facts.size, facts.md5.hex() if facts.md5 else None, None, mime)

    def _stream(
        self, picture: Pictured, source: AbstractContextManager[Iterator[bytes]], facts: SourceFacts | None
    ) -> dict[str, Any]:
        try:
            with source as chunks:
                head, whole = head_of(chunks)
                mime, extension = media_type(head)
                path = self._path(picture, extension)
                name = package_prefix(self.work.request_id) + path
                written = self.work.services.packages.blobs.write_stream(name, whole, content_type=mime)
        except ResourceAbsent:
            raise SourceRefusal("source_absent", status=404) from None
        except OutcomeUnknown:
            # Broken off in the middle: a fault of this picture until it shows with all of them, so not waited out.
            raise SourceRefusal("truncated") from None
        if facts and facts.md5 and written.md5 != facts.md5.hex():
            raise SourceRefusal("source_changed")
        return self._row(picture, path, written.size, written.md5, written.sha256, mime)

    def _path(self, picture: Pictured, extension: str) -> str:
        return project_path(self.work.project_id, f"{self.folder}/{checked(picture.id)}.{extension}")

    def _row(
        self, picture: Pictured, path: str, size: int, md5: str | None, sha256: str | None, mime: str
    ) -> dict[str, Any]:
        row = file_row(
            path,
            size=size,
            md5=md5,
            sha256=sha256,
            media_type=mime,
            operation=self.operation,
            ids={**self.work.ids, self.id_name: picture.id},
            time=self.work.now(),
            why=NOT_SEEN if sha256 is None else None,
        )
        return row | {"created": picture.created}


def head_of(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Give the first bytes (at least 16 where there are so many) and the whole stream again."""
    first: list[bytes] = []
    while sum(map(len, first)) < 16 and (chunk := next(chunks, None)) is not None:
        first.append(chunk)

    def whole() -> Iterator[bytes]:
        yield from first
        yield from chunks

    return b"".join(first), whole()
