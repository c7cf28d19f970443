"""Refusals of the service and the three shapes in which they travel."""

import json
from typing import Literal

Shape = Literal["service", "gateway", "v1.2"]

_STATUS_BY_PREFIX = (
    ("BadRequest", 400),
    ("UnsupportedMediaType", 415),
    ("Forbidden", 403),
    ("NotFound", 404),
    ("Conflict", 409),
    ("Error", 500),
)


class ServiceError(Exception):
    """A refusal by the service itself. `code` is one of the spec's CustomVisionErrorCodes; it decides the status."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """HTTP status that belongs to the code."""
        return status_of(self.code)


class ControlError(Exception):
    """A control command that cannot be carried out; the text is for the person who wrote the command."""


def status_of(code: str) -> int:
    """HTTP status for an error code, by the code's first words; 400 for a code that has none of them."""
    return next((status for prefix, status in _STATUS_BY_PREFIX if code.startswith(prefix)), 400)


def error_body(code: str, message: str, shape: Shape) -> bytes:
    """The error as JSON in the shape of the service (v3.x), of the gateway before it, or of v1.2."""
    body: dict[str, object]
    if shape == "gateway":
        body = {"error": {"code": code, "message": message}}
    elif shape == "v1.2":
        body = {"Code": code, "Message": message}
    else:
        body = {"code": code, "message": message}
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
