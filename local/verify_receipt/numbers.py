"""Whether a receipt contradicts itself. Pure: a receipt in, sentences out. The form is the schema's business."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]

ITEM_STORES = ("images", "predictions")
"""Stores whose every planned item ends with exactly one word."""
OUTCOMES = ("deleted", "already_absent", "no_longer_matching", "failed")
NOT_CARRIED_OUT = ("rejected", "cancelled")
"""How an erasure ends that is over before it begins: its plan is counted, and nothing is done."""
HARMLESS_REASONS = (None, "nothing_matched")


def contradictions(receipt: Json) -> list[str]:
    """Give everything in a well-formed receipt that cannot be true together; nothing if it fits."""
    found = list(_ending(receipt))
    if receipt["subject_request_type"] == "erasure":
        for store, words in receipt["stores"].items():
            found += [f"{store}: {what}" for what in _erased(store, words, receipt)]
    else:
        for store, words in receipt["stores"].items():
            found += [f"{store}: {what}" for what in _exported(store, words, receipt)]
    return found


def _ending(receipt: Json) -> Iterator[str]:
    status, reason = receipt["request_status"], receipt["reason"]
    if status == "completed" and reason not in HARMLESS_REASONS:
        yield f"it is completed, with the reason {reason}"
    if status in ("partially_completed", "failed") and reason in HARMLESS_REASONS[:1]:
        yield f"it is {status} without a reason"
    if receipt["completed_time"] < receipt["received_time"]:
        yield "it was completed before it was received"
    if receipt["subject_request_type"] == "erasure" and receipt["stores"] and receipt["plan_hash"] is None:
        yield "something was erased without a plan"


def _erased(store: str, words: Json, receipt: Json) -> Iterator[str]:
    done = {word: words[word] for word in OUTCOMES}
    if receipt["dry_run"]:
        if words["verified"] or any(done.values()):
            yield "a dry run says that it has erased or verified something"
        return
    if receipt["request_status"] in NOT_CARRIED_OUT:
        if words["verified"] or any(done.values()):
            yield f"it was {receipt['request_status']}, but says that it has erased or verified something"
        return
    if store in ITEM_STORES and words["found"] != sum(done.values()):
        yield f"found {words['found']}, but the outcomes are of {sum(done.values())}"
    if words["verified"] and words["failed"]:
        yield f"verified, although {words['failed']} have failed"
    if receipt["request_status"] == "completed" and not words["verified"]:
        yield "not verified, although the erasure is completed"


def _exported(store: str, words: Json, receipt: Json) -> Iterator[str]:
    if store in ITEM_STORES and words["found"] < words["written"]:
        yield f"{words['written']} written, but only {words['found']} found"
    if receipt["request_status"] == "completed" and (words["failed"] or words["not_available"]):
        yield "something is missing in the package, although the export is completed"
