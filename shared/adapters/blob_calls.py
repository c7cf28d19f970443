"""Calls of the blob SDK in the app's own terms: absence, races, listings and batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC

from azure.core import MatchConditions
from azure.storage.blob import BlobClient, BlobProperties, ContainerClient, ContentSettings

from shared.adapters.storage_errors import SDK_ERRORS, Failure, failure_of, status_of
from shared.ports import BlobEntry

APPENDED_TYPE = "application/x-ndjson"
ABSENT = frozenset({Failure.ABSENT, Failure.PARENT_ABSENT})
OCCUPIED = frozenset({Failure.EXISTS, Failure.CHANGED})
MOVED_ON = ABSENT | OCCUPIED
_NO_BATCHES = (400, 405, 501)


class Repeats:
    """Notes whether the SDK sent a call more than once (its `retry_hook`)."""

    def __init__(self) -> None:
        self.any = False

    def __call__(self, **_details: object) -> None:
        """Take note; the SDK calls this before it sends again."""
        self.any = True


def quoted(etag: str) -> str:
    """Give an ETag in quotes: headers have them, listings do not."""
    return etag if etag.endswith('"') else f'"{etag}"'


def unless_absent[T](call: Callable[[], T]) -> T | None:
    """Call; None where the blob or its container is absent."""
    try:
        return call()
    except SDK_ERRORS as error:
        if failure_of(error) in ABSENT:
            return None
        raise


def is_there(call: Callable[[], None]) -> bool:
    """Call, and say whether there was a blob to call for."""

    def called() -> bool:
        call()
        return True

    return unless_absent(called) is not None


def create_append_blob(blob: BlobClient) -> None:
    """Create only if absent: another writer may have made it, and its lines must stay."""
    try:
        blob.create_append_blob(
            content_settings=ContentSettings(content_type=APPENDED_TYPE), match_condition=MatchConditions.IfMissing
        )
    except SDK_ERRORS as error:
        if failure_of(error) not in OCCUPIED:
            raise


def entry_of(properties: BlobProperties) -> BlobEntry:
    """Give a row of a listing."""
    md5 = properties.content_settings.content_md5
    return BlobEntry(
        name=str(properties.name),
        size=int(properties.size),
        etag=quoted(str(properties.etag)),
        last_modified=properties.last_modified.astimezone(UTC),
        md5=bytes(md5) if md5 else None,
        metadata=dict(properties.metadata or {}),
    )


def batch_statuses(container: ContainerClient, names: Sequence[str]) -> list[int]:
    """
    Delete up to 256 blobs with one Blob Batch and give the status of each.

    A service that knows no batches answers 501 for each; a missing container 404.
    """
    try:
        parts = container.delete_blobs(*names, delete_snapshots="include", raise_on_any_failure=False)
        return [int(part.status_code) for part in parts]
    except SDK_ERRORS as error:
        if failure_of(error) is Failure.PARENT_ABSENT:
            return [404] * len(names)
        if status_of(error) in _NO_BATCHES:
            return [501] * len(names)
        raise
