from io import BytesIO

import pytest
from PIL import Image

from shared.domain.media_type import UNKNOWN, media_type


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("JPEG", ("image/jpeg", "jpg")),
        ("PNG", ("image/png", "png")),
        ("BMP", ("image/bmp", "bmp")),
        ("GIF", ("image/gif", "gif")),
        ("WEBP", ("image/webp", "webp")),
        ("TIFF", ("image/tiff", "tiff")),
    ],
)
def test_pictures_that_another_program_wrote_are_recognised(form: str, expected: tuple[str, str]) -> None:
    written = BytesIO()
    Image.new("RGB", (8, 8)).save(written, form)
    assert media_type(written.getvalue()[:512]) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"MM\x00*\x00\x00\x00\x08", ("image/tiff", "tiff")),
        (b"GIF87a", ("image/gif", "gif")),
        (b"RIFF\x00\x00\x00\x00WAVE", UNKNOWN),
        (b"RIFF", UNKNOWN),
        (b"\x89PNG", UNKNOWN),
        (b"\xff\xd8", UNKNOWN),
        (b"<html>", UNKNOWN),
        (b"PK\x03\x04", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_the_first_bytes_decide(head: bytes, expected: tuple[str, str]) -> None:
    assert media_type(head) == expected
