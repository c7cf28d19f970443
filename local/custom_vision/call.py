"""What a handler is given: the parameters of one call, the world, the storage, and the links that it may hand out."""

from dataclasses import dataclass
from functools import cached_property

from local.custom_vision.blobs import BlobStore
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import BlobName, Image, Iteration, Project
from local.custom_vision.scope import Scope
from local.custom_vision.wire import Parameters, Request
from local.custom_vision.world import World

EXPIRED_SINCE = 3600.0


class Links:
    """Links of one answer: absolute and signed, or relative in virtual-network mode, good or spoilt as switched."""

    def __init__(self, world: World, store: BlobStore) -> None:
        self._switches = world.switches
        self._bad = world.bad_links
        self._store = store
        self._now = world.clock.now()

    def uri(self, blob: BlobName, owner_id: str, expiry: float | None = None) -> str:
        """Link to the blob of an object (image, prediction, iteration); `expiry` instead of the usual life of links."""
        if self._is_relative(owner_id):
            return f"/{blob.container}/{blob.name}"
        state = self._bad.get(owner_id, self._switches.links)
        until = self._now + self._switches.sas_seconds if expiry is None else expiry
        if state == "expired":
            until = self._now - EXPIRED_SINCE
        return self._store.link(blob, until, broken=state == "broken")

    def _is_relative(self, owner_id: str) -> bool:
        mode = self._switches.virtual_network
        # Half of all objects, and always the same ones: GUIDs are evenly spread.
        return mode == "all" or (mode == "mixed" and int(owner_id[-1], 16) % 2 == 0)


@dataclass
class Call:
    """One call of an operation. Handlers marked as unlocked in the routing table take `world.lock` themselves."""

    world: World
    store: BlobStore
    request: Request
    parameters: Parameters
    version: tuple[int, int] = (3, 3)
    preview: bool = False

    @cached_property
    def links(self) -> Links:
        """Links for this answer, all with the same expiry."""
        return Links(self.world, self.store)

    def project(self) -> Project:
        """The project of the path."""
        return self.world.project(self.parameters.id("projectId"))

    def writable_project(self) -> Project:
        """The project of the path, refused if it is read-only or still being imported."""
        project = self.project()
        if project.read_only:
            raise ServiceError("ForbiddenDRModeEnabled", "The project is in read-only mode.")
        if project.status == "Importing":
            raise ServiceError("Conflict", "The project is being imported.")
        return project

    def iteration(self, project: Project) -> Iteration:
        """The iteration of the path."""
        return find_iteration(project, self.parameters.id("iterationId"))

    def scope(self, project: Project) -> Scope:
        """The workspace, or the copy of the iteration named by the query."""
        iteration_id = self.parameters.guid("iterationId")
        return find_iteration(project, iteration_id).scope if iteration_id else project.workspace


def find_iteration(project: Project, iteration_id: str) -> Iteration:
    """The iteration, or the service's 404."""
    found = project.iterations.get(iteration_id)
    if found is None:
        raise ServiceError("NotFoundIteration", "Iteration not found.")
    return found


def find_image(scope: Scope, image_id: str) -> Image:
    """The image, or the service's 404."""
    found = scope.images.get(image_id)
    if found is None:
        raise ServiceError("NotFoundImage", "Image not found.")
    return found
