"""
Which projects are meant: looked for in all resources, by id or exact name.

A resource that does not list its projects stops an erasure; an export goes on without it and names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.errors import CannotFulfil, ServiceRefusal, StorageUnavailable, TransientError
from shared.domain.identifiers import guid
from shared.domain.resources import Project
from shared.services import Services


@dataclass(frozen=True, kw_only=True)
class ResolvedProject:
    """A project and the host of the resource that holds it."""

    resource: str
    project: Project


@dataclass(frozen=True, kw_only=True)
class UnreadResource:
    """A resource, by its host, whose projects could not be listed, and why."""

    host: str
    error: ServiceRefusal | TransientError


@dataclass(frozen=True, kw_only=True)
class FoundProjects:
    """The projects asked for that were found, and the resources that could hold more of them but do not answer."""

    projects: Sequence[ResolvedProject]
    unread: Sequence[UnreadResource]


def resolve_projects(services: Services, wanted: Sequence[str] | str) -> list[ResolvedProject]:
    """
    Find the projects asked for, over all resources: "all", or ids and exact names.

    Every resource must answer: what one of them refuses to list might be meant too. Raises its error, or
    `CannotFulfil`: `project_not_found`, or `ambiguous_name` where a name is borne by two, or two resources show a
    project of the same id.
    """
    there, unread = _listed(services)
    if unread:
        raise unread[0].error
    meant = _meant(there, wanted, is_all=True)
    if wanted == "all" and len(meant) < len(there):
        raise CannotFulfil("ambiguous_name")
    return list(meant.values())


def find_projects(services: Services, wanted: Sequence[str] | str) -> FoundProjects:
    """
    Find the projects asked for in those resources that answer.

    A resource that does not is named, unless all that was asked for are ids and found elsewhere. Raises as
    `resolve_projects` does, but what is not found may be where nothing can be read: then, if nothing of what was asked
    for was found, or no resource answers, the first error.
    """
    there, unread = _listed(services)
    found = _meant(there, wanted, is_all=not unread)
    if unread and (len(unread) == len(services.vision) or (wanted != "all" and not found)):
        raise unread[0].error
    return FoundProjects(
        projects=list(found.values()), unread=() if wanted != "all" and set(wanted) <= found.keys() else unread
    )


def _listed(services: Services) -> tuple[list[ResolvedProject], list[UnreadResource]]:
    there: list[ResolvedProject] = []
    unread: list[UnreadResource] = []
    for host, client in services.vision.items():
        try:
            there.extend(ResolvedProject(resource=host, project=project) for project in client.get_projects())
        except StorageUnavailable:
            raise
        except (ServiceRefusal, TransientError) as error:
            unread.append(UnreadResource(host=host, error=error))
    return there, unread


def _meant(
    there: Sequence[ResolvedProject], wanted: Sequence[str] | str, *, is_all: bool
) -> dict[str, ResolvedProject]:
    """Give by id those of all projects that are meant; with `is_all` every name and id must be among them."""
    chosen = there if wanted == "all" else [one for name in wanted for one in _named(there, name)]
    if is_all and wanted != "all" and not all(_named(there, name) for name in wanted):
        raise CannotFulfil("project_not_found")
    return {resolved.project.id: resolved for resolved in chosen}


def _named(there: Sequence[ResolvedProject], name: str) -> list[ResolvedProject]:
    """
    Give the project of an id or else of an exact name, or none; an id and a name may be the same text.

    What looks like an id was put into lower case when it was asked for, so a name that looks like one is as well.
    """
    by_id = [resolved for resolved in there if resolved.project.id == name]
    named = by_id or [one for one in there if (guid(one.project.name) or one.project.name) == name]
    if len(named) > 1:
        raise CannotFulfil("ambiguous_name")
    return named
