"""A package made to mislead, or to stop, who verifies it: it is named as wrong, and nothing is believed of it."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from os import fsdecode, mkfifo
from pathlib import Path

import pytest

from tests.verify_package.conftest import Verify
from tests.verify_package.packages import PROJECT
from tests.verify_package.test_damage import PICTURE, ROWS, change_byte, edit_row


@pytest.fixture
def blobs(folder: Path) -> Path:
    """The blobs without zips: one finding for one damage."""
    for path in folder.glob("package-*.zip"):
        path.unlink()
    return folder


DEEP = b"[" * 100_000
"""JSON that no parser reads to its end."""


@pytest.mark.parametrize("path", ["manifest.json", "files/00001.jsonl", ROWS, f"projects/{PROJECT}/project.json"])
def test_json_that_is_nested_too_deeply_is_found(blobs: Path, verified: Verify, path: str) -> None:
    (blobs / path).write_bytes(DEEP)
    assert any(finding.startswith(path) and "no JSON" in finding for finding in verified(blobs).findings)


@pytest.mark.parametrize("field", ["path", "bytes", "md5", "sha256", "media_type", "ids", "time", "zipped"])
@pytest.mark.parametrize("value", ["\ud800", 2**70, {"image_id": "\ud800"}, None, "C:\\x"])
def test_a_row_with_a_value_that_nothing_can_hold_is_found(
    blobs: Path, verified: Verify, field: str, value: object
) -> None:
    edit_row(blobs, PICTURE, lambda row: row.update({field: value}))
    assert verified(blobs).findings or (field, value) == ("zipped", None)


def test_a_row_of_an_item_with_half_a_character_is_found(blobs: Path, verified: Verify) -> None:
    (blobs / ROWS).write_bytes(b'{"id": "\\ud800"}\n')
    assert f"{ROWS}: its MD5 is not the one in the manifest" in verified(blobs).findings


@pytest.mark.parametrize("lies", ["a link to nothing", "a pipe", "a directory behind a link"])
def test_what_is_no_file_in_the_place_of_one_is_found(blobs: Path, verified: Verify, lies: str) -> None:
    (blobs / PICTURE).unlink()
    match lies:
        case "a link to nothing":
            (blobs / PICTURE).symlink_to("nowhere")
        case "a pipe":
            mkfifo(blobs / PICTURE)
        case "a directory behind a link":
            (blobs / PICTURE).symlink_to(blobs, target_is_directory=True)
    assert verified(blobs).findings == [f"{PICTURE}: is no file, or a link to none"]


def test_a_link_to_another_directory_is_found(blobs: Path, verified: Verify, tmp_path: Path) -> None:
    (blobs / "more").symlink_to(tmp_path, target_is_directory=True)
    assert verified(blobs).findings == ["more: is not listed in the manifest"]


@pytest.mark.parametrize(
    ("name", "shown"), [(b"\xff.txt", "\\udcff.txt"), (b"a\nWRONG  b", "a\\nWRONG  b"), (b"\x1b[31m", "\\x1b[31m")]
)
def test_a_name_that_would_change_what_is_shown_is_shown_as_its_code(
    blobs: Path, verified: Verify, name: bytes, shown: str
) -> None:
    (blobs / fsdecode(name)).write_bytes(b"")
    assert verified(blobs).findings == [f"{shown}: is not listed in the manifest"]


def test_a_folder_of_a_zip_that_holds_bytes_is_found(zips: Path, verified: Verify) -> None:
    with zipfile.ZipFile(zips / "package-002.zip", "a") as archive:
        archive.writestr(zipfile.ZipInfo("projects/"), b"")
        archive.writestr(zipfile.ZipInfo("hidden/"), b"bytes")
    assert verified(zips).findings == ["package-002.zip hidden/: is not listed in the manifest"]


def with_comment(content: bytes) -> bytes:
    file = BytesIO(content)
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"kept beside"
    return file.getvalue()


@pytest.mark.parametrize(
    "change",
    [lambda content: content + b"kept beside", lambda content: b"kept beside" + content, with_comment],
    ids=["behind", "before", "comment"],
)
def test_bytes_of_a_zip_that_belong_to_no_file_are_found(
    zips: Path, verified: Verify, change: Callable[[bytes], bytes]
) -> None:
    path = zips / "package-002.zip"
    path.write_bytes(change(path.read_bytes()))
    assert verified(zips).findings == ["package-002.zip: holds bytes that belong to no file"]


@pytest.mark.parametrize("at", [6, 10, 12, 14, 22], ids=["flags", "time", "day", "checksum", "size"])
def test_a_header_in_a_zip_that_says_other_than_its_directory_is_found(zips: Path, verified: Verify, at: int) -> None:
    """Other programs than this one go by it."""
    with zipfile.ZipFile(zips / "package-002.zip") as archive:
        info = archive.infolist()[1]
    change_byte(zips / "package-002.zip", info.header_offset + at)
    (finding,) = verified(zips).findings
    assert finding.startswith(f"package-002.zip {info.filename}: its header in the zip is ")


def test_what_stands_behind_a_file_of_a_zip_is_compared_too(zips: Path, verified: Verify) -> None:
    with zipfile.ZipFile(zips / "package-002.zip") as archive:
        info, following = archive.infolist()[:2]
    change_byte(zips / "package-002.zip", following.header_offset - 1)
    assert verified(zips).findings == [
        f"package-002.zip {info.filename}: its header in the zip is not as the zip's directory says"
    ]
