"""`GET` and `HEAD /blobs/{container}/{name}`: reading blobs as Azure Storage answers it, for a valid link only."""

import re
from collections.abc import Mapping
from email.utils import formatdate
from urllib.parse import unquote

from local.custom_vision.blobs import ROUTE, Blob, MemoryBlobs
from local.custom_vision.model import BlobName
from local.custom_vision.wire import Answer, Request

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def operation_of(method: str) -> str:
    """Name by which faults and counts know a call of this route."""
    return {"GET": "GetBlob", "HEAD": "HeadBlob"}.get(method, "UnknownBlob")


def answer_blob(store: MemoryBlobs, request: Request, now: float) -> Answer:
    """200 or 206 with ETag and MD5; 403 for a bad or expired link, 404, 412, 304, 416 as storage answers them."""
    if request.method not in ("GET", "HEAD"):
        return _refusal(405, "UnsupportedHttpVerb")
    container, _, name = unquote(request.path.removeprefix(ROUTE + "/")).partition("/")
    named = BlobName(container, name)
    if not store.admits(named, request.raw_query, now):
        return _refusal(403, "AuthenticationFailed")
    blob = store.find(named)
    if blob is None:
        return _refusal(404, "BlobNotFound")
    return _conditional(blob, request.headers) or _content(blob, request.headers)


def _conditional(blob: Blob, headers: Mapping[str, str]) -> Answer | None:
    wanted, unwanted = headers.get("if-match", "*"), headers.get("if-none-match", "")
    if wanted not in ("*", blob.etag):
        return _refusal(412, "ConditionNotMet")
    if unwanted in ("*", blob.etag):
        return Answer(304, headers=_properties(blob))
    return None


def _content(blob: Blob, headers: Mapping[str, str]) -> Answer:
    asked = _RANGE.fullmatch(headers.get("x-ms-range") or headers.get("range") or "")
    if asked is None:
        properties = _properties(blob) | {"Content-MD5": blob.md5}
        return Answer(200, blob.data, blob.media_type, properties)
    first = int(asked[1])
    last = min(int(asked[2]) if asked[2] else len(blob.data) - 1, len(blob.data) - 1)
    if first >= len(blob.data) or last < first:
        return _refusal(416, "InvalidRange")
    # A part's answer names the whole blob's MD5 in a header of its own, as storage does.
    extra = {"Content-Range": f"bytes {first}-{last}/{len(blob.data)}", "x-ms-blob-content-md5": blob.md5}
    return Answer(206, blob.data[first : last + 1], blob.media_type, _properties(blob) | extra)


def _properties(blob: Blob) -> dict[str, str]:
    return {
        "ETag": blob.etag,
        "Last-Modified": formatdate(blob.modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-version": "2017-04-17",
    }


def _refusal(status: int, code: str) -> Answer:
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Answer(status, body.encode(), "application/xml", {"x-ms-error-code": code})
