"""
Stored predictions: found by query, page by page.

Whether a query without an iteration gives all of them is not documented, so there is one without and one for each
iteration, merged by id (QueryPredictions, Training API v3.3). A prediction cannot be read by its id.

An export reads what it has found once more for its pictures, so that reading everything twice to find it would be
three times in all. Where the query without an iteration has shown both ends of an iteration's own query, it is taken
to show that iteration; what it does not show is read to its end. An erasure reads all of both.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.canonical import canonical
from shared.domain.errors import UnexpectedResponse
from shared.domain.resources import StoredPrediction
from shared.domain.work import UNIT_SIZE
from shared.ports import CustomVision

type Token = Mapping[str, Any] | None

_NEWEST_FIRST = {"maxCount": 64, "orderBy": "Newest"}
"""What a query begins with to show the newest first."""


@dataclass(frozen=True, kw_only=True)
class PredictionPages:
    """
    Consecutive pages of one query of stored predictions, at most 256 ids.

    `iteration_id`: of the query, None for all. `tokens`: what each page is asked for with, None for the first.
    """

    iteration_id: str | None
    tokens: Sequence[Token]
    prediction_ids: Sequence[str]


def plan_prediction_pages(
    client: CustomVision,
    project_id: str,
    iteration_ids: Sequence[str],
    wanted: Collection[str] | None,
    observe: Callable[[Sequence[StoredPrediction]], None] = lambda _: None,
    *,
    by_ends: bool = False,
) -> list[PredictionPages]:
    """
    Find all stored predictions of a project, each in the first query that shows it; `wanted` narrows to some ids.

    Gives runs of pages with at most 256 of them. `observe` gets every page of the queries that are read to their end;
    with `by_ends` that is not done for an iteration whose oldest and newest page show nothing new.
    """
    shown: set[str] = set()
    runs: list[PredictionPages] = []
    for iteration_id in [None, *iteration_ids]:
        if by_ends and iteration_id is not None and _are_ends_known(client, project_id, iteration_id, shown):
            continue
        run = _Run(iteration_id)
        for token, predictions in query_pages(client, project_id, iteration_id):
            observe(predictions)
            new = [item for item in dict.fromkeys(p.id for p in predictions) if item not in shown]
            shown.update(new)
            runs.extend(run.add(token, new if wanted is None else [item for item in new if item in wanted]))
        runs.extend(run.rest())
    return runs


def _are_ends_known(client: CustomVision, project_id: str, iteration_id: str, shown: set[str]) -> bool:
    """Whether the oldest and the newest page of an iteration's query hold nothing that was not shown before."""
    oldest = client.query_predictions(project_id, iteration_id=iteration_id)
    if any(prediction.id not in shown for prediction in oldest.predictions):
        return False
    return oldest.next_token is None or newest_ids(client, project_id, iteration_id) <= shown


def newest_ids(client: CustomVision, project_id: str, iteration_id: str | None) -> set[str]:
    """Give the ids of the newest page of a query, at most 64."""
    of = {"iterationId": iteration_id} if iteration_id else {}
    page = client.query_predictions(project_id, token=_NEWEST_FIRST | of)
    return {prediction.id for prediction in page.predictions}


def query_pages(
    client: CustomVision, project_id: str, iteration_id: str | None
) -> Iterator[tuple[Token, Sequence[StoredPrediction]]]:
    """
    Walk through one query: each page with the token that it was asked for with.

    Errors: those of the query; `UnexpectedResponse` where it comes back to a token, since such a query has no end.
    """
    token, asked = None, set[bytes]()
    while True:
        page = client.query_predictions(project_id, iteration_id=iteration_id, token=token)
        yield token, page.predictions
        if page.next_token is None:
            return
        token = page.next_token
        if (spelt := canonical(token)) in asked:
            raise UnexpectedResponse("QueryPredictions", status=200, code="RepeatedToken")
        asked.add(spelt)


@dataclass
class _Run:
    """Pages gathered until a further one would make more than 256 ids; pages without new ids are left out."""

    iteration_id: str | None
    tokens: list[Token] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def add(self, token: Token, new: Sequence[str]) -> list[PredictionPages]:
        full = self.rest() if len(self.ids) + len(new) > UNIT_SIZE else []
        if new:
            self.tokens.append(token)
            self.ids.extend(new)
        return full

    def rest(self) -> list[PredictionPages]:
        if not self.ids:
            return []
        pages = PredictionPages(iteration_id=self.iteration_id, tokens=self.tokens, prediction_ids=self.ids)
        self.tokens, self.ids = [], []
        return [pages]


def find_predictions(
    client: CustomVision, project_id: str, iteration_ids: Sequence[str], wanted: Collection[str] | None
) -> list[str]:
    """Give the ids of the stored predictions that are there now, all or only the wanted ones; sorted."""
    runs = plan_prediction_pages(client, project_id, iteration_ids, wanted)
    return sorted(prediction_id for run in runs for prediction_id in run.prediction_ids)
