"""
One picture into a package, by the way that keeps its bytes out of this process where that is possible.

One ranged read of the source tells type, size, ETag and MD5; then the storage service fetches the bytes itself (Copy
Blob From URL) on the condition that they are still the same. Where that cannot be had, the bytes stream through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from shared.domain.errors import ResourceAbsent, SourceRefusal
from shared.domain.media_type import media_type
from shared.domain.resources import Image
from shared.domain.times import rfc3339
from shared.packages import file_row, package_prefix, picture_path
from shared.ports import CustomVision, SourceFacts
from shared.services import Services

LARGEST_COPY = 256 * 1024 * 1024
NOT_SEEN = "the bytes were copied inside the storage service and not read here"
FRESH_LINKS = 2


@dataclass(frozen=True, kw_only=True)
class PictureTask:
    """Where a picture comes from and goes to. `with_sha256`: whether its SHA-256 is wanted."""

    services: Services
    client: CustomVision
    request_id: str
    project_id: str
    with_sha256: bool

    def copy(self, image: Image) -> dict[str, Any] | None:
        """
        Copy one image's original and give its row for the manifest; None if the image is gone from the service.

        A refused link is replaced by a fresh one, twice. Raises `SourceRefusal` if the bytes cannot be had although
        the image is there, `TransientError` for what may pass.
        """
        for _ in range(FRESH_LINKS):
            try:
                return self._copy_once(image)
            except SourceRefusal:
                fresh = self.client.get_images_by_ids(self.project_id, [image.id])
                if not fresh:
                    return None
                image = fresh[0]
        return self._copy_once(image)

    def _copy_once(self, image: Image) -> dict[str, Any]:
        link = image.original_link
        if link is None:
            raise SourceRefusal("source_absent")
        if not link.lower().startswith(("https://", "http://")):
            return self._stream(image, self._artifact(link), None)
        facts = self.services.pictures.probe(link)
        if self.with_sha256 or facts.md5 is None or facts.size > LARGEST_COPY:
            return self._stream(image, self.services.pictures.stream(link, expected_size=facts.size), facts)
        return self._server_side(image, link, facts)

    def _server_side(self, image: Image, link: str, facts: SourceFacts) -> dict[str, Any]:
        mime, extension = media_type(facts.head)
        path = picture_path(self.project_id, image.id, extension)
        try:
            self.services.packages.blobs.copy_from_link(
                package_prefix(self.request_id) + path,
                link,
                source_etag=facts.etag,
                source_md5=facts.md5,
                content_type=mime,
            )
        except SourceRefusal as error:
            if error.reason != "refused":
                raise
            return self._stream(image, self.services.pictures.stream(link, expected_size=facts.size), facts)
        return self._row(image, path, facts.size, facts.md5.hex() if facts.md5 else None, None, mime)

    def _artifact(self, path: str) -> AbstractContextManager[Iterator[bytes]]:
        return self.client.artifact(self.project_id, path)

    def _stream(
        self, image: Image, source: AbstractContextManager[Iterator[bytes]], facts: SourceFacts | None
    ) -> dict[str, Any]:
        try:
            with source as chunks:
                head, rest = _head_of(chunks)
                mime, extension = media_type(head)
                path = picture_path(self.project_id, image.id, extension)
                name = package_prefix(self.request_id) + path
                written = self.services.packages.blobs.write_stream(name, rest, content_type=mime)
        except ResourceAbsent:
            raise SourceRefusal("source_absent", status=404) from None
        if facts and facts.md5 and written.md5 != facts.md5.hex():
            raise SourceRefusal("source_changed")
        return self._row(image, path, written.size, written.md5, written.sha256, mime)

    def _row(
        self, image: Image, path: str, size: int, md5: str | None, sha256: str | None, mime: str
    ) -> dict[str, Any]:
        return file_row(
            path,
            size=size,
            md5=md5,
            sha256=sha256,
            media_type=mime,
            operation="GetImagesByIds",
            ids={"project_id": self.project_id, "image_id": image.id},
            time=rfc3339(self.services.now()),
            why=NOT_SEEN if sha256 is None else None,
        )


def _head_of(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Give the first bytes (at least 16 where there are so many) and the whole stream again."""
    first: list[bytes] = []
    while sum(map(len, first)) < 16 and (chunk := next(chunks, None)) is not None:
        first.append(chunk)

    def whole() -> Iterator[bytes]:
        yield from first
        yield from chunks

    return b"".join(first), whole()
