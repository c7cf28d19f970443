"""
Whether the lists of a project are still those that were read: asked when the data are written, and at the very end.

Nothing is read whole for it: counts, ids of iterations, and the newest page of what can only grow at that end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from export_function.faults import can_go_without
from export_function.plan import IMAGES, PREDICTIONS
from export_function.rounds import all_units, iterations_of, last_sources
from shared.domain.errors import ResourceAbsent, ServiceRefusal, TransientError
from shared.domain.record import RequestRecord
from shared.domain.work import kind_of
from shared.inventory import page_digest
from shared.ports import CustomVision
from shared.predictions import newest_ids
from shared.reading_ahead import ahead
from shared.services import Services


def has_moved(
    services: Services, record: RequestRecord, project: Mapping[str, Any], *, only_grown: bool = False
) -> bool:
    """
    Whether a list of the project is another than when it was last read; `only_grown`: whether it may hold more.

    A list is another if its count is, if its newest entries were not there (as many may have come as have gone), or if
    an iteration came or went. Lists that were refused then are not looked at. A constant number of calls per list.
    """
    client, sources = services.resource(project["resource"]), last_sources(record, project)
    refused = {entry["store"] for entry in project["refused"]}
    looks: dict[str, Callable[[], bool]] = {
        "iterations": lambda: _other_iterations(client, project["id"], sources, only_grown),
        "counts": lambda: _other_counts(client, project["id"], sources, only_grown),
        "images": lambda: _new_images(services, client, record, project),
        "predictions": lambda: _new_predictions(services, client, record, project),
    }
    shown = [look for store, look in looks.items() if store == "images" or store not in refused]
    try:
        return any(ahead(shown, lambda look: look(), len(looks)))
    except ResourceAbsent:
        return not only_grown  # the project is gone: nothing can have come
    except (ServiceRefusal, TransientError) as error:
        if not can_go_without(record, error):
            raise
        return True


type _Sources = Sequence[Mapping[str, Any]]


def _other_iterations(client: CustomVision, project_id: str, sources: _Sources, only_grown: bool) -> bool:
    now, then = {iteration.id for iteration in client.get_iterations(project_id)}, iterations_of(sources)
    return bool(now - then) if only_grown else now != then


def _other_counts(client: CustomVision, project_id: str, sources: _Sources, only_grown: bool) -> bool:
    counted = (source for source in sources if source["counted"] is not None)
    grown_by = (_grown_by(client, project_id, source) for source in counted)
    return any(number > 0 if only_grown else number != 0 for number in grown_by)


def _grown_by(client: CustomVision, project_id: str, source: Mapping[str, Any]) -> int:
    """Say how many images a list has more than were read; of a deleted iteration all have gone."""
    try:
        count = client.get_image_count(project_id, iteration_id=source["iteration_id"])
    except ResourceAbsent:
        if source["iteration_id"] is None:
            raise
        count = 0
    return count - int(source["planned"])


def _new_images(services: Services, client: CustomVision, record: RequestRecord, project: Mapping[str, Any]) -> bool:
    """Whether the newest page of the workspace shows an image that was not planned. Iterations get no new ones."""
    workspace = last_sources(record, project)[0]
    if workspace["counted"] is None:
        return False
    shown = {image.id for image in next(iter(client.image_pages(project["id"], order="Newest")), ())}
    if page_digest(shown) == workspace.get("newest"):
        return False
    return bool(_not_planned(services, record, project, IMAGES, shown))


def _new_predictions(
    services: Services, client: CustomVision, record: RequestRecord, project: Mapping[str, Any]
) -> bool:
    """Whether the newest page of a query of stored predictions shows one that was not planned."""
    if not record.notes["predictions"]:
        return False
    shown: set[str] = set()
    for source in last_sources(record, project):
        shown |= _newest_predictions(client, project["id"], source["iteration_id"])
    return bool(_not_planned(services, record, project, PREDICTIONS, shown))


def _newest_predictions(client: CustomVision, project_id: str, iteration_id: str | None) -> set[str]:
    """Give the ids of the newest page of a query; a deleted iteration has none of its own any more."""
    try:
        return newest_ids(client, project_id, iteration_id)
    except ResourceAbsent:
        if iteration_id is None:
            raise
        return set()


def _not_planned(
    services: Services, record: RequestRecord, project: Mapping[str, Any], kind: str, ids: set[str]
) -> set[str]:
    """Give those of some ids that no unit of a kind has, reading the plan's pages in turn until all are found."""
    unit_ids = (unit_id for unit_id in all_units(record, project) if kind_of(unit_id) == kind)
    left = set(ids)
    for unit in services.ledger.units(record.subject_request_id, unit_ids) if left else ():
        left -= set(unit.item_ids)
        if not left:
            break
    return left
