"""Which queries find the stored predictions of a project, and which of them may be left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from shared.domain.errors import UnexpectedResponse
from shared.domain.resources import StoredPrediction
from shared.ports import CustomVision, PredictionPage
from shared.predictions import find_predictions, plan_prediction_pages

ITERATION = "of-an-iteration"
PAGE = 2


@dataclass
class Queries:
    """A service with two stored predictions a page; `shown` by the query without an iteration, `own` by the other."""

    shown: Sequence[int]
    own: Sequence[int]
    asked: list[str] = field(default_factory=list)

    def query_predictions(
        self, _: str, *, iteration_id: str | None = None, token: Mapping[str, Any] | None = None
    ) -> PredictionPage:
        query = dict(token or {"iterationId": iteration_id})
        rows = list(self.own if query.get("iterationId") else self.shown)
        if query.get("orderBy") == "Newest":
            rows.reverse()
        start = query.get("continuation", 0)
        self.asked.append("own" if query.get("iterationId") else "shown")
        page = [StoredPrediction(id=str(number), row={}) for number in rows[start : start + PAGE]]
        more = {**query, "continuation": start + PAGE} if rows[start + PAGE :] else None
        return PredictionPage(page, more)


def found(queries: Queries, *, by_ends: bool) -> set[int]:
    runs = plan_prediction_pages(cast(CustomVision, queries), "project", [ITERATION], None, by_ends=by_ends)
    return {int(item) for run in runs for item in run.prediction_ids}


@pytest.mark.parametrize("shown", [range(10), range(4, 10), range(6), [], [20]])
@pytest.mark.parametrize("own", [range(10), range(1), []])
def test_what_the_query_without_an_iteration_lacks_at_either_end_is_found(
    shown: Sequence[int], own: Sequence[int]
) -> None:
    assert found(Queries(shown, own), by_ends=True) == {*shown, *own}


def test_an_iteration_that_was_shown_costs_two_calls_whatever_it_holds() -> None:
    queries = Queries(range(100), range(100))
    assert found(queries, by_ends=True) == set(range(100))
    assert queries.asked.count("own") == 2


def test_an_erasure_reads_every_query_to_its_end() -> None:
    queries = Queries([0, 1, 8, 9], range(10))
    assert find_predictions(cast(CustomVision, queries), "project", [ITERATION], None) == [str(n) for n in range(10)]
    assert queries.asked == ["shown"] * 2 + ["own"] * 5


@pytest.mark.parametrize("back_to", [2, 4], ids=["the page before last", "the last page"])
def test_a_query_that_comes_back_to_a_token_is_refused_instead_of_read_for_ever(back_to: int) -> None:
    class Endless(Queries):
        def query_predictions(
            self, _: str, *, iteration_id: str | None = None, token: Mapping[str, Any] | None = None
        ) -> PredictionPage:
            page = super().query_predictions(_, iteration_id=iteration_id, token=token)
            return page if page.next_token else PredictionPage(page.predictions, {"continuation": back_to})

    with pytest.raises(UnexpectedResponse):
        find_predictions(cast(CustomVision, Endless(range(6), [])), "project", [], None)
