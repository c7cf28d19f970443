"""What an erasure came to: outcomes and the last look, put together. Pure: values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from delete_function.plan import ACCOUNT, ITERATIONS, OWN_EXPORTS, STORE_OF, STORES, UNPUBLISH
from delete_function.word_of import WordOf
from shared.domain.errors import DamagedRecord
from shared.domain.id_set import IdSet
from shared.domain.plan_hash import IMAGES
from shared.domain.planned import WORDS, found_counts, nothing_deleted
from shared.domain.receipt import Ending, looked_at
from shared.domain.record import MAX_FAILURES
from shared.domain.subject_request import RequestStatus
from shared.domain.work import Counts, UnitOutcome, WorkUnit, add_counts, kind_of

NAMED_FAILURES = ("account_not_empty", "blocked_by_published_iteration", "blocked", "verify_deadline")
"""Codes of failures that are reasons of their own, the most telling first."""

NOT_ATTEMPTED = "not_attempted"
"""Code of what was planned in a unit that never began, because something before it could not be done."""

NOT_CONFIGURED = "endpoint_not_configured"
"""Code of a package that holds something of a project whose endpoint this installation no longer has."""

_GONE_PUBLICATION = ("unpublished", "already_unpublished")
"""What is said of a failed publication that is gone all the same: after a first delete, and without one."""


@dataclass
class Words:
    """
    Which planned id of which store ended with which word; an id has exactly one in a store.

    `totals` are counts, by unit that has an outcome, of what has no ids written down (all images of a project); where
    such a unit failed, the id of its project `stands_for` so many. `publications`: iterations whose word is about their
    publication. `learned`: iterations outside the plan that were trained with what was erased. `disputed`: ids that one
    run of their unit saw as the person's, and another one did not.
    """

    word_of: WordOf = field(default_factory=WordOf)
    publications: set[str] = field(default_factory=set)
    stands_for: dict[tuple[str, str], int] = field(default_factory=dict)
    learned: set[str] = field(default_factory=set)
    started: IdSet = field(default_factory=IdSet)
    disputed: set[str] = field(default_factory=set)
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    failures: list[dict[str, Any]] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)

    def add(self, outcome: UnitOutcome) -> None:
        """Take in the outcome of one unit's first round."""
        kind = kind_of(outcome.unit_id)
        store = STORE_OF[kind]
        ids: Mapping[str, Sequence[str]] = outcome.details.get("ids", {})
        self.stands_for |= {(store, item): size for item, size in outcome.details.get("stands_for", {}).items()}
        for word, items in ids.items():
            self.word_of.update({(store, item): word for item in items})
            note = self.publications.update if kind == UNPUBLISH else self.publications.difference_update
            note(items)
        self.started.update(outcome.details.get("started", ()))
        self.learned.update(outcome.details.get("learned", ()))
        self.disputed.update(outcome.details.get("disputed", ()))
        named = {word: sum(self._size((store, item)) for item in items) for word, items in ids.items()}
        unnamed = {word: number - named.get(word, 0) for word, number in outcome.counts.get(store, {}).items()}
        self.totals[outcome.unit_id] = {word: number for word, number in unnamed.items() if number}
        self.failures.extend(dict(entry) for entry in outcome.failures[: MAX_FAILURES - len(self.failures)])
        self.request_ids.extend(outcome.request_ids)

    def add_arrivals(self, outcome: UnitOutcome) -> None:
        """Take in what a later round of a unit found that had arrived since the plan was made."""
        store = STORE_OF[kind_of(outcome.unit_id)]
        for item in outcome.details.get("ids", {}).get("arrived_after_plan", ()):
            self.word_of.setdefault((store, item), "arrived_after_plan")

    def having(self, *words: str) -> IdSet:
        """Give the ids with one of some words, in any store."""
        return self.word_of.ids(words)

    def gone_after_all(self, ids: Collection[str]) -> None:
        """
        Give disputed ids that a look did not find the word of what was erased.

        One run of their unit had seen them as the person's, and was about to delete them; another one saw what was left
        of them halfway, and called it no longer matching.
        """
        self.word_of.update({(IMAGES, item): "deleted" for item in self.disputed.intersection(ids)})

    def settle(self, remaining: Mapping[str, Collection[str]], code: str, *, whole: bool = True) -> None:
        """
        Apply the last look, by unit: what is still there has failed, with `code`, whatever its delete answered.

        An item whose unit was given up and that is gone all the same counts by what was seen before the first delete;
        but not if the look was not `whole`: what it did not read may be there.
        """
        still = {(STORE_OF[kind_of(unit)], item): unit for unit, items in remaining.items() for item in items}
        if whole:
            self._gone_all_the_same(still)
        for key in sorted(still):
            if self.word_of.get(key) != "failed":
                self.failures.append(_failure(*key, code if still[key] in self.totals else NOT_ATTEMPTED))
            self._fail(key, still[key])
        kept = [e for e in self.failures if self.word_of.get((e["store"], e["id"]), "failed") == "failed"]
        self.failures = kept[:MAX_FAILURES]

    def _gone_all_the_same(self, still: Collection[tuple[str, str]]) -> None:
        for store, item in self.word_of.keys_with(["failed"]).difference(still):
            is_publication = store == ITERATIONS and item in self.publications
            done, before = _GONE_PUBLICATION if is_publication else ("deleted", "already_absent")
            self.word_of[store, item] = done if item in self.started else before

    def _fail(self, key: tuple[str, str], unit_id: str) -> None:
        """Give an id the word failed; where ids are not written down, all that its unit was to delete has failed."""
        unnamed = self.totals.get(unit_id, {})
        if key not in self.word_of and unnamed.get("deleted"):
            self.totals[unit_id] = unnamed | {"deleted": 0, "failed": unnamed["deleted"]}
        else:
            self.word_of[key] = "failed"

    def leave_undone(self, unit: WorkUnit, planned: int) -> None:
        """Give what a unit was planned for and never began the word failed, if nothing else was said of it."""
        store = STORE_OF[unit.kind]
        if not unit.item_ids and unit.kind == IMAGES and unit.project_id:
            self.stands_for[store, unit.project_id] = planned
        for item in unit.item_ids or _stand_in(unit):
            if self.word_of.get((store, item)) in (None, *_GONE_PUBLICATION):
                self.word_of[store, item] = "failed"
                if len(self.failures) < MAX_FAILURES:
                    self.failures.append(_failure(store, item, NOT_ATTEMPTED))

    def _size(self, key: tuple[str, str]) -> int:
        return self.stands_for.get(key, 1)

    def counts(self, store: str) -> dict[str, int]:
        """Count a store's ids by word; the four usual words are always there."""
        counts = dict.fromkeys(WORDS, 0)
        counts |= self.word_of.counts(store)
        for key in self.stands_for:
            if key[0] == store and key in self.word_of:
                counts[self.word_of[key]] += self._size(key) - 1
        for unit_id, unnamed in self.totals.items():
            if STORE_OF[kind_of(unit_id)] == store:
                counts = add_counts({store: counts}, {store: unnamed})[store]
        return counts


