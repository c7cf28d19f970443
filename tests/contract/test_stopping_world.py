"""The store that dies at a chosen write, so that tests can walk through every crash."""

import pytest

from shared.domain.errors import AlreadyExists
from shared.ports import BlobStore
from tests.fakes import InMemoryBlobStore, StoppingBlobStore, WorldStopped


def work(store: BlobStore) -> None:
    etag = store.create("a", b"1")
    store.replace("a", b"2", etag=etag)
    store.append("log", b"line\n")
    store.write_stream("file", [b"x"], content_type="image/jpeg")
    store.put("b", b"1")
    store.delete_all(["a", "b"])


WRITES = 7


def left_after(writes: int) -> dict[str, bytes]:
    inner = InMemoryBlobStore()
    with pytest.raises(WorldStopped):
        work(StoppingBlobStore(inner, stop_after=writes))
    found = ((entry.name, inner.read(entry.name)) for entry in inner.entries())
    return {name: blob.content for name, blob in found if blob is not None}


def test_exactly_so_many_writes_happen() -> None:
    states = [left_after(writes) for writes in range(WRITES + 1)]
    assert [sorted(state) for state in states] == [
        [],
        ["a"],
        ["a"],
        ["a", "log"],
        ["a", "file", "log"],
        ["a", "b", "file", "log"],
        ["b", "file", "log"],
        ["file", "log"],
    ]
    assert (states[1]["a"], states[2]["a"]) == (b"1", b"2")


def test_a_world_with_time_left_does_not_stop() -> None:
    inner = InMemoryBlobStore()
    work(StoppingBlobStore(inner, stop_after=WRITES + 1))
    assert [entry.name for entry in inner.entries()] == ["file", "log"]


def test_a_stopped_world_answers_nothing_any_more() -> None:
    store = StoppingBlobStore(InMemoryBlobStore(), stop_after=1)
    with pytest.raises(WorldStopped):
        store.put("a", b"1")
    for call in (lambda: store.read("a"), lambda: store.put("a", b"2"), lambda: store.entries(), store.ensure):
        with pytest.raises(WorldStopped):
            call()


def test_a_refused_write_counts() -> None:
    inner = InMemoryBlobStore()
    inner.put("a", b"1")
    with pytest.raises(WorldStopped):
        StoppingBlobStore(inner, stop_after=1).create("a", b"2")
    with pytest.raises(AlreadyExists):
        StoppingBlobStore(inner, stop_after=2).create("a", b"2")
