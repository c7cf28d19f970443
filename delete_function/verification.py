"""
Proof by reading again: what was planned must be gone, wherever the service could still hold it.

Each phase has its own look; for images the planner's rule is applied once more to the workspace and to every iteration
there is now, so that what arrived after the plan is seen as well. A project that is gone proves the project only.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from itertools import batched, islice
from typing import Any

from delete_function.account import proven_state_of_account
from delete_function.late_lists import iterations_there, project_is_there, tags_there
from delete_function.plan import ACCOUNT, ITERATIONS, PROJECTS, UNPUBLISH
from shared.domain.errors import ResourceAbsent
from shared.domain.id_set import IdSet
from shared.domain.plan_hash import IMAGES, PREDICTIONS, TAGS
from shared.domain.resources import Project
from shared.domain.subject_request import ImageSelector, SubjectRequest
from shared.domain.work import UNIT_SIZE, WorkUnit, kind_of
from shared.image_finder import Finder
from shared.ledger import RequestLedger
from shared.ports import CustomVision
from shared.predictions import find_predictions
from shared.projects import ResolvedProject
from shared.reading_ahead import ahead
from shared.selecting import image_selector
from shared.services import Services

type Json = Mapping[str, Any]

READ_AHEAD = 3
"""Pages of ids asked for at once: one after the other they would not use what the call budget allows."""


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


@dataclass(frozen=True, eq=False)
class Planned:
    """What some units were planned for; which unit an item belongs to is looked up in the plan where it matters."""

    ledger: RequestLedger
    request_id: str
    unit_ids: Sequence[str]

    @cached_property
    def ids(self) -> IdSet:
        """The ids of all items."""
        return IdSet(item for unit in self._units() for item in unit.item_ids)

    def units_of(self, items: Set[str]) -> dict[str, str]:
        """Give the unit of each of some items that was planned."""
        return (
            {item: unit.unit_id for unit in self._units() for item in unit.item_ids if item in items} if items else {}
        )

    def _units(self) -> Iterator[WorkUnit]:
        return self.ledger.units(self.request_id, self.unit_ids)


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
    exempt: Set[str]
    failed: Set[str] = frozenset()
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
            self.images(client, project, self._planned([]))
        except ResourceAbsent:  # with the whole project gone there are none; nothing of it was to be erased
            self.found.stable = self.found.stable and not project_is_there(client, project["id"])

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
                _LOOKS[phase](self, client, project, self._planned(own))
        except ResourceAbsent:
            self._absent_or_moving(client, project)

    def _absent_or_moving(self, client: CustomVision, project: Json) -> None:
        """A 404 is either the project's own, or an iteration's that went while it was read: then look again later."""
        if project_is_there(client, project["id"]):
            self.found.stable = False
        elif project["id"] not in self.found.absent_projects:
            self.found.absent_projects.append(project["id"])

    def _planned(self, unit_ids: Sequence[str]) -> Planned:
        return Planned(self.services.ledger, self.request_id, unit_ids)

    def still(self, planned: Planned, present: Set[str], *, whole: bool) -> None:
        """Note what is present of the planned items; of a whole project everything that is present counts."""
        there = (present if whole else planned.ids & present) - self.exempt
        units = planned.units_of(there)
        for item in sorted(there):
            self.found.remaining.setdefault(units.get(item, planned.unit_ids[0]), []).append(item)

    def images(self, client: CustomVision, project: Json, planned: Planned) -> None:
        """Look for images: in the workspace and in every iteration there is now."""
        if project["whole"]:
            self._any_image(client, project, planned)
            return
        selector = image_selector(self.services, self.request)
        present = self._present(client, project, planned.ids, selector.ids)
        self.still(planned, present, whole=False)
        if self._has_seen_enough:
            return
        self.found.not_found += sorted((planned.ids & self.exempt) - present)
        matching = present
        if selector.needs_listing:
            matching |= self._listed(client, project, replace(selector, ids=frozenset()), planned)
        self.found.new += sorted(matching - planned.ids - self.exempt)

    @property
    def _has_seen_enough(self) -> bool:
        """Something of what is awaited was seen; what has failed is not awaited, and says nothing of other projects."""
        return self.hasty and any(item not in self.failed for items in self.found.remaining.values() for item in items)

    def _present(self, client: CustomVision, project: Json, planned: Set[str], also: Set[str]) -> IdSet:
        """Give which of some images any source still has; if in haste, no further than the first that is to be gone."""
        ids, present = planned | also if also else planned, IdSet()
        if not ids:
            return present
        listed = [iteration.id for iteration in client.get_iterations(project["id"])]
        for source in [None, *listed, *_unlisted(project, listed)]:
            read = partial(_ids_there, client, project["id"], source, may_be_gone=source not in (None, *listed))
            for there in _first_then_ahead(batched(ids, UNIT_SIZE, strict=False), read):
                awaited = {item for item in there if item in planned} - self.exempt - self.failed
                if self.hasty and awaited:
                    return IdSet(awaited)
                present.update(there)
        return present

    def _listed(self, client: CustomVision, project: Json, selector: ImageSelector, planned: Planned) -> Set[str]:
        """Give what matches by tag or metadata now, in the workspace and in every iteration."""
        resolved = ResolvedProject(resource=project["resource"], project=Project(project["id"], {}))
        seen = Finder(selector, "").find(client, resolved)
        self.still(planned, seen.present, whole=False)
        self.found.stable = self.found.stable and seen.stable
        return seen.items.ids

    def _any_image(self, client: CustomVision, project: Json, planned: Planned) -> None:
        sources = [None, *(iteration.id for iteration in client.get_iterations(project["id"]))]
        if any(client.get_image_count(project["id"], iteration_id=source) for source in sources):
            self.still(planned, {project["id"]}, whole=True)

    def predictions(self, client: CustomVision, project: Json, planned: Planned) -> None:
        """Look for stored predictions, with and without an iteration."""
        wanted = None if project["whole"] else planned.ids
        iterations = [iteration.id for iteration in client.get_iterations(project["id"])]
        there = set(find_predictions(client, project["id"], iterations, wanted))
        for hidden in _unlisted(project, iterations):
            there.update(_if_there(partial(find_predictions, client, project["id"], [hidden], wanted)))
        self.still(planned, there, whole=project["whole"])

    def published(self, client: CustomVision, project: Json, planned: Planned) -> None:
        """Look for iterations that are still published."""
        iterations = iterations_there(client, project["id"], planned.ids)
        there = {iteration.id for iteration in iterations if iteration.publish_name}
        self.still(planned, there, whole=project["whole"])

    def iterations(self, client: CustomVision, project: Json, planned: Planned) -> None:
        """Look for iterations."""
        there = {iteration.id for iteration in iterations_there(client, project["id"], planned.ids)}
        self.still(planned, there, whole=project["whole"])

    def tags(self, client: CustomVision, project: Json, planned: Planned) -> None:
        """Look for tags of the workspace; those of a whole project go with it, whatever their list shows."""
        by_id = () if project["whole"] else planned.ids
        self.still(planned, {tag.id for tag in tags_there(client, project["id"], by_id)}, whole=project["whole"])

    def project(self, client: CustomVision, project: Json, planned: Planned) -> None:
        """Look for the project: neither in the list nor by its id."""
        if project_is_there(client, project["id"]):
            self.still(planned, {project["id"]}, whole=False)


def _unlisted(project: Json, listed: Collection[str]) -> list[str]:
    """
    Give the iterations of a plan that were to stay and that the list of iterations does not show.

    Somebody has deleted them, or the list is late: nothing says that it shows everything at once. They are asked for
    as well, or what they hold would seem to be gone.
    """
    planned = (one["id"] for one in project["iterations"] if one["action"] != "delete")
    return [iteration_id for iteration_id in planned if iteration_id not in listed]


def _ids_there(
    client: CustomVision, project_id: str, source: str | None, ids: Sequence[str], *, may_be_gone: bool
) -> set[str]:
    """Give which of some images a source still has."""
    read = partial(client.get_images_by_ids, project_id, ids, iteration_id=source)
    return {row.id for row in (_if_there(read) if may_be_gone else read())}


def _first_then_ahead[T, R](items: Iterable[T], work: Callable[[T], R]) -> Iterator[R]:
    """Give the results in order: the first one alone, since it may end the look, the others read a few ahead."""
    waiting = iter(items)
    yield from map(work, islice(waiting, 1))
    yield from ahead(waiting, work, READ_AHEAD)


def _if_there[T](read: Callable[[], Sequence[T]]) -> Sequence[T]:
    """Read from an iteration that may be gone."""
    try:
        return read()
    except ResourceAbsent:
        return ()


type LookAt = Callable[[Looker, CustomVision, Json, Planned], None]

_LOOKS: Mapping[str, LookAt] = {
    UNPUBLISH: Looker.published,
    PREDICTIONS: Looker.predictions,
    IMAGES: Looker.images,
    ITERATIONS: Looker.iterations,
    TAGS: Looker.tags,
    PROJECTS: Looker.project,
}
