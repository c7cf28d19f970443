"""The closed lists of words that answers use, as the API's document gives them."""

from __future__ import annotations

from shared.domain.subject_request import RequestStatus, RequestType

TYPES = tuple(type_.value for type_ in RequestType)
EXPORT_TYPES = tuple(type_.value for type_ in RequestType if type_.is_export)
STATUSES = tuple(status.value for status in RequestStatus)
FINAL_STATUSES = tuple(status.value for status in RequestStatus if status.is_final)
REGULATIONS = ("gdpr", "ccpa")
STORES = (
    "account",
    "projects",
    "iterations",
    "performance",
    "tags",
    "images",
    "predictions",
    "exported_models",
    "own_exports",
)
REASONS = (
    "inventory_unstable",
    "project_not_found",
    "ambiguous_name",
    "confirm_mismatch",
    "account_not_configured",
    "account_not_empty",
    "unsupported_kind",
    "blocked",
    "blocked_by_published_iteration",
    "verify_deadline",
    "conflicting_images",
    "drift",
    "items_failed",
    "not_available",
    "not_supported_yet",
    "expired",
    "rejected",
    "bad_message",
    "id_in_use",
    "export_running",
    "export_first_failed",
    "nothing_matched",
    "delivery_exhausted",
)
CONFLICT_REASONS = ("id_in_use", "nothing_to_retry")
"""What the member `reason` of a 409 may say."""
RESIDUALS = (
    "exported_models",
    "project_data_30_days",
    "trained_model_learned_from_items",
    "customer_storage",
    "copies_of_project",
    "account_recoverable_48_hours",
    "microsoft_account_button",
    "tag_named_after_person",
    "stored_predictions_not_searched",
    "kept_export",
    "blob_soft_delete",
    "service_backups",
)
ACTIONS = ("keep", "unpublish", "delete")
