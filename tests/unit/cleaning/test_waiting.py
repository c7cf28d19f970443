"""Several erasures and one package: one cleans for all that wait, and never two at a time."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from shared.cleaning.journal import LEASE, Lease, read, register
from shared.domain.errors import Superseded
from tests.fakes import InMemoryBlobStore, SettableClock, StoppingBlobStore, WorldStopped
from tests.unit.cleaning.conftest import EXPORT, World, id_of

NEVER = 10**9


def stopped(world: World, erasure: str, *, requests: int = NEVER, exports: int = NEVER) -> None:
    services = world.on(
        StoppingBlobStore(world.region.requests, stop_after=requests),
        StoppingBlobStore(world.region.exports, stop_after=exports),
    )
    with pytest.raises(WorldStopped):
        world.own_exports(erasure, services=services).step({})


def bens(world: World) -> list[str]:
    return sorted(set(world.seeded["images"]) - set(world.annas()))[:1]


def test_one_pass_serves_all_that_wait(world: World, tmp_path: Path) -> None:
    anna = world.erasure("anna", image_ids=world.annas())
    ben = world.erasure("ben", image_ids=bens(world))
    stopped(world, anna, requests=2)
    assert read(world.region.requests, EXPORT).waiting.keys() == {anna}
    assert world.clean(ben).counts["deleted"] == 1
    assert world.clean(anna).counts["deleted"] == 3
    assert read(world.region.requests, EXPORT).passes == 1
    assert world.manifest()["erased_on_request"] == 4
    assert world.findings(tmp_path) == []


def test_an_item_that_two_erasures_want_is_counted_once_in_the_manifest(world: World) -> None:
    erasures = [world.erasure(name, image_ids=world.annas()) for name in ("anna", "anna again")]
    stopped(world, erasures[0], requests=2)
    assert [world.clean(erasure).counts["deleted"] for erasure in reversed(erasures)] == [3, 3]
    assert world.manifest()["erased_on_request"] == 3


def test_who_comes_while_a_package_is_cleaned_waits(world: World) -> None:
    anna = world.erasure("anna", image_ids=world.annas())
    ben = world.erasure("ben", image_ids=bens(world))
    stopped(world, anna, exports=3)
    before = world.package()
    progress = world.own_exports(ben).step({})
    assert (progress.is_finished, progress.wait) == (False, 5.0)
    assert world.package() == before


def test_who_comes_in_the_middle_finishes_that_pass_and_gets_the_next(world: World, tmp_path: Path) -> None:
    anna = world.erasure("anna", image_ids=world.annas())
    ben = world.erasure("ben", image_ids=bens(world))
    stopped(world, anna, exports=3)
    assert world.clean(ben).counts["deleted"] == 1
    assert world.clean(anna).counts["deleted"] == 3
    assert read(world.region.requests, EXPORT).passes == 2
    assert world.findings(tmp_path) == []


def test_what_is_found_counts_for_everybody_even_if_another_pass_takes_it_out(world: World) -> None:
    anna = world.erasure("anna", image_ids=world.annas())
    stopped(world, anna, exports=3)
    whole = world.erasure("all", whole=True)
    assert world.clean(whole).is_finished
    assert world.clean(anna).counts["deleted"] == 3
    assert world.project not in " ".join(world.package())


class SlowBlobs(InMemoryBlobStore):
    """Every write takes most of a lease."""

    clock: SettableClock

    def put(
        self,
        name: str,
        content: bytes,
        *,
        content_type: str = "application/json",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write, slowly."""
        self.clock.advance(50)
        return super().put(name, content, content_type=content_type, metadata=metadata)


def test_a_big_package_is_cleaned_slice_by_slice_under_a_lease_that_is_renewed(world: World, tmp_path: Path) -> None:
    slow = SlowBlobs(clock=world.region.clock)
    slow.clock = world.region.clock
    for entry in world.region.exports.entries():
        blob = world.region.exports.read(entry.name)
        assert blob is not None
        content_type = world.region.exports.content_type(entry.name)
        InMemoryBlobStore.put(slow, entry.name, blob.content, content_type=content_type)
    world.region.exports = slow
    services = world.on(world.region.requests, slow)
    erasure, steps, progress = world.erasure("anna", image_ids=world.annas()), 0, None
    while progress is None or not progress.is_finished:
        progress, steps = world.own_exports(erasure, services=services).step({}), steps + 1
        assert steps < 30
    assert steps > 2
    assert progress.counts["deleted"] == 3
    assert world.findings(tmp_path) == []


def test_a_lease_that_was_lost_cannot_be_used_any_more() -> None:
    blobs, clock = InMemoryBlobStore(), SettableClock()
    register(blobs, EXPORT, id_of("anna"), {"images": 1, "predictions": 0, "projects": []})
    first = Lease.claim(blobs, clock, EXPORT)
    assert first is not None
    assert Lease.claim(blobs, clock, EXPORT) is None
    clock.advance(LEASE.total_seconds() - 1)
    assert Lease.claim(blobs, clock, EXPORT) is None
    clock.advance(2)
    assert Lease.claim(blobs, clock, EXPORT) is not None
    for use in (first.keep, first.release, first.finish, lambda: first.note(parts=[])):
        with pytest.raises(Superseded):
            use()


def test_there_is_nothing_to_claim_where_nobody_waits() -> None:
    blobs = InMemoryBlobStore()
    assert Lease.claim(blobs, SettableClock(), EXPORT) is None
    assert not list(blobs.entries())
