"""
The one place that knows the Storage SDK's exceptions, and turns them into ours.

The SDK's exceptions print URLs, headers, and (for a failed signature) the whole string to sign with the source link of
a copy in it. So none is let through, not even as a cause: the cause is a `StorageAnswer` with class, status and code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto

from azure.core import exceptions as azure

from shared.domain.errors import StorageUnavailable


class Failure(Enum):
    """What a failed call means to the caller."""

    ABSENT = auto()
    """The blob or the message is not there (any more)."""
    PARENT_ABSENT = auto()
    """The container or the queue is not there."""
    EXISTS = auto()
    """Something of that name is there already."""
    CHANGED = auto()
    """A condition on the ETag was not met."""
    UNAVAILABLE = auto()
    """Anything else: another try may work, once the service or its configuration is well again."""


BY_CODE = {
    "BlobNotFound": Failure.ABSENT,
    "ResourceNotFound": Failure.ABSENT,
    "MessageNotFound": Failure.ABSENT,
    "PopReceiptMismatch": Failure.ABSENT,
    "ContainerNotFound": Failure.PARENT_ABSENT,
    "QueueNotFound": Failure.PARENT_ABSENT,
    "BlobAlreadyExists": Failure.EXISTS,
    "ContainerAlreadyExists": Failure.EXISTS,
    "QueueAlreadyExists": Failure.EXISTS,
    "ConditionNotMet": Failure.CHANGED,
    "BlobOverwritten": Failure.CHANGED,
}
"""
Storage error codes ("Blob/Queue service error codes"). A code wins over the SDK's class, which often follows the status
alone: a 409 is "exists" there, be it a container that is being deleted, a lease, or a blob of another type. So a code
that is not listed is UNAVAILABLE.
"""

BY_CLASS: dict[type[Exception], Failure] = {
    azure.ResourceNotFoundError: Failure.ABSENT,
    azure.ResourceExistsError: Failure.EXISTS,
    azure.ResourceModifiedError: Failure.CHANGED,
    azure.ResourceNotModifiedError: Failure.CHANGED,
    azure.ClientAuthenticationError: Failure.UNAVAILABLE,
    azure.TooManyRedirectsError: Failure.UNAVAILABLE,
    azure.ODataV4Error: Failure.UNAVAILABLE,
    azure.IncompleteReadError: Failure.UNAVAILABLE,
    azure.DecodeError: Failure.UNAVAILABLE,
    azure.HttpResponseError: Failure.UNAVAILABLE,
    azure.ServiceRequestTimeoutError: Failure.UNAVAILABLE,
    azure.ServiceResponseTimeoutError: Failure.UNAVAILABLE,
    azure.ServiceRequestError: Failure.UNAVAILABLE,
    azure.ServiceResponseError: Failure.UNAVAILABLE,
    azure.StreamConsumedError: Failure.UNAVAILABLE,
    azure.StreamClosedError: Failure.UNAVAILABLE,
    azure.ResponseNotReadError: Failure.UNAVAILABLE,
    azure.AzureError: Failure.UNAVAILABLE,
    azure.SerializationError: Failure.UNAVAILABLE,
    azure.DeserializationError: Failure.UNAVAILABLE,
}
"""The SDK's classes where the answer has no code. The most specific class wins."""

SDK_ERRORS = (azure.AzureError, azure.SerializationError, azure.DeserializationError)
"""All that the SDK raises on its own; to be caught together."""

_PLAIN_CODE = re.compile(r"[A-Za-z0-9]{1,64}")


class StorageAnswer(Exception):
    """The SDK's exception without its payload: class, status, code. The cause of our own errors."""


def failure_of(error: Exception) -> Failure:
    """Tell what an exception of the SDK means."""
    if code := code_of(error):
        return BY_CODE.get(code, Failure.UNAVAILABLE)
    return next(BY_CLASS[kind] for kind in type(error).__mro__ if kind in BY_CLASS)


def code_of(error: Exception) -> str:
    """Give the storage error code, or an empty text."""
    code = getattr(error, "error_code", None)
    text = str(getattr(code, "value", code) or "") or header_of(error, "x-ms-error-code")
    return text if _PLAIN_CODE.fullmatch(text) else ""


def status_of(error: Exception) -> int | None:
    """Give the HTTP status of the answer, None if there was no answer."""
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def header_of(error: Exception, name: str) -> str:
    """Give one header of the answer, or an empty text."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    return str(headers.get(name) or "")


def unavailable(operation: str, error: Exception) -> StorageUnavailable:
    """Make the error for what may pass; its text holds operation, code and status only."""
    code, wait = code_of(error), header_of(error, "Retry-After")
    return StorageUnavailable(
        f"{operation} ({code})" if code else operation,
        status=status_of(error),
        retry_after=float(wait) if wait.isdecimal() else None,
        request_id=header_of(error, "x-ms-request-id") or None,
    )


def answer(error: Exception) -> StorageAnswer:
    """Reduce an exception of the SDK to what may be shown; it keeps the place where it was raised."""
    said = f"{type(error).__name__}, status {status_of(error)}, code {code_of(error) or None}"
    return StorageAnswer(said).with_traceback(error.__traceback__)


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """
    Let none of the SDK's exceptions out of the block: what it does not expect itself may pass.

    A 409 or 412 too: a call that bears a condition takes its answer itself, any other has it from somebody on the way.
    """
    try:
        yield
    except SDK_ERRORS as error:
        raise unavailable(operation, error) from answer(error)
