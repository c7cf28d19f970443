"""A package that is what its manifest says is found to be so, in every form of download."""

import gc
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest

from export_function.zip_parts import KEYS_FILE, Limits
from local.verify_package.__main__ import main
from local.verify_package.listing import Listing
from tests.fakes import InMemoryBlobStore
from tests.verify_package.conftest import SMALL, Verify
from tests.verify_package.packages import ITERATION, PROJECT, PackageWriter, finished_package


def test_blobs_with_their_zips_are_found_sound(folder: Path, verified: Verify) -> None:
    told = verified(folder)
    assert (told.findings, told.notes) == ([], [])
    assert any("package-002.zip" in fact for fact in told.facts)


def test_zips_alone_are_found_sound(zips: Path, verified: Verify) -> None:
    told = verified(zips)
    assert (told.findings, told.notes) == ([], [])


def test_one_zip_that_is_the_whole_package_is_found_sound(tmp_path: Path, verified: Verify) -> None:
    finished_package(InMemoryBlobStore()).download(tmp_path, only_zips=True)
    told = verified(tmp_path / "package-001.zip")
    assert (told.findings, told.notes) == ([], [])


def test_a_zip_that_the_browser_renamed_is_known_by_its_manifest(tmp_path: Path, verified: Verify) -> None:
    finished_package(InMemoryBlobStore()).download(tmp_path, only_zips=True)
    renamed = (tmp_path / "package-001.zip").rename(tmp_path / "package-001 (1).zip")
    assert verified(renamed).findings == []


def test_unpacked_zips_are_found_sound_and_it_is_said_that_no_zip_was_checked(
    zips: Path, tmp_path: Path, verified: Verify
) -> None:
    for path in zips.iterdir():
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "unpacked")
    told = verified(tmp_path / "unpacked")
    assert told.findings == []
    assert len(told.notes) == 1
    assert "none was checked" in told.notes[0]


def test_a_package_without_zips_is_found_sound(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project()
    writer.finish(zipped=False)
    told = verified(writer.download(tmp_path))
    assert (told.findings, told.notes) == ([], [])


def test_files_that_are_in_no_zip_are_noted_where_only_zips_are(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore(), limits=SMALL)
    writer.project()
    writer.json(KEYS_FILE, {"keys": []})
    writer.finish()
    writer.zip_all()
    told = verified(writer.download(tmp_path / "zips", only_zips=True))
    assert told.findings == []
    assert ["1 listed files are in no zip" in note for note in told.notes] == [True]
    whole = verified(writer.download(tmp_path / "whole"))
    assert (whole.findings, whole.notes) == ([], [])


def test_the_exit_codes_are_0_for_true_1_for_wrong_2_for_usage(
    folder: Path, zips: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(folder)]) == 0
    assert "The package is what its manifest says" in capsys.readouterr().out
    (folder / "manifest.json").write_bytes(b"{}")
    assert main([str(folder)]) == 1
    assert "NOT the package" in capsys.readouterr().out
    (tmp_path / "empty").mkdir()
    assert [main(arguments) for arguments in ([], [""], [str(zips), "x"], [str(tmp_path / "empty")])] == [2] * 4
    assert "usage: make verify-package DIR=" in capsys.readouterr().err
    assert main([str(tmp_path / "nothing")]) == 2


def test_size_only_comparisons_are_counted_and_said(tmp_path: Path, verified: Verify) -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.project()
    writer.rows[-1] |= {"md5": None, "sha256": None, "why": "not seen"}
    writer.finish(zipped=False)
    assert any("1 can be compared by size only" in fact for fact in verified(writer.download(tmp_path)).facts)


def test_a_big_package_is_verified_in_the_memory_of_a_small_one(tmp_path: Path, verified: Verify) -> None:
    peaks = []
    for pictures, megabytes in ((20, 1), (300, 24)):
        writer = PackageWriter(InMemoryBlobStore(), rows_a_page=20, limits=Limits(members=60))
        writer.project(pictures, size=200)
        model = f"projects/{PROJECT}/iterations/{ITERATION}/models/002-coreml.bin"
        writer.file(model, bytes(megabytes * 1024 * 1024), "application/octet-stream")
        writer.finish()
        writer.zip_all()
        where = writer.download(tmp_path / str(pictures))
        peaks.append(min(peak_of_verifying(verified, where) for _ in range(3)))
    assert peaks[1] < peaks[0] + 3_000_000


def peak_of_verifying(verified: Verify, where: Path) -> int:
    """Give the most bytes held at once; what other threads of the test process take meanwhile comes on top."""
    gc.collect()
    tracemalloc.start()
    try:
        assert verified(where).findings == []
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_listing_keeps_its_rows_out_of_memory() -> None:
    listing = Listing()
    row: dict[str, Any] = {"bytes": 1, "md5": None, "sha256": None, "media_type": "a/b", "zipped": None, "ids": {}}
    tracemalloc.start()
    try:
        for number in range(20_000):
            listing.add(row | {"path": f"{number:0180d}"})
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        listing.close()
    assert held < 1_000_000


def test_tags_that_are_too_many_to_be_looked_into_are_not_called_missing(
    folder: Path, verified: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.verify_package.watching.LARGEST_JSON", 2)
    told = verified(folder)
    assert told.findings == []
    assert any("tags.json" in fact and "not parsed" in fact for fact in told.facts)
