"""What must be gone when nothing runs: leases, marks, selectors, messages, and blobs that belong to nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from tests.acceptance.stack import QUEUES
from tests.chaos.remains import Remains
from tests.chaos.secret_scan import NOTES

_OF_ALL = ("_index", "_budget", "audit", "erased")
_REQUEST = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def leftovers(remains: Remains) -> Iterator[str]:
    """Everything that nobody needs any more and that is still there."""
    yield from _held_leases(remains)
    yield from _open_cleanings(remains)
    yield from (f"the mark of an erasure is left: {name}" for name in remains.tombstones)
    for name in remains.ledger:
        owner = name.split("/")[0]
        if owner not in _OF_ALL and not (_REQUEST.fullmatch(owner) and owner in remains.ended.requests):
            yield f"a blob of no request: {name}"
        if name.endswith("/selector.json"):
            yield f"a selector is left: {name}"
    for queue in QUEUES:
        if queue not in NOTES and remains.messages[queue]:
            yield f"{len(remains.messages[queue])} message(s) are left on {queue}"
    yield from _index_problems(remains)


def _held_leases(remains: Remains) -> Iterator[str]:
    for container, blobs in remains.blobs.items():
        yield from (f"{container}/{name} is leased" for name, one in blobs.items() if one.lease == "leased")


def _open_cleanings(remains: Remains) -> Iterator[str]:
    for name, stored in remains.ledger.items():
        if name.endswith("/cleaning.json"):
            journal = json.loads(stored.content)
            if journal["owner"] or journal["waiting"] or journal["batch"]:
                yield f"a package's cleaning is not finished: {name}"


def _index_problems(remains: Remains) -> Iterator[str]:
    entries = [(name[-36:], one.metadata) for name, one in remains.ledger.items() if name.startswith("_index/")]
    ids = [request_id for request_id, _ in entries]
    yield from (f"{request_id} is twice in the index" for request_id in sorted({i for i in ids if ids.count(i) > 1}))
    for request_id, metadata in entries:
        if metadata.get("state") not in ("final", "expired"):
            yield f"the index calls {request_id} {metadata.get('state')}"
