"""What must be true of the service: only what was planned is gone, all of it, and receipts say so and no more."""

from __future__ import annotations

from collections.abc import Iterator

from local.custom_vision.world import image_blobs
from tests.chaos.log import Posted
from tests.chaos.remains import Json, Remains

SHOWN = 10


def wrongly_touched(remains: Remains) -> Iterator[str]:
    """Whatever is gone is in the plan of an erasure that began; all else is as it was, byte for byte."""
    before, after = remains.log.before, remains.after
    allowed = _vanished(remains)
    for posted in _begun(remains):
        allowed |= posted.lost.keys()
    yield from (f"gone, and no erasure's: {key}" for key in _first(before.keys() - after.keys() - allowed))
    changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    yield from (f"changed: {key}" for key in _first(changed))
    ours = {name for one in remains.log.added for name in _names(one)}
    new = {key for key in after.keys() - before.keys() - allowed if not ours & set(key)}
    yield from (f"came from nowhere: {key}" for key in _first(new))


def left_behind(remains: Remains) -> Iterator[str]:
    """Of an erasure that calls itself completed nothing is left."""
    after = remains.after
    for request_id, posted in _erasures(remains):
        request = remains.ended.requests.get(request_id, {})
        retried = remains.ended.requests.get(remains.ended.retries.get(request_id, ""), {})
        done = "completed" in (request.get("request_status"), retried.get("request_status"))
        if done and not posted.ask.is_dry:
            yield from (
                f"{request_id} is completed, and left {key}" for key in _first(posted.lost.keys() & after.keys())
            )


def planned_too_much(remains: Remains) -> Iterator[str]:
    """No plan holds anything that its selector did not mean."""
    for request_id, posted in _erasures(remains):
        expected = posted.expected
        assert expected is not None
        planned = remains.planned(request_id)
        meant = {
            "images": expected.images,
            "predictions": expected.predictions,
            "iterations": expected.iterations,
            "tags": expected.tags,
            "projects": expected.projects,
        }
        for kind, ids in meant.items():
            if posted.ask.body["scope"]["level"] == "items" and not planned.get(kind, set()) <= ids:
                yield f"the plan of {request_id} has {kind} that were not meant: {planned[kind] - ids}"


def untrue_receipts(remains: Remains) -> Iterator[str]:
    """The numbers of a receipt are those of the plan and of the service."""
    after = remains.after
    there = {key[-1] for key in after if key[0] == "image"}
    for request_id, posted in _erasures(remains):
        receipt = remains.json(request_id, "receipt.json") or {"stores": {}}
        words = receipt["stores"].get("images")
        if words and not posted.ask.is_dry and posted.ask.body["scope"]["level"] == "items":
            planned = remains.planned(request_id).get("images", set())
            for problem in _problems(words, planned, there, receipt["request_status"]):
                yield f"the receipt of {request_id}: {problem} ({words})"
            if _is_alone(remains, posted) and words["already_absent"] and receipt["request_status"] == "completed":
                yield f"the receipt of {request_id} calls its own deletions absent before ({words})"


def untrue_accounts(remains: Remains) -> Iterator[str]:
    """What receipts say of accounts is true: what they call gone is gone, and nobody else has taken it away."""
    for request_id, posted in _erasures(remains):
        receipt = remains.json(request_id, "receipt.json") or {"stores": {}}
        words, name = receipt["stores"].get("account"), posted.ask.account
        if words and name:
            is_gone = not any(key[0] == "account" and key[-1] == name for key in remains.after)
            for problem in _problems_of_account(words, receipt["request_status"], is_gone=is_gone):
                yield f"the receipt of {request_id}: {problem} ({words})"


def _problems_of_account(words: Json, status: str, *, is_gone: bool) -> Iterator[str]:
    if words["found"] != 1 or words["deleted"] + words["already_absent"] + words["failed"] != 1:
        yield "its words about the account do not add up"
    if words["already_absent"]:
        yield "it calls its own deletion of the account absent before"
    if (words["deleted"] or words["verified"]) and not is_gone:
        yield "the account is still there"
    if status == "completed" and not (words["deleted"] and words["verified"]):
        yield "the account is not proven to be gone, and it is completed"


def _problems(words: Json, planned: set[str], there: set[str], status: str) -> Iterator[str]:
    gone = words["deleted"] + words["already_absent"]
    if words["found"] != len(planned):
        yield f"{len(planned)} images were planned"
    if status in ("completed", "partially_completed"):
        if gone + words["no_longer_matching"] + words["failed"] != words["found"]:
            yield "its words do not add up"
        if gone > len(planned - there):
            yield f"only {len(planned - there)} images are gone"
    if status == "completed" and planned and (gone != words["found"] or not words["verified"]):
        yield "not all is done, and it is completed"


def _is_alone(remains: Remains, posted: Posted) -> bool:
    """Whether nothing but this erasure took these images away: no twin, no iteration deleted beneath it."""
    album, person = posted.ask.album, posted.ask.person
    if album is None or person is None or not album.name.startswith("family"):
        return False
    return sum(other.ask.person == person for other in remains.log.posted.values()) == 1


def _erasures(remains: Remains) -> Iterator[tuple[str, Posted]]:
    return ((one, posted) for one, posted in remains.log.posted.items() if posted.ask.is_erasure)


def _begun(remains: Remains) -> Iterator[Posted]:
    """The erasures that have ever begun to delete."""
    for request_id, posted in _erasures(remains):
        record = remains.json(request_id, "record.json") or {}
        if record.get("ever_in_progress") and not posted.ask.is_dry:
            yield posted


def _vanished(remains: Remains) -> set[tuple[str, ...]]:
    names = {name for one in remains.log.vanished for name in _names(one)}
    return {key for key in remains.log.before if names & set(key)}


def _names(image_id: str) -> set[str]:
    """An image's id and the names of its blobs."""
    return {image_id, *(blob.name for blob in image_blobs("", image_id))}


def _first(keys: set[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return sorted(keys)[:SHOWN]
