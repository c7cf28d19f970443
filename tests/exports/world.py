"""Exports over any number of emulated resources, in one process, and packages as a person holds them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from local.custom_vision.control import EmulatorControl
from local.custom_vision.emulator import Outcome
from local.custom_vision.server import RunningEmulator
from local.custom_vision.wire import Request
from local.verify_package.places import download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify
from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import StraightSession
from shared.adapters.resource_manager import ResourceManagerClient
from shared.domain.errors import SourceRefusal
from shared.ports import BlobStore, Queues
from shared.services import Services
from tests.acceptance.gallery import Gallery
from tests.fakes import Fetched
from tests.unit.adapters.service_answers import Credential
from tests.unit.in_process import Process, Region

type Json = dict[str, Any]
IN_MEMORY = "memory://"
SUBSCRIPTION = "5ab5c411-0000-4000-a000-000000000001"


def resource_id_of(account: str) -> str:
    """Give the ARM id of an account in the emulator's own resource group."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/emulated"
    return f"{group}/providers/Microsoft.CognitiveServices/accounts/{account}"


class World(Region):
    """A region with one emulator per resource, whose storage also opens links to its own blobs."""

    def __init__(self, emulators: Sequence[RunningEmulator], session: StraightSession, **settings: str) -> None:
        self.emulators = emulators
        endpoints = {
            "CUSTOM_VISION_ENDPOINT": ",".join(one.url for one in emulators),
            "CUSTOM_VISION_TRAINING_KEY": ",".join(one.key for one in emulators),
            "ARM_ENDPOINT": emulators[0].url,
        }
        self.taken_over: list[str] = []
        super().__init__(emulators[0], session, endpoints | settings)
        self.controls = [EmulatorControl(one.url) for one in emulators]

    def _services(self, ledger: BlobStore, packages: BlobStore, queues: Queues) -> Services:
        services = super()._services(ledger, packages, queues)
        others = [self._client(emulator) for emulator in self.emulators[1:]]
        return replace(
            services,
            vision={**services.vision, **{client.host: client for client in others}},
            accounts=services.accounts and self._manager(),
        )

    def _client(self, emulator: RunningEmulator) -> CustomVisionClient:
        return CustomVisionClient(
            emulator.url,
            key=emulator.key,
            credential=None,
            session=self.session,
            budget=UnlimitedBudget(),
            clock=self.clock,
            sleep=self.pass_time,
        )

    def _manager(self) -> ResourceManagerClient:
        return ResourceManagerClient(
            self.emulator.url,
            credential=Credential(),
            session=self.session,
            clock=self.clock,
            sleep=self.pass_time,
        )

    def _fetch(self, link: str) -> Fetched | SourceRefusal:
        """Open links to this storage's own blobs too, until they expire; those are noted."""
        if not link.startswith(IN_MEMORY):
            return super()._fetch(link)
        name = link.removeprefix(IN_MEMORY).partition("?")[0]
        blob = self.exports.read(name)
        if blob is None:
            return SourceRefusal("source_absent", status=404)
        self.taken_over.append(name)
        return Fetched(blob.content, blob.etag)

    def export(self, body: Mapping[str, Any] | None = None, *, twice: bool = False) -> "Package":
        """Post an export (of everything by default), finish it, and give its package."""
        process = self.process()
        request_id = process.post(body or {"scope": {"projects": "all"}})
        process.finish(request_id, twice=twice)
        return Package(self, process, request_id)

    def package_blobs(self, request_id: str = "") -> dict[str, bytes]:
        """Give the blobs of a package (or of all) by their paths in it."""
        prefix = f"{request_id}/" if request_id else ""
        entries = list(self.exports.entries(prefix))
        blobs = ((entry.name, self.exports.read(entry.name)) for entry in entries)
        return {name.removeprefix(prefix): blob.content for name, blob in blobs if blob is not None}

    @contextmanager
    def gallery(self, number: int = 0) -> Iterator[Gallery]:
        """Give the owner's access to a resource."""
        client = Gallery(self.emulators[number])
        yield client
        client.close()

    def train(self, project: str, number: int = 0) -> str:
        """Train an iteration and let the time pass that it takes."""
        with self.gallery(number) as gallery:
            made = gallery.call("POST", f"/projects/{project}/train", forceTrain="true")
        self.controls[number].advance(10)
        return str(made["id"])


