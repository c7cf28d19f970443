"""A second pair of eyes: when an erasure waits for it, and what becomes of one that nobody approved."""

from __future__ import annotations

from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus, SubjectRequest
from shared.finishing import Ending
from shared.fulfilment import Decision, Finish, Wait
from shared.services import Services

LONGEST_PAUSE_SECONDS = 24 * 3600.0


def needs_approval(services: Services, record: RequestRecord, request: SubjectRequest) -> bool:
    """
    Whether a plan must be approved before anything is erased.

    By request, by ERASURE_REQUIRES_APPROVAL, and always for whole projects and accounts that were asked for by queue.
    """
    asked_for = bool(request.options["require_approval"])
    return asked_for or services.settings.erasure_requires_approval or record.is_whole_by_queue


def approval_step(services: Services, record: RequestRecord) -> Decision:
    """
    End a request whose plan nobody approved in time, as `rejected: expired`; come back when that may be so.

    One that was rejected, by a call that died before it could end the request, ends as that.
    """
    if record.is_half_rejected:
        return Finish(ending=Ending(status=RequestStatus.REJECTED, reason="rejected"))
    waited = services.now() - (record.phase_time or record.received_time)
    left = (services.settings.approval_expires - waited).total_seconds()
    if left > 0:
        return Wait(record=record.evolve(services.now()), seconds=min(left + 1, LONGEST_PAUSE_SECONDS))
    return Finish(ending=Ending(status=RequestStatus.REJECTED, reason="expired"))
