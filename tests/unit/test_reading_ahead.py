"""What waits for storage waits together: each of these would stand still if its calls went one after the other."""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from export_function.derived import write_index
from shared.domain.errors import StorageUnavailable
from shared.domain.work import UnitOutcome, WorkUnit
from shared.file_pages import ROWS_A_PAGE, write_pages
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import StoredBlob
from shared.reading_ahead import together
from tests.fakes import InMemoryBlobStore
from tests.unit.derived.built import HEAD, REQUEST_ID, TIME, Builder, image_row
from tests.unit.in_process import region

PATIENCE = 20.0
"""Seconds until two that should meet are taken for two that follow each other; nobody waits so long who meets."""


type Names = Callable[[str], bool]


def no_name(_: str) -> bool:
    """Name nothing."""
    return False


class MeetingBlobStore(InMemoryBlobStore):
    """The first read of a blob that `reads` names, or write of one that `writes` names, waits for a second one."""

    def __init__(self, *, reads: Names = no_name, writes: Names = no_name) -> None:
        super().__init__()
        self.reads, self.writes = reads, writes
        self._barrier, self._places = threading.Barrier(2), itertools.count(1)
        self.met = False

    def _meet(self, *, is_one: bool) -> None:
        if is_one and next(self._places) <= 2:
            self._barrier.wait(PATIENCE)
            self.met = True

    def read(self, name: str) -> StoredBlob | None:
        self._meet(is_one=self.reads(name))
        return super().read(name)

    def create(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._meet(is_one=self.writes(name))
        return super().create(name, content, content_type=content_type, metadata=metadata)

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._meet(is_one=self.writes(name))
        return super().put(name, content, content_type=content_type, metadata=metadata)


def naming(*parts: str) -> Names:
    """Name what has one of these parts."""
    return lambda name: any(part in name for part in parts)


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
    store = MeetingBlobStore(writes=naming("/files/"))
    rows = [{"path": f"{number}"} for number in range(2 * ROWS_A_PAGE + 1)]
    entries = write_pages(PackageStore(store), REQUEST_ID, rows, first=7)
    assert [(entry["path"], entry["rows"]) for entry in entries] == [
        ("files/00007.jsonl", ROWS_A_PAGE),
        ("files/00008.jsonl", ROWS_A_PAGE),
        ("files/00009.jsonl", 1),
    ]


def test_rows_and_documents_of_a_package_are_read_beside_each_other_for_its_pages() -> None:
    for part in ("/images/0", "/tags.json"):
        store = MeetingBlobStore()
        builder = Builder(PackageStore(store))
        builder.picture = b""
        for name in ("tags.json", "iterations/0a000000-0000-4000-8000-00000000000a/tags.json"):
            builder.document(name, [])
        builder.images([image_row(number) for number in range(600)])
        store.reads = naming(part)
        write_index(builder.packages, REQUEST_ID, manifest_head=HEAD, gaps=(), time=TIME)
        assert store.met


@pytest.mark.parametrize("kind", ["/units/", "/plan/"])
def test_outcomes_and_pages_of_a_plan_are_read_beside_each_other_and_come_in_order(kind: str) -> None:
    store = MeetingBlobStore()
    ledger = RequestLedger(store)
    saved = [ledger.save_page(REQUEST_ID, WorkUnit(kind="images", number=1, resource="", project_id=None))] * 2
    saved += [ledger.save_page(REQUEST_ID, replace(saved[0], number=7))]
    ids = [unit.unit_id for unit in saved]
    for unit_id in ids:
        ledger.keep_outcome(REQUEST_ID, UnitOutcome(unit_id=unit_id, counts={}))
    store.reads = naming(kind)
    found = ledger.units(REQUEST_ID, ids) if kind == "/plan/" else ledger.outcomes(REQUEST_ID, ids)
    assert [one.unit_id for one in found] == ids
    assert store.met


@pytest.mark.parametrize("parts", [("/record.json", "/plan/0"), ("/units/", "/plan/0")])
def test_a_unit_reads_its_record_beside_its_page_and_its_outcome(parts: tuple[str, str]) -> None:
    with region() as world:
        world.control.seed("Pets", 2)
        store = MeetingBlobStore()
        process = world.process_on(store)
        request_id = process.post({"scope": {"projects": "all"}})
        process.work_until(lambda: process.status(request_id)["request_status"] == "exporting")
        store.reads = naming(*parts)
        process.work_until(lambda: store.met)
        store.reads = no_name
        assert process.finish(request_id)["request_status"] == "completed"
