"""Planning an export: read what there is, freeze it as units. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from export_function.account import account_facts
from export_function.fingerprint import Fingerprint, add_own_data, fingerprint_of_accounts
from export_function.narrowing import no_images, of_one_person
from export_function.plan import (
    ACCOUNT,
    DERIVED,
    IterationInventory,
    PlanBuilder,
    ProjectInventory,
    units_of,
)
from export_function.unit_work import failure, refusal_code
from export_function.unread import as_planned, longest_pause
from shared.domain.canonical import keyed_digest
from shared.domain.digested import kept_selector
from shared.domain.errors import ServiceRefusal, TransientError
from shared.domain.id_set import IdSet
from shared.domain.resources import Image, Iteration, Resource
from shared.domain.selection import newest_first
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import WorkUnit
from shared.image_finder import Finder
from shared.inventory import ListedSource, list_images
from shared.plan_pages import save_pages
from shared.ports import CustomVision
from shared.predictions import PredictionPages, plan_prediction_pages
from shared.projects import ResolvedProject, find_projects
from shared.reading_ahead import together
from shared.selecting import image_selector
from shared.services import Services

UNSTABLE_PATIENCE = timedelta(hours=1)
NOT_TRAINED = frozenset(
    {"BadRequestIterationIsNotTrained", "NotFoundIterationPerformance", "BadRequestWorkspaceNotDeletable"}
)
NOTHING_LISTED = ListedSource(ids=IdSet(), service_count=0, stable=True)


@dataclass
class Planner:
    """
    Plans one export.

    `settle_for_unstable` freezes moving lists as they are, and the manifest names them. `settle_for_refused` plans
    without what the service refuses to show, and the manifest names that too; else a refusal is raised.
    `goes_without`: whether the same holds for a call that fails so. A
    `fingerprint` is taken where it is given empty. `times_unread`: how often before this a resource would not list its
    projects; `pause` then says after how many seconds it is worth asking again.
    """

    services: Services
    request_id: str
    request: SubjectRequest
    settle_for_unstable: bool
    settle_for_refused: bool = False
    goes_without: Callable[[TransientError], bool] = lambda _: False
    builder: PlanBuilder = field(default_factory=PlanBuilder)
    next_number: int = 1
    fingerprint: Fingerprint | None = None
    times_unread: int = 0
    pause: float | None = None
    _refused: list[dict[str, Any]] = field(default_factory=list)
    _published_to: set[str] = field(default_factory=set)

    def make(self) -> bool:
        """
        Read the projects and freeze the plan; False if nothing was frozen, since a list did not stand still, or since
        one of several resources did not list its projects (`pause`).

        If another planner has frozen one meanwhile, that one stands. Raises `CannotFulfil`.
        """
        found = find_projects(self.services, self.request.projects)
        self.pause = longest_pause(found.unread, self.times_unread + 1)
        if self.pause is not None:
            return False
        selector = image_selector(self.services, self.request)
        finder = Finder(selector, "", self._goes_without) if self.request.images else None
        for resolved in found.projects:
            inventory, tags = together(partial(self.inventory, resolved, finder), partial(self._tag_count, resolved))
            if not inventory.all_stable and not self.settle_for_unstable:
                return False
            counted = inventory if tags is None else replace(inventory, tag_count=tags)
            self.builder.add(counted, self._save(counted), self._fingerprint_of(resolved))
        now, unread = rfc3339(self.services.now()), as_planned(found.unread)
        plan = self.builder.plan(self.request_id, now, self._account_units(), unread)
        plan |= {"kept_selector": kept} if (kept := kept_selector(selector)) else {}
        plan |= {"account_fingerprint": self._fingerprint_of_accounts()} if self.fingerprint else {}
        self.services.ledger.save_plan(self.request_id, plan)
        return True

    def _tag_count(self, resolved: ResolvedProject) -> int | None:
        """
        Count the workspace's tags; where that is refused, the unit that writes them names it.

        None for an export of one person: into it only tags of what is found get, and these are counted there.
        """
        if self.request.narrowed:
            return None
        try:
            return len(self.services.resource(resolved.resource).get_tags(resolved.project.id))
        except ServiceRefusal:
            return 0
        except TransientError as error:
            if not self._settles_for(error):
                raise
            return 0

    def _fingerprint_of(self, resolved: ResolvedProject) -> str | None:
        """Finish the fingerprint that the reading of the lists began; None where none is taken, or can be."""
        if self.fingerprint is None:
            return None
        fingerprint, self.fingerprint = self.fingerprint, Fingerprint()
        try:
            client = self.services.resource(resolved.resource)
            self._published_to |= add_own_data(fingerprint, client, resolved.project.id)
        except (ServiceRefusal, TransientError) as error:
            if not self._settles_for(error):
                raise
            return None  # the unit that writes this data names the refusal
        return None if self._refused else self._keyed(fingerprint.text)

    def _keyed(self, digest: str) -> str:
        """Without the key nobody can try by a guess whether a value is in what was read."""
        return keyed_digest(self.services.settings.ledger_hash_key or "", digest.encode())

    def _fingerprint_of_accounts(self) -> str | None:
        """Give what tells whether the accounts have changed: empty where they are not asked for, None if unknown."""
        if not self.request.options["account"]:
            return ""
        services = self.services
        facts = account_facts(services.accounts, services.vision, services.settings.resources, self._published_to)
        return None if facts is None else self._keyed(fingerprint_of_accounts(facts))

    def _observe(self, source: str) -> Callable[[Sequence[Resource]], None]:
        """Give what looks at the rows of a list while they are read."""
        return partial(self.fingerprint.add_resources, source) if self.fingerprint else lambda _: None

    def _save(self, inventory: ProjectInventory) -> list[WorkUnit]:
        if inventory.holds_nothing:
            return []
        saved = self.save_units(units_of(inventory))
        if self.request.options["formats"] or self.request.images is not None:
            saved += self.save_units([replace(saved[0], kind=DERIVED)])
        return saved

    def save_units(self, units: Iterable[WorkUnit]) -> list[WorkUnit]:
        """Save units under the next free numbers, and give them without their items but the first."""
        pages = save_pages(self.services.ledger, self.request_id, units, self.next_number)
        saved = [_without_items(unit) for unit in pages]
        self.next_number = max((unit.number + 1 for unit in saved), default=self.next_number)
        return saved

    def _account_units(self) -> list[str]:
        if not self.request.options["account"]:
            return []
        unit = WorkUnit(kind=ACCOUNT, number=1, resource="", project_id=None)
        return [saved.unit_id for saved in self.save_units([unit])]

    def inventory(self, resolved: ResolvedProject, finder: Finder | None = None) -> ProjectInventory:
        """Read what the request wants of a project; a `finder` narrows it to one person's images."""
        client, project_id = self.services.resource(resolved.resource), resolved.project.id
        self._refused = []
        if finder is not None:
            found = self._shown(
                "images",
                project_id,
                lambda: of_one_person(finder.find(client, resolved)),
                no_images(resolved, ()),
            )
        elif self.request.narrowed:
            found = no_images(resolved, self._iterations(client, project_id))
        else:
            found = self._everything(client, resolved)
        if self.request.wants_predictions:
            found = replace(found, predictions=self._predictions(client, found))
        return replace(found, refused=self._refused)

    def _shown[T](self, store: str, item_id: str, read: Callable[[], T], otherwise: T) -> T:
        """Read a list; what stands for it, and a note, where the service refuses or fails and that is settled for."""
        try:
            return read()
        except (ServiceRefusal, TransientError) as refusal:
            if not self._settles_for(refusal):
                raise
            self._refused.append(failure(store, item_id, refusal_code(refusal), refusal, refusal.operation))
            return otherwise

    def _settles_for(self, error: ServiceRefusal | TransientError) -> bool:
        return self.settle_for_refused if isinstance(error, ServiceRefusal) else self.goes_without(error)

    def _goes_without(self, iteration_id: str, refusal: ServiceRefusal) -> bool:
        """Say whether one person's images are looked for without an iteration: it has none, or is named as refused."""
        if _has_no_copy(refusal):
            return True
        if self.settle_for_refused:
            self._refused.append(failure("images", iteration_id, refusal_code(refusal), refusal, refusal.operation))
        return self.settle_for_refused

    def _iterations(self, client: CustomVision, project_id: str) -> list[Iteration]:
        none: Sequence[Iteration] = ()
        return newest_first(self._shown("iterations", project_id, lambda: client.get_iterations(project_id), none))

    def _predictions(self, client: CustomVision, found: ProjectInventory) -> Sequence[PredictionPages]:
        ids = [iteration.iteration_id for iteration in found.iterations]
        see = self._observe("predictions")
        wanted = self.request.prediction_ids
        return self._shown(
            "predictions",
            found.project_id,
            lambda: plan_prediction_pages(client, found.project_id, ids, wanted, see, by_ends=True),
            (),
        )

    def _everything(self, client: CustomVision, resolved: ResolvedProject) -> ProjectInventory:
        """Read all images of a project: the workspace, then each iteration's own copy from the newest on."""
        project_id = resolved.project.id
        list_workspace = partial(list_images, client, project_id, observe=self._observe("workspace"))
        iterations, workspace = together(
            lambda: self._iterations(client, project_id),
            lambda: self._shown("images", project_id, list_workspace, NOTHING_LISTED),
        )
        seen = IdSet(workspace.ids)
        copies = []
        for iteration in iterations:
            read = partial(_iteration_images, client, project_id, iteration.id, self._observe(iteration.id))
            listed = self._shown("images", iteration.id, read, None)
            copies.append(_copy_of(iteration, listed, seen))
            seen.update(listed.ids if listed else ())
        return ProjectInventory(
            resource=resolved.resource,
            project_id=project_id,
            name=resolved.project.name,
            image_ids=workspace.ids,
            service_count=workspace.service_count,
            stable=workspace.stable,
            looked_at=len(seen),
            iterations=copies,
            newest=workspace.newest,
        )


