"""Which images are one person's: decided on rows that were read."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.resources import Image, Iteration
from shared.domain.selection import MatchTracker, Verdicts, in_batches, matches, newest_first
from shared.domain.subject_request import ImageSelector

IDS = [f"00000000-0000-4000-8000-00000000000{digit}" for digit in range(5)]
TAG = "aaaaaaaa-0000-4000-8000-000000000001"


def image(image_id: str = IDS[0], *, tags: Sequence[str] = (), **metadata: str) -> Image:
    rows = [{"tagId": TAG if name == "anna" else f"id-of-{name}", "tagName": name} for name in tags]
    row: dict[str, Any] = (
        {"id": image_id} | ({"tags": rows} if rows else {}) | ({"metadata": metadata} if metadata else {})
    )
    return Image.from_row(row)


def selector(*, ids: Sequence[str] = (), tags: Sequence[str] = (), **metadata: str) -> ImageSelector:
    return ImageSelector(ids=frozenset(ids), tags=frozenset(tags), metadata=metadata)


@pytest.mark.parametrize(
    ("wanted", "row", "expected"),
    [
        (selector(ids=[IDS[0]]), image(IDS[0]), True),
        (selector(ids=[IDS[0]]), image(IDS[0].upper()), True),
        (selector(ids=[IDS[1]]), image(IDS[0]), False),
        (selector(tags=["anna"]), image(tags=["ben", "anna"]), True),
        (selector(tags=["anna"]), image(tags=["Anna"]), False),
        (selector(tags=["anna"]), image(tags=["anna "]), False),
        (selector(tags=["anna"]), image(tags=["annabel"]), False),
        (selector(tags=["anna"]), image(), False),
        (selector(tags=[TAG]), image(tags=["anna"]), True),
        (selector(tags=[TAG.upper()]), image(tags=["anna"]), True),
        (selector(subject="s1"), image(subject="s1", other="x"), True),
        (selector(subject="s1"), image(subject="S1"), False),
        (selector(subject="s1"), image(), False),
        (selector(subject="s1", room="2"), image(subject="s1"), False),
        (selector(subject="s1", room="2"), image(subject="s1", room="2"), True),
        (selector(subject=""), image(), False),
        (selector(ids=[IDS[1]], tags=["anna"]), image(tags=["anna"]), True),
        (selector(ids=[IDS[1]], subject="s1"), image(subject="s1"), True),
        (selector(tags=["anna"], subject="s1"), image(subject="s1"), True),
        (selector(), image(tags=["anna"], subject="s1"), False),
    ],
)
def test_ids_tags_and_metadata_are_united(wanted: ImageSelector, row: Image, expected: bool) -> None:
    assert matches(wanted, row) is expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(selector(ids=IDS), False), (selector(tags=["a"]), True), (selector(a="b"), True), (selector(), False)],
)
def test_ids_alone_need_no_listing(wanted: ImageSelector, expected: bool) -> None:
    assert wanted.needs_listing is expected


MATCHING, OTHER = ["anna"], ["ben"]


@pytest.mark.parametrize(
    ("workspace", "newer", "older", "verdict"),
    [
        (MATCHING, None, None, "selected"),
        (MATCHING, OTHER, OTHER, "selected"),
        (OTHER, None, None, "rejected"),
        (OTHER, OTHER, OTHER, "rejected"),
        (OTHER, MATCHING, None, "conflicting"),
        (OTHER, OTHER, MATCHING, "conflicting"),
        (OTHER, MATCHING, MATCHING, "conflicting"),
        (None, MATCHING, OTHER, "selected"),
        (None, MATCHING, MATCHING, "selected"),
        (None, OTHER, MATCHING, "conflicting"),
        (None, OTHER, OTHER, "rejected"),
        (None, None, MATCHING, "selected"),
        (None, None, OTHER, "rejected"),
    ],
)
def test_the_newest_row_judges(
    workspace: list[str] | None, newer: list[str] | None, older: list[str] | None, verdict: str
) -> None:
    verdicts = Verdicts(selector(tags=["anna"]))
    for iteration, tags in ((None, workspace), ("newer", newer), ("older", older)):
        verdicts.observe([] if tags is None else [image(tags=tags)], iteration)
    assert getattr(verdicts, verdict) == {IDS[0]}
    assert sum(len(found) for found in (verdicts.selected, verdicts.conflicting, verdicts.rejected)) == 1


SOURCES = st.lists(st.dictionaries(st.sampled_from(IDS), st.booleans()), min_size=1, max_size=5)


def slow_verdict(sources: Sequence[dict[str, bool]], image_id: str) -> str:
    """The rule in words: judged by the workspace row, otherwise by the newest iteration's; older matches conflict."""
    rows = [source[image_id] for source in sources if image_id in source]
    if rows[0]:
        return "selected"
    return "conflicting" if any(rows[1:]) else "rejected"


