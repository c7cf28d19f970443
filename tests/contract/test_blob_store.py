"""What every blob store promises (shared.ports.BlobStore), in memory and on Azurite."""

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from shared.domain.errors import AlreadyExists, SourceRefusal, StorageUnavailable, Superseded
from shared.ports import BlobStore
from tests.contract.conftest import BlobWorld

MIB = 1024 * 1024
WRITERS = 16


def all_at_once[T](call: Callable[[int], T]) -> list[T]:
    """Call from 16 threads that start together."""
    barrier = Barrier(WRITERS)

    def together(number: int) -> T:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(WRITERS) as threads:
        return list(threads.map(together, range(WRITERS)))


def names(store: BlobStore, prefix: str = "") -> list[str]:
    return [entry.name for entry in store.entries(prefix)]


def test_what_was_created_is_read_back_with_its_etag_and_metadata(store: BlobStore) -> None:
    etag = store.create("a/record.json", b"{}", metadata={"status": "pending"})
    there = store.read("a/record.json")
    assert there is not None
    assert (there.content, there.etag, dict(there.metadata)) == (b"{}", etag, {"status": "pending"})


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    store.create("empty", b"")
    there = store.read("empty")
    assert there is not None
    assert there.content == b""
    assert list(store.read_stream("empty")) in ([], [b""])


def test_creating_over_something_is_refused_and_leaves_it(store: BlobStore) -> None:
    store.create("once", b"first")
    with pytest.raises(AlreadyExists):
        store.create("once", b"second")
    there = store.read("once")
    assert there is not None
    assert there.content == b"first"


def test_of_sixteen_that_create_at_once_exactly_one_wins(store: BlobStore) -> None:
    def create(number: int) -> int | None:
        try:
            store.create("race", str(number).encode())
        except AlreadyExists:
            return None
        return number

    winners = [number for number in all_at_once(create) if number is not None]
    there = store.read("race")
    assert there is not None
    assert [str(number).encode() for number in winners] == [there.content]


def test_of_sixteen_that_replace_one_state_exactly_one_wins(store: BlobStore) -> None:
    seen = store.create("record", b"start")

    def replace(number: int) -> str | None:
        try:
            return store.replace("record", str(number).encode(), etag=seen)
        except Superseded:
            return None

    winners = [etag for etag in all_at_once(replace) if etag is not None]
    there = store.read("record")
    assert there is not None
    assert winners == [there.etag]


def test_a_replacement_gives_a_new_etag_and_new_metadata(store: BlobStore) -> None:
    first = store.create("record", b"1", metadata={"status": "pending"})
    second = store.replace("record", b"2", etag=first, metadata={"status": "completed"})
    there = store.read("record")
    assert there is not None
    assert second == there.etag != first
    assert dict(there.metadata) == {"status": "completed"}


def test_a_stale_etag_is_superseded_and_changes_nothing(store: BlobStore) -> None:
    stale = store.create("record", b"1")
    store.replace("record", b"2", etag=stale)
    with pytest.raises(Superseded):
        store.replace("record", b"3", etag=stale)
    there = store.read("record")
    assert there is not None
    assert there.content == b"2"


def test_replacing_what_is_absent_is_superseded(store: BlobStore) -> None:
    with pytest.raises(Superseded):
        store.replace("nothing", b"1", etag='"0x1"')
    etag = store.create("gone", b"1")
    store.delete("gone")
    with pytest.raises(Superseded):
        store.replace("gone", b"2", etag=etag)
    assert names(store) == []


def test_a_put_overwrites_and_the_old_etag_is_stale(store: BlobStore) -> None:
    first = store.put("page", b"1")
    assert store.put("page", b"2") != first
    with pytest.raises(Superseded):
        store.replace("page", b"3", etag=first)


def test_what_is_absent_reads_as_none(store: BlobStore) -> None:
    assert store.read("nothing") is None
    store.put("something", b"")
    assert store.read("nothing") is None


def test_a_stream_of_what_is_absent_is_a_key_error_at_the_call(store: BlobStore) -> None:
    with pytest.raises(KeyError):
        store.read_stream("nothing")


def test_a_container_that_nobody_made_is_empty(store: BlobStore) -> None:
    assert names(store) == []
    assert store.entries_page("", continuation=None, page_size=10) == ([], None)
    assert store.delete("nothing") is False
    assert store.delete_all(["nothing", "nothing-else"]) == 0


def test_making_the_container_twice_is_no_error(store: BlobStore) -> None:
    store.ensure()
    store.ensure()
    assert names(store) == []


