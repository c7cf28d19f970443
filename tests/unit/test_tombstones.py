"""Tombstones: what erasures take away, as exports and the cleaning of packages read it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import tombstones
from shared.bootstrap import Installation
from shared.cleaning import remove_unneeded
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, RequestType
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import BlobEntry
from shared.services import Services
from tests.fakes import InMemoryBlobStore, SettableClock
from tests.unit.in_process import SETTINGS

PROJECT = "aaaaaaaa-0000-4000-8000-000000000001"
ERASURE = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER = "1f8fad5b-d9cb-469f-a165-70867728950e"
EXPORT = "2f8fad5b-d9cb-469f-a165-70867728950e"


def item(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def services(clock: SettableClock) -> Services:
    settings = SETTINGS | {"CUSTOM_VISION_ENDPOINT": "http://127.0.0.1:9", "CUSTOM_VISION_TRAINING_KEY": "key"}
    whole = Installation(settings).services()
    ledger, packages = RequestLedger(InMemoryBlobStore()), PackageStore(InMemoryBlobStore())
    return replace(whole, ledger=ledger, packages=packages, clock=clock)


@pytest.fixture
def blobs(services: Services) -> Any:
    return services.ledger.blobs


type Keep = Callable[..., RequestRecord]


@pytest.fixture
def keep(services: Services) -> Keep:
    """Put a request into the ledger, or change it."""

    def kept(
        request_id: str, *, type_: str = "erasure", received: datetime, ended: datetime | None, begun: bool = True
    ) -> RequestRecord:
        record = RequestRecord(
            subject_request_id=request_id,
            subject_request_type=RequestType(type_),
            regulation="gdpr",
            status=RequestStatus.COMPLETED if ended else RequestStatus.IN_PROGRESS,
            received_time=received,
            expected_completion_time=received,
            updated_time=received,
            completed_time=ended,
            ever_in_progress=begun,
            body_salt="",
            body_hash="",
            origin="http",
        ).evolve(received)
        if services.ledger.create(record) is None:
            services.ledger.write(services.ledger.read(request_id), record)
        services.ledger.mark_in_index(record, "final" if ended else "open")
        return record

    return kept


def names(blobs: Any) -> list[str]:
    return [entry.name for entry in blobs.entries("erased/")]


def test_ids_of_images_and_predictions_are_told_apart(blobs: Any) -> None:
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=[item(1)], prediction_ids=[item(2)])
    found = tombstones.of_erasures(blobs, PROJECT, {ERASURE})
    assert (found.covers_image(item(1)), found.covers_image(item(2))) == (True, False)
    assert (found.covers_prediction(item(1)), found.covers_prediction(item(2))) == (False, True)
    assert names(blobs) == [f"erased/{PROJECT}/{ERASURE}-00001.jsonl"]


def test_a_page_holds_at_most_five_thousand_ids(blobs: Any) -> None:
    ids = [item(number) for number in range(10_001)]
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=ids)
    assert names(blobs) == [f"erased/{PROJECT}/{ERASURE}-{number:05d}.jsonl" for number in (1, 2, 3)]
    assert len(blobs.read(names(blobs)[0]).content.splitlines()) == 5000
    assert tombstones.of_erasures(blobs, PROJECT, {ERASURE}).images == set(ids)


def test_a_whole_project_is_covered_by_one_page(blobs: Any) -> None:
    tombstones.write(blobs, ERASURE, PROJECT, whole=True)
    found = tombstones.of_erasures(blobs, PROJECT, {ERASURE})
    assert (found.whole, found.covers_image(item(1)), found.covers_prediction(item(1))) == (True, True, True)
    assert len(names(blobs)) == 1


def test_writing_again_changes_nothing_and_brings_nothing_back(blobs: Any) -> None:
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=[item(1), item(2)])
    tombstones.keep_only(blobs, ERASURE, PROJECT, tombstones.Tombstones(images={item(1)}))
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=[item(1), item(2)])
    assert tombstones.of_erasures(blobs, PROJECT, {ERASURE}).images == {item(1)}


@given(erased=st.sets(st.integers(0, 9)), planned=st.sets(st.integers(0, 9)), predicted=st.sets(st.integers(0, 9)))
def test_what_was_not_erased_is_withdrawn(erased: set[int], planned: set[int], predicted: set[int]) -> None:
    blobs = InMemoryBlobStore()
    ids = [sorted(map(item, numbers)) for numbers in (planned, predicted)]
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=ids[0], prediction_ids=ids[1])
    tombstones.write(blobs, OTHER, PROJECT, image_ids=ids[0])
    gone = tombstones.Tombstones(images=set(map(item, erased)), predictions=set(map(item, erased)))
    tombstones.keep_only(blobs, ERASURE, PROJECT, gone)
    left = tombstones.of_erasures(blobs, PROJECT, {ERASURE})
    assert (left.images, left.predictions) == (set(map(item, planned & erased)), set(map(item, predicted & erased)))
    assert tombstones.of_erasures(blobs, PROJECT, {OTHER}).images == set(ids[0])


def test_a_project_that_stayed_is_withdrawn(blobs: Any) -> None:
    tombstones.write(blobs, ERASURE, PROJECT, whole=True)
    tombstones.keep_only(blobs, ERASURE, PROJECT, tombstones.Tombstones())
    assert not tombstones.of_erasures(blobs, PROJECT, {ERASURE})
    assert tombstones.marks_of(blobs, [PROJECT]).projects


def test_an_export_must_not_hold_what_an_unfinished_erasure_takes_away(services: Services, keep: Keep) -> None:
    now = services.now()
    keep(ERASURE, received=now - timedelta(days=9), ended=None)
    tombstones.write(services.ledger.blobs, ERASURE, PROJECT, image_ids=[item(1), item(2)])
    assert tombstones.standing(services.ledger, PROJECT, now).images == {item(1), item(2)}
    assert tombstones.standing(services.ledger, PROJECT, now, among={item(2)}).images == {item(2)}


def test_an_erasure_that_ended_while_the_export_ran_counts(services: Services, keep: Keep) -> None:
    now = services.now()
    keep(ERASURE, received=now - timedelta(days=9), ended=now)
    tombstones.write(services.ledger.blobs, ERASURE, PROJECT, image_ids=[item(1)])
    assert tombstones.standing(services.ledger, PROJECT, now - timedelta(hours=1))
    assert tombstones.standing(services.ledger, PROJECT, now + timedelta(minutes=4))
    assert not tombstones.standing(services.ledger, PROJECT, now + timedelta(minutes=6))


def test_an_erasure_that_was_cancelled_before_it_began_takes_nothing_away(services: Services, keep: Keep) -> None:
    now = services.now()
    keep(ERASURE, received=now, ended=now, begun=False)
    tombstones.write(services.ledger.blobs, ERASURE, PROJECT, image_ids=[item(1)])
    assert not tombstones.standing(services.ledger, PROJECT, now - timedelta(hours=1))


def test_tombstones_stay_while_an_older_export_runs(services: Services, keep: Keep, clock: SettableClock) -> None:
    began = services.now()
    keep(EXPORT, type_="access", received=began, ended=None)
    tombstones.write(services.ledger.blobs, ERASURE, PROJECT, image_ids=[item(1)])
    keep(ERASURE, received=began, ended=None)
    assert remove_unneeded(services) == 0
    keep(ERASURE, received=began, ended=began + timedelta(hours=1))
    clock.advance(7200)
    assert remove_unneeded(services) == 0
    keep(EXPORT, type_="access", received=began, ended=services.now())
    clock.advance(599)
    assert remove_unneeded(services) == 0
    clock.advance(2)
    assert remove_unneeded(services) == 1
    assert names(services.ledger.blobs) == []


def test_a_younger_export_needs_no_tombstones(services: Services, keep: Keep) -> None:
    now = services.now()
    keep(ERASURE, received=now - timedelta(hours=3), ended=now - timedelta(hours=2))
    keep(EXPORT, type_="access", received=now - timedelta(hours=1), ended=None)
    tombstones.write(services.ledger.blobs, ERASURE, PROJECT, image_ids=[item(1)])
    assert remove_unneeded(services) == 1


def test_tombstones_of_a_request_that_was_never_recorded_go(services: Services) -> None:
    tombstones.write(services.ledger.blobs, ERASURE, PROJECT, whole=True)
    assert remove_unneeded(services) == 1


def test_the_state_changes_with_every_page(blobs: Any) -> None:
    states = [tombstones.marks_of(blobs, [PROJECT]).state]
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=[item(1)])
    states.append(tombstones.marks_of(blobs, [PROJECT]).state)
    tombstones.keep_only(blobs, ERASURE, PROJECT, tombstones.Tombstones())
    states.append(tombstones.marks_of(blobs, [PROJECT]).state)
    assert len(set(states)) == 3


def test_a_page_holds_ids_and_nothing_else(blobs: Any) -> None:
    tombstones.write(blobs, ERASURE, PROJECT, image_ids=[item(1)], prediction_ids=[item(2)])
    rows = [json.loads(line) for line in blobs.read(names(blobs)[0]).content.splitlines()]
    assert rows == [{"kind": "image", "id": item(1)}, {"kind": "prediction", "id": item(2)}]


def test_an_id_that_is_none_makes_no_path(blobs: Any) -> None:
    with pytest.raises(ValueError, match="GUID"):
        tombstones.write(blobs, ERASURE, "../other", whole=True)


class NotedListings(InMemoryBlobStore):
    """A store that notes the names which its listings showed."""

    def __init__(self) -> None:
        super().__init__()
        self.listed: list[str] = []

    def entries(self, prefix: str = "", *, with_metadata: bool = False, page_size: int = 5000) -> Iterator[BlobEntry]:
        for entry in super().entries(prefix, with_metadata=with_metadata, page_size=page_size):
            self.listed.append(entry.name)
            yield entry


def test_an_erasure_withdraws_its_tombstones_without_a_look_at_those_of_others() -> None:
    blobs = NotedListings()
    for request_id in (ERASURE, OTHER):
        tombstones.write(blobs, request_id, PROJECT, image_ids=[item(1), item(2)])
    tombstones.keep_only(blobs, ERASURE, PROJECT, tombstones.Tombstones(images={item(1)}))
    assert [name.rpartition("/")[2][:36] for name in blobs.listed] == [ERASURE]
    assert tombstones.of_erasures(blobs, PROJECT, [ERASURE]).images == {item(1)}
    assert tombstones.of_erasures(blobs, PROJECT, [OTHER]).images == {item(1), item(2)}
