"""The approver's decision about a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from request_function.reading import view_of
from shared.acceptance import start
from shared.domain.errors import Conflict, InvalidRequest, NotAllowed, Violation
from shared.domain.fields import Check, Checker, choice, named_beside_sign_in, opaque_id
from shared.domain.record import RequestRecord
from shared.domain.subject_request import RequestStatus
from shared.domain.times import rfc3339
from shared.finishing import Ending, finish
from shared.ledger import Versioned
from shared.services import Services

MAX_REASON = 500


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A decision about a plan. `approver` is an opaque id; `verified` says whether the platform established it."""

    approve: bool
    plan_hash: str
    approver: str | None
    verified: bool
    reason: str | None

    @classmethod
    def read(cls, body: object, principal: str | None) -> Approval:
        """Read a body; `InvalidRequest` with every violation. `principal` is the caller by the platform's word."""
        check = Checker()
        check.violations += named_beside_sign_in(body, "approver", principal)
        members = check.an_object("", body, {"decision", "plan_hash", "approver", "reason"})
        decision = check.field(members, "", "decision", choice("approve", "reject"), None)
        plan_hash = check.field(members, "", "plan_hash", _text(100), None)
        for name in ("decision", "plan_hash"):
            if name not in members:
                check.add(f"/{name}", "is required")
        approver = check.field(members, "", "approver", opaque_id, None)
        reason = check.field(members, "", "reason", _text(MAX_REASON), None)
        if check.violations:
            raise InvalidRequest(check.violations)
        return cls(
            approve=decision == "approve",
            plan_hash=plan_hash,
            approver=principal or approver,
            verified=principal is not None,
            reason=reason,
        )

    @property
    def word(self) -> str:
        """The decision in one word."""
        return "approve" if self.approve else "reject"


def decide(services: Services, request_id: str, approval: Approval) -> dict[str, Any]:
    """
    Carry out a decision; the same decision again changes nothing, but brings one to its end that was broken off.

    Raises `Conflict` for another plan, for a request that does not wait for approval, and for one that has expired;
    `NotAllowed` if requester and approver are the same person by the platform's word.
    """
    current = services.ledger.read(request_id)
    record = current.record
    earlier: Mapping[str, Any] = record.notes.get("decision", {})
    if earlier.get("decision") == approval.word and earlier.get("plan_hash") == approval.plan_hash:
        return view_of(services, _end_rejected(services, current) if record.is_half_rejected else record)
    if record.status is not RequestStatus.AWAITING_APPROVAL:
        raise Conflict(f"the request does not wait for approval: {record.status.value}")
    if approval.plan_hash != record.plan_hash:
        raise Conflict("plan_hash is not the hash of this request's plan")
    if record.is_half_rejected:
        raise Conflict("the plan has been rejected")
    _check_persons(record, approval)
    if _has_expired(services, record):
        finish(services, current, Ending(status=RequestStatus.REJECTED, reason="expired"))
        raise Conflict("the approval came too late: the request has been rejected as expired")
    return view_of(services, _carry_out(services, current, approval))


def _carry_out(services: Services, current: Versioned, approval: Approval) -> RequestRecord:
    now, record = services.now(), current.record
    decision = {
        "decision": approval.word,
        "plan_hash": approval.plan_hash,
        "time": rfc3339(now),
        "approver": {"id": approval.approver, "verified": approval.verified} if approval.approver else None,
        "reason": approval.reason,
    }
    notes = {**record.notes, "decision": decision}
    if approval.approve:
        notes["approved_by"] = decision["approver"] or {"id": None, "verified": False}
        approved = record.in_phase(
            now, "approved", status=RequestStatus.IN_PROGRESS, ever_in_progress=True, notes=notes
        )
        services.ledger.write(current, approved)
        start(services, approved)
        return approved
    return _end_rejected(services, services.ledger.write(current, record.evolve(now, notes=notes)))


def _end_rejected(services: Services, noted: Versioned) -> RequestRecord:
    return finish(services, noted, Ending(status=RequestStatus.REJECTED, reason="rejected"))


def _check_persons(record: RequestRecord, approval: Approval) -> None:
    """Refuse the requester's own decision; ids of the platform are GUIDs, the same person in whatever case."""
    requester = record.requested_by or {}
    same = str(requester.get("id")).casefold() == str(approval.approver).casefold()
    if approval.verified and requester.get("verified") and same:
        raise NotAllowed([Violation("/approver", "the person who asked cannot approve (TRUST_PLATFORM_IDENTITY)")])


def _has_expired(services: Services, record: RequestRecord) -> bool:
    return services.now() - (record.phase_time or record.received_time) >= services.settings.approval_expires


def _text(limit: int) -> Check:
    def check(found: Checker, pointer: str, value: object) -> str | None:
        if isinstance(value, str) and 0 < len(value) <= limit:
            return value
        found.add(pointer, f"must be a text of 1 to {limit} characters")
        return None

    return check
