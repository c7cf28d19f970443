"""Every kind of damage is found, and named by the file it is in."""

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import InMemoryBlobStore
from tests.verify_package.conftest import Verify
from tests.verify_package.packages import PROJECT, PackageWriter, image_id

PICTURE = f"projects/{PROJECT}/images/files/{image_id(3)}.png"
ROWS = f"projects/{PROJECT}/images/00001.jsonl"
SAS = "https://acct.blob.core.windows.net/i/1?sv=2020&sig=abc%3D"


def change_byte(path: Path, at: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))


def rewritten(writer: PackageWriter, path: str, content: bytes) -> None:
    """Put other bytes under a path and list them truly, as a package written wrongly would."""
    (row,) = (row for row in writer.rows if row["path"] == path)
    writer.rows.remove(row)
    writer.file(path, content, row["media_type"])


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    change(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def edit_row(folder: Path, path: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a file's row in its page, and the page's digest with it."""
    for page in sorted((folder / "files").iterdir()):
        rows = [json.loads(line) for line in page.read_bytes().splitlines()]
        for row in rows:
            if row["path"] == path:
                change(row)
        page.write_bytes(b"".join(json.dumps(row).encode() + b"\n" for row in rows))

    def digests(manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            entry["sha256"] = sha256((folder / entry["path"]).read_bytes()).hexdigest()

    edit_manifest(folder, digests)


@pytest.fixture
def blobs(folder: Path) -> Path:
    """The blobs without zips: one finding for one damage."""
    for path in folder.glob("package-*.zip"):
        path.unlink()
    return folder


def test_one_changed_byte_in_a_jsonl_is_found(blobs: Path, verified: Verify) -> None:
    change_byte(blobs / ROWS, 20)
    findings = verified(blobs).findings
    assert f"{ROWS}: its MD5 is not the one in the manifest" in findings
    assert f"{ROWS}: its SHA256 is not the one in the manifest" in findings


@pytest.mark.parametrize("number", [2, 3])
def test_one_changed_byte_in_a_picture_is_found_with_and_without_sha256(
    blobs: Path, verified: Verify, number: int
) -> None:
    path = PICTURE.replace(image_id(3), image_id(number))
    change_byte(blobs / path, -1)
    assert f"{path}: its MD5 is not the one in the manifest" in verified(blobs).findings


def test_a_picture_of_another_size_is_found_where_no_digest_is_known(blobs: Path, verified: Verify) -> None:
    edit_row(blobs, PICTURE, lambda row: row.update(md5=None, sha256=None, why="not seen"))
    assert verified(blobs).findings == []
    (blobs / PICTURE).write_bytes(b"short")
    assert verified(blobs).findings == [f"{PICTURE}: has 5 bytes, the manifest says 3,000"]


def test_a_missing_file_is_found(blobs: Path, verified: Verify) -> None:
    (blobs / PICTURE).unlink()
    assert verified(blobs).findings == [f"{PICTURE}: is listed and missing"]


@pytest.mark.parametrize("extra", ["more.json", "files/99999.jsonl", f"projects/{PROJECT}/images/files/x.png"])
def test_an_extra_file_is_found(blobs: Path, verified: Verify, extra: str) -> None:
    (blobs / extra).write_bytes(b"{}\n")
    assert verified(blobs).findings == [f"{extra}: is not listed in the manifest"]


@pytest.mark.parametrize(
    "store", ["projects", "iterations", "performance", "tags", "images", "predictions", "exported_models"]
)
def test_a_wrong_count_of_any_store_is_found(blobs: Path, verified: Verify, store: str) -> None:
    edit_manifest(blobs, lambda manifest: manifest["stores"][store].update(written=77, found=77))
    (finding,) = verified(blobs).findings
    assert finding.startswith(f"manifest.json stores.{store}.written: is 77, the package holds ")


def test_an_image_that_no_word_accounts_for_is_found(blobs: Path, verified: Verify) -> None:
    edit_manifest(blobs, lambda manifest: manifest["stores"]["images"].update(found=7))
    assert verified(blobs).findings == [
        "manifest.json stores.images.found: is 7, of which only 6 are accounted for",
    ]


def test_a_picture_that_no_row_describes_is_found(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project()
    writer.picture(50, b"nobody's")
    writer.finish(zipped=False)
    path = PICTURE.replace(image_id(3), image_id(50))
    assert verified(writer.download(tmp_path)).findings == [f"{path}: no data row describes this picture"]


@pytest.mark.parametrize(
    "planted",
    [
        SAS,
        SAS.replace("&", "\\u0026"),
        SAS.replace("&", "&amp;"),
        "?SIG=abc",
        "https%3A%2F%2Fx%3Fsig%3Dabc",
        "https://acct.blob.core.windows.net/i/1",
        "https:\\/\\/acct.blob.core.windows.net\\/i",
        "http://acct.queue.core.usgovcloudapi.net/q",
        "https://acct.z01.blob.storage.azure.net/i",
    ],
)
@pytest.mark.parametrize("path", [ROWS, f"projects/{PROJECT}/images.csv", "index.html"])
def test_a_planted_link_is_found_in_data_of_every_kind(
    tmp_path: Path, verified: Verify, path: str, planted: str
) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project()
    before = writer.content(path)
    rewritten(writer, path, before + f'{{"id": "{planted}"}}\n'.encode())
    writer.finish(zipped=False)
    findings = verified(writer.download(tmp_path)).findings
    assert findings
    assert all(finding.startswith(f"{path}: holds a ") for finding in findings)
    assert not any("acct" in finding for finding in findings)


def test_a_link_across_two_reads_is_found(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.file("index.html", b" " * (1024 * 1024 - 10) + b"https://a.blob.core.windows.net/", "text/html")
    writer.finish(zipped=False)
    assert verified(writer.download(tmp_path)).findings == ["index.html: holds a link to a storage account"]


@pytest.mark.parametrize("content", [b'{"id": 1}\nnot json\n', b'{"id": 1}\n[]\n', b'{"id": 1}\n{"id"'])
def test_lines_that_are_no_json_objects_are_found(tmp_path: Path, verified: Verify, content: bytes) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project(0)
    rewritten(writer, ROWS, content)
    writer.finish(zipped=False)
    assert verified(writer.download(tmp_path)).findings == [f"{ROWS}: line 2 is no JSON object"]


def test_a_document_that_is_no_json_is_found(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project()
    path = f"projects/{PROJECT}/project.json"
    rewritten(writer, path, b"{")
    writer.finish(zipped=False)
    assert verified(writer.download(tmp_path)).findings == [f"{path}: is no JSON"]


def test_a_large_document_is_compared_though_it_is_not_parsed(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    path = f"projects/{PROJECT}/coco.json"
    writer.file(path, b"[" + b" " * 9_000_000 + b"]", "application/json")
    writer.finish(zipped=False)
    folder = writer.download(tmp_path)
    assert verified(folder).findings == []
    assert any("not parsed" in fact for fact in verified(folder).facts)
    change_byte(folder / path, 5_000_000)
    assert f"{path}: its MD5 is not the one in the manifest" in verified(folder).findings


def test_text_of_a_person_that_only_looks_a_little_like_a_link_is_no_finding(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.lines(
        "rows.jsonl", [{"metadata": {"note": "x;sig=1 sig= design=2, see blob.core and https://example.org/"}}]
    )
    writer.finish(zipped=False)
    assert verified(writer.download(tmp_path)).findings == []


def test_a_changed_page_of_the_manifest_is_found(blobs: Path, verified: Verify) -> None:
    page = blobs / "files" / "00001.jsonl"
    page.write_bytes(page.read_bytes().replace(b"2026", b"2027", 1))
    assert verified(blobs).findings == ["files/00001.jsonl: its SHA-256 is not the one in the manifest"]


def test_a_page_with_other_rows_than_the_manifest_says_is_found(blobs: Path, verified: Verify) -> None:
    edit_manifest(blobs, lambda manifest: manifest["files"][0].update(rows=3))
    assert verified(blobs).findings == ["files/00001.jsonl: has 4 rows, the manifest says 3"]


def test_a_missing_page_is_found_and_its_files_are_unlisted(blobs: Path, verified: Verify) -> None:
    (blobs / "files" / "00001.jsonl").unlink()
    findings = verified(blobs).findings
    assert findings[0] == "files/00001.jsonl: is missing"
    assert f"projects/{PROJECT}/project.json: is not listed in the manifest" in findings


def test_a_file_that_is_listed_twice_is_found(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project()
    writer.rows.append(writer.rows[0])
    writer.finish(zipped=False)
    path = writer.rows[0]["path"]
    assert f"{path}: is listed twice" in verified(writer.download(tmp_path)).findings


def test_a_missing_manifest_is_found(blobs: Path, verified: Verify) -> None:
    (blobs / "manifest.json").unlink()
    assert verified(blobs).findings == ["manifest.json: is missing"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_manifest_that_cannot_be_read_is_found(blobs: Path, verified: Verify, content: bytes) -> None:
    (blobs / "manifest.json").write_bytes(content)
    assert verified(blobs).findings[0].startswith("manifest.json: ")


def test_a_row_that_breaks_the_schema_is_named_without_its_value(blobs: Path, verified: Verify) -> None:
    edit_row(blobs, PICTURE, lambda row: row.update(md5="somebody's name"))
    findings = verified(blobs).findings
    assert any("$.md5 breaks the schema" in finding for finding in findings)
    assert not any("somebody" in finding for finding in findings)


def test_a_row_that_points_outside_the_package_is_refused(blobs: Path, verified: Verify) -> None:
    edit_row(blobs, PICTURE, lambda row: row.update(path="../outside.png"))
    assert any("$.path breaks the schema" in finding for finding in verified(blobs).findings)


def test_a_truncated_zip_is_found(zips: Path, verified: Verify) -> None:
    path = zips / "package-002.zip"
    path.write_bytes(path.read_bytes()[:-100])
    findings = verified(zips).findings
    assert findings[0].startswith("package-002.zip: is no whole zip file")


def test_a_truncated_first_zip_is_found(zips: Path, verified: Verify) -> None:
    path = zips / "package-001.zip"
    path.write_bytes(path.read_bytes()[: -path.stat().st_size // 2])
    assert verified(zips).findings == ["package-001.zip: is no whole zip file (cut off, or damaged at its end)"]


def test_one_changed_byte_in_a_picture_in_a_zip_is_found(zips: Path, verified: Verify) -> None:
    with zipfile.ZipFile(zips / "package-002.zip") as archive:
        info = archive.infolist()[0]
    change_byte(zips / "package-002.zip", info.header_offset + 30 + len(info.filename) + 50)
    (finding,) = [f for f in verified(zips).findings if info.filename in f]
    assert finding == f"package-002.zip {info.filename}: cannot be read to its end (its CRC is wrong)"


def test_a_changed_header_in_a_zip_is_found(zips: Path, verified: Verify) -> None:
    with zipfile.ZipFile(zips / "package-002.zip") as archive:
        info = archive.infolist()[0]
    change_byte(zips / "package-002.zip", info.header_offset)
    assert verified(zips).findings == [
        f"package-002.zip {info.filename}: its header in the zip is damaged (BadZipFile)"
    ]


def repacked(path: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """Write a sound zip with other content."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def first_name(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()[0]


def test_a_file_missing_in_its_zip_is_found(zips: Path, verified: Verify) -> None:
    name = first_name(zips / "package-002.zip")
    repacked(zips / "package-002.zip", lambda files: files.pop(name))
    assert verified(zips).findings == [f"package-002.zip {name}: is listed for this zip and missing in it"]


def test_an_extra_file_in_a_zip_is_found(zips: Path, verified: Verify) -> None:
    repacked(zips / "package-002.zip", lambda files: files.update({"more.txt": b"x"}))
    assert verified(zips).findings == ["package-002.zip more.txt: is not listed in the manifest"]


def test_a_file_in_the_wrong_zip_is_found(zips: Path, verified: Verify) -> None:
    with zipfile.ZipFile(zips / "package-001.zip") as archive:
        content = archive.read("index.html")
    repacked(zips / "package-002.zip", lambda files: files.update({"index.html": content, "manifest.json": b"{}"}))
    assert verified(zips).findings == [
        "package-002.zip index.html: is listed for package-001.zip, not for this one",
        "package-002.zip manifest.json: belongs into the first zip only",
    ]


def test_other_bytes_in_a_zip_than_the_manifest_says_are_found(folder: Path, verified: Verify) -> None:
    repacked(folder / "package-001.zip", lambda files: files.update({"index.html": b"other"}))
    findings = verified(folder).findings
    assert findings
    assert all(finding.startswith("package-001.zip index.html: ") for finding in findings)


def test_a_manifest_in_the_zip_that_differs_from_the_one_in_the_folder_is_found(folder: Path, verified: Verify) -> None:
    repacked(folder / "package-001.zip", lambda files: files.update({"manifest.json": b"{}"}))
    assert verified(folder).findings == [
        "package-001.zip manifest.json: its SHA-256 is not the one in the manifest",
    ]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_stands_twice_in_a_zip_is_found(zips: Path, verified: Verify) -> None:
    name = first_name(zips / "package-002.zip")
    with zipfile.ZipFile(zips / "package-002.zip", "a") as archive:
        archive.writestr(name, archive.read(name))
    assert verified(zips).findings == [f"package-002.zip {name}: is there more than once"]


def test_a_missing_zip_is_found_with_the_number_of_its_files(zips: Path, verified: Verify) -> None:
    with zipfile.ZipFile(zips / "package-002.zip") as archive:
        number = len(archive.namelist())
    (zips / "package-002.zip").unlink()
    assert verified(zips).findings == [f"package-002.zip: is missing, and with it {number} listed files"]


def test_a_missing_first_zip_is_found(zips: Path, verified: Verify) -> None:
    (zips / "package-002.zip").rename(zips / "package-003.zip")
    (zips / "package-001.zip").rename(zips / "package-004.zip")
    assert verified(zips).findings == ["manifest.json: is missing, and so is package-001.zip, which holds it"]


def test_a_zip_that_nothing_is_listed_for_is_found(folder: Path, verified: Verify) -> None:
    with zipfile.ZipFile(folder / "package-009.zip", "w"):
        pass
    assert verified(folder).findings == ["package-009.zip: no file is listed for this zip"]
