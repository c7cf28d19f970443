"""Many small erasures, as a shop sends them: by ids, through the queue."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any
from uuid import uuid4

from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient

from benchmarks.counting_proxy import counting_proxy
from benchmarks.measuring import Figures, started
from benchmarks.plan import Plan
from benchmarks.report import Table, ratio, shares
from benchmarks.surroundings import Surroundings, storage_behind

JOBS = 1000
IMAGES_OF_A_JOB = 2
CALLS_PER_SECOND = 100
_QUEUE = "deletion-requests"
LEAST_CALLS = 2 + 2 + 2 + 1 + 2 + 2
"""
What a job cannot do without, with one trained iteration: find the project and its iterations; look for the ids in
workspace and iteration, once to plan and once before the delete; the delete; both again after it, and at the last look.
"""


def small_jobs(plan: Plan, around: Surroundings) -> list[Table]:
    """So many jobs at once by one host; the floor is their calls to Custom Vision at the budget."""
    jobs = plan.scaled(JOBS, 4)
    seeded = around.seeded(f"jobs {uuid4()}", jobs * IMAGES_OF_A_JOB, iterations=1)
    sets = batched(seeded["images"], IMAGES_OF_A_JOB, strict=True)
    messages = {str(uuid4()): _body(seeded["project"], ids) for ids in sets}
    with counting_proxy(around.azurite.ports["queue"]) as queues:
        ports = {"blob": around.azurite.ports["blob"], "queue": queues.port}
        rate = {"CUSTOM_VISION_CALLS_PER_SECOND": str(CALLS_PER_SECOND)}
        with around.host(AzureWebJobsStorage=storage_behind(ports), **rate) as host:
            queues.clear()
            figures = started(around, [host])
            _send(around.queues, messages)
            statuses = Counter(around.ended(host, one)["request_status"] for one in messages)
            done, of_queues = figures(), len(queues.seen())
    return [
        _table(jobs, done, of_queues, statuses),
        shares("Their calls to Custom Vision", done.by_operation, jobs, "job"),
        shares("Their calls to blobs", done.by_blob, jobs, "job", most=30),
    ]


def _body(project: str, ids: Sequence[str]) -> dict[str, Any]:
    scope = {"level": "items", "projects": [project], "images": {"ids": list(ids)}}
    return {"scope": scope, "options": {"trained_iterations": "keep"}}


def _send(connection: str, messages: Mapping[str, Mapping[str, Any]]) -> None:
    with QueueClient.from_connection_string(connection, _QUEUE) as queue:
        with contextlib.suppress(ResourceExistsError):
            queue.create_queue()
        for request_id, body in messages.items():
            queue.send_message(json.dumps({"subject_request_id": request_id, **body}))


def _table(jobs: int, done: Figures, of_queues: int, statuses: Mapping[str, int]) -> Table:
    head = ("jobs", "wall / floor", "wall / own calls at the budget", "wall s", "CPU s", "CPU ms a job")
    more = ("API calls a job", "blob calls a job", "queue calls a job", "peak MiB", "ended")
    title = f"Erasures of {IMAGES_OF_A_JOB} images by ids, all at once through the queue ({CALLS_PER_SECOND} calls/s)"
    table = Table(f"{title}; the floor is {LEAST_CALLS} calls a job", (*head, *more))
    ratios = (
        ratio(done.wall, jobs * LEAST_CALLS / CALLS_PER_SECOND),
        ratio(done.wall, done.api_calls / CALLS_PER_SECOND),
    )
    took = (f"{done.wall:.1f}", f"{done.cpu:.1f}", f"{done.cpu / jobs * 1000:.0f}")
    calls = [f"{number / jobs:.1f}" for number in (done.api_calls, done.app_calls, of_queues)]
    ended = ", ".join(f"{number} {status}" for status, number in statuses.items())
    table.add(str(jobs), *ratios, *took, *calls, f"{done.peak:.0f}", ended)
    return table
