"""Where image bytes lie: the port, and the store in memory behind the emulator's own blob route."""

import base64
import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol
from urllib.parse import parse_qs

from local.custom_vision.model import BlobName
from local.custom_vision.sas import LinkSigner

ROUTE = "/blobs"
ACCOUNT = "emulator"


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes with the properties that storage answers: ETag, base64 MD5, media type, time of writing (seconds)."""

    data: bytes
    media_type: str
    etag: str
    md5: str
    modified: float


class BlobStore(Protocol):
    """Storage account of the emulated service."""

    def put(self, blob: BlobName, data: bytes, media_type: str) -> None:
        """Write (or replace) a blob."""

    def alias(self, blob: BlobName, source: BlobName) -> None:
        """Write a blob with another one's bytes; nothing if that is not there."""

    def delete(self, blobs: list[BlobName]) -> None:
        """Delete blobs; those that are not there are passed over."""

    def read(self, blob: BlobName) -> bytes | None:
        """The bytes, or None if there is no such blob."""

    def names(self) -> set[BlobName]:
        """All blobs that there are."""

    def link(self, blob: BlobName, expiry: float, *, broken: bool = False) -> str:
        """A signed link, valid until `expiry` (seconds since 1970)."""

    def expire_links(self) -> bool:
        """Refuse all links handed out so far; False where the account cannot do that."""

    def clear(self) -> None:
        """Delete everything."""

    def close(self) -> None:
        """Let go of connections; nothing else is called afterwards."""


class MemoryBlobs:
    """Blobs in memory, read through `GET /blobs/{container}/{name}` of the emulator itself."""

    def __init__(self) -> None:
        self._blobs: dict[BlobName, Blob] = {}
        self._lock = threading.Lock()
        self._count = 0
        self._base_url = ""
        self._signer = LinkSigner("", ACCOUNT, secrets.token_bytes(32))

    def serve_at(self, public_url: str) -> None:
        """Make links below this URL."""
        self._base_url = public_url.rstrip("/") + ROUTE
        self.expire_links()

    def put(self, blob: BlobName, data: bytes, media_type: str) -> None:
        """Write (or replace) a blob; every write has an ETag of its own."""
        md5 = _md5(data)
        with self._lock:
            self._count += 1
            self._blobs[blob] = Blob(data, media_type, f'"0x8E{self._count:013X}"', md5, time.time())

    def alias(self, blob: BlobName, source: BlobName) -> None:
        """Write a blob that shares the bytes (and the ETag) of another; nothing if there is no such source."""
        with self._lock:
            if source in self._blobs:
                self._blobs[blob] = self._blobs[source]

    def delete(self, blobs: list[BlobName]) -> None:
        """Delete blobs; those that are not there are passed over."""
        with self._lock:
            for blob in blobs:
                self._blobs.pop(blob, None)

    def read(self, blob: BlobName) -> bytes | None:
        """The bytes, or None."""
        found = self.find(blob)
        return found.data if found else None

    def find(self, blob: BlobName) -> Blob | None:
        """The blob with its properties, or None."""
        with self._lock:
            return self._blobs.get(blob)

    def names(self) -> set[BlobName]:
        """All blobs that there are."""
        with self._lock:
            return set(self._blobs)

    def link(self, blob: BlobName, expiry: float, *, broken: bool = False) -> str:
        """A signed link, valid until `expiry` by the emulator's clock."""
        return self._signer.link(blob.container, blob.name, expiry, broken=broken)

    def admits(self, blob: BlobName, query: str, now: float) -> bool:
        """Whether a link's query is signed for this blob by the present key and not expired at `now` (seconds)."""
        values = {name: found[0] for name, found in parse_qs(query).items()}
        until, permissions = values.get("se", ""), values.get("sp", "")
        wanted = self._signer.signature(blob.container, blob.name, until, permissions)
        signed = secrets.compare_digest(wanted.encode(), values.get("sig", "").encode())
        return signed and "r" in permissions and now < _seconds(until)

    def expire_links(self) -> bool:
        """Refuse all links handed out so far, by changing the key."""
        self._signer = LinkSigner(self._base_url, ACCOUNT, secrets.token_bytes(32))
        return True

    def clear(self) -> None:
        """Delete everything."""
        with self._lock:
            self._blobs.clear()

    def close(self) -> None:
        """Nothing to let go of."""


@lru_cache(maxsize=8)
def _md5(data: bytes) -> str:
    """Base64 MD5; remembered for the few pictures that a seeded project repeats."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _seconds(until: str) -> float:
    """A link's `se`, signed by this emulator and therefore well-formed, as seconds since 1970."""
    return datetime.fromisoformat(until).timestamp()
