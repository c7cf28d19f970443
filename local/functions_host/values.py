"""What passes between the host's parts: data of a trigger, and what a function gave back. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Datum:
    """One typed value at the border to the worker: kind is `string`, `bytes`, `json`, `http` or None for nothing."""

    kind: str | None
    value: Any


@dataclass(frozen=True)
class HttpRequestData:
    """A request as the function sees it: header names in lower case, body as bytes."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class HttpResponseData:
    """A response as it goes out: header names in lower case, one value each; cookies are whole `Set-Cookie` values."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class IndexedFunction:
    """A function as the worker lists it: its bindings are the decorators' JSON, parsed."""

    function_id: str
    name: str
    bindings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Invoked:
    """What became of one call: the returned value and set outputs, or the type and place of the exception.

    The exception's text is left out on purpose: it may hold data that must not reach a log.
    """

    succeeded: bool
    returned: Datum | None = None
    outputs: tuple[tuple[str, Datum], ...] = ()
    error_type: str = ""
    error_place: str = ""
