"""What a caller waits for a status while the same host exports."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

from benchmarks.exporting import BARE
from benchmarks.measuring import Figures, measured
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio
from benchmarks.surroundings import LEDGER, ROOT, BenchFailed, Surroundings, call
from local.azurite.accounts import APP_ACCOUNT
from local.functions_host.process import HostProcess

IMAGES = 20_000
LISTED = 50
IDLE_SECONDS = 20
GOAL_MILLISECONDS = 50


def status_reads(plan: Plan, around: Surroundings) -> list[Table]:
    """
    Read status and list during an export and after it, all from one process (on Flex, HTTP has its own).

    Beside them what they cannot be faster than: an answer of the host that reads nothing, and the record alone, read
    from the storage past the host.
    """
    images = plan.scaled(IMAGES, 20)
    project = around.seeded(f"status {uuid4()}", images)["project"]
    request_id = str(uuid4())
    body = {"subject_request_id": request_id, "scope": {"projects": [project]}, "options": BARE}
    paths = {
        "one request": f"/api/requests/{request_id}",
        f"{LISTED} requests": f"/api/requests?limit={LISTED}",
        "openapi.json, which reads nothing": "/api/openapi.json",
    }
    record = {"the record, without the host": f"/{APP_ACCOUNT}/{LEDGER}/{request_id}/record.json"}
    with around.host() as host:
        _fill(around, host, plan.scaled(LISTED, 2))
        app_port, blob_port = int(host.url.rpartition(":")[2]), around.blobs.port
        with reading(app_port, list(paths.values())) as busy, reading(blob_port, list(record.values())) as busy_blobs:
            app = measured(around, host, "exports", body)
        with reading(app_port, list(paths.values())) as idle, reading(blob_port, list(record.values())) as idle_blobs:
            time.sleep(plan.scaled(IDLE_SECONDS, 1))
    return [_table(images, app, paths | record, {"exporting": busy | busy_blobs, "idle": idle | idle_blobs})]


@contextlib.contextmanager
def reading(port: int, paths: Sequence[str]) -> Iterator[dict[str, list[float]]]:
    """Read paths of a local port again and again meanwhile; then the mapping holds the milliseconds of each read."""
    took: dict[str, list[float]] = {}
    command = [sys.executable, "-m", "benchmarks.status_reader", str(port), *paths]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        try:
            yield took
        except BaseException:
            reader.kill()
            raise
        output, _ = reader.communicate()
    if reader.returncode:
        raise BenchFailed("the status could not be read")
    took |= json.loads(output)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that this share of them does not exceed (the nearest rank)."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def _fill(around: Surroundings, host: HostProcess, requests: int) -> None:
    """Let the ledger hold a page of requests that have ended."""
    project = around.seeded(f"filling {uuid4()}", 1)["project"]
    for _ in range(requests):
        call("POST", f"{host.url}/api/exports", {"scope": {"projects": [project]}, "options": BARE})
    newest = call("GET", f"{host.url}/api/requests?limit={requests}")["requests"]
    for request in newest:
        around.ended(host, request["subject_request_id"])


def _table(
    images: int, app: Figures, paths: Mapping[str, str], found: Mapping[str, Mapping[str, Sequence[float]]]
) -> Table:
    head = ("read", "host", f"p99 / {GOAL_MILLISECONDS} ms", "p50 ms", "p99 ms", "longest ms", "reads")
    table = Table(f"Status while {images} images are exported ({app.wall:.1f} s, {app.cpu:.1f} s of CPU)", head)
    for state, took in found.items():
        for name, path in paths.items():
            values = took[path]
            p50, p99 = percentile(values, 0.5), percentile(values, 0.99)
            figures = (ratio(p99, GOAL_MILLISECONDS), f"{p50:.1f}", f"{p99:.1f}", f"{max(values):.1f}")
            table.add(name, state, *figures, str(len(values)))
    return table
