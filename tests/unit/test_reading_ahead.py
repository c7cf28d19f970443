"""What waits for storage waits together: each of these would stand still if its calls went one after the other."""

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from export_function.derived import write_index
from export_function.overtaking import Turn
from local.custom_vision.emulator import Outcome
from local.custom_vision.wire import Request
from shared import lifecycle
from shared.domain.errors import StorageUnavailable
from shared.domain.work import UnitOutcome, WorkUnit
from shared.file_pages import ROWS_A_PAGE, write_pages
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import BlobEntry, StoredBlob
from shared.reading_ahead import begun, side_by_side, together, with_first_read
from tests.fakes import InMemoryBlobStore
from tests.unit.derived.built import HEAD, REQUEST_ID, TIME, Builder, image_row
from tests.unit.in_process import Process, Region, region

PATIENCE = 20.0
"""Seconds until two that should meet are taken for two that follow each other; nobody waits so long who meets."""


type Names = Callable[[str], bool]


def no_name(_: str) -> bool:
    """Name nothing."""
    return False


class MeetingBlobStore(InMemoryBlobStore):
    """The first read, write or listing of what is named so waits for a second one."""

    def __init__(self, *, reads: Names = no_name, writes: Names = no_name, lists: Names = no_name) -> None:
        super().__init__()
        self.reads, self.writes, self.lists = reads, writes, lists
        self._barrier, self._places = threading.Barrier(2), itertools.count(1)
        self.met = False

    def _meet(self, *, is_one: bool) -> None:
        if is_one and next(self._places) <= 2:
            self._barrier.wait(PATIENCE)
            self.met = True

    def read(self, name: str) -> StoredBlob | None:
        self._meet(is_one=self.reads(name))
        return super().read(name)

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        self._meet(is_one=self.lists(prefix))
        return super().entries(prefix, with_metadata=with_metadata, page_size=page_size)

    def replace(
        self,
        name: str,
        content: bytes,
        *,
        etag: str,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        self._meet(is_one=self.writes(name))
        return super().replace(name, content, etag=etag, content_type=content_type, metadata=metadata)

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


def test_what_has_begun_early_goes_on_by_itself_and_raises_its_error_to_whoever_asks() -> None:
    has_begun = threading.Event()

    def refused() -> None:
        has_begun.set()
        raise StorageUnavailable("read")

    with begun(refused) as result:
        assert has_begun.wait(PATIENCE)
        with pytest.raises(StorageUnavailable):
            result()
    with begun(refused):
        """An error that nobody asks for is nobody's."""


def test_of_items_whose_first_is_read_now_none_is_lost_and_no_second_one_read() -> None:
    taken: list[int] = []

    def read(number: int) -> int:
        taken.append(number)
        return number

    items = with_first_read(map(read, range(3)))
    assert taken == [0]
    assert list(items) == [0, 1, 2]
    assert list(with_first_read(iter(()))) == []


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
    store = MeetingBlobStore()
    with exporting(store) as (_, process, request_id):
        store.reads = naming(*parts)
        process.work_until(lambda: store.met)
        store.reads = no_name
        assert process.finish(request_id)["request_status"] == "completed"


@contextmanager
def exporting(store: InMemoryBlobStore) -> Iterator[tuple[Region, Process, str]]:
    """Give an export of two units that has been planned on this ledger, and is to begin with the first of them."""
    with region() as world:
        world.control.seed("Pets", 2)
        process = world.process_on(store)
        request_id = process.post({"scope": {"projects": "all"}, "options": {"formats": []}})
        process.work_until(lambda: process.status(request_id)["request_status"] == "exporting")
        yield world, process, request_id


def test_after_its_files_a_unit_looks_at_once_for_erasures_and_for_the_end_of_its_phase() -> None:
    store = MeetingBlobStore()
    with exporting(store) as (_, process, request_id):

        def is_looked_at(name: str) -> bool:
            files = [entry.name for entry in process.services.packages.blobs.entries(request_id)]
            return len(files) == 3 and ("erased/" in name or name.endswith("/record.json"))

        store.reads = store.lists = is_looked_at
        process.work_until(lambda: store.met)
        store.reads = store.lists = no_name
        assert process.finish(request_id)["request_status"] == "completed"


def test_the_rows_of_a_unit_of_images_are_asked_for_beside_what_was_asked_of_the_request() -> None:
    asked, met = threading.Event(), list[bool]()

    class Waiting(InMemoryBlobStore):
        def read(self, name: str) -> StoredBlob | None:
            if name.endswith("/selector.json") and waits:
                met.append(asked.wait(PATIENCE))
            return super().read(name)

    store, waits = Waiting(), False
    with exporting(store) as (world, process, request_id):
        emulator, as_before = world.emulator.emulator, world.emulator.emulator.handle
        process.work_until(lambda: process.status(request_id)["progress"]["units_done"] == 1)

        def handle(request: Request) -> Outcome:
            if request.path.endswith("/images/id"):
                asked.set()
            return as_before(request)

        emulator.handle, waits = handle, True  # type: ignore[method-assign]
        assert process.finish(request_id)["request_status"] == "completed"
    assert met[0] is True


def test_files_of_a_project_that_do_not_need_each_other_are_written_at_once() -> None:
    with exporting(InMemoryBlobStore()) as (_, process, _):
        packages = MeetingBlobStore(writes=naming("/tags.json", "/iterations.json", "/project.json"))
        process.services.packages.blobs = packages
        process.work_until(lambda: packages.met)


def test_the_tally_of_a_phase_is_not_read_before_all_units_may_stand_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "MOST_APPENDS_AT_ONCE", 0)
    lines: list[int] = []

    class Noting(InMemoryBlobStore):
        def read(self, name: str) -> StoredBlob | None:
            found = super().read(name)
            if name.endswith(".tally"):
                lines.append(found.content.count(b"\n") if found else 0)
            return found

    store = Noting()
    with exporting(store) as (_, process, request_id):
        lines.clear()
        process.work_until(lambda: store.read(f"{request_id}/units/closing.turn") is not None)
    assert lines == [2, 2]


