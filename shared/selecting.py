"""Whose images a request means, ready to be compared with rows."""

from __future__ import annotations

from dataclasses import replace

from shared.domain.digested import is_comparable
from shared.domain.errors import CannotFulfil
from shared.domain.subject_request import ImageSelector, SubjectRequest
from shared.services import Services


def image_selector(services: Services, request: SubjectRequest) -> ImageSelector:
    """
    Give the selector of a request's images with the key of its digests; it selects nothing if there is none.

    Raises `CannotFulfil("bad_message")` for a retry whose digests were made with another key: compared with them no
    image would match, and everything would seem to be somebody else's.
    """
    selector = replace(request.images or ImageSelector(), key=services.settings.ledger_hash_key or "")
    if not is_comparable(selector):
        raise CannotFulfil("bad_message")
    return selector
