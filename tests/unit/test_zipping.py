"""What is promised of a package's zips, part by part, on the store in memory."""

import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Generator, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_function.zip_parts import KEYS_FILE, Limits, PartAssigner, needs_of, room_for
from export_function.zip_stream import Member, zip_chunks
from export_function.zipping import build_part
from shared.domain.errors import StorageUnavailable
from shared.file_pages import listed_rows
from shared.packages import PackageStore, file_row, package_prefix, part_name
from shared.ports import WrittenFile
from shared.reading_ahead import ahead
from tests.fakes import InMemoryBlobStore
from tests.verify_package.packages import (
    PROJECT,
    REQUEST,
    TIME,
    PackageWriter,
    bytes_of,
    finished_package,
    image_id,
)

MIB = 1024 * 1024
SMALL = Limits(size=24_000, members=20_000, manifest=3_000)
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def row(path: str, size: int, media_type: str = "image/png") -> dict[str, Any]:
    return file_row(path, size=size, md5=None, sha256=None, media_type=media_type, operation="Get", ids={}, time=TIME)


def pictures(*sizes: int) -> list[dict[str, Any]]:
    return [row(f"images/{image_id(number)}.png", size) for number, size in enumerate(sizes)]


def assigned(rows: list[dict[str, Any]], limits: Limits) -> list[str | None]:
    assigner = PartAssigner(needs_of(rows), limits)
    return [assigner.assign(entry)["zipped"] for entry in rows]


def opened(writer: PackageWriter, part: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(writer.content(part_name(part))))


@pytest.fixture
def package() -> PackageWriter:
    return finished_package(InMemoryBlobStore())


@pytest.fixture
def split_package() -> PackageWriter:
    return finished_package(InMemoryBlobStore(), limits=SMALL)


def test_a_small_package_is_one_zip_with_every_file(package: PackageWriter) -> None:
    with opened(package, 1) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == sorted(set(package.names()) - {"package-001.zip"})


def test_every_file_comes_out_of_the_zip_byte_for_byte(package: PackageWriter) -> None:
    with opened(package, 1) as archive:
        for name in archive.namelist():
            assert archive.read(name) == package.content(name), name


def test_pictures_are_stored_and_text_is_deflated(package: PackageWriter) -> None:
    with opened(package, 1) as archive:
        kinds = {info.filename.rpartition(".")[2]: info.compress_type for info in archive.infolist()}
    stored = {kind for kind, way in kinds.items() if way == zipfile.ZIP_STORED}
    assert stored == {"png", "jpg", "zip"}
    assert set(kinds.values()) == {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}


def test_the_first_zip_opens_with_the_page_for_people_then_the_manifest_then_data(package: PackageWriter) -> None:
    with opened(package, 1) as archive:
        names = archive.namelist()
    assert names[:3] == ["index.html", "manifest.json", "files/00001.jsonl"]
    kinds = [name.endswith((".json", ".jsonl", ".csv", ".html")) for name in names]
    assert kinds == sorted(kinds, reverse=True)


def test_pages_for_people_stand_in_their_order() -> None:
    writer = PackageWriter(InMemoryBlobStore())
    for name in ("index-002.html", "index-001.html", "index.html"):
        writer.file(name, b"<p>", "text/html")
    writer.finish()
    writer.zip_all()
    with opened(writer, 1) as archive:
        assert archive.namelist()[:3] == ["index.html", "index-001.html", "index-002.html"]


def test_a_zip_that_is_built_again_is_the_same_to_the_byte(package: PackageWriter) -> None:
    before = package.content("package-001.zip")
    package.zip_all()
    assert package.content("package-001.zip") == before


def test_members_carry_the_time_of_their_row(package: PackageWriter) -> None:
    with opened(package, 1) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 24, 9, 0, 0)}


def test_a_zip_of_few_files_needs_no_zip64(package: PackageWriter) -> None:
    content = package.content("package-001.zip")
    assert b"PK\x06\x06" not in content[-500:]
    with opened(package, 1) as archive:
        assert not any(info.extra for info in archive.infolist())


def test_what_is_written_is_told_with_its_digests(package: PackageWriter) -> None:
    listed = partial(listed_rows, package.packages, REQUEST)
    written = build_part(package.packages, REQUEST, 1, listed)
    content = package.content("package-001.zip")
    assert written.size == len(content)
    assert written.sha256 == hashlib.sha256(content).hexdigest()


def test_a_package_splits_into_zips_below_the_limit_that_hold_everything_once(split_package: PackageWriter) -> None:
    assert split_package.assigner is not None
    parts = split_package.assigner.parts
    assert len(parts) > 1
    names: list[str] = []
    for number in parts:
        assert len(split_package.content(part_name(number))) <= SMALL.size
        with opened(split_package, number) as archive:
            names += archive.namelist()
    zips = {part_name(number) for number in parts}
    assert sorted(names) == sorted(set(split_package.names()) - zips)


