"""What remains when an erasure has been carried out. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from delete_function.plan import ITERATIONS, PROJECTS
from delete_function.result import Words
from delete_function.verification import Look
from shared.domain.plan_hash import TAGS
from shared.domain.receipt import residual
from shared.domain.selection import WORKSPACE
from shared.domain.subject_request import SubjectRequest


def planned_residuals(
    projects: Iterable[Mapping[str, Any]],
    request: SubjectRequest,
    kept: Mapping[str, str | None],
    kept_tags: Sequence[str] = (),
    kept_iterations: Collection[str] = (),
    kept_projects: Collection[str] = (),
    spared_iterations: Collection[str] = (),
) -> list[dict[str, Any]]:
    """
    Give the residuals of a plan.

    `kept` are exempt packages that keep something, with the time of their end where it is known. `kept_tags` are tags
    of the selector that stay although they were to go, `kept_projects` such projects, `kept_iterations` such
    iterations, and those that were trained with items of the plan after it was made, `spared_iterations` those that
    turned out to hold none of the person's images.
    """
    projects = list(projects)
    entries = [_kept_export(kept)] if kept else []
    learned = [i["id"] for project in projects for i in project["iterations"] if i["holds"] and i["action"] != "delete"]
    learned = sorted({*learned, *kept_iterations})
    if learned:
        entries.append(residual("trained_model_learned_from_items", learned))
    exported = [iteration_id for project in projects for iteration_id in project["exported_from"]]
    if exported:
        entries.append(residual("exported_models", exported))
    whole = [project["id"] for project in projects if project["whole"]]
    going = [project_id for project_id in whole if project_id not in kept_projects]
    entries += [residual("project_data_30_days", going)] if going else []
    entries += [residual("copies_of_project", whole)] if whole else []
    storage = [project["id"] for project in projects if project["customer_storage"]]
    if storage:
        entries.append(residual("customer_storage", storage))
    if request.level == "account":
        entries.append(residual("microsoft_account_button"))
    if _predictions_open(request) and projects:
        entries.append(residual("stored_predictions_not_searched", [project["id"] for project in projects]))
    return entries + _tag_residual(projects, request, kept_tags, {*kept_iterations, *spared_iterations})


def final_residuals(
    projects: Iterable[Mapping[str, Any]],
    request: SubjectRequest,
    words: Words,
    look: Look,
    kept: Mapping[str, str | None],
) -> list[dict[str, Any]]:
    """
    Give the residuals of an erasure that has been carried out.

    `look` is the last one; `kept` are exempt packages as in `planned_residuals`.
    """
    projects = list(projects)
    failed, in_use = (words.word_of.keys_with([word]) for word in ("failed", "no_longer_matching"))
    kept_tags = sorted(item for store, item in failed | in_use if store == TAGS)
    planned = {i["id"] for project in projects for i in project["iterations"]}
    kept_iterations = words.learned | {item for store, item in failed if store == ITERATIONS and item in planned}
    kept_projects = {item for store, item in failed if store == PROJECTS}
    spared = {item for store, item in in_use if store == ITERATIONS}
    entries = planned_residuals(projects, request, kept, kept_tags, kept_iterations, kept_projects, spared)
    gone = sorted(set(look.absent_projects) - {project["id"] for project in projects if project["whole"]})
    entries += [residual("project_data_30_days", gone)] if gone else []
    return entries + ([residual("account_recoverable_48_hours")] if look.recoverable_account else [])


def _kept_export(kept: Mapping[str, str | None]) -> dict[str, Any]:
    return residual("kept_export", sorted(kept)) | {"expires": {one: time for one, time in kept.items() if time}}


def _predictions_open(request: SubjectRequest) -> bool:
    return request.level == "items" and not request.wants_predictions


def _tag_residual(
    projects: Sequence[Mapping[str, Any]],
    request: SubjectRequest,
    kept_tags: Collection[str],
    kept_iterations: Collection[str],
) -> list[dict[str, Any]]:
    """
    Name the tags that a person was selected by and that stay, since they may be named after that person.

    An iteration that stays keeps its own copy of a tag, also when the workspace's is deleted. What one that was trained
    after the plan was made holds of them was not read, so it may be all.
    """
    staying = set(kept_tags)
    is_trained_since = not set(kept_iterations) <= {i["id"] for project in projects for i in project["iterations"]}
    for project in projects:
        gone = {i["id"] for i in project["iterations"] if i["action"] == "delete"} - set(kept_iterations)
        selected: Mapping[str, Sequence[str]] = project.get("selected_tags", {})
        going = project.get("going_tags", selected if request.options["delete_tags"] else ())
        for tag, held_by in selected.items():
            left = set(held_by) - gone
            if left - {WORKSPACE} or (left and tag not in going) or is_trained_since:
                staying.add(tag)
    return [residual("tag_named_after_person", sorted(staying))] if staying else []
