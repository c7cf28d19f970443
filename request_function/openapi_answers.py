"""What is answered, as JSON Schema. Answers may have further members; those named here are always there."""

from __future__ import annotations

from request_function.openapi_schema import (
    DIGEST,
    GUID,
    TIME,
    Schema,
    a_list,
    an_object,
    count,
    described,
    nullable,
    one_of,
    ref,
    text,
)
from request_function.openapi_words import (
    ACTIONS,
    CONFLICT_REASONS,
    FINAL_STATUSES,
    REASONS,
    REGULATIONS,
    RESIDUALS,
    STATUSES,
    STORES,
    TYPES,
)

_BOOLEAN: Schema = {"type": "boolean"}
_PATH = text("^/api/")


def answers() -> dict[str, Schema]:
    """Give the schemas of everything that is answered, by name."""
    return {
        "Guid": text(GUID),
        "Time": text(TIME),
        "Digest": text(DIGEST),
        "Reason": one_of(REASONS),
        "Who": described(
            an_object({"id": nullable(text()), "verified": _BOOLEAN}),
            "An opaque id, and whether the platform's sign-in vouches for it.",
        ),
        "Counts": _counts(),
        "Failure": _failure(),
        "Accepted": _accepted(),
        "Summary": _summary(),
        "Status": _status(),
        "RequestList": an_object({"requests": a_list(ref("Summary")), "continuation": nullable(text())}),
        "PlannedProject": _planned_project(),
        "Plan": _plan(),
        "Residual": _residual(),
        "Receipt": _receipt(),
        "KeySet": an_object({"keys": a_list(ref("Key"))}),
        "Key": _key(),
        "Health": an_object(
            {
                "status": one_of(("ok", "degraded")),
                "checks": {"type": "object", "required": ["settings", "storage"], "additionalProperties": text()},
            }
        ),
        "Problem": _problem(),
    }


def _counts() -> Schema:
    word: Schema = {"type": ["integer", "boolean", "null"], "minimum": 0}
    return {
        "type": "object",
        "propertyNames": one_of(STORES),
        "additionalProperties": {"type": "object", "additionalProperties": word},
        "description": "By store, in the words of the receipt (erasures) or the manifest (exports).",
    }


def _failure() -> Schema:
    code = described(text(), "Why, such as copy_refused.")
    of_call = {"operation": text(), "status": nullable({"type": "integer"})}
    return an_object({"store": one_of(STORES), "id": nullable(text()), "code": code, **of_call})


def _accepted() -> Schema:
    required = {
        "subject_request_id": ref("Guid"),
        "subject_request_type": one_of(TYPES),
        "request_status": one_of(("pending",)),
        "received_time": ref("Time"),
        "expected_completion_time": ref("Time"),
    }
    return an_object(required, {"retry_of": ref("Guid")})


def _summary() -> Schema:
    return an_object(
        {
            "subject_request_id": ref("Guid"),
            "subject_request_type": one_of(TYPES),
            "regulation": one_of(REGULATIONS),
            "request_status": one_of(STATUSES),
            "reason": nullable(ref("Reason")),
            "retry_of": nullable(ref("Guid")),
            "unchanged_since": nullable(ref("Guid")),
            "dry_run": _BOOLEAN,
            "requested_by": nullable(ref("Who")),
            "received_time": ref("Time"),
            "expected_completion_time": ref("Time"),
            "updated_time": ref("Time"),
            "completed_time": nullable(ref("Time")),
            "counts": ref("Counts"),
            "failures": a_list(ref("Failure"), maxItems=100),
            "drift": count(),
            "links": _links(),
        }
    )


def _links() -> Schema:
    not_always = dict.fromkeys(("receipt", "package", "export_first"), nullable(_PATH))
    return an_object({"self": _PATH, "plan": _PATH, **not_always})


def _status() -> Schema:
    """A summary with the progress of the present phase."""
    numbers = {name: count() for name in ("units_total", "units_done", "units_failed")}
    progress = an_object({"phase": nullable(text()), **numbers})
    summary = _summary()
    return an_object({**summary["properties"], "progress": progress})


def _planned_project() -> Schema:
    numbers = an_object({name: count() for name in ("images", "predictions", "iterations", "tags")})
    iteration = {
        "id": ref("Guid"),
        "name": nullable(text()),
        "publish_name": nullable(text()),
        "holds": count(),
        "action": one_of(ACTIONS),
    }
    ids = a_list(text(), maxItems=1000)
    return an_object(
        {
            "id": ref("Guid"),
            "name": described(nullable(text()), "Null once the request has ended."),
            "counts": numbers,
            "iterations": a_list(an_object(iteration)),
        },
        dict.fromkeys(("image_ids", "conflicting_image_ids", "prediction_ids"), ids),
    )


def _plan() -> Schema:
    return an_object(
        {
            "subject_request_id": ref("Guid"),
            "plan_hash": ref("Digest"),
            "planned_time": ref("Time"),
            "projects": a_list(ref("PlannedProject")),
            "residuals": a_list(one_of(RESIDUALS)),
        }
    )


def _residual() -> Schema:
    required = {"code": one_of(RESIDUALS), "ids": a_list(text()), "detail": text(), "source": text()}
    until: Schema = {"type": "object", "propertyNames": ref("Guid"), "additionalProperties": ref("Time")}
    return an_object(required, {"expires": described(until, "Of kept_export: until when each package is kept.")})


def _receipt() -> Schema:
    """The same as docs/receipt.schema.json says for those who check receipts."""
    looked_at = an_object({name: count() for name in ("projects", "iterations", "images")})
    required = {
        "subject_request_id": ref("Guid"),
        "subject_request_type": one_of(TYPES),
        "request_status": one_of(FINAL_STATUSES),
        "reason": nullable(ref("Reason")),
        "regulation": one_of(REGULATIONS),
        "dry_run": _BOOLEAN,
        "received_time": ref("Time"),
        "completed_time": ref("Time"),
        "requested_by": nullable(ref("Who")),
        "approved_by": nullable(ref("Who")),
        "plan_hash": nullable(ref("Digest")),
        "looked_at": looked_at,
        "selectors_without_match": count(),
        "stores": ref("Counts"),
        "residuals": a_list(ref("Residual")),
        "history_head": ref("Digest"),
        "signed": _BOOLEAN,
    }
    optional = {
        "retry_of": nullable(ref("Guid")),
        "drift": count(),
        "api_versions": a_list(text()),
        "service_request_ids": a_list(text()),
    }
    return an_object(required, optional)


def _key() -> Schema:
    required = {
        "kty": one_of(("OKP", "EC")),
        "crv": one_of(("Ed25519", "P-256")),
        "x": text(),
        "kid": text(),
        "alg": one_of(("EdDSA", "ES256")),
        "use": {"const": "sig"},
    }
    return an_object(required, {"y": text()})


def _problem() -> Schema:
    error = an_object({"pointer": described(text(), "A JSON pointer; empty for the whole."), "detail": text()})
    required = {
        "type": text(),
        "title": text(),
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": text(),
        "errors": a_list(error),
    }
    optional = {
        "reason": described(one_of(CONFLICT_REASONS), "Of some conflicts."),
        "container": described(text(), "Where the files of a package without zips are."),
        "prefix": described(text(), "How their names begin."),
    }
    return an_object(required, optional)
