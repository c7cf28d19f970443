"""Bytes on their way into the service: multipart forms, base64 files, links."""

import base64
import binascii
import re
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from local.custom_vision.errors import ServiceError
from local.custom_vision.wire import Request

_OPENER = build_opener(ProxyHandler({}))  # the emulator only ever asks this machine, never through a proxy
_FETCH_SECONDS = 10
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_FILENAME = re.compile(rb'filename=(?:"((?:[^"\\]|\\.)*)"|([^;\r\n]+))', re.IGNORECASE)


def uploaded_files(request: Request) -> list[tuple[str, bytes]]:
    """(file name, bytes) of every file in a multipart form, or of the one body in another type."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        if kind and not kind.lower().startswith("application/octet-stream"):
            raise ServiceError("UnsupportedMediaType", "Send multipart/form-data or application/octet-stream.")
        return [("", request.body)]
    boundary = re.search(r'boundary="?([^";]+)"?', kind)
    if boundary is None:
        raise ServiceError("BadRequestImageStream", "The multipart boundary is missing.")
    parts = request.body.split(b"--" + boundary[1].encode())
    return [_file(part) for part in parts[1:-1]]


def decoded(contents: object) -> bytes | None:
    """Bytes of a base64 text, None if it is none."""
    try:
        return base64.b64decode(str(contents), validate=True)
    except binascii.Error:
        return None


def fetched(url: str) -> bytes | None:
    """Bytes behind a link to this machine; None for a link elsewhere or one that does not answer 200."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or parts.hostname not in _LOOPBACK:
        return None
    try:
        with _OPENER.open(url, timeout=_FETCH_SECONDS) as answer:
            return bytes(answer.read())
    except (URLError, OSError, ValueError):
        # Whatever the reason: the service reports a source that it cannot read as ErrorSource.
        return None


def _file(part: bytes) -> tuple[str, bytes]:
    head, _, body = part.partition(b"\r\n\r\n")
    name = _FILENAME.search(head)
    found = (name[1] or name[2] or b"") if name else b""
    return found.decode(errors="replace").strip(), body.removesuffix(b"\r\n")
