"""
The Custom Vision Training API v3.3, one method per operation that this application uses.

Implements `shared.ports.CustomVision`. Reads give the service's rows whole; deletes give how they were answered, never
that the thing is gone. Sources: OpenAPI `Training.json` v3.3 and Microsoft's page on exporting and deleting user data.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import requests

from shared.adapters.call_budget import CallBudget, Purpose
from shared.adapters.custom_vision_answers import (
    UNEXPECTED_BODY,
    Reader,
    as_count,
    as_deletion,
    as_distinct,
    as_prediction_page,
    as_resource,
    as_resources,
    as_row,
    as_rows,
)
from shared.adapters.custom_vision_caller import make_caller
from shared.adapters.custom_vision_connection import Call, Connection
from shared.adapters.custom_vision_paths import checked_id, iteration_path, project_path, within
from shared.adapters.http_exchange import Timeouts
from shared.adapters.overlapping_pages import PAGE, overlapping_pages
from shared.adapters.shared_reads import SharedReads
from shared.adapters.streams import body_stream
from shared.domain.errors import RequestTooLong, UnexpectedResponse
from shared.domain.links import identity
from shared.domain.resources import Image, Iteration, Project, Row, Tag
from shared.ports import Clock, DeletionAnswer, Order, PredictionPage

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

IMAGE_BATCH = 256
SHORT_IMAGE_BATCH = 64  # 2,500 characters of query, where a hop refuses the 10,000 of a full batch
PREDICTION_BATCH = 64
DELETED = frozenset({200, 202, 204})

PREVIEW_API = "/customvision/v3.4-preview/training"
ACCOUNT_API = "/customvision/v1.2/Training"  # the last version that has GetAccountInfo


class CustomVisionClient:
    """
    One training resource; safe to share among threads.

    `purpose` says whose share of the call budget is used; erasures take a client of their own over the same session and
    budget. `key` wins over `credential`.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        key: str | None,
        credential: TokenCredential | None,
        session: requests.Session,
        budget: CallBudget,
        purpose: Purpose = "export",
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._connection = Connection(
            endpoint,
            make_caller(key, credential),
            session=session,
            budget=budget,
            purpose=purpose,
            clock=clock,
            sleep=sleep,
            jitter=jitter,
            timeouts=timeouts,
        )
        self._image_batch = IMAGE_BATCH
        self._reads = SharedReads()

    @property
    def host(self) -> str:
        """The endpoint's host name (and port if written)."""
        return self._connection.host

    def get_projects(self) -> Sequence[Project]:
        """GetProjects."""
        return self._get_together("GetProjects", "/projects", as_distinct(Project))

    def get_project(self, project_id: str) -> Project:
        """GetProject; `ResourceAbsent` if there is none."""
        return self._get_together("GetProject", project_path(project_id), as_resource(Project))

    def get_project_preview(self, project_id: str) -> Row:
        """GetProject of v3.4-preview, which shows settings that v3.3 hides; its addresses may hold secrets."""
        call = Call("GetProject", "GET", project_path(project_id), api=PREVIEW_API)
        return self._connection.send(call, as_row(call.operation))

    def get_account_info(self) -> Row:
        """GetAccountInfo of v1.2, keys included; `ServiceRefusal` where that version no longer answers."""
        call = Call("GetAccountInfo", "GET", "/account", api=ACCOUNT_API)
        return self._connection.send(call, as_row(call.operation))

    def get_tags(self, project_id: str, *, iteration_id: str | None = None) -> Sequence[Tag]:
        """GetTags of the workspace, or of one iteration."""
        return self._get("GetTags", f"{project_path(project_id)}/tags", as_distinct(Tag), within(iteration_id))

    def get_tag(self, project_id: str, tag_id: str) -> Tag:
        """GetTag of the workspace; `ResourceAbsent` if there is none."""
        return self._get("GetTag", f"{project_path(project_id)}/tags/{checked_id(tag_id)}", as_resource(Tag))

    def get_iterations(self, project_id: str) -> Sequence[Iteration]:
        """GetIterations, in no particular order."""
        return self._get_together("GetIterations", f"{project_path(project_id)}/iterations", as_distinct(Iteration))

    def get_iteration(self, project_id: str, iteration_id: str) -> Iteration:
        """GetIteration; `ResourceAbsent` if there is none."""
        return self._get("GetIteration", iteration_path(project_id, iteration_id), as_resource(Iteration))

    def image_pages(
        self, project_id: str, *, iteration_id: str | None = None, order: Order = "Oldest", expected: int = 0
    ) -> Iterator[Sequence[Image]]:
        """GetImages, page by page until one is short; a moving list may repeat or skip rows."""
        path = f"{project_path(project_id)}/images"
        query = {"orderBy": order, **within(iteration_id)}
        return self._pages("GetImages", path, as_resources(Image), query, lambda image: image.row, expected)

    def get_image_count(self, project_id: str, *, iteration_id: str | None = None) -> int:
        """GetImageCount of the workspace, or of one iteration."""
        return self._get("GetImageCount", f"{project_path(project_id)}/images/count", as_count, within(iteration_id))

    def get_images_by_ids(
        self, project_id: str, image_ids: Sequence[str], *, iteration_id: str | None = None
    ) -> Sequence[Image]:
        """GetImagesByIds, any number of ids; unknown ones are missing in the answer, which has no order."""
        path, scope = f"{project_path(project_id)}/images/id", within(iteration_id)

        def read(ids: str) -> Sequence[Image]:
            return self._get("GetImagesByIds", path, as_resources(Image), {"imageIds": ids, **scope})

        return [image for images in self._in_image_batches(image_ids, read) for image in images]

    def get_iteration_performance(
        self, project_id: str, iteration_id: str, *, thresholds: Mapping[str, float] | None = None
    ) -> Row:
        """GetIterationPerformance; `ServiceRefusal` with the code for an untrained one."""
        path = f"{iteration_path(project_id, iteration_id)}/performance"
        query = {name: str(value) for name, value in (thresholds or {}).items()}
        return self._get("GetIterationPerformance", path, as_row, query)

    def image_performance_pages(self, project_id: str, iteration_id: str) -> Iterator[Sequence[Row]]:
        """GetImagePerformances, page by page until one is short."""
        path = f"{iteration_path(project_id, iteration_id)}/performance/images"
        return self._pages("GetImagePerformances", path, as_rows, {"orderBy": "Oldest"}, lambda row: row)

    def get_image_performance_count(self, project_id: str, iteration_id: str) -> int:
        """GetImagePerformanceCount."""
        path = f"{iteration_path(project_id, iteration_id)}/performance/images/count"
        return self._get("GetImagePerformanceCount", path, as_count)

    def get_exports(self, project_id: str, iteration_id: str) -> Sequence[Row]:
        """GetExports: the model packages that were made of an iteration."""
        return self._get_together("GetExports", f"{iteration_path(project_id, iteration_id)}/export", as_rows)

    def query_predictions(
        self, project_id: str, *, iteration_id: str | None = None, token: Mapping[str, object] | None = None
    ) -> PredictionPage:
        """QueryPredictions, 64 a page; `token` is the `next_token` of the page before and holds its `iteration_id`."""
        first = {"maxCount": PREDICTION_BATCH, "orderBy": "Oldest", **within(iteration_id)}
        path = f"{project_path(project_id)}/predictions/query"
        call = Call("QueryPredictions", "POST", path, body=token or first)
        return self._connection.send(call, as_prediction_page(call.operation))

    def artifact(self, project_id: str, path: str) -> AbstractContextManager[Iterator[bytes]]:
        """
        GetArtifact as a stream; `path` is the relative address as the row gives it.

        Errors: those of every call when entered; while reading `SourceRefusal("truncated")` and `OutcomeUnknown`.
        """
        where = f"{project_path(project_id)}/artifacts"
        call = Call("GetArtifact", "GET", where, {"path": path}, streamed=True)
        return body_stream(call.operation, lambda: self._connection.send(call, lambda response: response))

    def delete_images(
        self, project_id: str, image_ids: Sequence[str], *, all_iterations: bool
    ) -> Sequence[DeletionAnswer]:
        """DeleteImages by ids, one answer per batch; with `all_iterations` also from every trained iteration."""
        path = f"{project_path(project_id)}/images"
        everywhere = {"allIterations": "true"} if all_iterations else {}

        def delete(ids: str) -> DeletionAnswer:
            return self._delete("DeleteImages", path, {"imageIds": ids, **everywhere})

        return list(self._in_image_batches(image_ids, delete))

    def delete_all_images(self, project_id: str) -> DeletionAnswer:
        """DeleteImages with `allImages` and `allIterations`: everything, everywhere in the project."""
        everything = {"allImages": "true", "allIterations": "true"}
        return self._delete("DeleteImages", f"{project_path(project_id)}/images", everything)

    def delete_predictions(self, project_id: str, prediction_ids: Sequence[str]) -> Sequence[DeletionAnswer]:
        """DeletePrediction, one answer per 64 ids."""
        path, ids = f"{project_path(project_id)}/predictions", [checked_id(one) for one in prediction_ids]
        batches = (ids[at : at + PREDICTION_BATCH] for at in range(0, len(ids), PREDICTION_BATCH))
        return [self._delete("DeletePrediction", path, {"ids": ",".join(batch)}) for batch in batches]

    def unpublish_iteration(self, project_id: str, iteration_id: str) -> DeletionAnswer:
        """UnpublishIteration."""
        return self._delete("UnpublishIteration", f"{iteration_path(project_id, iteration_id)}/publish")

    def delete_iteration(self, project_id: str, iteration_id: str) -> DeletionAnswer:
        """DeleteIteration; `StateConflict` while it is published."""
        return self._delete("DeleteIteration", iteration_path(project_id, iteration_id))

    def delete_tag(self, project_id: str, tag_id: str) -> DeletionAnswer:
        """DeleteTag."""
        return self._delete("DeleteTag", f"{project_path(project_id)}/tags/{checked_id(tag_id)}")

    def delete_project(self, project_id: str) -> DeletionAnswer:
        """DeleteProject; `StateConflict` while an iteration is published."""
        return self._delete("DeleteProject", project_path(project_id))

    def _get[T](
        self,
        operation: str,
        path: str,
        reader: Reader[T],
        query: Mapping[str, str] | None = None,
    ) -> T:
        return self._connection.send(Call(operation, "GET", path, query or {}), reader(operation))

    def _get_together[T](self, operation: str, path: str, reader: Reader[T]) -> T:
        """Read what many threads ask for at the same time, once for those that wait for it together."""
        call, read = Call(operation, "GET", path), reader(operation)
        return self._reads.read(call.path, lambda asking: self._connection.send(call, read, asking))

    def _pages[T](
        self,
        operation: str,
        path: str,
        reader: Reader[Sequence[T]],
        query: Mapping[str, str],
        row_of: Callable[[T], Row],
        expected: int = 0,
    ) -> Iterator[Sequence[T]]:
        """Read the pages in turn; `UnexpectedResponse` if two are the same, since such a list has no end."""

        def read(skip: int) -> Sequence[T]:
            return self._get(operation, path, reader, {**query, "take": str(PAGE), "skip": str(skip)})

        before = frozenset[str]()
        for page in overlapping_pages(read, lambda one: row_of(one).get("created"), expected=expected):
            yield page
            shown = frozenset(identity(row_of(one)) for one in page) if len(page) >= PAGE else frozenset()
            if shown and shown == before:
                raise UnexpectedResponse(operation, status=200, code=UNEXPECTED_BODY)
            before = shown

    def _delete(self, operation: str, path: str, query: Mapping[str, str] | None = None) -> DeletionAnswer:
        call = Call(operation, "DELETE", path, query or {}, repeatable=False, expected=DELETED)
        return self._connection.send(call, as_deletion)

    def _in_image_batches[T](self, image_ids: Sequence[str], send: Callable[[str], T]) -> Iterator[T]:
        """Send the ids in batches; where a hop refuses the length, shorter ones from then on."""
        ids, done = [checked_id(one) for one in image_ids], 0
        while done < len(ids):
            batch = ids[done : done + self._image_batch]
            try:
                answer = send(",".join(batch))
            except RequestTooLong:
                if len(batch) <= SHORT_IMAGE_BATCH:
                    raise
                self._image_batch = SHORT_IMAGE_BATCH
                continue
            done += len(batch)
            yield answer
