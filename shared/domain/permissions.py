"""What a valid request may not do: forbidden by this installation's settings, or not built yet. Pure."""

from __future__ import annotations

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


def check_supported(request: SubjectRequest) -> None:
    """Raise `InvalidRequest` for what the contract knows and this version does not do."""
    violations = _export_gaps(request) if request.type.is_export else _erasure_gaps(request)
    if violations:
        raise InvalidRequest(violations)


def _export_gaps(request: SubjectRequest) -> list[Violation]:
    options, violations = request.options, []
    if options["include_keys"]:
        violations.append(Violation("/options/include_keys", _NOT_YET))
    return violations


def _erasure_gaps(request: SubjectRequest) -> list[Violation]:
    if request.level == "account":
        return [Violation("/scope/level", f"account {_NOT_YET}; items and projects are")]
    return []
