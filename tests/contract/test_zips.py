"""A package's zips on both stores, read by programs that are not ours."""

import shutil
import subprocess
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from export_function.zip_parts import Limits
from shared.adapters.blob_store import AzureBlobStore
from shared.ports import BlobStore
from tests.verify_package.packages import REQUEST, PackageWriter, finished_package

MIB = 1024 * 1024
UNZIP = shutil.which("unzip")


@pytest.fixture
def package(store: BlobStore) -> PackageWriter:
    return finished_package(store, limits=Limits(size=24_000, manifest=3_000))


def downloaded(package: PackageWriter, folder: Path) -> list[Path]:
    package.download(folder, only_zips=True)
    return sorted(folder.iterdir())


def test_pythons_zipfile_finds_every_zip_sound(package: PackageWriter, tmp_path: Path) -> None:
    zips = downloaded(package, tmp_path)
    assert len(zips) > 1
    for path in zips:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None


@pytest.mark.skipif(UNZIP is None, reason="unzip is not installed")
def test_unzip_finds_every_zip_sound_and_unpacks_what_was_exported(package: PackageWriter, tmp_path: Path) -> None:
    zips = downloaded(package, tmp_path / "zips")
    for path in zips:
        subprocess.run([str(UNZIP), "-tqq", path], check=True)
        subprocess.run([str(UNZIP), "-q", "-n", path, "-d", tmp_path / "out"], check=True)
    unpacked = {p.relative_to(tmp_path / "out").as_posix(): p for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert set(unpacked) == set(package.names()) - {path.name for path in zips}
    for name, path in unpacked.items():
        assert path.read_bytes() == package.content(name), name


@pytest.mark.azurite
def test_a_link_to_a_zip_delivers_it(azure_store: AzureBlobStore) -> None:
    package = finished_package(azure_store)
    link = package.packages.part_link(REQUEST, 1, datetime.now(UTC) + timedelta(minutes=5))
    assert link is not None
    answer = requests.get(link, timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.content == package.content("package-001.zip")
    assert package.packages.part_link(REQUEST, 2, datetime.now(UTC) + timedelta(minutes=5)) is None


@pytest.mark.azurite
def test_a_file_larger_than_a_block_goes_through(azure_store: AzureBlobStore, tmp_path: Path) -> None:
    package = PackageWriter(azure_store)
    package.file("models-of-a-test.bin", bytes(range(256)) * 4096 * 9, "application/octet-stream")
    package.finish()
    package.zip_all()
    (path,) = downloaded(package, tmp_path)
    assert path.stat().st_size > 9 * MIB
    with zipfile.ZipFile(path) as archive:
        assert archive.read("models-of-a-test.bin") == package.content("models-of-a-test.bin")
