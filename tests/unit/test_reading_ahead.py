"""What waits for storage waits together: each of these would stand still if its calls went one after the other."""

import threading
from collections.abc import Callable, Mapping

import pytest

from export_function.derived import write_index
from shared.domain.errors import StorageUnavailable
from shared.file_pages import ROWS_A_PAGE, write_pages
from shared.packages import PackageStore
from shared.ports import StoredBlob
from shared.reading_ahead import together
from tests.fakes import InMemoryBlobStore
from tests.unit.derived.built import HEAD, REQUEST_ID, TIME, Builder, image_row

PATIENCE = 20.0
"""Seconds until two that should meet are taken for two that follow each other; nobody waits so long who meets."""


class MeetingBlobStore(InMemoryBlobStore):
    """The first read, or write, of a blob that `meets` names waits until a second one has begun."""

    def __init__(self, meets: Callable[[str], bool]) -> None:
        super().__init__()
        self.meets, self._barrier = meets, threading.Barrier(2)
        self.met = False

    def _meet(self, name: str) -> None:
        if self.meets(name) and not self.met:
            self._barrier.wait(PATIENCE)
            self.met = True

    def read(self, name: str) -> StoredBlob | None:
        self._meet(name)
        return super().read(name)

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._meet(name)
        return super().create(name, content, content_type=content_type, metadata=metadata)

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._meet(name)
        return super().put(name, content, content_type=content_type, metadata=metadata)


def naming(part: str) -> Callable[[str], bool]:
    """Tell whether a name has this part."""
    return lambda name: part in name


def test_two_things_at_once_give_what_both_give() -> None:
    barrier = threading.Barrier(2)

    def one(value: int) -> int:
        barrier.wait(PATIENCE)
        return value

    assert together(lambda: one(1), lambda: one(2)) == (1, 2)


def test_an_error_of_one_is_raised_when_the_other_has_ended() -> None:
    ended: list[str] = []

    def refused() -> None:
        raise StorageUnavailable("read")

    with pytest.raises(StorageUnavailable):
        together(refused, lambda: ended.append("second"))
    with pytest.raises(StorageUnavailable):
        together(lambda: ended.append("first"), refused)
    assert ended == ["second", "first"]


def test_pages_of_a_manifest_are_written_beside_each_other_and_numbered_in_order() -> None:
    store = MeetingBlobStore(lambda name: "/files/" in name)
    rows = [{"path": f"{number}"} for number in range(2 * ROWS_A_PAGE + 1)]
    entries = write_pages(PackageStore(store), REQUEST_ID, rows, first=7)
    assert [(entry["path"], entry["rows"]) for entry in entries] == [
        ("files/00007.jsonl", ROWS_A_PAGE),
        ("files/00008.jsonl", ROWS_A_PAGE),
        ("files/00009.jsonl", 1),
    ]


def test_rows_and_documents_of_a_package_are_read_beside_each_other_for_its_pages() -> None:
    for part in ("/images/0", "/tags.json"):
        store = MeetingBlobStore(lambda _: False)
        builder = Builder(PackageStore(store))
        builder.picture = b""
        for name in ("tags.json", "iterations/0a000000-0000-4000-8000-00000000000a/tags.json"):
            builder.document(name, [])
        builder.images([image_row(number) for number in range(600)])
        store.meets = naming(part)
        write_index(builder.packages, REQUEST_ID, manifest_head=HEAD, gaps=(), time=TIME)
        assert store.met
