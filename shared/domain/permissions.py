"""What a valid request may not do: forbidden by this installation's settings, or not built yet. Pure."""

from __future__ import annotations

from typing import Any

from shared.domain.errors import InvalidRequest, NotAllowed, Violation
from shared.domain.subject_request import SubjectRequest

_NOT_YET = "is not supported yet by this version"


def check_allowed(request: SubjectRequest, *, account_deletion: bool, key_export: bool) -> None:
    """Raise `NotAllowed` for what a setting forbids; the violation names the setting."""
    violations = []
    if request.level == "account" and not account_deletion:
        violations.append(Violation("/scope/level", "account needs the setting ALLOW_ACCOUNT_DELETION=true"))
    if request.options.get("include_keys") and not key_export:
        violations.append(Violation("/options/include_keys", "needs the setting ALLOW_KEY_EXPORT=true"))
    if violations:
        raise NotAllowed(violations)


def check_supported(request: SubjectRequest, *, approval_by_setting: bool = False) -> None:
    """Raise `InvalidRequest` for what the contract knows and this version does not do."""
    violations = _export_gaps(request) if request.type.is_export else _erasure_gaps(request, approval_by_setting)
    if violations:
        raise InvalidRequest(violations)


def _export_gaps(request: SubjectRequest) -> list[Violation]:
    options, violations = request.options, []
    if options["package"] != "none":
        violations.append(Violation("/options/package", f"zip {_NOT_YET}; the package is written as blobs (none)"))
    if options["include_keys"]:
        violations.append(Violation("/options/include_keys", _NOT_YET))
    return violations


def _erasure_gaps(request: SubjectRequest, approval_by_setting: bool) -> list[Violation]:
    options, violations = request.options, []
    if request.level != "items":
        violations.append(Violation("/scope/level", f"{request.level} {_NOT_YET}; only items is"))
    if "predictions" in request.scope and request.level == "items":
        violations.append(Violation("/scope/predictions", _NOT_YET))
    if options["trained_iterations"] not in (None, "keep"):
        violations.append(Violation("/options/trained_iterations", f"only keep is supported: the rest {_NOT_YET}"))
    for name in ("require_approval", "export_first", "delete_tags"):
        if options[name]:
            violations.append(Violation(f"/options/{name}", _NOT_YET))
    if approval_by_setting:
        violations.append(Violation("", f"ERASURE_REQUIRES_APPROVAL is set, and approval {_NOT_YET}"))
    return violations


def given_but_unbuilt_formats(body: Any) -> list[Violation]:  # noqa: ANN401 - any JSON value
    """Name the formats that a body asks for in so many words; as a default they are simply not there yet."""
    options = body.get("options") if isinstance(body, dict) else None
    if isinstance(options, dict) and options.get("formats"):
        return [Violation("/options/formats", f"coco and csv: each {_NOT_YET}")]
    return []
