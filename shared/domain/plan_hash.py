"""
The hash of an erasure's plan: of the ids and actions that a person approves, never of names.

It is taken of lines, so that an approver can write them down: for each project a head (id, whether it goes as a whole,
what happens to each iteration, the tags that go), then its images and predictions in order of id; for what only
packages hold of a project that the service has too, a head and lines of its own; the account's name last. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared.domain.account import AccountId
from shared.domain.canonical import canonical
from shared.domain.work import WorkUnit, kind_of

IMAGES = "images"
PREDICTIONS = "predictions"
TAGS = "tags"
LISTED = "listed_images"
"""Kind of the pages that list the images of a project which goes as a whole: evidence, not work."""

type ReadUnits = Callable[[Sequence[str]], Iterable[WorkUnit]]
"""Gives the units of some ids in their order, those that there are."""


class PageAbsent(Exception):
    """A page that a plan names is not there any more, or is another one."""


class PlanHash:
    """Takes the hash while a plan is made, or is read again."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def project(self, project_id: str, *, whole: bool, actions: Mapping[str, str], tags: Iterable[str]) -> None:
        """Add a project's head."""
        self._line({"project": project_id, "whole": whole, "iterations": dict(actions), "tags": sorted(tags)})

    def packaged(self, project_id: str) -> None:
        """Add the head of what only packages hold of a project."""
        self._line({"packaged": project_id})

    def items(self, images: Iterable[str], predictions: Iterable[str]) -> None:
        """Add the items of the head before; ids in ascending order."""
        for kind, ids in (("image", images), ("prediction", predictions)):
            for item in ids:
                self._hash.update(f"  {kind} {item}\n".encode())

    def account(self, name: str) -> None:
        """Add the account that goes."""
        self._line({"account": name})

    def value(self) -> str:
        """Give the hash: `sha256:…`."""
        return f"sha256:{self._hash.hexdigest()}"

    def _line(self, value: Mapping[str, Any]) -> None:
        self._hash.update(canonical(value) + b"\n")


def hash_again(plan: Mapping[str, Any], read: ReadUnits) -> str:
    """
    Take the hash of an erasure's plan as it lies there, with its pages; names are not needed.

    Raises `PageAbsent`; whatever else is not as it was written makes another hash, or a `KeyError` and the like.
    """
    taken = PlanHash()
    for project in plan["projects"]:
        own = _without([*project["units"], *project["listed_pages"]], _packaged_units(project))
        actions = {iteration["id"]: iteration["action"] for iteration in project["iterations"]}
        taken.project(project["id"], whole=project["whole"], actions=actions, tags=_items(own, TAGS, read))
        images = LISTED if project["whole"] else IMAGES
        taken.items(_items(own, images, read), _items(own, PREDICTIONS, read))
    for project in plan["projects"]:
        if packaged := _packaged_units(project):
            taken.packaged(project["id"])
            taken.items(_items(packaged, IMAGES, read), _items(packaged, PREDICTIONS, read))
    if plan["account"]:
        taken.account(_account_name(plan["account"]["unit"], read))
    return taken.value()


def _packaged_units(project: Mapping[str, Any]) -> Sequence[str]:
    """Give the pages of what only packages hold; a plan of before this was noted has none."""
    units: Sequence[str] = project.get("packaged_units", ())
    return units


def _without(unit_ids: Sequence[str], others: Sequence[str]) -> list[str]:
    left_out = set(others)
    return [unit_id for unit_id in unit_ids if unit_id not in left_out]


def _items(unit_ids: Sequence[str], kind: str, read: ReadUnits) -> Iterator[str]:
    for unit in _all_of([unit_id for unit_id in unit_ids if kind_of(unit_id) == kind], read):
        yield from unit.item_ids


def _all_of(unit_ids: Sequence[str], read: ReadUnits) -> Iterator[WorkUnit]:
    awaited = iter(unit_ids)
    for unit in read(unit_ids):
        if unit.unit_id != next(awaited, None):
            raise PageAbsent
        yield unit
    if next(awaited, None) is not None:
        raise PageAbsent


def _account_name(unit_id: str, read: ReadUnits) -> str:
    (unit,) = _all_of([unit_id], read)
    account = AccountId.parse(unit.details["account"])
    if account is None:
        raise PageAbsent
    return account.name
