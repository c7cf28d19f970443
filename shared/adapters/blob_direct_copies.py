"""Copy Blob From URL without the Storage SDK's pipeline: an export sends this one call once per picture."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

from shared.adapters.blob_copies import OWN_METADATA
from shared.adapters.blob_direct_calls import DirectCalls
from shared.adapters.storage_connection import RETRY_PAUSE_SECONDS, StorageConnection

_URL_SIGNS = "%/:?#[]@!$&'()*+,;=~"


class DirectCopies:
    """`Copies` to one container of a connection, for any number of threads; `pause_seconds` between its retries."""

    def __init__(
        self, connection: StorageConnection, container: str, *, pause_seconds: float = RETRY_PAUSE_SECONDS
    ) -> None:
        self._calls = DirectCalls(connection, container, pause_seconds=pause_seconds)

    def copy(self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None) -> None:
        """See `Copies`. A copy may be repeated: its last answer counts."""
        headers = copy_headers(link, source_etag=source_etag, source_md5=source_md5)
        self._calls.send("PUT", name, headers=headers, query={}, expected=202)


def copy_headers(link: str, *, source_etag: str | None, source_md5: bytes | None) -> dict[str, str]:
    """Give the x-ms- headers that say what to copy, sorted."""
    headers = {
        # What is encoded already stays; what a header cannot hold is encoded now.
        "x-ms-copy-source": quote(link, safe=_URL_SIGNS),
        "x-ms-requires-sync": "true",
    }
    headers |= {f"x-ms-meta-{name}": value for name, value in OWN_METADATA.items()}
    if source_etag:
        headers["x-ms-source-if-match"] = source_etag
    if source_md5:
        headers["x-ms-source-content-md5"] = b64encode(source_md5).decode()
    return dict(sorted(headers.items()))