def test_a_listing_is_in_order_of_name_over_all_pages(store: BlobStore) -> None:
    written = [f"a/{number:02}" for number in range(12)]
    for name in reversed(written):
        store.put(name, b"x")
    store.put("b/00", b"x")
    assert [entry.name for entry in store.entries("a/", page_size=5)] == written
    assert names(store) == [*written, "b/00"]


def test_a_listing_tells_size_etag_digest_and_time(store: BlobStore) -> None:
    etag = store.put("file", b"content", metadata={"status": "done"})
    (entry,) = store.entries()
    assert (entry.size, entry.etag) == (7, etag)
    assert entry.md5 == hashlib.md5(b"content", usedforsecurity=False).digest()
    assert entry.last_modified.utcoffset() == timedelta(0)


def test_an_etag_from_a_listing_replaces(store: BlobStore) -> None:
    store.put("file", b"1")
    (entry,) = store.entries()
    store.replace("file", b"2", etag=entry.etag)
    there = store.read("file")
    assert there is not None
    assert there.content == b"2"


def test_metadata_is_listed_when_asked_for(store: BlobStore) -> None:
    store.put("file", b"", metadata={"status": "done"})
    assert [dict(entry.metadata) for entry in store.entries()] == [{}]
    assert [dict(entry.metadata) for entry in store.entries(with_metadata=True)] == [{"status": "done"}]


def test_pages_go_on_where_the_last_one_ended(store: BlobStore) -> None:
    written = [f"p/{number}" for number in range(5)]
    for name in written:
        store.put(name, b"")
    pages, continuation = [], None
    while True:
        page, continuation = store.entries_page("p/", continuation=continuation, page_size=2)
        pages.append([entry.name for entry in page])
        if continuation is None:
            break
    assert pages == [written[0:2], written[2:4], written[4:5]]


def test_names_with_blanks_umlauts_and_signs_are_kept(store: BlobStore) -> None:
    odd = "o/ä b%20c#d&e+f.json"
    store.put(odd, b"x")
    assert names(store) == [odd]
    assert store.delete(odd) is True


def test_appends_come_in_order_and_a_repetition_twice(store: BlobStore) -> None:
    lines = (b"1\n", b"2\n", b"2\n", b"3\n")
    assert [store.append("log.jsonl", line) for line in lines] == [1, 2, 3, 4]
    there = store.read("log.jsonl")
    assert there is not None
    assert there.content == b"1\n2\n2\n3\n"


def test_sixteen_that_append_at_once_lose_no_line(store: BlobStore) -> None:
    numbers = all_at_once(lambda number: store.append("log.jsonl", f"{number}\n".encode()))
    assert all(1 <= number <= WRITERS for number in numbers), "Azurite may give one number twice"
    assert store.append("log.jsonl", b"16\n") == WRITERS + 1
    there = store.read("log.jsonl")
    assert there is not None
    assert sorted(there.content.split(), key=int) == [str(number).encode() for number in range(WRITERS + 1)]


def test_appending_to_what_was_put_is_refused(store: BlobStore) -> None:
    store.put("file", b"whole")
    with pytest.raises(StorageUnavailable, match="409"):
        store.append("file", b"more")


def test_an_append_over_four_mebibytes_is_refused(store: BlobStore) -> None:
    with pytest.raises(ValueError, match="append"):
        store.append("log.jsonl", b"x" * (4 * MIB + 1))


def test_deleting_tells_whether_it_was_there(store: BlobStore) -> None:
    store.put("file", b"")
    assert (store.delete("file"), store.delete("file")) == (True, False)


def test_deleting_600_with_absent_ones_counts_what_was_there(store: BlobStore) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: store.put(f"many/{number:03}", b""), range(0, 600, 2)))
    store.put("other", b"")
    assert store.delete_all(f"many/{number:03}" for number in range(600)) == 300
    assert names(store) == ["other"]


