"""One export unit: read Custom Vision, write into the package, say what became of every item."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext

from export_function.account_unit import export_account_unit
from export_function.erased_meanwhile import erased_of, without_erased
from export_function.picture_units import export_images, export_iteration_images, export_predictions
from export_function.plan import (
    ACCOUNT,
    DERIVED,
    IMAGES,
    ITERATION,
    ITERATION_IMAGES,
    PREDICTIONS,
    PROJECT,
    ZIP,
)
from export_function.project_end import export_project_end
from export_function.project_units import export_iteration, export_project
from export_function.unit_work import UnitWork, failure, gap, refusal_code
from export_function.zip_unit import export_zip
from shared.domain.errors import CannotFulfil, GdprError
from shared.domain.record import RequestRecord
from shared.domain.resources import Image
from shared.domain.work import Counts, UnitOutcome, WorkMessage, WorkUnit
from shared.reading_ahead import begun, together
from shared.services import Services

_WORK: Mapping[str, Callable[[UnitWork], UnitOutcome]] = {
    PROJECT: export_project,
    IMAGES: export_images,
    ITERATION: export_iteration,
    ITERATION_IMAGES: export_iteration_images,
    PREDICTIONS: export_predictions,
    DERIVED: export_project_end,
    ZIP: export_zip,
    ACCOUNT: export_account_unit,
}

STORE_OF: Mapping[str, str] = {
    PROJECT: "projects",
    IMAGES: "images",
    ITERATION: "iterations",
    ITERATION_IMAGES: "images",
    PREDICTIONS: "predictions",
    ACCOUNT: "account",
    DERIVED: "projects",
    ZIP: "projects",
}


def run_unit(
    services: Services, record: RequestRecord, unit: WorkUnit, message: WorkMessage
) -> tuple[UnitOutcome, RequestRecord]:
    """
    Do one unit of an export; may run twice, and beside itself, with the same result.

    Gives what came of it, and the request's record as it was when all of it had been written.
    """
    with _rows_begun(services, unit) as rows:
        request, erased = together(
            lambda: services.ledger.selector(record.subject_request_id), lambda: erased_of(services, record, unit)
        )
        if request is None:
            raise CannotFulfil("bad_message")
        work = UnitWork(
            services=services,
            record=record,
            request=request,
            unit=unit,
            attempt=message.attempt,
            erased=erased,
            rows_begun=rows,
        )
        return without_erased(work, _WORK[unit.kind])


def _rows_begun(services: Services, unit: WorkUnit) -> AbstractContextManager[Callable[[], Sequence[Image]] | None]:
    """Begin to read the rows of a unit of images, which needs nothing but the unit; None for other units."""
    if unit.kind not in (IMAGES, ITERATION_IMAGES):
        return nullcontext()
    project_id, iteration_id = unit.project_id or "", unit.details.get("iteration_id")

    def read() -> Sequence[Image]:
        client = services.resource(unit.resource)
        return client.get_images_by_ids(project_id, unit.item_ids, iteration_id=iteration_id)

    return begun(read)


def given_up(unit: WorkUnit, code: str, error: GdprError | None) -> UnitOutcome:
    """
    Give the outcome of a unit that could not be done at all: every item of it failed, and is named.

    What answered 404 is named as gone, as where one call of a unit does: a reader need not look for a missing role.
    """
    store, gap_code = STORE_OF[unit.kind], refusal_code(error)
    code = gap_code if code == "refused" else code
    ids: Sequence[str | None] = _countable(unit)
    counts: Counts = {store: {"failed" if _are_items(unit) else "not_available": len(ids)}}
    if unit.kind == PROJECT:
        counts |= {"tags": {"not_available": 1}}
    if unit.kind == ITERATION:
        counts |= {"performance": {"not_available": 1}, "exported_models": {"not_available": 1}}
    return UnitOutcome(
        unit_id=unit.unit_id,
        counts=counts,
        gaps=[gap(store, item, gap_code, f"given up: {code}") for item in ids],
        failures=[failure(store, item, code, error, "unit") for item in ids],
    )


def _are_items(unit: WorkUnit) -> bool:
    """Whether what failed are items of the store; rows alone, of images that other sources have, are a refused list."""
    return unit.kind != ITERATION_IMAGES or bool(unit.details["with_bytes"])


def _countable(unit: WorkUnit) -> Sequence[str | None]:
    """
    The items that count in the unit's store: of an iteration's rows only the images that no other source has.

    Where there are none, the iteration stands for its rows.
    """
    if unit.kind == ITERATION_IMAGES:
        return list(unit.details["with_bytes"]) or [unit.details["iteration_id"]]
    if unit.kind in (IMAGES, PREDICTIONS):
        return unit.item_ids
    return [unit.details.get("iteration_id") or unit.project_id]