def test_each_zip_holds_what_the_rows_say(split_package: PackageWriter) -> None:
    rows = list(listed_rows(split_package.packages, REQUEST))
    for name in {entry["zipped"] for entry in rows}:
        with zipfile.ZipFile(io.BytesIO(split_package.content(name))) as archive:
            listed = {n for n in archive.namelist() if n != "manifest.json" and not n.startswith("files/")}
        assert listed == {entry["path"] for entry in rows if entry["zipped"] == name}


def test_all_data_are_in_the_first_zip_though_pictures_come_before_them(split_package: PackageWriter) -> None:
    rows = list(listed_rows(split_package.packages, REQUEST))
    data = {entry["zipped"] for entry in rows if entry["path"].endswith(("json", "jsonl", "csv", "html"))}
    assert data == {"package-001.zip"}


def test_data_beyond_the_first_zip_go_on_with_the_pictures() -> None:
    rows = [row(f"data/{n:05d}.jsonl", 9000, "application/x-ndjson") for n in range(4)] + pictures(100)
    parts = assigned(rows, SMALL)
    assert parts == ["package-001.zip", "package-001.zip", "package-002.zip", "package-002.zip", "package-002.zip"]


def test_a_file_that_fits_no_zip_is_left_out_with_the_reason() -> None:
    rows = pictures(100, 30_000, 100)
    assigner = PartAssigner(needs_of(rows), SMALL)
    told = [assigner.assign(entry) for entry in rows]
    assert [entry["zipped"] for entry in told] == ["package-001.zip", None, "package-001.zip"]
    assert "larger than a zip may be" in told[1]["why"]


def test_a_reason_for_a_missing_digest_stays_beside_the_one_for_no_zip() -> None:
    copied = row("images/a.png", 30_000) | {"why": "not read here"}
    told = PartAssigner(needs_of([copied]), SMALL).assign(copied)
    assert told["why"].startswith("not read here; ")


def test_a_large_file_has_a_zip_of_its_own_and_the_one_before_is_filled_further() -> None:
    parts = assigned(pictures(8000, 20_000, 8000, 8000), SMALL)
    assert parts == ["package-001.zip", "package-002.zip", "package-001.zip", "package-003.zip"]


def test_a_file_that_exactly_fills_a_zip_is_zipped_and_one_byte_more_is_not() -> None:
    header = room_for(pictures(0)[0]) + 22
    assert assigned(pictures(SMALL.size - header), SMALL) == ["package-002.zip"]
    assert assigned(pictures(SMALL.size - header + 1), SMALL) == [None]


def test_a_zip_is_as_large_as_was_reckoned_when_nothing_deflates() -> None:
    rows = pictures(1000, 0, 77)
    members = (Member(path=r["path"], time=NOW, deflated=False, chunks=[bytes_of(r["path"], r["bytes"])]) for r in rows)
    assert sum(map(len, zip_chunks(members))) == sum(map(room_for, rows)) + 22


def test_a_zip_holds_no_more_files_than_the_limit_says() -> None:
    parts = assigned(pictures(*[10] * 10), Limits(size=1_000_000, members=4, manifest=1000))
    assert [parts.count(f"package-00{n}.zip") for n in (1, 2, 3)] == [2, 4, 4]


def test_keys_are_never_zipped() -> None:
    keys = row(KEYS_FILE, 10, "application/json")
    told = PartAssigner(needs_of([keys])).assign(keys)
    assert told["zipped"] is None
    assert "keys" in told["why"]


def test_an_empty_package_still_has_its_first_zip_with_the_manifest() -> None:
    writer = PackageWriter(InMemoryBlobStore())
    writer.finish()
    writer.zip_all()
    with opened(writer, 1) as archive:
        assert archive.namelist() == ["manifest.json"]


@given(
    st.lists(
        st.tuples(st.integers(0, 30_000), st.sampled_from(["image/png", "application/json", "text/csv"])), max_size=40
    )
)
def test_no_part_is_ever_over_its_limit_and_every_file_has_one_place(files: list[tuple[int, str]]) -> None:
    rows = [row(f"files-of-a-test/{n:05d}.x", size, kind) for n, (size, kind) in enumerate(files)]
    limits = Limits(size=40_000, members=9, manifest=2000)
    assigner = PartAssigner(needs_of(rows), limits)
    told = [assigner.assign(entry) for entry in rows]
    for number, part in assigner.parts.items():
        inside = [entry for entry in told if entry["zipped"] == part_name(number)]
        assert part.files == len(inside) <= limits.members
        assert sum(map(room_for, inside)) + 22 <= limits.size
        at = [place for place, entry in enumerate(told) if entry["zipped"] == part_name(number)]
        assert (part.first, part.last) == ((at[0], at[-1]) if at else (None, None))
    assert all(entry["zipped"] or room_for(entry) + 22 > limits.size for entry in told)
    assert sorted(assigner.parts) == list(range(1, len(assigner.parts) + 1))


