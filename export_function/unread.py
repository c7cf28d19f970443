"""
Projects that a package lacks as a whole: of resources that do not list theirs, and those that came after the planning.

A resource that does not list its projects while others do is waited for, then named, and the rest is exported. An
erasure never goes on so: it erases nothing on an incomplete inventory (`shared.projects.resolve_projects`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export_function.faults import can_go_without
from export_function.unit_work import failure, gap
from shared.domain.errors import ServiceRefusal, TransientError
from shared.domain.record import RequestRecord
from shared.domain.retry import redelivery_delay
from shared.projects import UnreadResource
from shared.services import Services

REFUSAL_ATTEMPTS = 3
REFUSAL_PAUSE_SECONDS = 2.0

STORE = "projects"


def pause_before_reading_again(error: ServiceRefusal | TransientError, attempt: int) -> float | None:
    """Say how many seconds to wait after the `attempt`-th failure to plan; None = go on without what is refused."""
    if isinstance(error, TransientError):
        return redelivery_delay(attempt, error)
    return REFUSAL_PAUSE_SECONDS * attempt if attempt < REFUSAL_ATTEMPTS else None


def longest_pause(unread: Sequence[UnreadResource], attempt: int) -> float | None:
    """Give the pause before all projects are listed again; None if there is no use in waiting for any resource."""
    pauses = [pause_before_reading_again(resource.error, attempt) for resource in unread]
    return max((pause for pause in pauses if pause is not None), default=None)


def as_planned(unread: Sequence[UnreadResource]) -> list[dict[str, Any]]:
    """Give what the frozen plan says of them: the entry of a failure, and the host."""
    return [
        failure(STORE, None, "refused", resource.error, "GetProjects") | {"resource": resource.host}
        for resource in unread
    ]


def unread_of(plan: Mapping[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Give gap and failure of each resource that a plan had to do without."""
    return [
        (
            gap(
                STORE,
                None,
                "refused",
                f"{entry['operation']} of {entry['resource']} was refused: its projects are missing",
            ),
            {name: value for name, value in entry.items() if name != "resource"},
        )
        for entry in plan.get("unread", ())
    ]


def came_meanwhile(services: Services, record: RequestRecord, plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the gaps of projects that were not there when an export of all was planned; a call per resource."""
    planned = {project["id"] for project in plan["projects"]}
    unread = {entry["resource"] for entry in plan.get("unread", ())}
    gaps: list[dict[str, Any]] = []
    for host, client in services.vision.items():
        if host in unread:
            continue
        try:
            new = sorted({project.id for project in client.get_projects()} - planned)
        except (ServiceRefusal, TransientError) as error:
            if not can_go_without(record, error):
                raise
            gaps.append(
                gap(STORE, None, "list_moved", f"{host} listed its projects at the beginning and not at the end")
            )
        else:
            gaps.extend(gap(STORE, project_id, "list_moved", "it came while the export ran") for project_id in new)
    return gaps
