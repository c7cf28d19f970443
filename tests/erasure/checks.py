"""What must hold of every erasure that ended well, however it got there."""

from __future__ import annotations

from typing import Any

from request_function import reading
from tests.erasure.oracle import NOTHING, Expectation, difference
from tests.erasure.world import ID, World
from tests.unit.in_process import Process

ENDED_WORDS = ("deleted", "already_absent", "no_longer_matching", "failed")


def check_end(world: World, process: Process, expected: Expectation) -> None:
    """Exactly what was planned is gone, the receipt says so, and no trace of the selector is left."""
    assert difference(expected.after, world.facts()) == NOTHING
    status, receipt = reading.status(process.services, ID), world.receipt()
    found_any = any(expected.found().values())
    ending = ("partially_completed", "conflicting_images") if expected.conflicting else ("completed", None)
    if not found_any and not expected.conflicting:
        ending = ("completed", "nothing_matched")
    assert (status["request_status"], status["reason"]) == ending
    assert (receipt["request_status"], receipt["reason"]) == ending
    assert {store: receipt["stores"][store]["found"] for store in expected.found()} == expected.found()
    for store, words in receipt["stores"].items():
        assert sum(words[word] for word in ENDED_WORDS) == words["found"], f"{store}: {words}"
        assert words["failed"] == words["already_absent"] == 0, f"{store}: {words}"
    learned = [entry["ids"] for entry in receipt["residuals"] if entry["code"] == "trained_model_learned_from_items"]
    assert learned == ([sorted(expected.learned)] if expected.learned else [])
    assert world.requests.read(f"{ID}/selector.json") is None
    assert world.requests.read(f"{ID}/record.json") is not None


def end_state(world: World, process: Process) -> dict[str, Any]:
    """Give what a person may rely on afterwards, without times, hashes of them, ids of calls, and numbers of rounds."""
    receipt, status = world.receipt(), reading.status(process.services, ID)
    kept = ("request_status", "reason", "plan_hash", "looked_at", "selectors_without_match", "drift", "residuals")
    return {
        "status": (status["request_status"], status["reason"], status["failures"], status["counts"].keys()),
        "receipt": {name: receipt[name] for name in kept},
        "stores": {store: dict(words) | {"rounds": None} for store, words in receipt["stores"].items()},
        "index": [(entry.request_id, entry.state) for entry in process.services.ledger.index()][:1],
        "facts": sorted(world.facts()),
    }
