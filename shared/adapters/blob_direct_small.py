"""
Get, Put, Append and Delete of small blobs without the Storage SDK's pipeline.

The ledger is made of them: a small erasure makes some sixty such calls, and the pipeline was most of its CPU time.
"""

from __future__ import annotations

from shared.adapters.blob_calls import quoted
from shared.adapters.blob_direct_calls import DirectAnswer, DirectCalls
from shared.adapters.blob_small import Write
from shared.adapters.storage_connection import RETRY_PAUSE_SECONDS, StorageConnection
from shared.ports import StoredBlob

_METADATA = "x-ms-meta-"


class DirectSmallBlobs:
    """`SmallBlobs` of one container of a connection, for any number of threads; `pause_seconds` between its retries."""

    def __init__(
        self, connection: StorageConnection, container: str, *, pause_seconds: float = RETRY_PAUSE_SECONDS
    ) -> None:
        self._calls = DirectCalls(connection, container, pause_seconds=pause_seconds)

    def read(self, name: str) -> StoredBlob:
        """See `SmallBlobs`; one call, whatever the size."""
        answer = self._calls.send("GET", name, expected=200)
        metadata = {
            header.lower().removeprefix(_METADATA): value
            for header, value in answer.headers.items()
            if header.lower().startswith(_METADATA)
        }
        return StoredBlob(answer.data, quoted(answer.headers["etag"]), metadata)

    def write(self, name: str, write: Write) -> str:
        """See `SmallBlobs`."""
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": write.content_type}
        headers |= {f"{_METADATA}{key}": value for key, value in (write.metadata or {}).items()}
        headers |= {"if-none-match": "*"} if write.only_if_absent else {}
        headers |= {"if-match": write.only_over} if write.only_over is not None else {}
        try:
            answer = self._calls.send("PUT", name, headers=headers, body=write.content, expected=201)
        except DirectAnswer as refused:
            write.repeats.any = refused.was_repeated
            raise
        return quoted(answer.headers["etag"])

    def append(self, name: str, line: bytes) -> int:
        """See `SmallBlobs`."""
        answer = self._calls.send("PUT", name, query={"comp": "appendblock"}, body=line, expected=201)
        return int(answer.headers["x-ms-blob-committed-block-count"])

    def delete(self, name: str) -> None:
        """See `SmallBlobs`."""
        self._calls.send("DELETE", name, headers={"x-ms-delete-snapshots": "include"}, expected=202)
