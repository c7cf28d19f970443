"""
Proof by reading again: the planned images must be gone from the workspace and from every iteration there is now.

The planner's own rule is applied once more, so that images which arrived after the plan are seen as well (drift).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.errors import ResourceAbsent
from shared.domain.resources import Project
from shared.domain.subject_request import ImageSelector
from shared.inventory import Finder, ResolvedProject
from shared.services import Services


@dataclass(frozen=True, kw_only=True)
class Look:
    """
    What a look at the planned images showed.

    `remaining`: planned ids still somewhere, by the unit that planned them. `new`: ids that match and were not
    planned. `absent_projects`: projects that are gone as a whole. `stable`: every list stood still.
    """

    remaining: Mapping[str, Sequence[str]]
    new: Sequence[str]
    absent_projects: Sequence[str]
    stable: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing planned was found any more."""
        return not self.remaining and self.stable


@dataclass
class Looker:
    """Looks for the plan's images again; `exempt` ids are known to stay (no longer matching, conflicting, failed)."""

    services: Services
    request_id: str
    selector: ImageSelector
    exempt: frozenset[str]
    remaining: dict[str, list[str]] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    stable: bool = True

    def look(self, projects: Iterable[Mapping[str, Any]]) -> Look:
        """Look at every project of the plan."""
        for project in projects:
            try:
                self._project(project)
            except ResourceAbsent:
                self._absent_or_moving(project)
        return Look(remaining=self.remaining, new=self.new, absent_projects=self.absent, stable=self.stable)

    def _project(self, project: Mapping[str, Any]) -> None:
        unit_of = {
            item: unit.unit_id
            for unit in self.services.ledger.units(self.request_id, project["units"])
            for item in unit.item_ids
        }
        resolved = ResolvedProject(resource=project["resource"], project=Project(project["id"], {}))
        client = self.services.resource(project["resource"])
        found = Finder(self.selector, "").find(client, resolved, also=unit_of)
        for item in sorted(found.present.intersection(unit_of) - self.exempt):
            self.remaining.setdefault(unit_of[item], []).append(item)
        self.new.extend(item.item_id for item in found.items if item.item_id not in unit_of.keys() | self.exempt)
        self.stable = self.stable and found.stable

    def _absent_or_moving(self, project: Mapping[str, Any]) -> None:
        """A 404 is either the project's own, or an iteration's that went while it was read: then look again later."""
        client = self.services.resource(project["resource"])
        if project["id"] in {there.id for there in client.get_projects()}:
            self.stable = False
        else:
            self.absent.append(project["id"])
