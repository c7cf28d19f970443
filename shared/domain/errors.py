"""
Every error of the application. The type says what happens next.

    GdprError
    +-- RejectedRequest            the caller must change something
    |   +-- InvalidRequest         400, with all violations
    |   +-- NotAllowed             403, a setting forbids it
    |   +-- UnknownRequest         404
    |   +-- Conflict               409
    |   +-- Gone                   410
    +-- ConfigurationError         503, the operator must change settings
    +-- TransientError             worth another try later
    |   +-- Throttled              the service says when
    |   +-- ServiceUnavailable     not reached, or 5xx: nothing is known to have happened
    |   +-- OutcomeUnknown         sent, no answer: it may have happened
    |   +-- StillUnderway          accepted, and not done yet: how long that may take is the request's own matter
    |   +-- StorageUnavailable     Azure Storage did not answer as it should
    |   +-- DamagedRecord          a record cannot be read any more: somebody must put it right
    +-- ServiceRefusal             Custom Vision answered, and the answer is final
    |   +-- ResourceAbsent         404
    |   +-- AccessDenied           401, 403
    |   +-- StateConflict          the service's state forbids it now (published, training, read-only)
    |   +-- RequestTooLong         414 or alike: send fewer ids
    |   +-- UnexpectedResponse     anything else
    +-- CannotFulfil               planning found a reason to end the request
    +-- SourceRefusal              a picture's link does not deliver
    +-- AlreadyExists, Superseded  a conditional write lost
No message of any of them holds a key, a link, a body or a value of a data subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class GdprError(Exception):
    """Root of all errors that this application raises on purpose."""


@dataclass(frozen=True)
class Violation:
    """One thing wrong with a request: a JSON pointer to the field, and what is expected there."""

    pointer: str
    detail: str


class RejectedRequest(GdprError):
    """The caller asked for something that cannot be done; repeating it unchanged changes nothing."""


class InvalidRequest(RejectedRequest):
    """The form of the request is wrong; `violations` names every field at once."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__(f"{len(violations)} violation(s)")
        self.violations = tuple(violations)


class NotAllowed(RejectedRequest):
    """A setting of this installation forbids what was asked; `violations` names field and setting."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("not allowed by a setting")
        self.violations = tuple(violations)


class UnknownRequest(RejectedRequest):
    """There is no such request, or no such thing of it."""


class Conflict(RejectedRequest):
    """The request's present state forbids what was asked. `extra` goes into the answer."""

    def __init__(self, message: str, **extra: str) -> None:
        super().__init__(message)
        self.extra = extra


class Gone(RejectedRequest):
    """It was there and has expired."""


class ConfigurationError(GdprError):
    """Settings are missing or malformed; `problems` names all of them, without values."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class TransientError(GdprError):
    """Another try later may work. `retry_after` in seconds when the other side said so."""

    code = "unavailable"

    def __init__(
        self,
        operation: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(f"{operation}: {self.code}" + (f" (status {status})" if status else ""))
        self.operation = operation
        self.status = status
        self.retry_after = retry_after
        self.request_id = request_id


class Throttled(TransientError):
    """Too many calls; nothing was done."""

    code = "throttled"


class DamagedRecord(TransientError):
    """
    What lies there as a request's record, plan or journal is none, which this app never writes.

    The work waits for who mends it; `damaged` is the request.
    """

    code = "record_damaged"

    def __init__(self, request_id: str) -> None:
        super().__init__(f"the record of request {request_id}")
        self.damaged = request_id


class ServiceUnavailable(TransientError):
    """Not reached, or answered 5xx. After a 5xx the work may still have been done."""

    code = "service_unavailable"


class OutcomeUnknown(TransientError):
    """The call was sent and no answer came: it may have been carried out."""

    code = "outcome_unknown"


class StillUnderway(TransientError):
    """The other side has accepted the work and is at it; nothing has failed."""

    code = "still_underway"


class StorageUnavailable(TransientError):
    """Azure Storage failed in a way that another try may mend."""

    code = "storage_unavailable"


class ServiceRefusal(GdprError):
    """Custom Vision (or ARM) answered with an error that a repetition would get again."""

    def __init__(self, operation: str, *, status: int, code: str = "", request_id: str | None = None) -> None:
        super().__init__(f"{operation}: status {status}" + (f", code {code}" if code else ""))
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id


class ResourceAbsent(ServiceRefusal):
    """The thing is not there (404)."""


class AccessDenied(ServiceRefusal):
    """The key, the token or the role is not enough (401, 403)."""


class StateConflict(ServiceRefusal):
    """The service's present state forbids it: published iteration, training, read-only project."""


class RequestTooLong(ServiceRefusal):
    """A hop refused the length of the URL: the same with fewer ids may pass."""


class UnexpectedResponse(ServiceRefusal):
    """An answer that no rule covers."""


class CannotFulfil(GdprError):
    """The request cannot be fulfilled as it was asked; `reason` is one of the contract's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SourceRefusal(GdprError):
    """
    A link of the service does not deliver the bytes.

    `reason`: "link_expired" (403: a fresh link may work), "source_absent" (404), "source_changed" (the ETag or the
    length is another one now), "truncated" (fewer bytes than announced), "refused" (anything else final).
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status


class AlreadyExists(GdprError):
    """A create-if-absent found the blob there."""


class Superseded(GdprError):
    """An ETag-checked write found another state than the one that was read."""