def test_a_missing_file_stops_the_zip_and_nothing_is_written(package: PackageWriter) -> None:
    package.blobs.delete(f"{REQUEST}/package-001.zip")
    package.blobs.delete(f"{REQUEST}/projects/{PROJECT}/images/files/{image_id(3)}.png")
    with pytest.raises(StorageUnavailable, match="absent"):
        package.zip_all()
    assert "package-001.zip" not in set(package.names())


@pytest.mark.parametrize("content", [b"another picture", bytes_of("picture 3", 3000)[:-1] + b"!", b"x" * 9000])
def test_a_file_that_is_not_as_listed_stops_the_zip_and_leaves_the_one_before(
    package: PackageWriter, content: bytes
) -> None:
    before = package.content("package-001.zip")
    package.packages.write_plain(REQUEST, f"projects/{PROJECT}/images/files/{image_id(3)}.png", content, "image/png")
    with pytest.raises(StorageUnavailable, match="not as listed"):
        package.zip_all()
    assert package.content("package-001.zip") == before


def test_a_missing_manifest_stops_the_zip(package: PackageWriter) -> None:
    package.blobs.delete(f"{REQUEST}/manifest.json")
    with pytest.raises(StorageUnavailable, match="manifest"):
        package.zip_all()


def test_only_the_manifest_pages_of_a_part_are_read(split_package: PackageWriter) -> None:
    split_package.blobs.delete(f"{REQUEST}/files/00001.jsonl")
    rows = list(listed_rows(split_package.packages, REQUEST, first=4, last=7))
    assert [entry["path"] for entry in rows] == [entry["path"] for entry in split_package.rows[4:8]]
    with pytest.raises(StorageUnavailable):
        list(listed_rows(split_package.packages, REQUEST))


def test_a_link_is_given_to_a_part_that_is_there_and_to_no_other(package: PackageWriter) -> None:
    expires = NOW + timedelta(minutes=15)
    link = package.packages.part_link(REQUEST, 1, expires)
    assert link is not None
    assert f"{REQUEST}/package-001.zip" in link
    assert [package.packages.part_link(REQUEST, part, expires) for part in (0, -1, 2, 10)] == [None] * 4


class SyntheticBlobs(InMemoryBlobStore):
    """Pictures that are made while they are read, and zips that are measured and not kept."""

    def read_stream(self, name: str) -> Iterator[bytes]:
        if not name.endswith((".png", ".bin")):
            return super().read_stream(name)
        return (bytes(MIB) for _ in range(60 if name.endswith(".bin") else 1))

    def write_stream(self, name: str, chunks: Iterable[bytes], *, content_type: str) -> WrittenFile:
        del content_type
        self.longest = 0
        size = 0
        for chunk in chunks:
            size += len(chunk)
            self.longest = max(self.longest, len(chunk))
        self.put(name, b"")
        return WrittenFile(size, None, None)


def synthetic_rows() -> list[dict[str, Any]]:
    md5 = hashlib.md5(bytes(MIB), usedforsecurity=False).hexdigest()
    rows = [r | {"md5": md5, "zipped": part_name(1)} for r in pictures(*[MIB] * 240)]
    return [*rows, row("models/model.bin", 60 * MIB) | {"zipped": part_name(1)}]


def test_zipping_300_megabytes_takes_the_memory_of_a_few_blocks() -> None:
    blobs = SyntheticBlobs()
    packages = PackageStore(blobs)
    manifest = {"created_time": TIME, "files": []}
    packages.write_plain(REQUEST, "manifest.json", json.dumps(manifest).encode())
    rows = synthetic_rows()
    tracemalloc.start()
    try:
        written = build_part(packages, REQUEST, 1, lambda: rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written.size > 300 * MIB
    assert peak < 24 * MIB
    assert blobs.longest <= 2 * MIB
    assert [entry.name for entry in blobs.entries(package_prefix(REQUEST) + "package")] == [
        f"{REQUEST}/package-001.zip"
    ]


def test_what_is_read_ahead_comes_in_order_and_is_never_more_than_the_width() -> None:
    begun: list[int] = []

    def work(item: int) -> int:
        begun.append(item)
        return item * item

    results = ahead(range(20), work, 3)
    for given_out in range(20):
        assert next(results) == given_out * given_out
        assert len(begun) <= given_out + 3
    assert sorted(begun) == list(range(20))


def test_an_error_ahead_is_raised_in_its_turn() -> None:
    def work(item: int) -> int:
        if item == 2:
            raise StorageUnavailable("read")
        return item

    results = ahead(range(9), work, 4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(StorageUnavailable):
        next(results)


def test_nothing_more_is_begun_when_nobody_asks_any_more() -> None:
    begun: list[int] = []
    results = ahead(range(1000), lambda item: begun.append(item), 4)
    next(results)
    assert isinstance(results, Generator)
    results.close()
    assert len(begun) <= 4
