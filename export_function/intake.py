"""How a request for an export comes in: its queue and its rules."""

from __future__ import annotations

from shared.domain.permissions import check_allowed
from shared.domain.subject_request import RequestType, SubjectRequest
from shared.domain.validation import validate_export
from shared.intake import Intake
from shared.services import Services

QUEUE = "export-requests"


def validate(services: Services, body: object) -> SubjectRequest:
    """Check a body by the contract, by the settings, and by what this version does."""
    by_default = any(resource.resource_id for resource in services.settings.resources)
    request = validate_export(body, default_package="zip", account_by_default=by_default)
    check_allowed(request, account_deletion=False, key_export=services.settings.allow_key_export)
    return request


INTAKE = Intake(queue=QUEUE, entry_type=RequestType.ACCESS, validate=validate)
