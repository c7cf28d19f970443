"""Trying again what a request could not do: a new request about the remaining items of the old one's plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.acceptance import accept
from shared.domain.account import AccountId
from shared.domain.digested import is_readable, tried_again
from shared.domain.errors import Conflict
from shared.domain.identifiers import id_of_retry
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, SubjectRequest
from shared.domain.work import UnitOutcome, WorkUnit, kind_of
from shared.services import Services

RETRIABLE = frozenset({RequestStatus.FAILED, RequestStatus.PARTIALLY_COMPLETED})
DONE = ("deleted", "already_absent", "no_longer_matching", "unpublished", "already_unpublished")
ITEM_KINDS = ("images", "predictions")
OWN_EXPORTS = "own_exports"
"""The phase that has gone through the packages, by what the record notes of it."""
LEFT_BESIDE = {"iterations": ("unpublish", "iterations"), "tags": ("tags",)}
"""What a retry names beside its items, by the kinds of units that may have left it undone."""
OF_THE_PLAN = ("left", "selected_tags")
"""Options that only a retry has: ids that it takes over from the plan."""

type Plan = Mapping[str, Any]


def retry(services: Services, request_id: str, verified_requester: str | None) -> RequestRecord:
    """
    Accept the retry of a request that has failed or is incomplete; asking twice gives the same request.

    It is about ids of the plan only, never about new matches. An export is made anew for the planned projects, or for
    the planned images where it was narrowed. Raises `Conflict` if there is nothing to try again.
    """
    record = services.ledger.read(request_id).record
    if record.status not in RETRIABLE:
        raise Conflict(f"only what has failed or is incomplete can be tried again: {record.status.value}")
    plan = services.ledger.plan(request_id)
    if plan is not None and not is_readable(plan.get("kept_selector"), services.settings.ledger_hash_key or ""):
        raise Conflict("LEDGER_HASH_KEY is not the one that this request was planned with: send a new request")
    scope = None if plan is None else _scope(services, record, plan)
    if scope is None:
        raise Conflict("nothing of the plan is left to try again", reason="nothing_to_retry")
    again = _request(record, scope)
    return accept(services, again, origin="retry", verified_requester=verified_requester, retry_of=request_id)


def _request(record: RequestRecord, scope: Mapping[str, Any]) -> SubjectRequest:
    options = dict(record.notes["options"])
    scope = dict(scope)
    options = {name: value for name, value in options.items() if name not in OF_THE_PLAN}  # of the request before
    options |= {name: value for name in OF_THE_PLAN if (value := scope.pop(name, None))}
    if not record.is_export:
        options["confirm"] = _confirmation(scope)
    if "decision" in record.notes or record.is_whole_by_queue:  # its plan needed approval, so its rest does
        options["require_approval"] = True
    return SubjectRequest(
        request_id=id_of_retry(record.subject_request_id),
        type=record.subject_request_type,
        regulation=record.regulation,
        submitted_time=record.submitted_time,
        requested_by=None,
        scope=scope,
        options=options,
    )


def _confirmation(scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """The plan's own ids stand for the names that the caller gave once; approval is asked for anew."""
    if scope["level"] == "projects":
        return {"project_ids": scope["projects"]}
    account = AccountId.parse(scope["account"]) if scope["level"] == "account" else None
    return {"account": account.name} if account else None


def _scope(services: Services, record: RequestRecord, plan: Plan) -> dict[str, Any] | None:
    if record.is_export:
        return _export_scope(services, record, plan)
    scopes = {"projects": _whole_scope, "account": _account_scope}
    return scopes.get(record.level or "", _items_scope)(services, record, plan)


def _export_scope(services: Services, record: RequestRecord, plan: Plan) -> dict[str, Any] | None:
    projects = sorted(project["id"] for project in plan["projects"])
    if not projects:
        return None
    if not record.notes.get("narrowed"):
        return {"projects": projects, "predictions": bool(record.notes.get("predictions"))}
    units = [unit for project in plan["projects"] for unit in services.ledger.units(_id(record), project["units"])]
    kinds = ("images", "iteration_images")
    images = {item for unit in units if unit.kind in kinds for item in unit.item_ids}
    predictions = sorted({item for unit in units if unit.kind == "predictions" for item in unit.item_ids})
    return _with_items({"projects": projects}, tried_again(images, plan.get("kept_selector")), predictions)


