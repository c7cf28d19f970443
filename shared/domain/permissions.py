"""What a valid request may not do because this installation's settings forbid it. Pure."""

from __future__ import annotations

from shared.domain.errors import NotAllowed, Violation
from shared.domain.subject_request import SubjectRequest


def check_allowed(request: SubjectRequest, *, account_deletion: bool, key_export: bool) -> None:
    """Raise `NotAllowed` for what a setting forbids; the violation names the setting."""
    violations = []
    if request.level == "account" and not account_deletion:
        violations.append(Violation("/scope/level", "account needs the setting ALLOW_ACCOUNT_DELETION=true"))
    if request.options.get("include_keys") and not key_export:
        violations.append(Violation("/options/include_keys", "needs the setting ALLOW_KEY_EXPORT=true"))
    if violations:
        raise NotAllowed(violations)
