"""
Exports of one person's items: what they hold of a project, and what of a row they leave out.

A narrowed package holds nothing of anybody else. Two things would bring others in. A model guesses over all tags of a
project, and a tag may be a person's name: so guesses keep their probability and box, and name a tag only if a selected
image carries it. And an older copy of a selected image may be labelled as somebody else's: such a row is left out.
Both are named as gaps, with ids. Pure: values in, values out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from export_function.plan import IterationInventory, ProjectInventory
from export_function.unit_work import Result, UnitWork, gap
from shared.domain.id_set import IdSet, ascending
from shared.domain.resources import Iteration, Row
from shared.domain.selection import WORKSPACE
from shared.image_finder import ProjectFinding
from shared.projects import ResolvedProject

OF_A_GUESS = ("probability", "boundingBox", "tagType")
"""What stays of a guess whose tag is not named."""

NO_TAG = {"tagId": None, "tagName": None}


def no_images(resolved: ResolvedProject, iterations: Sequence[Iteration]) -> ProjectInventory:
    """Give what an export of single predictions asks of a project: no image is looked at, and no tag is carried."""
    return ProjectInventory(
        resource=resolved.resource,
        project_id=resolved.project.id,
        name=resolved.project.name,
        image_ids=(),
        service_count=0,
        stable=True,
        named_tags=(),
        iterations=[IterationInventory.of(iteration) for iteration in iterations],
    )


def of_one_person(found: ProjectFinding) -> ProjectInventory:
    """Give what is exported of a person's images: in each source those whose row there is the person's."""
    workspace = found.matching(WORKSPACE)
    seen, copies = IdSet(workspace), []
    for iteration in found.iterations:
        own = found.matching(iteration.id)
        copies.append(replace(IterationInventory.of(iteration), image_ids=own, with_bytes=own - seen))
        seen.update(own)
    return ProjectInventory(
        resource=found.resolved.resource,
        project_id=found.resolved.project.id,
        name=found.resolved.project.name,
        image_ids=workspace,
        service_count=len(workspace),
        stable=found.stable,
        looked_at=found.looked_at,
        narrowed=True,
        named_tags=sorted(found.tag_ids),
        left_out=list(_left_out(found)),
        iterations=copies,
        tag_count=len(found.tag_ids),
    )


def _left_out(found: ProjectFinding) -> Iterator[dict[str, Any]]:
    for image_id in found.conflicting:
        detail = "only an older copy of this image matches, its newest row does not: it was taken for somebody else's"
        yield gap("images", image_id, "not_asked", detail)
    for iteration in found.iterations:
        for image_id in ascending(found.differing.get(iteration.id, ())):
            detail = f"its row in iteration {iteration.id} does not match what was asked for, so that row is left out"
            yield gap("images", image_id, "not_asked", detail)


def shown_rows(
    work: UnitWork, result: Result, store: str, item_id: str | None, rows: Sequence[Row]
) -> list[dict[str, Any]]:
    """Give rows as the package shows them, and note in the unit's result how many guesses name no tag any more."""
    named = work.unit.details.get("named_tags")
    if named is None:
        return [dict(row) for row in rows]
    shown = [with_named_tags(row, named) for row in rows]
    if unnamed := sum(number for _, number in shown):
        detail = f"names and ids of tags that no selected image carries: left out of {unnamed} guess(es)"
        result.gaps.append(gap(store, item_id, "not_asked", detail))
    return [row for row, _ in shown]


def with_named_tags(row: Row, named: Collection[str]) -> tuple[dict[str, Any], int]:
    """Give a row whose guesses name none but some tags (ids in lower case), and how many name none any more."""
    guesses = list(row.get("predictions") or ())
    shown = [guess if str(guess.get("tagId")).lower() in named else _unnamed(guess) for guess in guesses]
    unnamed = sum(guess is not before for guess, before in zip(shown, guesses, strict=True))
    return ({**row, "predictions": shown} if unnamed else dict(row)), unnamed


def _unnamed(guess: Mapping[str, Any]) -> dict[str, Any]:
    return {key: guess[key] for key in OF_A_GUESS if key in guess} | NO_TAG
