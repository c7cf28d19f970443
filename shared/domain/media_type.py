"""
What kind of picture some bytes are.

The service's blobs have no extension and a content type that cannot be trusted, so the first bytes decide. Custom
Vision takes JPEG, PNG, BMP and GIF; WebP and TIFF are recognised too, since a wrong extension helps nobody.
"""

from __future__ import annotations

UNKNOWN = ("application/octet-stream", "bin")

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "image/png", "png"),
    (b"GIF87a", "image/gif", "gif"),
    (b"GIF89a", "image/gif", "gif"),
    (b"BM", "image/bmp", "bmp"),
    (b"II*\x00", "image/tiff", "tiff"),
    (b"MM\x00*", "image/tiff", "tiff"),
)


def media_type(head: bytes) -> tuple[str, str]:
    """Give MIME type and file extension (no dot) by the first bytes, 12 or more; `UNKNOWN` for anything else."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp", "webp"
    for signature, mime, extension in _SIGNATURES:
        if head.startswith(signature):
            return mime, extension
    return UNKNOWN