def _without_items(unit: WorkUnit) -> WorkUnit:
    details = {name: value for name, value in unit.details.items() if name != "with_bytes"}
    return replace(unit, items=unit.items[:1], details=details)


def _iteration_images(
    client: CustomVision, project_id: str, iteration_id: str, observe: Callable[[Sequence[Image]], None]
) -> ListedSource | None:
    """List an iteration's own copy; None where it has none, since it is not trained."""
    try:
        return list_images(client, project_id, iteration_id=iteration_id, observe=observe)
    except ServiceRefusal as refusal:
        if _has_no_copy(refusal):
            return None
        raise


def _has_no_copy(refusal: ServiceRefusal) -> bool:
    return refusal.code in NOT_TRAINED


def _copy_of(iteration: Iteration, listed: ListedSource | None, seen: IdSet) -> IterationInventory:
    if listed is None:
        return IterationInventory.of(iteration)
    return replace(
        IterationInventory.of(iteration),
        image_ids=listed.ids,
        with_bytes=listed.ids - seen,
        service_count=listed.service_count,
        stable=listed.stable,
    )


def frozen_plan(services: Services, request_id: str) -> dict[str, Any]:
    """Read the plan that stands."""
    plan = services.ledger.frozen_plan(request_id)
    if plan is None:
        raise ValueError("a request beyond planning has no plan")
    return plan
