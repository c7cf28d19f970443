"""What each kind of unit looks for, and how it deletes what was found; of accounts `delete_function.account` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from delete_function.late_lists import iterations_there, tags_there
from delete_function.looking import Found, UnitWork
from delete_function.plan import ITERATIONS, PROJECTS, UNPUBLISH
from delete_function.staying_iterations import staying_iterations
from delete_function.whole_projects import images_of_whole_project
from shared.domain.errors import ResourceAbsent, ServiceRefusal, StillUnderway
from shared.domain.plan_hash import IMAGES, PREDICTIONS, TAGS
from shared.domain.resources import Iteration
from shared.domain.selection import Verdicts, newest_first
from shared.domain.subject_request import ImageSelector
from shared.predictions import find_predictions
from shared.selecting import image_selector

type Look = Callable[[UnitWork], Found]
type Delete = Callable[[UnitWork, Found], None]


# images


def _look_at_images(work: UnitWork) -> Found:
    if work.whole:
        return images_of_whole_project(work)
    iterations = newest_first(work.client.get_iterations(work.project_id))
    verdicts = _judge(work, image_selector(work.services, work.request), iterations)
    present = sorted(verdicts.selected)
    kept = sorted(verdicts.rejected | verdicts.conflicting)
    return Found(present=present, kept=kept, learned=_learned(work, iterations, present))


def _learned(work: UnitWork, iterations: Sequence[Iteration], present: Sequence[str]) -> list[str]:
    """Give the iterations trained since the plan whose own copy holds what is about to be deleted from it."""
    known = set(work.unit.details.get("iterations", ()))
    since = [iteration.id for iteration in iterations if iteration.id not in known] if present else []
    return sorted(i for i in since if work.client.get_images_by_ids(work.project_id, present, iteration_id=i))


def _judge(work: UnitWork, selector: ImageSelector, iterations: Sequence[Iteration]) -> Verdicts:
    """Judge the images as they are now; iterations are read only for what the workspace no longer has."""
    verdicts, missing = Verdicts(selector), work.unit.item_ids
    rows = work.client.get_images_by_ids(work.project_id, missing)
    verdicts.observe(rows, None)
    missing = gone = sorted(set(missing) - {row.id for row in rows})
    for iteration in iterations if missing else ():
        rows = work.client.get_images_by_ids(work.project_id, missing, iteration_id=iteration.id)
        verdicts.observe(rows, iteration.id)
        missing = sorted(set(missing) - {row.id for row in rows})
        if not missing:
            break
    rejected = verdicts.rejected | verdicts.conflicting
    _no_newer_row_is_hidden(work, iterations, [item for item in gone if item in rejected])
    return verdicts


def _no_newer_row_is_hidden(work: UnitWork, iterations: Sequence[Iteration], rejected: Sequence[str]) -> None:
    """
    Raise `StillUnderway` if an iteration of the plan holds images that were judged without it: the list is late.

    It may be the one whose row decides: they would be called somebody else's, and never looked for again.
    """
    known = set(work.unit.details.get("iterations", ()))
    for hidden in sorted(known.difference(one.id for one in iterations)) if rejected else ():
        try:
            rows = work.client.get_images_by_ids(work.project_id, rejected, iteration_id=hidden)
        except ResourceAbsent:
            continue
        if rows:
            raise StillUnderway("GetIterations")


def _delete_images(work: UnitWork, found: Found) -> None:
    """Delete images by id with `allIterations`; by id alone they would stay in every trained iteration."""
    if work.whole:
        totals = found.totals or {}
        if any(number for word, number in totals.items() if word != "already_absent"):
            work.note([work.client.delete_all_images(work.project_id)])
    elif found.present:
        work.note(work.client.delete_images(work.project_id, found.present, all_iterations=True))


# predictions


def _look_at_predictions(work: UnitWork) -> Found:
    wanted = None if work.whole else frozenset(work.unit.item_ids)
    return Found(present=find_predictions(work.client, work.project_id, work.iteration_ids(), wanted))


def _delete_predictions(work: UnitWork, found: Found) -> None:
    if found.present:
        work.note(work.client.delete_predictions(work.project_id, found.present))


# iterations


def _look_at_published(work: UnitWork) -> Found:
    iterations = iterations_there(work.client, work.project_id, work.unit.item_ids)
    published = [iteration.id for iteration in iterations if iteration.publish_name]
    return Found(present=sorted(published if work.whole else set(published).intersection(work.unit.item_ids)))


def _unpublish(work: UnitWork, found: Found) -> None:
    for iteration_id in found.present:
        try:
            work.note([work.client.unpublish_iteration(work.project_id, iteration_id)])
        except ServiceRefusal as refusal:
            if refusal.code != "BadRequestIterationNotPublished":
                raise


def _look_at_iterations(work: UnitWork) -> Found:
    there = {iteration.id for iteration in iterations_there(work.client, work.project_id, work.unit.item_ids)}
    if work.whole:
        return Found(present=sorted(there))
    planned = there.intersection(work.unit.item_ids)
    kept = planned & staying_iterations(work.services, work.record.subject_request_id, work.unit)
    return Found(present=sorted(planned - kept), kept=sorted(kept))


def _delete_iterations(work: UnitWork, found: Found) -> None:
    _each(found.present, lambda item: work.note([work.client.delete_iteration(work.project_id, item)]))


# tags


def _look_at_tags(work: UnitWork) -> Found:
    if work.whole:
        return Found(present=sorted(tag.id for tag in work.client.get_tags(work.project_id)))
    wanted = work.unit.item_ids
    planned = {tag.id: tag for tag in tags_there(work.client, work.project_id, wanted) if tag.id in wanted}
    used = {tag_id for tag_id, tag in planned.items() if tag.row.get("imageCount") != 0}  # unsaid may be any number
    unused = planned.keys() - used
    return Found(present=sorted(unused), kept=sorted(used))


def _delete_tags(work: UnitWork, found: Found) -> None:
    _each(found.present, lambda item: work.note([work.client.delete_tag(work.project_id, item)]))


# projects


def _look_at_project(work: UnitWork) -> Found:
    return Found(present=[work.project_id] if work.project_is_there() else ())


def _delete_project(work: UnitWork, found: Found) -> None:
    _each(found.present, lambda item: work.note([work.client.delete_project(item)]))


def _each(ids: Sequence[str], delete: Callable[[str], None]) -> None:
    """Delete one after the other; what went meanwhile is gone."""
    for item in ids:
        try:
            delete(item)
        except ResourceAbsent:
            continue


KINDS: Mapping[str, tuple[Look, Delete]] = {
    UNPUBLISH: (_look_at_published, _unpublish),
    PREDICTIONS: (_look_at_predictions, _delete_predictions),
    IMAGES: (_look_at_images, _delete_images),
    ITERATIONS: (_look_at_iterations, _delete_iterations),
    TAGS: (_look_at_tags, _delete_tags),
    PROJECTS: (_look_at_project, _delete_project),
}
