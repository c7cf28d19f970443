"""The receipt: what a request led to, in numbers, ids and codes. It names nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import rfc3339

_DOCS = "https://learn.microsoft.com/azure/ai-services/custom-vision-service/"
_RESIDUALS: Mapping[str, tuple[str, str]] = {
    "trained_model_learned_from_items": (
        "These iterations were trained with items of the plan and stay: what they learned is not erased with a copy.",
        _DOCS + "export-delete-data",
    ),
    "kept_export": (
        "These packages of this application were exempt from the erasure; they end with their retention.",
        "docs/erasure.md",
    ),
    "exported_models": (
        "Model packages exported from these iterations have no call that deletes them.",
        _DOCS + "export-delete-data",
    ),
    "copies_of_project": (
        "Projects copied from these ones are independent and are not followed.",
        _DOCS + "copy-move-projects",
    ),
    "stored_predictions_not_searched": (
        "Stored predictions were not searched: they carry no tag or metadata of a person; the service keeps 30 days.",
        _DOCS + "limits-and-quotas",
    ),
    "tag_named_after_person": (
        "The items were selected by these tags, and the tags stay: the name of a tag may be that of a person.",
        _DOCS + "export-delete-data",
    ),
    "project_data_30_days": (
        "The service removes the data of a deleted project within 30 days, not at once.",
        "https://learn.microsoft.com/legal/cognitive-services/custom-vision/custom-vision-cvs-data-privacy",
    ),
    "customer_storage": (
        "Models exported from these projects are also kept in the customer's own storage, which is not touched.",
        _DOCS + "storage-integration",
    ),
    "account_recoverable_48_hours": (
        "The account is deleted but not purged: until 48 hours after the deletion it can be recovered.",
        "https://learn.microsoft.com/azure/ai-services/recover-purge-resources",
    ),
    "microsoft_account_button": (
        "An account that was signed up with a Microsoft account is deleted by a button on customvision.ai only.",
        _DOCS + "export-delete-data",
    ),
    "service_backups": (
        "Backups that the service itself may hold are outside of every call of its API.",
        "https://learn.microsoft.com/legal/cognitive-services/custom-vision/custom-vision-cvs-data-privacy",
    ),
}


def residual(code: str, ids: Sequence[str] = ()) -> dict[str, Any]:
    """Make the entry of something that remains: its code, the ids concerned, a sentence, and where that is from."""
    detail, source = _RESIDUALS[code]
    return {"code": code, "ids": sorted(ids), "detail": detail, "source": source}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """
    How a request ends, before the receipt is written.

    `stores`: per store the words of the receipt (erasures) or the manifest (exports). `looked_at`: projects,
    iterations, images that were read to find the items; None for what the plan says of it, if there is one.
    """

    status: RequestStatus
    reason: str | None = None
    stores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    residuals: Sequence[Mapping[str, Any]] = ()
    failures: Sequence[Mapping[str, Any]] = ()
    drift: int = 0
    looked_at: Mapping[str, int] | None = None
    selectors_without_match: int = 0
    service_request_ids: Sequence[str] = ()
    api_versions: Sequence[str] = ("v3.3",)


def looked_at(plan: Mapping[str, Any] | None) -> dict[str, int]:
    """Give how much was read to make a plan: nothing where there is none."""
    projects = plan["projects"] if plan else ()
    return {
        "projects": len(projects),
        "iterations": sum(_iterations_read(project) for project in projects),
        "images": sum(project["looked_at"] for project in projects),
    }


def _iterations_read(project: Mapping[str, Any]) -> int:
    """Count the lists that were read beside the workspace's: an export plans no iterations where it has no unit."""
    return len(project["sources"]) - 1 if "sources" in project else len(project["iterations"])


def receipt_of(record: RequestRecord, ending: Ending, now: datetime, *, signed: bool = False) -> dict[str, Any]:
    """Build the receipt of a record that is about to end; `history_head` is the head before the final entry."""
    return {
        "subject_request_id": record.subject_request_id,
        "subject_request_type": record.subject_request_type.value,
        "request_status": ending.status.value,
        "reason": ending.reason,
        "regulation": record.regulation,
        "dry_run": record.dry_run,
        "received_time": rfc3339(record.received_time),
        "completed_time": rfc3339(now),
        "requested_by": record.requested_by,
        "approved_by": record.notes.get("approved_by"),
        "retry_of": record.retry_of,
        "plan_hash": record.plan_hash,
        "looked_at": dict(ending.looked_at or looked_at(None)),
        "selectors_without_match": ending.selectors_without_match,
        "stores": {store: dict(words) for store, words in ending.stores.items()},
        "drift": ending.drift,
        "residuals": [dict(entry) for entry in ending.residuals],
        "api_versions": list(ending.api_versions),
        "service_request_ids": list(ending.service_request_ids),
        "history_head": record.history_head,
        "signed": signed,
    }
