"""What an erasure came to: outcomes and the last look, put together. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from delete_function.plan import IMAGES, found_counts, looked_at, residuals
from shared.domain.receipt import Ending, residual
from shared.domain.record import MAX_FAILURES
from shared.domain.subject_request import RequestStatus
from shared.domain.work import UnitOutcome

WORDS = ("deleted", "already_absent", "no_longer_matching", "failed")


@dataclass
class ItemWords:
    """Which planned id ended with which word; an id has exactly one."""

    word_of: dict[str, str] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    failures: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)

    def add(self, outcome: UnitOutcome) -> None:
        """Take in the outcome of one unit's first round."""
        for word, ids in outcome.details.get("ids", {}).items():
            self.word_of.update(dict.fromkeys(ids, word))
        self.started.update(outcome.details.get("started", ()))
        self.failures.extend(dict(entry) for entry in outcome.failures[: MAX_FAILURES - len(self.failures)])
        self.request_ids.extend(outcome.request_ids)

    def having(self, *words: str) -> frozenset[str]:
        """Give the ids with one of some words."""
        return frozenset(item for item, word in self.word_of.items() if word in words)

    def settle(self, remaining: Iterable[str], code: str) -> None:
        """
        Apply the last look: what is still there has failed, whatever its delete answered.

        An item whose unit was given up and that is gone all the same counts by what was seen before the first delete.
        """
        remaining = set(remaining)
        for item in self.having("failed") - remaining:
            self.word_of[item] = "deleted" if item in self.started else "already_absent"
        for item in remaining:
            if self.word_of.get(item) != "failed":
                self.failures.append(_failure(item, code))
            self.word_of[item] = "failed"
        self.failures = [entry for entry in self.failures if self.word_of.get(entry["id"]) == "failed"][:MAX_FAILURES]

    def counts(self) -> dict[str, int]:
        """Count the ids by word."""
        return {word: len(self.having(word)) for word in WORDS}


def _failure(item: str, code: str) -> dict[str, Any]:
    return {"store": IMAGES, "id": item, "code": code, "operation": "DeleteImages", "status": None}


def ending_of(
    plan: Mapping[str, Any],
    words: ItemWords,
    *,
    new: Sequence[str],
    rounds: int,
    came_back: Sequence[str],
    reason: str | None,
    absent_projects: Sequence[str],
    kept_exports: Sequence[str],
    request_ids: Sequence[str],
) -> Ending:
    """
    Derive how an erasure ends.

    `reason` is set where the verification was cut short; otherwise the first of: something failed, a conflicting
    image, new matches, nothing matched at all.
    """
    counts, planned = words.counts(), found_counts(plan)[IMAGES]
    verified = counts["failed"] == 0 and reason is None
    stores = {IMAGES: planned | counts | {"verified": verified, "rounds": rounds}}
    if came_back:
        stores[IMAGES]["came_back"] = len(came_back)
    why = reason or _reason(counts, planned, new)
    partial = why is not None and why != "nothing_matched"
    entries = residuals(plan["projects"], kept_exports)
    if absent_projects:
        entries.append(residual("project_data_30_days", absent_projects))
    return Ending(
        status=RequestStatus.PARTIALLY_COMPLETED if partial else RequestStatus.COMPLETED,
        reason=why,
        stores=stores,
        residuals=entries,
        failures=words.failures,
        drift=len(new),
        looked_at=looked_at(plan),
        selectors_without_match=plan["selectors_without_match"],
        service_request_ids=request_ids,
    )


def _reason(counts: Mapping[str, int], planned: Mapping[str, int], new: Sequence[str]) -> str | None:
    if counts["failed"]:
        return "items_failed"
    if planned["conflicting"]:
        return "conflicting_images"
    if new:
        return "drift"
    return "nothing_matched" if planned["found"] == 0 else None


def nothing_to_erase(plan: Mapping[str, Any], kept_exports: Sequence[str]) -> Ending:
    """Give the end of an erasure whose plan is empty: the planner's reading was the look that found nothing."""
    return ending_of(
        plan,
        ItemWords(),
        new=(),
        rounds=0,
        came_back=(),
        reason=None,
        absent_projects=(),
        kept_exports=kept_exports,
        request_ids=(),
    )


def dry_run_ending(plan: Mapping[str, Any], kept_exports: Sequence[str]) -> Ending:
    """Give the end of a dry run: what would be erased, nothing deleted, nothing verified."""
    planned = found_counts(plan)[IMAGES]
    nothing = dict.fromkeys(WORDS, 0)
    return Ending(
        status=RequestStatus.COMPLETED,
        reason="nothing_matched" if planned["found"] == 0 else None,
        stores={IMAGES: planned | nothing | {"verified": False, "rounds": 0}},
        residuals=residuals(plan["projects"], kept_exports),
        looked_at=looked_at(plan),
        selectors_without_match=plan["selectors_without_match"],
    )
