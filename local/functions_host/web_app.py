"""The HTTP side of the host as an ASGI application: routes, keys, bodies, the admin calls."""

import hmac
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from local.functions_host.admin import Admin
from local.functions_host.functions import FunctionDefinition, HttpTrigger
from local.functions_host.http_messages import (
    EMPTY_ERROR,
    build_request,
    content_length,
    header_lines,
    join_headers,
    key_of,
    response_of,
)
from local.functions_host.invocations import Invoker
from local.functions_host.logs import HOST_LOGGER, describe_exception
from local.functions_host.values import Datum, HttpResponseData

type Scope = MutableMapping[str, Any]
type Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
type Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_NOT_FOUND = HttpResponseData(404)
_UNAUTHORIZED = HttpResponseData(401)
_TOO_LARGE = HttpResponseData(413)
_DRAINING = HttpResponseData(503)
_HOMEPAGE = HttpResponseData(
    200,
    {"content-type": "text/html; charset=utf-8"},
    (),
    b"<!DOCTYPE html><title>Functions host</title><p>Your function app is up and running.</p>\n",
)


class _Disconnected(Exception):
    """The client went away before its body was there."""


class WebApp:
    """Answers requests; `drain` makes it refuse new ones with 503."""

    def __init__(
        self,
        functions: Sequence[FunctionDefinition],
        invoker: Invoker,
        admin: Admin,
        *,
        keys: Sequence[str],
        body_limit_bytes: int,
        homepage: bool,
    ) -> None:
        """`functions` come in the order of their routes; without `keys` none is asked for."""
        self._routes = [
            (function, function.trigger)
            for function in functions
            if isinstance(function.trigger, HttpTrigger) and not function.disabled
        ]
        self._invoker = invoker
        self._admin = admin
        self._keys = [key.encode() for key in keys]
        self._body_limit = body_limit_bytes
        self._homepage = homepage
        self._draining = False
        self.open_requests = 0

    def drain(self) -> None:
        """Refuse what comes from now on."""
        self._draining = True

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI entry: one HTTP request."""
        if scope["type"] != "http":
            return
        self.open_requests += 1
        try:
            response = await self._answer(scope, receive)
            await _send(response, send)
        except _Disconnected:
            return
        except Exception as error:
            HOST_LOGGER.error("A request could not be answered: %s", describe_exception(error))
            raise
        finally:
            self.open_requests -= 1

    async def _answer(self, scope: Scope, receive: Receive) -> HttpResponseData:
        if self._draining:
            return _DRAINING
        headers = join_headers(scope["headers"])
        path = scope["raw_path"].decode("latin-1")
        if path.lower().startswith("/admin/"):
            return await self._answer_admin(scope, headers, receive)
        for function, trigger in self._routes:
            params = _match(trigger, scope["method"], path)
            if params is not None:
                return await self._answer_route(function, trigger, scope, headers, params, receive)
        if path == "/" and scope["method"] == "GET":
            return _HOMEPAGE if self._homepage else HttpResponseData(204)
        return _NOT_FOUND

    async def _answer_route(
        self,
        function: FunctionDefinition,
        trigger: HttpTrigger,
        scope: Scope,
        headers: Mapping[str, str],
        params: Mapping[str, str],
        receive: Receive,
    ) -> HttpResponseData:
        if not trigger.anonymous and not self._is_authorized(scope, headers):
            return _UNAUTHORIZED
        if content_length(headers) > self._body_limit:
            return _TOO_LARGE
        body = await _read_body(headers, receive)
        request = build_request(scope, headers, params, body)
        outcome = await self._invoker.run(function, Datum("http", request))
        response = response_of(outcome.returned) if outcome.succeeded else EMPTY_ERROR
        if outcome.succeeded and response is EMPTY_ERROR:
            HOST_LOGGER.error("%s returned a response that cannot be sent", function.name)
        return response

    async def _answer_admin(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> HttpResponseData:
        path = scope["raw_path"].decode("latin-1").rstrip("/")
        if path.lower() == "/admin/host/ping":
            return HttpResponseData(200) if scope["method"] in ("GET", "POST") else _NOT_FOUND
        if not self._is_authorized(scope, headers):
            return _UNAUTHORIZED
        return self._admin.answer(scope["method"], path, await _read_body(headers, receive)) or _NOT_FOUND

    def _is_authorized(self, scope: Scope, headers: Mapping[str, str]) -> bool:
        if not self._keys:
            return True
        given = (key_of(headers, scope["query_string"]) or "").encode()
        return any(hmac.compare_digest(given, key) for key in self._keys)


def _match(trigger: HttpTrigger, method: str, path: str) -> dict[str, str] | None:
    if trigger.methods is not None and method not in trigger.methods:
        return None
    return trigger.route.match(path)


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The body, if its length was announced; the bytes of a chunked one are read and dropped, as the host does."""
    wanted = content_length(headers) > 0
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        if wanted:
            chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _send(response: HttpResponseData, send: Send) -> None:
    await send({"type": "http.response.start", "status": response.status, "headers": header_lines(response)})
    await send({"type": "http.response.body", "body": response.body})
