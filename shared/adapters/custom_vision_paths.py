"""Addresses of the Training API, made of checked ids only."""

from __future__ import annotations

from shared.domain.identifiers import guid


def checked_id(value: str) -> str:
    """Give the id in lower case; ValueError, without the value, for what must not become part of an address."""
    checked = guid(value)
    if checked is None:
        raise ValueError("an id that is not a GUID")
    return checked


def project_path(project_id: str) -> str:
    """Give the path of a project below `/training`."""
    return f"/projects/{checked_id(project_id)}"


def iteration_path(project_id: str, iteration_id: str) -> str:
    """Give the path of an iteration below `/training`."""
    return f"{project_path(project_id)}/iterations/{checked_id(iteration_id)}"


def within(iteration_id: str | None) -> dict[str, str]:
    """Give the query that narrows a read to one iteration; empty for the workspace."""
    return {"iterationId": checked_id(iteration_id)} if iteration_id else {}