def _stand_in(unit: WorkUnit) -> list[str]:
    """Give the id that stands for what a unit without ids of its own is planned for, if it is for anything."""
    if unit.kind == ACCOUNT:
        return [ACCOUNT]
    return [unit.project_id] if unit.kind == IMAGES and unit.project_id else []


def _failure(store: str, item: str, code: str) -> dict[str, Any]:
    return {"store": store, "id": item, "code": code, "operation": "verification", "status": None}


@dataclass(frozen=True, kw_only=True)
class Proof:
    """
    How far the proof came.

    `new`: matches that were not planned; `rounds` by phase; `came_back`: ids that were gone and there again, by store;
    `reason` is set where the proof was cut short. `own_exports`: what the packages of this app came to, None where they
    are not concerned.
    """

    new: Sequence[str] = ()
    rounds: Mapping[str, int] = field(default_factory=dict)
    came_back: Mapping[str, Sequence[str]] = field(default_factory=dict)
    reason: str | None = None
    own_exports: Mapping[str, Any] | None = None


def ending_of(plan: Mapping[str, Any], words: Words, proof: Proof, residuals: Sequence[Mapping[str, Any]]) -> Ending:
    """
    Derive how an erasure ends.

    The reason is the proof's own if it was cut short; otherwise the first of: something failed, a conflicting image,
    new matches, nothing matched at all.
    """
    planned = found_counts(plan)
    stores = _with_out_of_reach(_stores(words, proof, planned), plan, "found", "failed")
    reason = proof.reason or _reason(words, planned, stores, proof)
    partial = reason is not None and reason != "nothing_matched"
    return Ending(
        status=RequestStatus.PARTIALLY_COMPLETED if partial else RequestStatus.COMPLETED,
        reason=reason,
        stores=stores,
        residuals=residuals,
        failures=[*_out_of_reach_failures(plan), *_unread_failures(proof), *words.failures][:MAX_FAILURES],
        drift=len(proof.new),
        looked_at=looked_at(plan),
        selectors_without_match=plan["selectors_without_match"],
        service_request_ids=words.request_ids,
    )


