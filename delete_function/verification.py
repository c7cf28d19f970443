"""
Proof by reading again: what was planned must be gone, wherever the service could still hold it.

Each phase has its own look; for images the planner's rule is applied once more to the workspace and to every iteration
there is now, so that what arrived after the plan is seen as well. A project that is gone proves the project only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from delete_function.account import proven_state_of_account
from delete_function.plan import ACCOUNT, IMAGES, ITERATIONS, PREDICTIONS, PROJECTS, TAGS, UNPUBLISH
from shared.domain.errors import ResourceAbsent
from shared.domain.resources import Project
from shared.domain.selection import in_batches
from shared.domain.subject_request import ImageSelector, SubjectRequest
from shared.domain.work import UNIT_SIZE, WorkUnit, kind_of
from shared.inventory import Finder, ResolvedProject
from shared.ports import CustomVision
from shared.predictions import find_predictions
from shared.selecting import image_selector
from shared.services import Services

type Json = Mapping[str, Any]


@dataclass
class Look:
    """
    What a look showed.

    `remaining`: what is still there, by the unit that planned it. `new`: images that match and were not planned.
    `absent_projects`: projects gone as a whole. `not_found`: images that are exempt, and are not there. `stable`: every
    list stood still. `recoverable_account`: the account is deleted and not purged.
    """

    remaining: dict[str, list[str]] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    absent_projects: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    stable: bool = True
    recoverable_account: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether nothing planned was found any more."""
        return not self.remaining and self.stable