@dataclass(frozen=True)
class Package:
    """One export that has ended: what the API says of it, and its package read by the manifest alone."""

    world: World
    process: Process
    request_id: str

    @cached_property
    def status(self) -> Json:
        """What GET says."""
        return self.process.status(self.request_id)

    @property
    def ending(self) -> tuple[str, str | None]:
        """Status and reason."""
        return self.status["request_status"], self.status["reason"]

    @cached_property
    def blobs(self) -> dict[str, bytes]:
        """Every blob by its path."""
        return self.world.package_blobs(self.request_id)

    @cached_property
    def manifest(self) -> Json:
        """The manifest."""
        return dict(json.loads(self.blobs["manifest.json"]))

    @cached_property
    def listed(self) -> dict[str, Json]:
        """The manifest's rows of files, by path; fails where one stands twice."""
        rows = [row for page in self.manifest["files"] for row in lines(self.blobs[page["path"]])]
        assert len({row["path"] for row in rows}) == len(rows), "a file is listed twice"
        return {row["path"]: row for row in rows}

    @property
    def stores(self) -> dict[str, Json]:
        """The manifest's counts."""
        return dict(self.manifest["stores"])

    def counts(self, store: str) -> dict[str, int]:
        """A store's counts that are not zero or null."""
        return {word: number for word, number in self.stores[store].items() if number}

    @property
    def gaps(self) -> list[tuple[str, str | None, str]]:
        """Store, id and code of every gap, but for what was not asked for."""
        found = [(gap["store"], gap["id"], gap["code"]) for gap in self.manifest["gaps"]]
        return sorted((one for one in found if one[2] != "not_asked"), key=str)

    def json(self, path: str) -> Any:
        """A JSON file's value."""
        return json.loads(self.blobs[path])

    def rows(self, folder: str) -> list[Json]:
        """The rows of all numbered JSONL files directly in a folder."""
        paths = sorted(path for path in self.blobs if path.rpartition("/")[0] == folder and path.endswith(".jsonl"))
        return [row for path in paths for row in lines(self.blobs[path])]

    def rows_by_id(self, folder: str) -> dict[str, Json]:
        """The same by id; fails where an item stands twice."""
        rows = self.rows(folder)
        found = {row["id"]: row for row in rows}
        assert len(found) == len(rows), f"an item stands twice in {folder}"
        return found

    def pictures(self, project: str, store: str = "images") -> dict[str, bytes]:
        """The bytes of images or predictions by id."""
        folder = f"projects/{project}/{store}/files/"
        return {
            path.removeprefix(folder).partition(".")[0]: content
            for path, content in self.blobs.items()
            if path.startswith(folder)
        }

    def text(self, path: str) -> str:
        """A file as text."""
        return self.blobs[path].decode(errors="replace")

    def download(self, folder: Path, *, only: str = "") -> Path:
        """Write the package, or its files whose path begins with `only`, into a folder."""
        for path, content in self.blobs.items():
            if path.startswith(only):
                target = folder / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
        return folder


def lines(content: bytes) -> list[Json]:
    """Read JSON lines."""
    return [json.loads(line) for line in content.splitlines()]


def findings(folder: Path) -> list[str]:
    """Give what `verify-package` finds wrong or leaves unchecked."""
    said: list[str] = []
    verify(download_at(folder), Report(said.append))
    return [line for line in said if line.startswith(("WRONG", "NOTE"))]


def assert_adds_up(package: Package) -> None:
    """What was found is what became of it."""
    for store, words in package.stores.items():
        ended = sum(words[word] for word in ("written", "vanished", "failed", "not_available"))
        assert words["found"] == ended, (store, words)


@contextmanager
def when_asked(world: World, path: str, react: Callable[[], object], nth: int = 1) -> Iterator[None]:
    """Let something happen just before the service answers the nth call whose path ends so, once."""
    emulator, as_before = world.emulator.emulator, world.emulator.emulator.handle
    seen: list[str] = []

    def handle(request: Request) -> Outcome:
        if request.path.endswith(path) and not request.path.startswith("/__"):
            seen.append(request.path)
            if len(seen) == nth:
                emulator.handle = as_before  # type: ignore[method-assign]
                react()
        return as_before(request)

    emulator.handle = handle  # type: ignore[method-assign]
    yield
    emulator.handle = as_before  # type: ignore[method-assign]
    assert len(seen) >= nth, "it did not happen"