def test_a_phase_ends_where_the_number_of_lines_lags_behind_those_that_append_at_once() -> None:
    class Lagging(InMemoryBlobStore):
        def append(self, name: str, line: bytes) -> int:
            return max(1, super().append(name, line) - 1)

    with exporting(Lagging()) as (world, process, request_id):
        began = world.clock.now()
        assert process.finish(request_id)["request_status"] == "completed"
        assert world.clock.now() - began < timedelta(minutes=1), "no watchdog was needed"


@pytest.mark.parametrize(
    "pair",
    [("/selector.json", "/closing.turn"), ("erased/", "/units/project-00001.json"), ("erased/", "/images/files/")],
)
def test_an_end_begins_with_what_does_not_need_each_other(pair: tuple[str, str]) -> None:
    store = MeetingBlobStore()
    with exporting(store) as (_, process, request_id):

        def is_of_the_end(name: str) -> bool:
            record = InMemoryBlobStore.read(store, f"{request_id}/record.json")
            return any(part in name for part in pair) and record is not None and b'"closing"' in record.content

        store.reads = store.writes = store.lists = is_of_the_end
        packages, listed = process.services.packages.blobs, process.services.packages.blobs.entries

        def entries(prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
            store._meet(is_one=is_of_the_end(prefix))
            return listed(prefix, with_metadata=with_metadata, page_size=page_size)

        packages.entries = entries  # type: ignore[method-assign]
        process.work_until(lambda: store.met)


def test_whether_a_turn_lasts_is_asked_of_lease_and_record_at_once() -> None:
    store = MeetingBlobStore()
    with exporting(store) as (_, process, request_id):
        services = process.services
        with Turn.of(services, services.ledger.read(request_id)) as turn:
            store.writes, store.reads = naming("/closing.turn"), naming("/record.json")
            turn.check()
    assert store.met


@pytest.mark.parametrize("number", [0, 1, 3, 100])
def test_many_small_things_are_done_side_by_side_and_given_in_order(number: int) -> None:
    busy = threading.Barrier(min(3, number) or 1)

    def work(item: int) -> int:
        if item < 3:
            busy.wait(timeout=30)  # the first ones meet: nobody waits for another to have ended
        return item * 2

    assert side_by_side(range(number), work, 3) == [item * 2 for item in range(number)]


def test_after_an_error_nothing_further_is_begun_and_the_error_is_raised() -> None:
    begun_ones: list[int] = []

    def work(item: int) -> int:
        begun_ones.append(item)
        raise IndexError(item)

    with pytest.raises(IndexError):
        side_by_side(range(100), work, 2)
    assert len(begun_ones) <= 2
