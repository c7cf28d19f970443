"""Packages that were written before an erasure, in the world of these tests, and what is left in them afterwards."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from local.verify_package.places import download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify
from shared.lifecycle import handle
from shared.services import Services
from tests.erasure.world import FULFILMENTS, Driver, World

EXPORT = "5c173f82-b05c-487c-a274-befb32deccaa"


def export(request_id: str = EXPORT, **options: Any) -> dict[str, Any]:
    """Give the body of an export of everything."""
    return {"subject_request_id": request_id, "scope": {"projects": "all"}, "options": options}


def exported(world: World, request_id: str = EXPORT) -> Driver:
    """Export everything that the service holds now."""
    driver = Driver(world.process())
    driver.process.post(export(request_id))
    driver.finish(request_id)
    return driver


def package(world: World, request_id: str = EXPORT) -> dict[str, bytes]:
    """Give every file of a package by its path, and every member of its zips."""
    files: dict[str, bytes] = {}
    for entry in world.exports.entries(f"{request_id}/"):
        blob = world.exports.read(entry.name)
        assert blob is not None
        path = entry.name.removeprefix(f"{request_id}/")
        files[path] = blob.content
        if path.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(blob.content)) as archive:
                files |= {f"{path}: {name}": archive.read(name) for name in archive.namelist()}
    return files


def naming(world: World, *texts: str, request_id: str = EXPORT) -> list[str]:
    """Give the files of a package that have one of some texts in them or in their name."""
    return sorted(
        path
        for path, content in package(world, request_id).items()
        if not path.endswith(".zip") and any(text in path or text.encode() in content for text in texts)
    )


def deliver_exports(driver: Driver, times: int) -> None:
    """Deliver some messages of the export queue only."""
    for _ in range(times):
        _deliver(driver, "export-work", driver.process.services)


def deliver_erasures(driver: Driver) -> None:
    """Deliver what can be seen of the queue of erasures only."""
    while _deliver(driver, "deletion-work", driver.process.erasing):
        continue


def _deliver(driver: Driver, queue: str, services: Services) -> bool:
    there = driver.process.region.queues.receive(queue, limit=1)
    for message in there:
        handle(services, FULFILMENTS[queue], message.content, message.dequeue_count)
        driver.process.region.queues.remove(queue, message)
    return bool(there)


def verified(world: World, request_id: str = EXPORT) -> list[str]:
    """Say what is wrong with a package, as `make verify-package` does."""
    said: list[str] = []
    with TemporaryDirectory() as name:
        for path, content in package(world, request_id).items():
            if ".zip: " not in path:
                (Path(name) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(name) / path).write_bytes(content)
        verify(download_at(Path(name)), Report(said.append))
    return [line for line in said if line.startswith("WRONG")]
