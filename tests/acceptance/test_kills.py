"""The host dies at any moment, between any two writes, and is started again: every request ends, truthfully."""

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from local.azurite.server import Azurite
from local.custom_vision.wire import Request
from tests.acceptance.gallery import EXTENSIONS
from tests.acceptance.package import Package
from tests.acceptance.people import stored_bytes, truth_without
from tests.acceptance.stack import Stack, eventually, running_stack
from tests.acceptance.storage_proxy import StorageCall, StorageProxy, storage_proxy

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]
HERS = {"metadata": {"subject": "anna-4711"}}
PROJECTS, IMAGES = 3, 12
QUICK_RECOVERY = {
    "LOCAL_HOST_LEASE_SECONDS": "2",
    "WATCHDOG_AFTER_SECONDS": "5",
    "WATCHDOG_SCHEDULE": "*/2 * * * * *",
    "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
}


@dataclass
class Killer:
    """Kills the host when it is told to, from whatever thread, and starts it again."""

    stack: Stack
    struck: threading.Event = field(default_factory=threading.Event)
    _once: threading.Lock = field(default_factory=threading.Lock)

    def strike(self) -> None:
        """SIGKILL, once until the next revival."""
        with self._once:
            if not self.struck.is_set():
                self.stack.host.kill()
                self.struck.set()

    def revive(self) -> None:
        """Wait for the strike and start the host again."""
        assert self.struck.wait(60), "the moment to kill the host did not come"
        self.stack.host.restart()
        self.struck.clear()


@pytest.fixture(scope="module")
def proxy(azurite: Azurite) -> Iterator[StorageProxy]:
    """What stands between host and storage."""
    with storage_proxy(azurite) as running:
        yield running


