"""Everything that a run has left in the storage, read when nothing runs any more."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from local.verify_audit.checking import Audit, check
from request_function.watchdog import resend_lost_work
from shared.cleaning import remove_unneeded
from tests.acceptance.stack import QUEUES
from tests.chaos.log import Log
from tests.chaos.secret_scan import Scan, Stage
from tests.chaos.settling import Ended
from tests.chaos.world import World
from tests.erasure.truth import Facts, facts_of

type Json = dict[str, Any]

LONG_AFTERWARDS = timedelta(minutes=30)
"""Marks of erasures are kept while a slow twin of an export's unit may still write."""


@dataclass(frozen=True)
class Stored:
    """A blob as it lies there."""

    content: bytes
    metadata: Mapping[str, str]
    lease: str


@dataclass(repr=False)
class Remains:
    """
    What is left: the log of what was done, the requests, every blob by container and name, every message.

    `after`: what the service holds then.
    """

    world: World
    log: Log
    ended: Ended
    blobs: dict[str, dict[str, Stored]]
    messages: dict[str, list[str]]
    tombstones: list[str]
    after: Facts = field(default_factory=dict)
    audit: list[str] = field(default_factory=list)

    @property
    def ledger(self) -> dict[str, Stored]:
        """The ledger's blobs by name."""
        return self.blobs.get(self.world.settings["REQUESTS_CONTAINER"], {})

    @property
    def packages(self) -> dict[str, Stored]:
        """The blobs of packages by name."""
        return self.blobs.get(self.world.settings["EXPORTS_CONTAINER"], {})

    def json(self, request_id: str, name: str) -> Json | None:
        """A JSON blob of a request."""
        stored = self.ledger.get(f"{request_id}/{name}")
        return dict(json.loads(stored.content)) if stored else None

    def planned(self, request_id: str) -> dict[str, set[str]]:
        """The ids of a frozen plan by kind of unit."""
        plan = self.json(request_id, "plan.json") or {"projects": []}
        found: dict[str, set[str]] = {}
        for unit in (unit for project in plan["projects"] for unit in project["units"]):
            kind, number = unit[:-6], unit[-5:]
            stored = self.ledger[f"{request_id}/plan/{number}.jsonl"]
            rows = [json.loads(line) for line in stored.content.splitlines()[1:]]
            found.setdefault(kind, set()).update(row["item_id"] for row in rows)
        return found

    @cached_property
    def package_ids(self) -> set[str]:
        """The requests that have anything among the packages."""
        return {name.split("/")[0] for name in self.packages}

    def package(self, request_id: str) -> dict[str, bytes]:
        """The files of one package by path."""
        prefix = f"{request_id}/"
        return {n.removeprefix(prefix): one.content for n, one in self.packages.items() if n.startswith(prefix)}


def collect(world: World, log: Log, ended: Ended) -> Remains:
    """Read everything; marks of erasures are given the time after which they are due to go."""
    services = world.services(LONG_AFTERWARDS)
    remove_unneeded(services)
    resend_lost_work(services)  # drops the entries of requests that were never accepted; there is nothing to send
    tombstones = [entry.name for entry in services.ledger.blobs.entries("erased/")]
    after = facts_of(world.emulator)
    remains = Remains(world, log, ended, _blobs(world), _messages(world), tombstones, after)
    remains.audit = list(check(services.ledger, Audit()))
    _scan(remains)
    return remains


def _blobs(world: World) -> dict[str, dict[str, Stored]]:
    found: dict[str, dict[str, Stored]] = {}
    with world.blobs as service:
        for container in service.list_containers():
            client = service.get_container_client(container.name)
            for blob in client.list_blobs(include=["metadata"]):
                content = client.download_blob(blob.name).readall()
                stored = Stored(content, dict(blob.metadata or {}), str(blob.lease.state))
                found.setdefault(container.name, {})[blob.name] = stored
    return found


def _messages(world: World) -> dict[str, list[str]]:
    """Take everything off the queues, also what a poison watch has hidden for a while: by hand, nothing runs now."""
    found = {}
    with world.queues as service:
        for name in QUEUES:
            messages = service.get_queue_client(name).receive_messages(messages_per_page=32, visibility_timeout=600)
            found[name] = [str(one.content) for one in messages]
    return found


def _scan(remains: Remains) -> None:
    scan = remains.world.scan
    for container, blobs in remains.blobs.items():
        for name, stored in blobs.items():
            scan.blob(f"{container}/{name}", stored.content, Stage.ENDED, stored.metadata)
            if name.endswith(".zip"):
                _scan_zip(scan, f"{container}/{name}", stored.content)
    for queue, texts in remains.messages.items():
        for text in texts:
            scan.message(queue, text, Stage.ENDED)
    for name, log in remains.world.logs():
        scan.text(f"logs of {name}", log)


def _scan_zip(scan: Scan, place: str, content: bytes) -> None:
    folder = place.rsplit("/", 1)[0]
    for name, data in members(content):
        scan.blob(f"{folder}/{name}", data, Stage.ENDED)


def members(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The files in a zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def lay_down(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files below a folder, as a download does."""
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder
