"""The whole state of one emulated resource, and what is still going to happen to it."""

import heapq
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import count
from random import Random

from local.custom_vision.accounts import Accounts
from local.custom_vision.clock import Clock, ticks
from local.custom_vision.errors import ServiceError
from local.custom_vision.model import BlobName, Image, Iteration, Project, StoredPrediction
from local.custom_vision.switches import Switches

PREDICTIONS_CONTAINER = "predictionimages"


class World:
    """Projects and pending effects of one resource. Hold `lock` while reading or changing anything in it.

    Blobs are only named here; `take_doomed` tells which ones must go, and the caller deletes them outside the lock.
    """

    def __init__(self, seed: int | None = None) -> None:
        self.lock = threading.RLock()
        self.clock = Clock()
        self.switches = Switches()
        self._seed = seed
        self._clear()

    def _clear(self) -> None:
        self.projects: dict[str, Project] = {}
        self.accounts = Accounts()
        self.orphan_predictions: list[tuple[str, StoredPrediction]] = []
        self.orphan_exports: list[tuple[str, Iteration]] = []
        self.reappearing: dict[str, float] = {}
        self.bad_links: dict[str, str] = {}
        self.orders = Random(None if self._seed is None else self._seed + 1)
        self._ids = Random(self._seed)
        self._last_tick = 0
        self._pending: list[tuple[float, int, Callable[[], None]]] = []
        self._held: list[Callable[[], None]] = []
        self._counter = count()
        self._doomed: list[BlobName] = []
        self._blob_uses: Counter[BlobName] = Counter()

    def reset(self) -> None:
        """Nothing left: no projects, no pending effects, default switches, real time."""
        self.switches.reset()
        self.clock.reset()
        self._clear()

    def new_id(self) -> str:
        """A fresh lower-case GUID; with a seed, the same ones in every run."""
        text = f"{self._ids.getrandbits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def now(self) -> int:
        """Current tick, later than every one given before."""
        self._last_tick = max(ticks(self.clock.now()), self._last_tick + 1)
        return self._last_tick

    def project(self, project_id: str) -> Project:
        """The project, or the service's 404."""
        found = self.projects.get(project_id)
        if found is None:
            raise ServiceError("NotFoundProject", "Project not found.")
        return found

    def in_order[T](self, items: Iterable[T]) -> list[T]:
        """A list whose order the service does not define: shuffled anew, unless switched to creation order."""
        listed = list(items)
        if self.switches.list_order == "shuffled":
            self.orders.shuffle(listed)
        return listed

    def later(self, seconds: float, effect: Callable[[], None]) -> None:
        """Let something happen after this many seconds of the emulator's clock."""
        heapq.heappush(self._pending, (self.clock.now() + seconds, next(self._counter), effect))

    def hold(self, effect: Callable[[], None]) -> None:
        """Let something happen when `release` is called."""
        self._held.append(effect)

    def release(self) -> int:
        """Let everything held happen now; returns how many effects there were."""
        held, self._held = self._held, []
        for effect in held:
            effect()
        return len(held)

    def settle(self) -> None:
        """Let everything happen that is due by now."""
        while self._pending and self._pending[0][0] <= self.clock.now():
            heapq.heappop(self._pending)[2]()

    def use_blobs(self, images: Iterable[Image]) -> None:
        """Note that these images need their blobs."""
        for image in images:
            self._blob_uses[image.original] += 1
            self._blob_uses[image.thumbnail] += 1

    def drop_unheld(self, project: Project, images: Iterable[Image]) -> None:
        """Doom the blobs of those images that neither the workspace nor an iteration holds any more."""
        scopes = project.scopes()
        for image in {image.id: image for image in images}.values():
            if any(image.id in scope.images for scope in scopes):
                continue
            self._unuse(image.original)
            self._unuse(image.thumbnail)
            for key in [key for key in project.suggestions if key[1] == image.id]:
                del project.suggestions[key]

    def doom(self, blobs: Iterable[BlobName]) -> None:
        """Blobs are to be deleted, now, late or never, as switched."""
        listed = list(blobs)
        if self.switches.blob_delete == "with_image":
            self._doomed += listed
        elif self.switches.blob_delete == "late":
            self.later(self.switches.blob_delete_delay_seconds, lambda: self._doomed.extend(listed))

    def take_doomed(self) -> list[BlobName]:
        """Blobs that must be deleted now; each is told once."""
        doomed, self._doomed = self._doomed, []
        return doomed

    def _unuse(self, blob: BlobName) -> None:
        self._blob_uses[blob] -= 1
        if self._blob_uses[blob] <= 0:
            del self._blob_uses[blob]
            self.doom([blob])


def image_blobs(project_id: str, image_id: str) -> tuple[BlobName, BlobName]:
    """Names of an image's blob and of its thumbnail."""
    container, bare = f"i-{_bare(project_id)}", _bare(image_id)
    return BlobName(container, f"i-{bare}"), BlobName(container, f"t-{bare}")


def prediction_blobs(project_id: str, prediction_id: str) -> tuple[BlobName, BlobName]:
    """Names of a stored prediction's blob and of its thumbnail."""
    bare = _bare(prediction_id)
    folder = f"{project_id}/"
    return BlobName(PREDICTIONS_CONTAINER, f"{folder}o-{bare}"), BlobName(PREDICTIONS_CONTAINER, f"{folder}t-{bare}")


def model_blob(project_id: str, iteration_id: str, platform: str) -> BlobName:
    """Name of an exported model's package."""
    return BlobName(f"m-{_bare(project_id)}", f"{_bare(iteration_id)}.{platform}.zip")


def project_export_blob(project_id: str) -> BlobName:
    """Name of the blob behind a project export's token."""
    return BlobName(f"prjexp-{_bare(project_id)}", "project-export-info")


def _bare(guid: str) -> str:
    return guid.replace("-", "")
