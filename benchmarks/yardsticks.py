"""
The same work with nothing else: list and copy with 32 threads, or list, delete and list again.

Each runs in a process of its own (`python -m benchmarks.yardsticks`, the task as JSON on standard input) and prints
what it took; imports and start are not in the figures.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

import requests
from azure.core.pipeline.transport import RequestsTransport
from azure.storage.blob import (
    AccountSasPermissions,
    BlobServiceClient,
    ContainerClient,
    ResourceTypes,
    generate_account_sas,
)
from requests.adapters import HTTPAdapter

from benchmarks.process_costs import costs_of

THREADS = 32
PAGE = 256
_SECONDS = 60
type Copy = Callable[[str, str], None]


def main() -> None:
    """Run the task that standard input names, and print its costs."""
    task = json.load(sys.stdin)
    session = pooled_session()
    tool = _TASKS[task["tool"]]
    copy = _prepared(task, session)
    before, began = costs_of(os.getpid()), time.perf_counter()
    done = tool(task, session, copy)
    after = costs_of(os.getpid())
    figures = {"wall": time.perf_counter() - began, "cpu": after.cpu - before.cpu, "peak": after.peak, "done": done}
    json.dump(figures, sys.stdout)


def pooled_session() -> requests.Session:
    """Make a session that keeps a connection for each thread."""
    session = requests.Session()
    session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=THREADS))
    return session


def rows(task: Mapping[str, Any], session: requests.Session, iteration: str | None = None) -> Iterator[dict[str, Any]]:
    """Read all images of the project, 256 a page."""
    skip = 0
    while True:
        query = {"take": PAGE, "skip": skip} | ({"iterationId": iteration} if iteration else {})
        answer = session.get(f"{task['project']}/images", params=query, headers=task["headers"], timeout=_SECONDS)
        answer.raise_for_status()
        page = answer.json()
        yield from page
        if len(page) < PAGE:
            return
        skip += PAGE


def copied(task: Mapping[str, Any], session: requests.Session, copy: Copy | None) -> int:
    """Copy every image of the project, 32 at a time; the number of images."""
    if copy is None:
        raise ValueError("a copy needs a way to copy")
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = [pool.submit(copy, row["id"], row["originalImageUri"]) for row in rows(task, session)]
        for job in jobs:
            job.result()
    return len(jobs)


def erased(task: Mapping[str, Any], session: requests.Session, _copy: Copy | None) -> int:
    """List workspace and iterations, delete one person's images, list both twice again; the number deleted."""
    places = [None, *task["iterations"]]
    key, value = task["person"]
    found = {
        row["id"] for one in places for row in rows(task, session, one) if (row["metadata"] or {}).get(key) == value
    }
    for ids in batched(sorted(found), PAGE, strict=False):
        query = {"imageIds": ",".join(ids), "allIterations": "true"}
        url = f"{task['project']}/images"
        session.delete(url, params=query, headers=task["headers"], timeout=_SECONDS).raise_for_status()
    for _ in range(2):
        for one in places:
            for _row in rows(task, session, one):
                pass
    return len(found)


def _prepared(task: Mapping[str, Any], session: requests.Session) -> Copy | None:
    match task["tool"]:
        case "sdk":
            return _sdk_copy(task["storage"])
        case "requests":
            return _plain_copy(task["storage"], session)
    return None


def _sdk_copy(connection: str) -> Copy:
    # With the SDK's own ten connections most of 32 threads would open a new one for every copy.
    transport = RequestsTransport()
    transport.open()
    transport.session.mount("http://", HTTPAdapter(pool_connections=4, pool_maxsize=THREADS))
    service = BlobServiceClient.from_connection_string(connection, transport=transport)
    container = _container(service, "yardstick-sdk")

    def copy(name: str, link: str) -> None:
        container.get_blob_client(name).start_copy_from_url(link, requires_sync=True)

    return copy


def _plain_copy(connection: str, session: requests.Session) -> Copy:
    service = BlobServiceClient.from_connection_string(connection)
    container = _container(service, "yardstick-requests")
    key = str(service.credential.account_key)
    allowed, until = AccountSasPermissions(write=True, create=True), datetime.now(UTC) + timedelta(hours=1)
    sas = generate_account_sas(str(service.account_name), key, ResourceTypes(object=True), allowed, until)

    def copy(name: str, link: str) -> None:
        headers = {"x-ms-copy-source": link, "x-ms-requires-sync": "true", "x-ms-version": "2021-12-02"}
        answer = session.put(f"{container.url}/{name}?{sas}", headers=headers, timeout=_SECONDS)
        answer.raise_for_status()

    return copy


def _container(service: BlobServiceClient, name: str) -> ContainerClient:
    container = service.get_container_client(name)
    if not container.exists():
        container.create_container()
    return container


_TASKS = {"sdk": copied, "requests": copied, "erase": erased}

if __name__ == "__main__":
    main()
