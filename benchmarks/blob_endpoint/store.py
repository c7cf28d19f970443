"""The blobs of the endpoint: bytes, ETags and listings in memory; a copy shares the bytes of its source."""

from __future__ import annotations

from base64 import b64decode, b64encode
from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import md5
from itertools import count


class Refused(Exception):
    """A call that Azure Storage would refuse: `status` and the storage error `code`."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Blob:
    """One state of a blob; `etag` is in quotes, `content_md5` base64 or None, `appends` how often Append Block came."""

    content: bytes | bytearray
    etag: str
    kind: str
    content_type: str
    content_md5: str | None
    metadata: Mapping[str, str]
    appends: int = 0


@dataclass
class Container:
    """Blobs by name, the names in order, and the blocks that no list has committed yet."""

    blobs: dict[str, Blob] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    blocks: dict[tuple[str, str], bytes] = field(default_factory=dict)

    def set(self, name: str, blob: Blob) -> None:
        """Put a state in the place of whatever was there."""
        if name not in self.blobs:
            insort(self.names, name)
        self.blobs[name] = blob

    def remove(self, name: str) -> bool:
        """Take a blob away; False if it was absent."""
        if self.blobs.pop(name, None) is None:
            return False
        del self.names[bisect_left(self.names, name)]
        return True

    def listed(self, prefix: str, marker: str) -> Iterator[tuple[str, Blob]]:
        """Give the blobs with a prefix in order of name, from `marker` on."""
        for index in range(bisect_left(self.names, max(prefix, marker)), len(self.names)):
            name = self.names[index]
            if not name.startswith(prefix):
                return
            yield name, self.blobs[name]


class BlobStore:
    """All accounts of the endpoint. Errors are `Refused`, with the status and code that Azure Storage has for them."""

    def __init__(self) -> None:
        self.containers: dict[tuple[str, str], Container] = {}
        self._versions = count(1)

    def make_container(self, account: str, container: str) -> None:
        """Create Container."""
        if (account, container) in self.containers:
            raise Refused(409, "ContainerAlreadyExists")
        self.containers[account, container] = Container()

    def container(self, account: str, name: str) -> Container:
        """Give a container that is there."""
        found = self.containers.get((account, name))
        if found is None:
            raise Refused(404, "ContainerNotFound")
        return found

    def blob(self, account: str, container: str, name: str) -> Blob:
        """Give a blob that is there."""
        found = self.container(account, container).blobs.get(name)
        if found is None:
            raise Refused(404, "BlobNotFound")
        return found

    def write(self, where: Container, name: str, content: bytes, headers: Mapping[str, str]) -> Blob:
        """Put Blob or Put Block List, under the conditions in `headers` (lower-case names)."""
        check_conditions(where.blobs.get(name), headers)
        given = headers.get("x-ms-blob-content-md5")
        appends = headers.get("x-ms-blob-type") == "AppendBlob"
        blob = Blob(
            bytearray() if appends else content,
            self.next_etag(),
            "AppendBlob" if appends else "BlockBlob",
            headers.get("x-ms-blob-content-type") or headers.get("content-type") or "application/octet-stream",
            given or b64encode(md5(content, usedforsecurity=False).digest()).decode(),
            metadata_of(headers),
        )
        where.set(name, blob)
        return blob

    def append(self, where: Container, name: str, block: bytes) -> Blob:
        """Append Block."""
        before = where.blobs.get(name)
        if before is None:
            raise Refused(404, "BlobNotFound")
        if not isinstance(before.content, bytearray):
            raise Refused(409, "InvalidBlobType")
        before.content.extend(block)
        blob = replace(before, etag=self.next_etag(), content_md5=None, appends=before.appends + 1)
        where.set(name, blob)
        return blob

    def copy(self, where: Container, name: str, source: Blob, headers: Mapping[str, str]) -> Blob:
        """Copy Blob From URL of a source on this endpoint, under the conditions on the source."""
        wanted = headers.get("x-ms-source-if-match")
        if wanted and wanted.strip('"') != source.etag.strip('"'):
            raise Refused(412, "SourceConditionNotMet")
        digest = headers.get("x-ms-source-content-md5")
        if digest and source.content_md5 and b64decode(digest) != b64decode(source.content_md5):
            raise Refused(400, "Md5Mismatch")
        kind, md5_, metadata = source.content_type, source.content_md5, metadata_of(headers)
        blob = Blob(source.content, self.next_etag(), "BlockBlob", kind, md5_, metadata)
        where.set(name, blob)
        return blob

    def next_etag(self) -> str:
        """Give an ETag that no state had yet."""
        return f'"0x{next(self._versions):015X}"'


def check_conditions(blob: Blob | None, headers: Mapping[str, str]) -> None:
    """Refuse a write whose If-Match or If-None-Match does not hold."""
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if none_match == "*" and blob is not None:
        raise Refused(409, "BlobAlreadyExists")
    if match and (blob is None or (match != "*" and match.strip('"') != blob.etag.strip('"'))):
        raise Refused(412, "ConditionNotMet")


def metadata_of(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the metadata among the headers of a call."""
    start = "x-ms-meta-"
    return {name[len(start) :]: value for name, value in headers.items() if name.startswith(start)}
