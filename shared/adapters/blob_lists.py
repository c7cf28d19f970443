"""List Blobs: one page, in two ways of asking for it."""

from __future__ import annotations

from typing import Protocol

from azure.storage.blob import BlobServiceClient

from shared.adapters.blob_calls import entry_of
from shared.ports import BlobEntry

type Page = tuple[list[BlobEntry], str | None]
"""The rows of a page, and the marker of the next one (None at the end)."""


class Lists(Protocol):
    """A way of listing one container. Fails with exceptions of the SDK's classes."""

    def page(self, prefix: str, *, marker: str | None, size: int, with_metadata: bool) -> Page:
        """Read one page of up to `size` rows, in order of name."""
        ...


class SdkLists:
    """Lists through the Storage SDK."""

    def __init__(self, service: BlobServiceClient, container: str) -> None:
        self._container = service.get_container_client(container)

    def page(self, prefix: str, *, marker: str | None, size: int, with_metadata: bool) -> Page:
        """See `Lists`."""
        listed = self._container.list_blobs(
            name_starts_with=prefix or None, include=["metadata"] if with_metadata else None, results_per_page=size
        )
        pages = listed.by_page(marker)
        rows = [entry_of(properties) for properties in next(pages, ())]
        # The pager sets the attribute when it has read a page; its base class does not declare it.
        return rows, getattr(pages, "continuation_token", None) or None
