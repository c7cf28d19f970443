"""Copy Blob From URL: the call, in two ways of sending it, and what its refusals say about the source."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.storage.blob import BlobServiceClient

from shared.adapters.storage_errors import code_of, header_of, status_of
from shared.domain.errors import SourceRefusal

OWN_METADATA = {"origin": "copy"}
"""Any metadata given with a copy replaces the source's, which may say things about a person."""

_SOURCE_CODES = frozenset({"CannotVerifyCopySource"})
_REASON_BY_CODE = {
    "Md5Mismatch": "source_changed",
    "ConditionNotMet": "source_changed",
    "SourceConditionNotMet": "source_changed",
}
_REASON_BY_STATUS = {
    401: "link_expired",
    403: "link_expired",
    404: "source_absent",
    412: "source_changed",
}
_PASSING = frozenset({408, 429})
_TARGET_CODES = frozenset({"ContainerBeingDeleted", "LeaseIdMissing", "AccountBeingCreated"})


class Copies(Protocol):
    """A way of sending Copy Blob From URL to one container. Fails with exceptions of the SDK's classes."""

    def copy(self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None) -> None:
        """Copy synchronously. The target has no condition, so an unmet one is the source's."""
        ...


class SdkCopies:
    """Copies through the Storage SDK."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    def copy(self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None) -> None:
        """See `Copies`."""
        options: dict[str, Any] = {"requires_sync": True, "metadata": dict(OWN_METADATA), "headers": {}}
        if source_etag:
            options |= {"source_etag": source_etag, "source_match_condition": MatchConditions.IfNotModified}
        if source_md5:
            # Known to Copy Blob From URL; the SDK's method has no argument for it.
            options["headers"]["x-ms-source-content-md5"] = b64encode(source_md5).decode()
        self._container.get_blob_client(name).start_copy_from_url(link, **options)


def refusal_of(error: Exception) -> SourceRefusal | None:
    """
    Tell what the source refused, None where the target failed or where another try may help.

    "Copy Blob From URL" and "Copy source error codes": the status of a refused source comes in a header of its own,
    or as the status of the answer with a code that speaks of the source. To be asked when the target's container is
    known to be there: what is absent then is the source.
    """
    code, status = code_of(error), status_of(error)
    if source := header_of(error, "x-ms-copy-source-status-code"):
        status = int(source) if source.isdecimal() else status
    elif status in (401, 403) and code not in _SOURCE_CODES:
        return None
    if status is None or status >= 500 or status in _PASSING or code in _TARGET_CODES:
        return None
    return SourceRefusal(_REASON_BY_CODE.get(code) or _REASON_BY_STATUS.get(status, "refused"), status=status)
