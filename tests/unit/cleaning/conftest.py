"""Packages as the app writes them, in a world in memory, and erasures that want something out of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import pytest

from export_function.rebuilding import REBUILD
from local.verify_package.places import download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify
from shared import tombstones
from shared.cleaning import OwnExports, Progress
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, RequestType
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import BlobStore
from shared.services import Services
from tests.fakes import InMemoryBlobStore
from tests.unit.in_process import Process, Region

EXPORT = "0f8fad5b-d9cb-469f-a165-70867728950e"
EVERYTHING = {"subject_request_id": EXPORT, "scope": {"projects": "all"}}


def id_of(name: str) -> str:
    """Give the same request id for the same name."""
    return str(uuid5(UUID(EXPORT), name))


def record_of(services: Services, request_id: str, *, ended: bool = False) -> RequestRecord:
    """Put an erasure into the ledger that is underway, or has ended."""
    now = services.now()
    record = RequestRecord(
        subject_request_id=request_id,
        subject_request_type=RequestType.ERASURE,
        regulation="gdpr",
        status=RequestStatus.COMPLETED if ended else RequestStatus.IN_PROGRESS,
        received_time=now,
        expected_completion_time=now,
        updated_time=now,
        completed_time=now if ended else None,
        ever_in_progress=True,
        body_salt="",
        body_hash="",
        origin="http",
    )
    services.ledger.create(record.evolve(now))
    return record


@dataclass
class World:
    """A region with a project of two people, everything of it exported once."""

    region: Region
    process: Process
    seeded: Mapping[str, Any]
    other: Mapping[str, Any]
    before: dict[str, bytes] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """The services of the app."""
        return self.process.services

    @property
    def project(self) -> str:
        """The project that erasures are about."""
        return str(self.seeded["project"])

    def annas(self) -> list[str]:
        """The ids of one person's images: one that only an iteration holds, one with a performance, one more."""
        return list(self.seeded["anna"])

    def package(self, package_id: str = EXPORT) -> dict[str, bytes]:
        """Give every file of a package by its path."""
        prefix = f"exports/{package_id}/"
        kept = self.region.everything_kept()
        return {name.removeprefix(prefix): content for name, content in kept.items() if name.startswith(prefix)}

    def manifest(self) -> dict[str, Any]:
        """Read the manifest."""
        found: dict[str, Any] = json.loads(self.package()["manifest.json"])
        return found

    def erasure(self, name: str, **what: Any) -> str:
        """Begin an erasure: its record and its tombstones; gives its id."""
        request_id = id_of(name)
        record_of(self.services, request_id)
        tombstones.write(self.region.requests, request_id, self.project, **what)
        return request_id

    def own_exports(self, request_id: str, **changes: Any) -> OwnExports:
        """Give an erasure's way through the packages."""
        services = self.services
        way = OwnExports(
            services=services,
            request_id=request_id,
            projects=[self.project],
            exempt=(),
            since=services.now(),
            rebuild=REBUILD,
        )
        return replace(way, **changes)

    def on(self, requests: BlobStore, exports: BlobStore) -> Services:
        """Give services on other stores."""
        return replace(self.services, ledger=RequestLedger(requests), packages=PackageStore(exports))

    def clean(self, request_id: str, **changes: Any) -> Progress:
        """Let an erasure go through all packages."""
        progress = Progress(done={}, wait=0)
        for _ in range(100):
            if progress.wait is None:
                return progress
            self.region.pass_time(progress.wait)
            progress = self.own_exports(request_id, **changes).step(progress.done)
        raise AssertionError("the packages are never clean")

    def copy(self) -> World:
        """Give the same world once more, with storage of its own."""
        twin = Region(self.region.emulator, self.region.session)
        twin.clock.advance((self.region.clock.now() - twin.clock.now()).total_seconds())
        for kept, store in ((self.region.requests, twin.requests), (self.region.exports, twin.exports)):
            copy_into(kept, store)
        return World(twin, twin.process(), self.seeded, self.other, dict(self.before))

    def findings(self, folder: Path) -> list[str]:
        """Verify the package as a person does who downloads it; gives what is wrong."""
        for path, content in self.package().items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        said: list[str] = []
        verify(download_at(folder), Report(said.append))
        return [line for line in said if line.startswith("WRONG")]

    def zipped(self) -> dict[str, bytes]:
        """Give every member of every zip of the package."""
        found: dict[str, bytes] = {}
        for path, content in self.package().items():
            if path.startswith("package-"):
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    found |= {name: archive.read(name) for name in archive.namelist()}
        return found


def copy_into(source: InMemoryBlobStore, target: InMemoryBlobStore) -> None:
    for entry in source.entries(with_metadata=True):
        blob = source.read(entry.name)
        assert blob is not None
        content_type = source.content_type(entry.name)
        if content_type == "application/x-ndjson" and entry.name.endswith(".tally"):
            target.append(entry.name, blob.content)
        else:
            target.put(entry.name, blob.content, content_type=content_type, metadata=blob.metadata)


def emptied(living: Region) -> Region:
    """Give a region with nothing in it."""
    living.control.reset()
    return Region(living.emulator, living.session)


def fill(new: Region) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Seed a project of two people with iterations and predictions, and another project."""
    people = ["anna", "ben"]
    seeded = new.control.seed("Pets", 6, metadata={"subject": people}, iterations=2, predictions=4, unique_bytes=True)
    new.control.delete_images("Pets", seeded["images"][:1], everywhere=False)
    other = new.control.seed("Birds", 2, iterations=1, predictions=1, unique_bytes=True)
    measured = performances(new, seeded)
    third = next(item for item in seeded["images"] if item not in (seeded["images"][0], measured[0]))
    return {**seeded, "anna": sorted({seeded["images"][0], measured[0], third})}, other


def performances(new: Region, seeded: Mapping[str, Any]) -> list[str]:
    """Give the images that the first iteration was measured with, which are some of them only."""
    project = f"{new.emulator.url}/customvision/v3.3/training/projects/{seeded['project']}"
    url = f"{project}/iterations/{seeded['iterations'][0]}/performance/images?take=256"
    rows = new.session.get(url, headers={"Training-Key": new.emulator.key}, timeout=10).json()
    measured = sorted(row["id"] for row in rows)
    assert measured
    assert seeded["images"][0] not in measured[:1]
    return measured


@pytest.fixture(scope="module")
def exported(living: Region) -> World:
    """A world whose projects have been exported, to be copied and not to be changed."""
    new = emptied(living)
    seeded, other = fill(new)
    process = new.process()
    view = process.finish(process.post(EVERYTHING))
    assert view["request_status"] == "completed", view
    world = World(new, process, seeded, other)
    world.before = world.package()
    return world


@pytest.fixture
def world(exported: World) -> World:
    """A copy of that world, to be changed."""
    return exported.copy()
