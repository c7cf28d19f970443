"""How a request for an erasure comes in: its queue and its rules."""

from __future__ import annotations

from shared.domain.permissions import check_allowed
from shared.domain.subject_request import RequestType, SubjectRequest
from shared.domain.validation import validate_erasure
from shared.intake import Intake, require_hash_key
from shared.services import Services

QUEUE = "deletion-requests"


def validate(services: Services, body: object) -> SubjectRequest:
    """Check a body by the contract, by the settings, and by what this version does."""
    settings = services.settings
    request = validate_erasure(body)
    check_allowed(request, account_deletion=settings.allow_account_deletion, key_export=settings.allow_key_export)
    require_hash_key(services)
    return request


INTAKE = Intake(queue=QUEUE, entry_type=RequestType.ERASURE, validate=validate)
