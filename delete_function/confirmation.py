"""The caller's word for what a whole-project or whole-account erasure is about, compared before anything is erased."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.domain.errors import CannotFulfil
from shared.domain.subject_request import SubjectRequest
from shared.projects import ResolvedProject


def check_confirmation(request: SubjectRequest, resolved: Sequence[ResolvedProject], hosts: Sequence[str]) -> None:
    """
    Raise `CannotFulfil("confirm_mismatch")` unless `options.confirm` names exactly what was found.

    Level projects: the names of all projects meant, or `all_projects` with the scope "all"; with "all" and several
    endpoints also their hosts. Level account is compared where the account is read.
    """
    if request.level != "projects":
        return
    confirm: Mapping[str, Any] = request.options["confirm"]
    if not _projects_agree(request, confirm, resolved) or not _hosts_agree(request, confirm, hosts):
        raise CannotFulfil("confirm_mismatch")


def _projects_agree(request: SubjectRequest, confirm: Mapping[str, Any], resolved: Sequence[ResolvedProject]) -> bool:
    if "project_ids" in confirm:  # a retry's own word, which no caller can give: its plan's projects
        return sorted(confirm["project_ids"]) == sorted(entry.project.id for entry in resolved)
    if "projects" in confirm:
        return sorted(confirm["projects"]) == sorted(entry.project.name for entry in resolved)
    return request.projects == "all" and confirm.get("all_projects") is True


def _hosts_agree(request: SubjectRequest, confirm: Mapping[str, Any], hosts: Sequence[str]) -> bool:
    if request.projects == "all" and len(hosts) > 1:
        return sorted(host.lower() for host in confirm.get("resources", ())) == sorted(hosts)
    return "resources" not in confirm or {host.lower() for host in confirm["resources"]} == set(hosts)
