"""A zip as a stream: byte for byte what Python's own `zipfile` writes, in less memory, with names safe everywhere."""

import tracemalloc
import zipfile
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_function.zip_stream import Member, safe_name, zip_chunks
from tests.verify_package.packages import ITERATION, PROJECT, image_id

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def by_python(members: Iterable[Member]) -> bytes:
    """Write a zip with Python's own `zipfile`, as a stream."""
    target = Written()
    with zipfile.ZipFile(target, "w") as archive:
        for member in members:
            header = zipfile.ZipInfo(member.path, (max(member.time.year, 1980), *member.time.timetuple()[1:6]))
            header.compress_type = zipfile.ZIP_DEFLATED if member.deflated else zipfile.ZIP_STORED
            header.create_system, header.external_attr = 3, 0o100644 << 16
            with archive.open(header, "w") as file:
                for chunk in member.chunks:
                    file.write(chunk)
    return bytes(target.content)


class Written:
    """A file that can only be written to, and not be gone back in."""

    def __init__(self) -> None:
        self.content = bytearray()

    def write(self, data: bytes) -> int:
        self.content += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """There is nothing to close."""


FILES = st.builds(
    Member,
    path=st.from_regex(r"[a-z]{1,9}/[a-z0-9]{1,20}-x\.[a-z]{3}", fullmatch=True),
    time=st.integers(-20 * 365 * 86400, 137 * 365 * 86400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    deflated=st.booleans(),
    chunks=st.lists(st.binary(max_size=300), max_size=4),
)


@given(st.lists(FILES, max_size=6, unique_by=lambda member: member.path))
def test_a_zip_is_byte_for_byte_what_python_writes(members: list[Member]) -> None:
    assert b"".join(zip_chunks(members)) == by_python(members)


def test_what_is_kept_of_written_files_is_little_more_than_the_directory_that_names_them() -> None:
    names = [f"projects/{PROJECT}/images/files/{image_id(number)}.png" for number in range(5000)]
    files = (Member(path=name, time=NOW, deflated=False, chunks=[b"x"]) for name in names)
    tracemalloc.start()
    try:
        written = sum(map(len, zip_chunks(files)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    directory = sum(46 + len(name) for name in names)
    assert written > directory
    assert peak < 2.5 * directory  # itself, with room to grow, and once more when it is given


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