def _stores(words: Words, proof: Proof, planned: Counts) -> dict[str, dict[str, Any]]:
    """Give the receipt's table: the stores that the plan concerns, images always."""
    table: dict[str, dict[str, Any]] = {}
    for store in STORES:
        counts = words.counts(store)
        if store != "images" and not planned[store]["found"] and not any(counts.values()):
            continue
        verified = counts["failed"] == 0 and proof.reason is None
        rounds = max((n for phase, n in proof.rounds.items() if STORE_OF[phase] == store), default=0)
        table[store] = planned[store] | counts | {"verified": verified, "rounds": rounds}
        if proof.came_back.get(store):
            table[store]["came_back"] = len(proof.came_back[store])
    if proof.own_exports is not None:
        table["own_exports"] = {**proof.own_exports, **_number_of_unread(proof)}
    return table


def _with_out_of_reach(
    table: dict[str, dict[str, Any]], plan: Mapping[str, Any], *counted_as: str
) -> dict[str, dict[str, Any]]:
    """Count what packages hold of projects that this installation cannot ask for any more: nothing of it was taken."""
    number = len(plan.get("out_of_reach", ()))
    if number:
        words = table.get("own_exports", dict.fromkeys(("found", *WORDS, "packages", "rounds"), 0))
        table["own_exports"] = words | {word: words[word] + number for word in counted_as} | {"verified": False}
    return table


def _out_of_reach_failures(plan: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Name the packages that hold something of projects whose endpoint is not configured."""
    packages = {package_id for item in plan.get("out_of_reach", ()) for package_id in item["packages"]}
    return tuple(
        {"store": "own_exports", "id": one, "code": NOT_CONFIGURED, "operation": "planning", "status": None}
        for one in sorted(packages)
    )


def _number_of_unread(proof: Proof) -> dict[str, int]:
    unread = (proof.own_exports or {}).get("unread")
    return {"unread": len(unread)} if unread else {}


def _unread_failures(proof: Proof) -> list[dict[str, Any]]:
    """Name the exports whose record is damaged, so that nobody knows what their packages hold."""
    return [unread_failure(package_id, OWN_EXPORTS) for package_id in (proof.own_exports or {}).get("unread", ())]


def unread_failure(package_id: str, operation: str) -> dict[str, Any]:
    """Give what is said of an export whose record is damaged; `operation` is what needed it."""
    return {
        "store": "own_exports",
        "id": package_id,
        "code": DamagedRecord.code,
        "operation": operation,
        "status": None,
    }


def _reason(words: Words, planned: Counts, stores: Mapping[str, Mapping[str, Any]], proof: Proof) -> str | None:
    if any(words_of["failed"] for words_of in stores.values()):
        codes = {entry["code"] for entry in words.failures}
        return next((code for code in NAMED_FAILURES if code in codes), "items_failed")
    if proof.own_exports is not None and not proof.own_exports["verified"]:
        return "export_running"
    if planned["images"]["conflicting"]:
        return "conflicting_images"
    if proof.new:
        return "drift"
    return None if any(counts["found"] for counts in planned.values()) else "nothing_matched"


def dry_run_ending(plan: Mapping[str, Any], residuals: Sequence[Mapping[str, Any]]) -> Ending:
    """Give the end of a dry run: what would be erased, nothing deleted, nothing verified."""
    stores = _with_out_of_reach(nothing_deleted(plan), plan, "found")
    return Ending(
        status=RequestStatus.COMPLETED,
        reason=None if any(counts["found"] for counts in stores.values()) else "nothing_matched",
        stores=stores,
        failures=_out_of_reach_failures(plan),
        residuals=residuals,
        looked_at=looked_at(plan),
        selectors_without_match=plan["selectors_without_match"],
    )
