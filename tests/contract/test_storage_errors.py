"""No exception of the Storage SDK gets through, and none of its texts."""

import inspect
import logging
import traceback
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from azure.core import exceptions as azure

from shared.adapters.blob_copies import refusal_of
from shared.adapters.storage_errors import (
    BY_CLASS,
    SDK_ERRORS,
    Failure,
    failure_of,
    translated,
    unavailable,
)
from shared.domain.errors import StorageUnavailable

SECRET = "https://account.blob.core.windows.net/c/b?sig=secret"


def sdk_classes() -> Iterator[type[Exception]]:
    for _, kind in inspect.getmembers(azure, inspect.isclass):
        if issubclass(kind, Exception) and kind.__module__ == azure.__name__:
            yield kind


def answered(status: int, code: str = "", **headers: str) -> azure.HttpResponseError:
    """Make the SDK's exception for an answer, its text as full of secrets as real ones are."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    # The class that the SDK takes for many codes, whatever the status.
    error = azure.ResourceNotFoundError(message=SECRET)
    response = SimpleNamespace(status_code=status, headers=names, text=lambda: SECRET)
    vars(error).update(response=response, status_code=status, error_code=code or None)
    return error


def fail_with(kind: type[Exception]) -> None:
    with translated("put blob"):
        try:
            raise ConnectionError(SECRET)
        except ConnectionError as error:
            raise kind(SECRET) from error


def test_every_class_of_the_sdk_is_mapped() -> None:
    assert set(sdk_classes()) == set(BY_CLASS)
    assert all(issubclass(kind, SDK_ERRORS) for kind in BY_CLASS)


def test_the_most_specific_class_wins_also_for_a_class_made_later() -> None:
    class Later(azure.ResourceExistsError):
        pass

    assert failure_of(Later("x")) is Failure.EXISTS
    assert failure_of(azure.ClientAuthenticationError("x")) is Failure.UNAVAILABLE


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "BlobNotFound", Failure.ABSENT),
        (404, "ContainerNotFound", Failure.PARENT_ABSENT),
        (404, "QueueNotFound", Failure.PARENT_ABSENT),
        (400, "PopReceiptMismatch", Failure.ABSENT),
        (409, "BlobAlreadyExists", Failure.EXISTS),
        (412, "ConditionNotMet", Failure.CHANGED),
        (409, "ContainerBeingDeleted", Failure.UNAVAILABLE),
        (409, "QueueBeingDeleted", Failure.UNAVAILABLE),
        (409, "InvalidBlobType", Failure.UNAVAILABLE),
        (409, "LeaseAlreadyPresent", Failure.UNAVAILABLE),
        (412, "LeaseIdMissing", Failure.UNAVAILABLE),
        (404, "CannotVerifyCopySource", Failure.UNAVAILABLE),
    ],
)
def test_the_code_says_more_than_the_class(status: int, code: str, expected: Failure) -> None:
    assert failure_of(answered(status, code)) is expected


@pytest.mark.parametrize(
    "kind",
    [
        azure.ResourceExistsError,
        azure.ResourceModifiedError,
        azure.ClientAuthenticationError,
        azure.ServiceRequestError,
        azure.SerializationError,
    ],
)
def test_a_translated_error_is_ours_and_tells_no_secret(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StorageUnavailable) as raised:
        fail_with(kind)
    shown = "".join(traceback.format_exception(raised.value))
    logging.getLogger(__name__).error("failed", exc_info=raised.value)
    assert "sig=" not in shown + caplog.text + repr(raised.value) + repr(raised.value.__cause__)
    assert kind.__name__ in shown


def test_an_unavailable_storage_tells_operation_code_status_wait_and_request() -> None:
    error = unavailable("put blob", answered(503, "ServerBusy", **{"Retry_After": "7", "x_ms_request_id": "r-1"}))
    assert isinstance(error, StorageUnavailable)
    assert str(error) == "put blob (ServerBusy): storage_unavailable (status 503)"
    assert (error.status, error.retry_after, error.request_id) == (503, 7.0, "r-1")


def test_a_code_that_is_no_code_is_not_shown() -> None:
    assert "secret" not in str(unavailable("put blob", answered(400, SECRET)))


@pytest.mark.parametrize(
    ("status", "code", "source_status", "reason"),
    [
        (403, "CannotVerifyCopySource", "", "link_expired"),
        (401, "CannotVerifyCopySource", "", "link_expired"),
        (404, "CannotVerifyCopySource", "", "source_absent"),
        (412, "CannotVerifyCopySource", "", "source_changed"),
        (412, "ConditionNotMet", "", "source_changed"),
        (412, "SourceConditionNotMet", "", "source_changed"),
        (400, "Md5Mismatch", "", "source_changed"),
        (409, "PendingCopyOperation", "", "refused"),
        (400, "CannotVerifyCopySource", "", "refused"),
        (409, "CannotVerifyCopySource", "403", "link_expired"),
        (400, "CannotVerifyCopySource", "404", "source_absent"),
        (403, "AuthorizationFailure", "", None),
        (403, "AuthorizationPermissionMismatch", "", None),
        (401, "NoAuthenticationInformation", "", None),
        (409, "ContainerBeingDeleted", "", None),
        (412, "LeaseIdMissing", "", None),
        (429, "CannotVerifyCopySource", "", None),
        (400, "CannotVerifyCopySource", "503", None),
        (500, "InternalError", "", None),
        (503, "ServerBusy", "", None),
        (503, "CannotVerifyCopySource", "", None),
    ],
)
def test_a_refused_copy_names_its_side(status: int, code: str, source_status: str, reason: str | None) -> None:
    headers = {"x_ms_copy_source_status_code": source_status} if source_status else {}
    refusal = refusal_of(answered(status, code, **headers))
    assert (refusal.reason if refusal else None) == reason


def test_a_copy_without_an_answer_is_no_refusal() -> None:
    assert refusal_of(azure.ServiceResponseError(SECRET)) is None