def _items_scope(services: Services, record: RequestRecord, plan: Plan) -> dict[str, Any] | None:
    kinds = {kind: (kind,) for kind in ITEM_KINDS} | LEFT_BESIDE
    left: dict[str, set[str]] = {store: set() for store in kinds}
    projects = set()
    for project in plan["projects"]:
        for store, of_units in kinds.items():
            ids = _left(services, record, [unit for unit in project["units"] if kind_of(unit) in of_units])
            left[store] |= ids
            projects |= {project["id"]} if ids else set()
    scope: dict[str, Any] = {"level": "items", "projects": sorted(projects)}
    beside = {store: sorted(left[store]) for store in LEFT_BESIDE if left[store]}
    scope |= {"left": beside} if beside else {}
    tags = {tag for project in plan["projects"] for tag in project.get("selected_tags", ())}
    scope |= {"selected_tags": sorted(tags)} if tags else {}
    images = tried_again(left["images"], plan.get("kept_selector"))
    return _with_items(scope, images, sorted(left["predictions"]))


def _whole_scope(services: Services, record: RequestRecord, plan: Plan) -> dict[str, Any] | None:
    """Projects of which any unit has not done its work, or was still found at the last look."""
    left = [project["id"] for project in plan["projects"] if _is_left(services, record, project)]
    return {"level": "projects", "projects": sorted(left), "predictions": True} if left else None


def _account_scope(services: Services, record: RequestRecord, plan: Plan) -> dict[str, Any] | None:
    """An account is gone or it is not: then everything of it is tried again."""
    unit = services.ledger.unit(_id(record), plan["account"]["unit"]) if plan["account"] else None
    if unit is None:
        return None
    return {"level": "account", "projects": "all", "predictions": True, "account": unit.details["account"]}


def _is_left(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> bool:
    remaining = services.ledger.remaining(_id(record))
    outcomes = [services.ledger.outcome(_id(record), unit) for unit in project["units"]]
    undone = any(outcome is None or outcome.failed for outcome in outcomes)
    return undone or any(unit in remaining for unit in project["units"])


def _left(services: Services, record: RequestRecord, unit_ids: Sequence[str]) -> set[str]:
    """
    Give the planned ids that are not done, and those that the last look still found.

    Of an erasure that has not gone through all packages, since it was cut off or could not read the record of one,
    these are all of its items.
    """
    remaining = services.ledger.remaining(_id(record))
    left: set[str] = set()
    for unit in services.ledger.units(_id(record), unit_ids):
        in_packages = unit.kind in ITEM_KINDS and not _went_through_packages(record)
        done = ("no_longer_matching",) if in_packages else DONE
        outcome = services.ledger.outcome(_id(record), unit.unit_id)
        left |= _undone(unit, outcome, done) | set(remaining.get(unit.unit_id, ()))
    return left


def _went_through_packages(record: RequestRecord) -> bool:
    return OWN_EXPORTS in record.notes and not record.notes[OWN_EXPORTS].get("unread")


def _undone(unit: WorkUnit, outcome: UnitOutcome | None, done: Sequence[str]) -> set[str]:
    words: Mapping[str, Sequence[str]] = outcome.details.get("ids", {}) if outcome else {}
    return set(unit.item_ids) - {item for word in done for item in words.get(word, ())}


def _with_items(scope: dict[str, Any], images: dict[str, Any], predictions: list[str]) -> dict[str, Any] | None:
    if images:
        scope["images"] = images
    if predictions:
        scope["predictions"] = {"ids": predictions}
    return scope if images or predictions or "left" in scope else None


def _id(record: RequestRecord) -> str:
    return record.subject_request_id
