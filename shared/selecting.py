"""Whose images a request means, ready to be compared with rows."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.subject_request import ImageSelector, SubjectRequest
from shared.services import Services


def image_selector(services: Services, request: SubjectRequest) -> ImageSelector:
    """Give the selector of a request's images with the key of its digests; it selects nothing if there is none."""
    return replace(request.images or ImageSelector(), key=services.settings.ledger_hash_key or "")