@dataclass
class Looker:
    """
    Looks for a plan's items again; `exempt` ids are known to stay (no longer matching, conflicting, in use).

    In haste it stops at the first image that is to be gone and is there, those aside that have `failed`: then there is
    nothing to do but to wait, and a whole look would be thrown away.
    """

    services: Services
    request_id: str
    request: SubjectRequest
    exempt: frozenset[str]
    failed: frozenset[str] = frozenset()
    hasty: bool = False
    found: Look = field(default_factory=Look)

    def look(self, projects: Sequence[Json], phases: Sequence[str], *, for_arrivals: bool = False) -> Look:
        """
        Look at every project of the plan, for the units of some phases.

        With `for_arrivals` projects in which no image was planned are looked through as well: one may match by now.
        """
        for project in projects:
            units = [unit_id for unit_id in project["units"] if kind_of(unit_id) in phases]
            if units and not self._has_seen_enough:
                self._look_at_project(project, units)
            if for_arrivals and self._may_have_arrivals(project):
                self._look_for_arrivals(project)
        return self.found

    def _may_have_arrivals(self, project: Json) -> bool:
        """Whether a project without a planned image can hold a match; new images get new ids, so by id none can."""
        selector = self.request.images
        planned = any(kind_of(unit_id) == IMAGES for unit_id in project["units"])
        return selector is not None and selector.needs_listing and not planned

    def _look_for_arrivals(self, project: Json) -> None:
        client = self.services.resource(project["resource"])
        try:
            self.images(client, project, [])
        except ResourceAbsent:  # with the whole project gone there are none; nothing of it was to be erased
            self.found.stable = self.found.stable and project["id"] not in {p.id for p in client.get_projects()}

    def look_at_account(self, unit_id: str) -> Look:
        """Look whether the account is gone, and not only deleted: for 48 hours that could be taken back."""
        unit = self.services.ledger.unit(self.request_id, unit_id)
        state = proven_state_of_account(self.services, unit) if unit else "absent"
        if state != "absent":
            self.found.remaining[unit_id] = [ACCOUNT]
            self.found.recoverable_account = state == "recoverable"
        return self.found

    def _look_at_project(self, project: Json, unit_ids: Sequence[str]) -> None:
        client = self.services.resource(project["resource"])
        try:
            for phase in dict.fromkeys(kind_of(unit_id) for unit_id in unit_ids):
                own = [unit_id for unit_id in unit_ids if kind_of(unit_id) == phase]
                _LOOKS[phase](self, client, project, list(self.services.ledger.units(self.request_id, own)))
        except ResourceAbsent:
            self._absent_or_moving(client, project)

    def _absent_or_moving(self, client: CustomVision, project: Json) -> None:
        """A 404 is either the project's own, or an iteration's that went while it was read: then look again later."""
        if project["id"] in {there.id for there in client.get_projects()}:
            self.found.stable = False
        elif project["id"] not in self.found.absent_projects:
            self.found.absent_projects.append(project["id"])

    def still(self, units: Sequence[WorkUnit], present: set[str], *, whole: bool) -> None:
        """Note what is present of the units' items; of a whole project everything that is present counts."""
        planned = {item: unit.unit_id for unit in units for item in unit.item_ids}
        for item in sorted((present if whole else present.intersection(planned)) - self.exempt):
            self.found.remaining.setdefault(planned.get(item, units[0].unit_id), []).append(item)

    def images(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        """Look for images: in the workspace and in every iteration there is now."""
        if project["whole"]:
            self._any_image(client, project, units)
            return
        selector = image_selector(self.services, self.request)
        planned = {item for unit in units for item in unit.item_ids}
        present = self._present(client, project["id"], sorted(planned | selector.ids), planned)
        self.still(units, present, whole=False)
        if self._has_seen_enough:
            return
        self.found.not_found += sorted(self.exempt.intersection(planned) - present)
        matching = present - planned
        if selector.needs_listing:
            matching |= self._listed(client, project, replace(selector, ids=frozenset()), units)
        self.found.new += sorted(matching - planned - self.exempt)

    @property
    def _has_seen_enough(self) -> bool:
        return self.hasty and bool(self.found.remaining)

    def _present(self, client: CustomVision, project_id: str, ids: Sequence[str], planned: Collection[str]) -> set[str]:
        """Give which of some images any source still has; if in haste, no further than the first that is to be gone."""
        awaited, present = set(planned) - self.exempt - self.failed, set[str]()
        if not ids:
            return present
        for source in [None, *(iteration.id for iteration in client.get_iterations(project_id))]:
            for batch in in_batches(ids, UNIT_SIZE):
                rows = client.get_images_by_ids(project_id, batch, iteration_id=source)
                present.update(row.id for row in rows)
                if self.hasty and awaited & present:
                    return awaited & present
        return present

    def _listed(
        self, client: CustomVision, project: Json, selector: ImageSelector, units: Sequence[WorkUnit]
    ) -> set[str]:
        """Give what matches by tag or metadata now, in the workspace and in every iteration."""
        resolved = ResolvedProject(resource=project["resource"], project=Project(project["id"], {}))
        seen = Finder(selector, "").find(client, resolved)
        self.still(units, set(seen.present), whole=False)
        self.found.stable = self.found.stable and seen.stable
        return {item.item_id for item in seen.items}

    def _any_image(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        sources = [None, *(iteration.id for iteration in client.get_iterations(project["id"]))]
        if any(client.get_image_count(project["id"], iteration_id=source) for source in sources):
            self.still(units, {project["id"]}, whole=True)

    def predictions(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        """Look for stored predictions, with and without an iteration."""
        wanted = None if project["whole"] else {item for unit in units for item in unit.item_ids}
        iterations = [iteration.id for iteration in client.get_iterations(project["id"])]
        there = find_predictions(client, project["id"], iterations, wanted)
        self.still(units, set(there), whole=project["whole"])

    def published(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        """Look for iterations that are still published."""
        there = {iteration.id for iteration in client.get_iterations(project["id"]) if iteration.publish_name}
        self.still(units, there, whole=project["whole"])

    def iterations(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        """Look for iterations."""
        there = {iteration.id for iteration in client.get_iterations(project["id"])}
        self.still(units, there, whole=project["whole"])

    def tags(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        """Look for tags of the workspace."""
        self.still(units, {tag.id for tag in client.get_tags(project["id"])}, whole=project["whole"])

    def project(self, client: CustomVision, project: Json, units: Sequence[WorkUnit]) -> None:
        """Look for the project: neither in the list nor by its id."""
        listed = project["id"] in {there.id for there in client.get_projects()}
        try:
            client.get_project(project["id"])
        except ResourceAbsent:
            by_id = False
        else:
            by_id = True
        if listed or by_id:
            self.still(units, {project["id"]}, whole=False)


type LookAt = Callable[[Looker, CustomVision, Json, Sequence[WorkUnit]], None]

_LOOKS: Mapping[str, LookAt] = {
    UNPUBLISH: Looker.published,
    PREDICTIONS: Looker.predictions,
    IMAGES: Looker.images,
    ITERATIONS: Looker.iterations,
    TAGS: Looker.tags,
    PROJECTS: Looker.project,
}
