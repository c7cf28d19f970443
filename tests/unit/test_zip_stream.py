"""A zip as a stream: every file whole, the same bytes each time, with names safe everywhere."""

import io
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_function.zip_parts import Limits
from export_function.zip_stream import Member, safe_name, zip_chunks
from tests.verify_package.packages import ITERATION, PROJECT, image_id

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


FILES = st.builds(
    Member,
    path=st.from_regex(r"f[a-z]{1,8}/[a-z0-9]{1,20}-x\.[a-z]{3}", fullmatch=True),
    time=st.integers(-20 * 365 * 86400, 137 * 365 * 86400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    deflated=st.booleans(),
    chunks=st.lists(st.binary(max_size=300), max_size=4),
)


@given(st.lists(FILES, max_size=6, unique_by=lambda member: member.path))
def test_every_file_comes_out_as_it_went_in_with_its_time(members: list[Member]) -> None:
    with zipfile.ZipFile(io.BytesIO(b"".join(zip_chunks(members)))) as archive:
        assert archive.testzip() is None
        assert [
            (info.filename, archive.read(info), info.compress_type == zipfile.ZIP_DEFLATED)
            for info in archive.infolist()
        ] == [(member.path, b"".join(member.chunks), member.deflated) for member in members]
        told = [datetime(*info.date_time, tzinfo=UTC) for info in archive.infolist()]
    earliest = datetime(1980, 1, 1, tzinfo=UTC)
    exact = [(shown, member.time) for shown, member in zip(told, members, strict=True) if member.time >= earliest]
    assert all(timedelta() <= time.replace(microsecond=0) - shown < timedelta(seconds=2) for shown, time in exact)


@given(st.lists(FILES, max_size=6, unique_by=lambda member: member.path))
def test_the_same_files_give_the_same_bytes(members: list[Member]) -> None:
    assert b"".join(zip_chunks(members)) == b"".join(zip_chunks(members))


def test_what_is_kept_of_a_written_file_is_about_a_kibibyte() -> None:
    names = [f"projects/{PROJECT}/images/files/{image_id(number)}.png" for number in range(Limits().members)]
    files = (Member(path=name, time=NOW, deflated=False, chunks=[b"x"]) for name in names)
    tracemalloc.start()
    try:
        written = sum(map(len, zip_chunks(files)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > sum(map(len, names))
    assert peak < 1500 * len(names)


@pytest.mark.parametrize(
    "path",
    [
        "../up.json",
        "/absolute.json",
        "c:/file.json",
        "a//b.json",
        "a\\b.json",
        "nul.json",
        "images/con.png",
        "com1",
        "ends.",
        "ends ",
        "Upper.json",
        "ä.json",
        "",
        "a/",
        "a" * 201,
    ],
)
def test_a_path_that_some_system_cannot_unpack_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not safe"):
        safe_name(path)


@pytest.mark.parametrize(
    "path",
    [
        "manifest.json",
        "files/00001.jsonl",
        "index-001.html",
        "account.json",
        f"projects/{PROJECT}/iterations/{ITERATION}/models/{'001-' + 'a' * 40 + '-' + 'b' * 40}.zip",
        f"projects/{PROJECT}/iterations/{ITERATION}/image_performances/00001.jsonl",
    ],
)
def test_every_path_of_a_package_is_safe(path: str) -> None:
    assert safe_name(path) == path
