"""After the storm: everything must come to its end within a bound, by itself; then the hosts are stopped."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.deciding import decide, send_again
from tests.chaos.log import Log
from tests.chaos.secret_scan import NOTES
from tests.chaos.world import World, is_final

type Json = dict[str, Any]

RETRYABLE = ("failed", "partially_completed")


class NotSettled(AssertionError):
    """Something did not come to an end; the text says what is still open."""


@dataclass
class Ended:
    """What there is when nothing moves any more: every request as listed, retries by the request that they repeat."""

    requests: dict[str, Json]
    retries: dict[str, str] = field(default_factory=dict)
    exit_codes: list[int] = field(default_factory=list)


def settle(world: World, log: Log, seconds: float, say: Callable[[str], None]) -> Ended:
    """Wait for the end of everything, try again what failed, wait once more, stop the hosts."""
    _until_quiet(world, log, seconds, say)
    ended = Ended(world.requests())
    ended.retries = _try_again(world, ended.requests)
    say(f"settled; {len(ended.retries)} erasures are tried again")
    _until_quiet(world, log, seconds, say)
    ended.requests = world.requests()
    world.run_function("audit_heads")
    _until_audited(world, seconds)
    ended.exit_codes = [host.process.stop() for host in world.hosts]
    return ended


def _until_quiet(world: World, log: Log, seconds: float, say: Callable[[str], None]) -> None:
    deadline, told = time.monotonic() + seconds, 0.0
    while True:
        world.run_function("poison_watch")
        requests = decide(world, log)
        going_on = {one: _where(request) for one, request in requests.items() if not is_final(request)}
        expected = (*log.posted, *log.nameless, world.schedule.request_ids[-1])
        missing = [one for one in expected if one not in requests]
        send_again(world, log, missing)
        left = {queue: n for queue, n in world.waiting().items() if queue not in NOTES}
        if not (going_on or missing or left):
            return
        if time.monotonic() > deadline:
            raise NotSettled(f"after {seconds:.0f} s: still going on {going_on}, never accepted {missing}, left {left}")
        if time.monotonic() - told > 5:
            told = time.monotonic()
            say(f"settling: {len(going_on)} going on, {len(missing)} not accepted yet, messages {left}")
        time.sleep(0.5)


def _where(request: Mapping[str, Any]) -> str:
    return f"{request['subject_request_type']} {request['request_status']} since {request['updated_time']}"


def _try_again(world: World, requests: Mapping[str, Json]) -> dict[str, str]:
    """Retry every erasure that did not get everything; 409 says that there is nothing to repeat."""
    retries = {}
    for request_id, request in requests.items():
        if request["subject_request_type"] == "erasure" and request["request_status"] in RETRYABLE:
            answer = world.call("POST", f"/api/requests/{request_id}/retry")
            assert answer.status_code in (202, 409), answer.text
            if answer.status_code == 202:
                retries[request_id] = str(answer.json()["subject_request_id"])
    return retries


def _until_audited(world: World, seconds: float) -> None:
    """Every request is in the newest file of heads: the timer's run was asked for, not waited for."""
    ledger = world.services().ledger
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        files = [blob for blob in map(ledger.audit_file, ledger.audit_names()) if blob]
        text = files[-1].content.decode() if files else ""
        if all(request_id in text for request_id in world.requests()):
            return
        time.sleep(0.3)
    raise NotSettled("the file of heads does not name every request")
