"""What the service learns from the bytes of a picture."""

import hashlib
import io

from PIL import Image as Pillow
from PIL import UnidentifiedImageError

from local.custom_vision.model import Content

_MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "BMP": "image/bmp", "GIF": "image/gif"}
_THUMBNAIL_SIDE = 256


class NotAPictureError(Exception):
    """The bytes are no JPEG, PNG, BMP or GIF."""


def examine(data: bytes) -> Content:
    """Size in pixels, media type and digest of a picture; NotAPictureError otherwise. Reads the header only."""
    try:
        with Pillow.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as picture:
            width, height, media_type = picture.width, picture.height, _MEDIA_TYPES[picture.format or ""]
    except (UnidentifiedImageError, OSError, ValueError, Pillow.DecompressionBombError) as problem:
        raise NotAPictureError(str(problem)) from problem
    return Content(width, height, len(data), hashlib.sha256(data).hexdigest(), media_type)


def thumbnail(data: bytes) -> bytes:
    """A small JPEG of the picture; NotAPictureError if it cannot be decoded."""
    try:
        with Pillow.open(io.BytesIO(data), formats=tuple(_MEDIA_TYPES)) as picture:
            picture.draft("RGB", (_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
            picture.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE))
            out = io.BytesIO()
            picture.convert("RGB").save(out, "JPEG", quality=70)
    except (OSError, ValueError, Pillow.DecompressionBombError) as problem:
        raise NotAPictureError(str(problem)) from problem
    return out.getvalue()