def observed(sources: Sequence[dict[str, bool]], times: int = 1) -> Verdicts:
    verdicts = Verdicts(selector(tags=["anna"]))
    for number, source in enumerate(sources):
        rows = [image(image_id, tags=MATCHING if matching else OTHER) for image_id, matching in source.items()]
        for _ in range(times):
            verdicts.observe(rows, str(number) if number else None)
    return verdicts


@given(SOURCES)
def test_every_image_has_exactly_one_verdict_and_it_is_the_right_one(sources: list[dict[str, bool]]) -> None:
    verdicts = observed(sources)
    found = dict.fromkeys(verdicts.selected, "selected")
    found |= dict.fromkeys(verdicts.conflicting, "conflicting")
    found |= dict.fromkeys(verdicts.rejected, "rejected")
    assert len(found) == len(verdicts.selected) + len(verdicts.conflicting) + len(verdicts.rejected)
    assert found == {item: slow_verdict(sources, item) for item in {item for source in sources for item in source}}
    assert set(verdicts.seen) == found.keys()


@given(SOURCES)
def test_rows_that_a_moving_list_repeats_change_nothing(sources: list[dict[str, bool]]) -> None:
    assert observed(sources, times=3) == observed(sources)


@given(SOURCES)
def test_the_holders_of_an_image_are_all_sources_that_list_it(sources: list[dict[str, bool]]) -> None:
    verdicts = observed(sources)
    expected = {
        str(number) if number else "": frozenset(source).intersection(verdicts.selected)
        for number, source in enumerate(sources)
    }
    assert verdicts.held_by == {source: ids for source, ids in expected.items() if ids}


def iteration(iteration_id: str, created: str) -> Iteration:
    return Iteration.from_row({"id": iteration_id, "created": created})


def test_iterations_are_ordered_by_creation_and_ties_by_id_whatever_the_list_order() -> None:
    oldest = iteration("c", "2026-11-23T09:00:00.000Z")
    tied = [iteration("b", "2026-11-24T09:00:00.000Z"), iteration("a", "2026-11-24T09:00:00.000Z")]
    for listed in ([oldest, *tied], [*reversed(tied), oldest]):
        assert [one.id for one in newest_first(listed)] == ["b", "a", "c"]


def test_selectors_that_no_row_answers_are_counted() -> None:
    tracker = MatchTracker(selector(ids=IDS[:2], tags=["anna", "zoe", TAG.upper()], subject="s1"))
    assert tracker.unmatched == 6
    tracker.observe([image(IDS[0], tags=["anna"])])
    assert tracker.unmatched == 3
    tracker.observe([image(IDS[4], subject="s1")])
    assert tracker.unmatched == 2
    tracker.observe([image(IDS[1], tags=["zoe"])])
    assert tracker.unmatched == 0


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9))
def test_batches_hold_every_item_once_in_order(items: list[int], size: int) -> None:
    batches = in_batches(items, size)
    assert [item for batch in batches for item in batch] == items
    assert all(0 < len(batch) <= size for batch in batches)
