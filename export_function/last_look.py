"""
What the service says at the very end of an export: whether lists have moved since they were read last, and what came.

Nothing of it depends on what the units wrote, so it is asked while that is counted and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from export_function.moved_lists import has_moved
from export_function.unread import came_meanwhile
from shared.domain.record import RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.services import Services

type Json = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class LastLook:
    """
    What was found: ids of projects with a list that `moved`, and of those where it may hold more (`grown`).

    `came`: the gaps of projects that were not there when an export of all was planned.
    """

    moved: frozenset[str]
    grown: frozenset[str]
    came: Sequence[dict[str, Any]]


def look_again(
    services: Services, record: RequestRecord, request: SubjectRequest, plan: Json, projects: Iterable[Json]
) -> LastLook:
    """Ask after those of some projects whose lists stood still; of one person's items nothing is asked."""
    if request.narrowed:
        return LastLook(moved=frozenset(), grown=frozenset(), came=())
    moved = [project for project in projects if project["stable"] and has_moved(services, record, project)]
    grown = [project for project in moved if has_moved(services, record, project, only_grown=True)]
    return LastLook(
        moved=frozenset(project["id"] for project in moved),
        grown=frozenset(project["id"] for project in grown),
        came=came_meanwhile(services, record, plan) if request.projects == "all" else (),
    )
