"""Writing a file that is made of a package's own files, as a stream."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from shared.packages import PackageStore, file_row, package_prefix

OPERATION = "derived"
CSV = "text/csv; charset=utf-8"
HTML = "text/html; charset=utf-8"


def write_page(packages: PackageStore, request_id: str, path: str, content: bytes, *, time: str) -> dict[str, Any]:
    """Write a page for people over whatever was there, in one call, and give its row for the manifest."""
    packages.write_plain(request_id, path, content, HTML)
    return file_row(
        path,
        size=len(content),
        md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
        sha256=hashlib.sha256(content).hexdigest(),
        media_type=HTML,
        operation=OPERATION,
        ids={},
        time=time,
    )


def write_derived(
    packages: PackageStore,
    request_id: str,
    path: str,
    chunks: Iterable[bytes],
    *,
    media_type: str,
    ids: Mapping[str, str],
    time: str,
) -> dict[str, Any]:
    """Write a file over whatever was there and give its row for the manifest. May raise `StorageUnavailable`."""
    written = packages.blobs.write_stream(package_prefix(request_id) + path, chunks, content_type=media_type)
    return file_row(
        path,
        size=written.size,
        md5=written.md5,
        sha256=written.sha256,
        media_type=media_type,
        operation=OPERATION,
        ids=ids,
        time=time,
    )
