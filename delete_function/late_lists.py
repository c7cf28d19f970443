"""
What is there although a list of the service does not show it.

Nothing says that a list shows everything at once. What an erasure has planned and does not find in a list is asked for
by its id, or it would be called gone and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial

from shared.domain.errors import ResourceAbsent, UnexpectedResponse
from shared.domain.resources import Iteration, Tag
from shared.ports import CustomVision

NOT_FOUND_EITHER = (400, 410)


def iterations_there(client: CustomVision, project_id: str, planned: Iterable[str]) -> list[Iteration]:
    """
    Give the iterations of a project: those of its list, and the planned ones that the list leaves out (GetIteration).

    One call for each that is gone. Raises what the service refuses; `ResourceAbsent` is the project's own.
    """
    listed = client.get_iterations(project_id)
    shown = {one.id for one in listed}
    return [*listed, *_hidden(partial(client.get_iteration, project_id), planned, shown)]


def tags_there(client: CustomVision, project_id: str, planned: Iterable[str]) -> list[Tag]:
    """Give the tags of a workspace: those of its list, and the planned ones that the list leaves out (GetTag)."""
    listed = client.get_tags(project_id)
    return [*listed, *_hidden(partial(client.get_tag, project_id), planned, {one.id for one in listed})]


def project_is_there(client: CustomVision, project_id: str) -> bool:
    """Whether the service has a project, by its list or by its id: it is gone where neither knows it."""
    if project_id in {project.id for project in client.get_projects()}:
        return True
    return _if_there(client.get_project, project_id) is not None


def _hidden[T](read: Callable[[str], T], planned: Iterable[str], shown: Collection[str]) -> Iterator[T]:
    read_by_id = (_if_there(read, item) for item in planned if item not in shown)
    return (one for one in read_by_id if one is not None)


def _if_there[T](read: Callable[[str], T], item: str) -> T | None:
    try:
        return read(item)
    except ResourceAbsent:
        return None
    except UnexpectedResponse as refusal:  # no source says that an id that is gone is a 404; then its list counts alone
        if refusal.status not in NOT_FOUND_EITHER:
            raise
        return None
