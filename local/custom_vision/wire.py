"""Requests and answers as the handlers see them, and the reading of parameters."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from local.custom_vision.errors import ServiceError, Shape, error_body

_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
JSON_TYPE = "application/json; charset=utf-8"


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower-case; `target` is the raw path with query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path as sent, without the query."""
        return urlsplit("http://x/" + self.target.lstrip("/")).path

    @property
    def raw_query(self) -> str:
        """The query as sent."""
        return self.target.partition("?")[2]

    def query(self) -> dict[str, list[str]]:
        """Query parameters by lower-case name."""
        found: dict[str, list[str]] = {}
        for name, values in parse_qs(self.raw_query, keep_blank_values=True).items():
            found.setdefault(name.lower(), []).extend(values)
        return found


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(value: Any, status: int = 200) -> Answer:  # noqa: ANN401 - any JSON value
    """Compact JSON, as the service sends it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Answer(status, text.encode(), JSON_TYPE)


def empty_answer(status: int = 204) -> Answer:
    """An answer without a body."""
    return Answer(status)


def error_answer(status: int, code: str, message: str, shape: Shape = "service") -> Answer:
    """A refusal in one of the service's shapes."""
    return Answer(status, error_body(code, message, shape), JSON_TYPE)


class Parameters:
    """Path, query and body of one call, checked as they are read; every refusal is a ServiceError."""

    def __init__(self, path: Mapping[str, str], request: Request) -> None:
        self._path = path
        self._query = request.query()
        self._request = request

    def id(self, name: str) -> str:
        """A GUID of the path, in lower case."""
        return as_guid(self._path[name])

    def segment(self, name: str) -> str:
        """A free text of the path."""
        return self._path[name]

    def text(self, name: str) -> str | None:
        """A query parameter, None if absent."""
        values = self._query.get(name.lower())
        return values[0] if values else None

    def required(self, name: str) -> str:
        """A query parameter that must be there."""
        value = self.text(name)
        if not value:
            raise ServiceError("BadRequestRequiredParamIsNull", f"The parameter {name} is required.")
        return value

    def guid(self, name: str) -> str | None:
        """A GUID of the query, None if absent or empty."""
        value = self.text(name)
        return as_guid(value) if value else None

    def guids(self, name: str, most: int, code: str = "BadRequestExceededBatchSize") -> list[str]:
        """A comma-separated list of at most so many GUIDs (empty if absent); more are refused with `code`."""
        values = [part for value in self._query.get(name.lower(), []) for part in value.split(",") if part]
        if len(values) > most:
            raise ServiceError(code, f"The number of {name} exceeds the maximum of {most}.")
        return [as_guid(value) for value in values]

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean of the query."""
        value = (self.text(name) or str(default)).lower()
        if value not in ("true", "false"):
            raise ServiceError("BadRequest", f"The value of {name} is not a boolean.")
        return value == "true"

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """An integer of the query within bounds."""
        value = self.text(name) or str(default)
        if not re.fullmatch(r"-?\d{1,9}", value) or not least <= int(value) <= most:
            raise ServiceError("BadRequest", f"The value of {name} must be between {least} and {most}.")
        return int(value)

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        """One of some words of the query, in any case."""
        value = self.text(name) or default
        found = next((choice for choice in choices if choice.lower() == value.lower()), None)
        if found is None:
            raise ServiceError("BadRequest", f"The value of {name} must be one of {', '.join(choices)}.")
        return found

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object."""
        try:
            value = json.loads(self._request.body or b"null")
        except ValueError:
            raise ServiceError("BadRequest", "The body is not JSON.") from None
        if not isinstance(value, dict):
            raise ServiceError("BadRequestRequiredParamIsNull", "The body must be a JSON object.")
        return value


def as_guid(value: object) -> str:
    """The value as a lower-case GUID, or the service's 400."""
    text = str(value).lower()
    if not _GUID.fullmatch(text):
        raise ServiceError("BadRequestInvalidIds", "The value is not a valid id.")
    return text
