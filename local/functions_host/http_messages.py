"""HTTP at the border to a function: the request as the host hands it on, the response as the host sends it. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from local.functions_host import dotnet_json
from local.functions_host.values import Datum, HttpRequestData, HttpResponseData

# The server sets these itself.
_NOT_COPIED = frozenset({"content-length", "transfer-encoding", "connection", "date"})
_TEXT = "text/plain; charset=utf-8"
_UNSENDABLE = re.compile("[\x00-\x08\n-\x1f\x7f]")
_NO_BODY = frozenset({204, 205, 304})

EMPTY_ERROR = HttpResponseData(500)


def join_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header names in lower case, the values of a repeated one joined with a comma."""
    return _joined((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in pairs)


def join_query(query: bytes) -> dict[str, str]:
    """Query parameters by name (compared without case); empty values are dropped, repeated ones joined by a comma."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=False)
    spelling: dict[str, str] = {}
    return _joined((spelling.setdefault(name.lower(), name), value) for name, value in pairs)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    collected: dict[str, list[str]] = {}
    for name, value in pairs:
        collected.setdefault(name, []).append(value)
    return {name: ",".join(values) for name, values in collected.items()}


def content_length(headers: Mapping[str, str]) -> int:
    """The announced length of the body in bytes; 0 without one, so a chunked body counts as none (as in Azure)."""
    text = headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdecimal() else 0


def build_request(
    scope: Mapping[str, Any], headers: Mapping[str, str], params: Mapping[str, str], body: bytes
) -> HttpRequestData:
    """What the function sees of an ASGI request: the URL is scheme, host, path and query as received."""
    query: bytes = scope["query_string"]
    suffix = f"?{query.decode('latin-1')}" if query else ""
    host = headers.get("host", "localhost")
    url = f"{scope['scheme']}://{host}{scope['raw_path'].decode('latin-1')}{suffix}"
    return HttpRequestData(scope["method"], url, headers, join_query(query), params, body)


def key_of(headers: Mapping[str, str], query: bytes) -> str | None:
    """The key that came along: the `x-functions-key` header wins over `?code=`."""
    if "x-functions-key" in headers:
        return headers["x-functions-key"]
    return next((value for name, value in join_query(query).items() if name.lower() == "code"), None)


def response_of(datum: Datum) -> HttpResponseData:
    """The response that a function's return value becomes; EMPTY_ERROR if it has a header that cannot be sent.

    A plain `str` is read as JSON first, as the host does.
    """
    if datum.kind == "http":
        response: HttpResponseData = datum.value
        return _sendable(response)
    if datum.kind == "string":
        return _sendable(_from_text(datum.value))
    return EMPTY_ERROR if datum.kind is not None else HttpResponseData(200)


def _from_text(text: str) -> HttpResponseData:
    try:
        value = dotnet_json.parse(text)
    except ValueError:
        return _plain(text)
    if isinstance(value, dict) and any(name.lower() == "body" for name in value):
        return _described({name.lower(): inner for name, inner in value.items()})
    return _plain(_written(value))


def _described(fields: Mapping[str, Any]) -> HttpResponseData:
    """A response written as JSON: `body`, `status` (or `statusCode`), `headers`."""
    status = fields.get("status", fields.get("statuscode", 200))
    headers = fields.get("headers")
    named = {str(name).lower(): _written(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    number = int(status) if str(status).isdecimal() else 200
    return HttpResponseData(number, {"content-type": _TEXT, **named}, (), _written(fields["body"]).encode())


def _written(value: object) -> str:
    return dotnet_json.write(value) if isinstance(value, (dict, list)) else dotnet_json.original_text(value)


def _plain(text: str) -> HttpResponseData:
    return HttpResponseData(200, {"content-type": _TEXT}, (), text.encode())


def _sendable(response: HttpResponseData) -> HttpResponseData:
    if any(_UNSENDABLE.search(name + value) for name, value in (*response.headers.items(), *_cookies(response))):
        return EMPTY_ERROR
    headers = {name: value for name, value in response.headers.items() if name not in _NOT_COPIED}
    body = b"" if response.status in _NO_BODY else response.body
    return HttpResponseData(response.status, headers, response.cookies, body)


def _cookies(response: HttpResponseData) -> list[tuple[str, str]]:
    return [("set-cookie", cookie) for cookie in response.cookies]


def header_lines(response: HttpResponseData) -> list[tuple[bytes, bytes]]:
    """The response's headers as ASGI wants them, with Content-Length and one Set-Cookie line per cookie."""
    lines = [*response.headers.items(), *_cookies(response)]
    if response.status not in _NO_BODY:
        lines = [*lines, ("content-length", str(len(response.body)))]
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in lines]