@pytest.fixture(scope="module")
def stack(azurite: Azurite, proxy: StorageProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose host recovers quickly."""
    with running_stack(azurite, tmp_path_factory.mktemp("stack"), QUICK_RECOVERY, proxy=proxy) as running:
        yield running


@dataclass(frozen=True)
class World:
    """Projects in which every second image is Anna's; all of them are in an iteration too."""

    projects: list[Json]

    @property
    def hers(self) -> list[tuple[str, str]]:
        """Anna's images, each with its project."""
        return [(project["project"], image) for project in self.projects for image in project["images"][::2]]


@pytest.fixture
def world(stack: Stack, request: pytest.FixtureRequest) -> Iterator[World]:
    """Projects of the test's own; several, so that several units run."""
    seeded = [
        stack.control.seed(
            f"Kill {number}",
            IMAGES,
            metadata={"subject": ["anna-4711", "ben-4712"]},
            unique_bytes=True,
            iterations=1,
            publish=f"live-{number}",
        )
        for number in range(PROJECTS)
    ]
    yield World(seeded)
    with stack.emulator.world.lock:
        stack.emulator.world.projects.clear()


def outcomes_of(stack: Stack, request_id: str) -> dict[str, str]:
    """ETags of the outcomes written so far."""
    found = {}
    for blob in stack.ledger.list_blobs(name_starts_with=f"{request_id}/units/"):
        if blob.name.endswith(".json"):
            found[blob.name] = blob.etag
    return found


def assert_written_once(before: dict[str, str], stack: Stack, request_id: str) -> None:
    """No outcome that was there has changed since."""
    after = outcomes_of(stack, request_id)
    assert {name: after.get(name) for name in before} == before


def assert_whole(stack: Stack, request_id: str) -> None:
    """The export's package equals the truth: every image once, with its bytes, and every file listed."""
    status, package = stack.finished(request_id, 90), Package(stack, request_id)
    ending = (status["request_status"], status["reason"])
    assert ending in (("completed", None), ("partially_completed", "not_supported_yet")), status
    for truth in stack.control.truth()["projects"]:
        images = truth["workspace"]["images"]
        pictures = package.pictures(truth["id"])
        digests = {name: hashlib.sha256(data).hexdigest() for name, data in pictures.items()}
        assert digests == {f"{one['id']}.{EXTENSIONS[one['media_type']]}": one["sha256"] for one in images}
        assert package.image_rows(truth["id"]).keys() == {one["id"] for one in images}
    assert package.manifest["stores"]["images"]["written"] == PROJECTS * IMAGES
    package.assert_manifest_is_true()
    assert stack.receipt(request_id)["request_status"] == status["request_status"]


def assert_only_anna_is_gone(stack: Stack, expected: Json, expected_bytes: Json, request_id: str) -> None:
    """The erasure ended truthfully, and everybody else is byte for byte what they were."""
    status, receipt = stack.finished(request_id, 90), stack.receipt(request_id)
    assert (status["request_status"], status["reason"]) == ("completed", None), status
    words = receipt["stores"]["images"]
    assert (words["found"], words["deleted"], words["already_absent"], words["failed"]) == (18, 18, 0, 0)
    assert words["verified"] is True
    assert truth_without(stack.control.truth(), ()) == expected
    assert eventually(lambda: stored_bytes(stack) == expected_bytes or None, "the end of the pictures' bytes")


@dataclass
class Moments:
    """Seeded moments at which the host dies: at some call of the service, at some write to the storage."""

    stack: Stack
    proxy: StorageProxy
    random: random.Random

    def next(self, killer: Killer) -> Callable[[], None]:
        """Arm the next moment; gives what disarms it."""
        return self.random.choice((self._at_service_call, self._before_a_write, self._after_a_write))(killer)

    def _at_service_call(self, killer: Killer) -> Callable[[], None]:
        left = iter(range(self.random.randint(1, 12), -1, -1))

        def react(_: Request) -> None:
            if next(left, None) == 0:
                killer.strike()

        return self.stack.on_service_call(react)

    def _before_a_write(self, killer: Killer) -> Callable[[], None]:
        at = self._some_write()

        def decide(call: StorageCall) -> None:
            if call.is_write and self._counts(call) and at() == 0:
                killer.strike()

        self.proxy.before = decide
        return self.proxy.clear

    def _after_a_write(self, killer: Killer) -> Callable[[], None]:
        at = self._some_write()

        def react(call: StorageCall) -> None:
            if call.is_write and self._counts(call) and at() == 0:
                killer.strike()

        self.proxy.after = react
        return self.proxy.clear

    def _some_write(self) -> Callable[[], int | None]:
        left = iter(range(self.random.randint(0, 9), -1, -1))
        lock = threading.Lock()

        def count() -> int | None:
            with lock:
                return next(left, None)

        return count

    def _counts(self, call: StorageCall) -> bool:
        """The writes of the request's own state; leases, timers and pictures would drown them."""
        return "azure-webjobs-hosts" not in call.target and "/images/files/" not in call.target


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_export_loses_nothing_and_does_nothing_twice(
    stack: Stack, proxy: StorageProxy, world: World, seed: int
) -> None:
    killer, moments = Killer(stack), Moments(stack, proxy, random.Random(seed))
    request_id = stack.post("/api/exports", {"scope": {"projects": "all"}, "options": {"package": "none"}})
    for _ in range(2):
        disarm = moments.next(killer)
        until_struck_or_final(stack, killer, request_id)
        disarm()
        if not killer.struck.is_set():
            break
        before = outcomes_of(stack, request_id)
        killer.revive()
        assert_written_once(before, stack, request_id)
    assert_whole(stack, request_id)


@pytest.mark.parametrize("seed", range(10, 13))
def test_a_killed_erasure_erases_one_person_and_tells_the_truth(
    stack: Stack, proxy: StorageProxy, world: World, seed: int
) -> None:
    killer, moments = Killer(stack), Moments(stack, proxy, random.Random(seed))
    expected = truth_without(stack.control.truth(), [image for _, image in world.hers])
    expected_bytes = stored_bytes(stack, without=world.hers)
    body = {"scope": {"level": "items", "projects": "all", "images": HERS}, "options": {"trained_iterations": "keep"}}
    request_id = stack.post("/api/erasures", body)
    for _ in range(2):
        disarm = moments.next(killer)
        until_struck_or_final(stack, killer, request_id)
        disarm()
        if not killer.struck.is_set():
            break
        before = outcomes_of(stack, request_id)
        killer.revive()
        assert_written_once(before, stack, request_id)
    assert_only_anna_is_gone(stack, expected, expected_bytes, request_id)


def until_struck_or_final(stack: Stack, killer: Killer, request_id: str) -> None:
    """Wait for the kill; a request that ends first needs no more of them."""

    def look() -> bool | None:
        if killer.struck.is_set():
            return True
        with suppress(Exception):
            return stack.record(request_id)["completed_time"] is not None or None
        return None

    eventually(look, "a kill or the end", 60)


def test_no_person_and_no_secret_is_left_behind_by_the_kills(stack: Stack) -> None:
    stack.assert_nowhere("anna-4711", "ben-4712")