@pytest.mark.parametrize("size", [0, 1, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 9 * MIB])
def test_a_stream_of_any_length_arrives_whole_with_its_digests(store: BlobStore, size: int) -> None:
    content = bytes(range(256)) * (size // 256) + b"z" * (size % 256)
    pieces = (content[at : at + 700_001] for at in range(0, size, 700_001))
    written = store.write_stream("file.zip", pieces, content_type="application/zip")
    md5 = hashlib.md5(content, usedforsecurity=False)
    assert (written.size, written.md5, written.sha256) == (size, md5.hexdigest(), hashlib.sha256(content).hexdigest())
    assert b"".join(store.read_stream("file.zip")) == content
    assert [(entry.size, entry.md5) for entry in store.entries()] == [(size, md5.digest())]


@pytest.mark.parametrize("size", [0, 1, 9 * MIB])
def test_a_stream_that_fails_leaves_nothing_and_its_error_passes(store: BlobStore, size: int) -> None:
    def failing() -> Iterator[bytes]:
        yield b"x" * size
        raise SourceRefusal("truncated")

    with pytest.raises(SourceRefusal, match="truncated"):
        store.write_stream("file", failing(), content_type="image/jpeg")
    assert names(store) == []


def test_a_stream_that_fails_leaves_the_file_before_it(store: BlobStore) -> None:
    def failing() -> Iterator[bytes]:
        yield b"x" * 5 * MIB
        raise SourceRefusal("truncated")

    store.put("file", b"before")
    with pytest.raises(SourceRefusal):
        store.write_stream("file", failing(), content_type="image/jpeg")
    there = store.read("file")
    assert there is not None
    assert there.content == b"before"


def test_sixteen_streams_to_one_name_leave_one_of_them_whole(store: BlobStore) -> None:
    def write(number: int) -> str | None:
        pieces = (bytes([number]) * MIB for _ in range(5))
        try:
            return store.write_stream("file", pieces, content_type="image/jpeg").sha256
        except StorageUnavailable:
            return None  # another's commit threw its blocks away: nothing of it is visible, the unit comes again

    written = {sha256 for sha256 in all_at_once(write) if sha256}
    assert hashlib.sha256(b"".join(store.read_stream("file"))).hexdigest() in written


def copy(world: BlobWorld, link: str, *, etag: str | None = None, md5: bytes | None = None) -> None:
    world.store.copy_from_link("copy.jpg", link, source_etag=etag, source_md5=md5, content_type="image/jpeg")


def test_a_copy_brings_the_bytes_and_no_metadata_of_the_source(copying: BlobWorld) -> None:
    picture = copying.pictures.publish(b"picture")
    copy(copying, picture.link, etag=picture.etag, md5=picture.md5)
    there = copying.store.read("copy.jpg")
    assert there is not None
    assert there.content == b"picture"
    assert "subject" not in there.metadata
    assert [(entry.size, entry.md5) for entry in copying.store.entries()] == [(7, picture.md5)]


def test_odd_names_of_source_and_copy_are_kept(copying: BlobWorld) -> None:
    odd = "o/ä b%20c#d&e+f'(g)~.jpg"
    picture = copying.pictures.publish(b"picture", name=odd)
    copying.store.copy_from_link(
        odd, picture.link, source_etag=picture.etag, source_md5=picture.md5, content_type="image/jpeg"
    )
    assert names(copying.store) == [odd]


def test_a_copy_overwrites(copying: BlobWorld) -> None:
    copying.store.put("copy.jpg", b"before")
    copy(copying, copying.pictures.publish(b"picture").link)
    there = copying.store.read("copy.jpg")
    assert there is not None
    assert there.content == b"picture"


def test_a_copy_by_an_expired_link_is_refused_as_such(copying: BlobWorld) -> None:
    picture = copying.pictures.publish(b"picture")
    with pytest.raises(SourceRefusal) as refusal:
        copy(copying, copying.pictures.expired_link(picture))
    assert (refusal.value.reason, refusal.value.status) == ("link_expired", 403)
    assert names(copying.store) == []


def test_a_copy_of_what_is_absent_is_refused_as_such(copying: BlobWorld) -> None:
    with pytest.raises(SourceRefusal) as refusal:
        copy(copying, copying.pictures.absent_link())
    assert (refusal.value.reason, refusal.value.status) == ("source_absent", 404)
    assert names(copying.store) == []


def test_a_copy_of_what_was_replaced_is_refused_and_leaves_the_target(copying: BlobWorld) -> None:
    copying.store.put("copy.jpg", b"before")
    seen = copying.pictures.publish(b"first")
    copying.pictures.publish(b"second")
    with pytest.raises(SourceRefusal) as refusal:
        copy(copying, seen.link, etag=seen.etag)
    assert refusal.value.reason == "source_changed"
    there = copying.store.read("copy.jpg")
    assert there is not None
    assert there.content == b"before"


def test_a_read_link_names_the_blob(store: BlobStore) -> None:
    store.put("a/package.zip", b"zip")
    assert "a/package.zip" in store.read_link("a/package.zip", expires=datetime.now(UTC) + timedelta(minutes=15))
