"""
The way to one Custom Vision resource, or to Azure Resource Manager: one exchange, and the repetitions around it.

`send` repeats within a few seconds (`shared.domain.retry`), `_send_once` is one exchange. What an operation is called
and what its answer means is the business of `custom_vision` and `resource_manager`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import requests

from shared.adapters.call_budget import CallBudget, Purpose
from shared.adapters.custom_vision_caller import Caller
from shared.adapters.custom_vision_errors import Refusal, error_of
from shared.adapters.http_exchange import (
    FOREIGN_ERRORS,
    Timeouts,
    half_an_answer,
    is_permitted,
    split_address,
    translated,
)
from shared.domain.errors import ConfigurationError, TransientError
from shared.domain.retry import in_process_delay
from shared.ports import Clock

API_PATH = "/customvision/v3.3/training"

_AS_JSON = {"Accept": "application/json"}
_AS_BYTES = {"Accept": "*/*", "Accept-Encoding": "identity"}  # the announced length is then that of the bytes


@dataclass(frozen=True, slots=True)
class Call:
    """
    One operation as it goes over the wire.

    `operation` is its classic name, `path` follows `api` (the version that is spoken), `repeatable` says whether it may
    be sent again when no answer came. `streamed`: the body is read by whoever gets the response.
    """

    operation: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    repeatable: bool = True
    streamed: bool = False
    expected: frozenset[int] = frozenset({200})
    api: str = API_PATH


def base_address(endpoint: str, setting: str = "CUSTOM_VISION_ENDPOINT") -> tuple[str, str]:
    """
    Give the endpoint without a slash at its end, and its host (with the port if one is written).

    Errors: `ConfigurationError`, which names `setting`, unless it is an https address (http on loopback) without query
    and user.
    """
    parts = split_address(endpoint)
    if parts is None or not is_permitted(parts):
        raise ConfigurationError([f"{setting} must be https:// (http:// for loopback only)"])
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ConfigurationError([f"{setting} must be an address without query, fragment and user"])
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", parts.netloc.lower()


class Connection:
    """Sends calls to one endpoint, counted by the budget, repeated while a few seconds may help."""

    def __init__(
        self,
        endpoint: str,
        caller: Caller,
        *,
        session: requests.Session,
        budget: CallBudget,
        purpose: Purpose,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        timeouts: Timeouts | None = None,
        setting: str = "CUSTOM_VISION_ENDPOINT",
    ) -> None:
        self._base, self.host = base_address(endpoint, setting)
        self._caller = caller
        self._session = session
        self._budget, self._purpose = budget, purpose
        self._clock, self._sleep, self._jitter = clock, sleep, jitter
        self._timeouts = timeouts or Timeouts()

    def send[T](
        self, call: Call, read: Callable[[requests.Response], T], asking: Callable[[], None] = lambda: None
    ) -> T:
        """
        Make the call and read its answer; `asking` is called when its turn has come, before the service is asked.

        `read` gets a response with an expected status and may raise `OutcomeUnknown` for half an answer. Errors:
        `TransientError` (with `retry_after` if the service said when), `ServiceRefusal`, `ConfigurationError`.
        """
        attempt, waited = 0, 0.0
        while True:
            attempt += 1
            self._budget.acquire(self._purpose)
            asking()
            try:
                return self._send_once(call, read)
            except TransientError as error:
                delay = in_process_delay(
                    error, attempt=attempt, waited=waited, repeatable=call.repeatable, jitter=self._jitter()
                )
                if delay is None:
                    raise
            self._sleep(delay)
            waited += delay

    def _send_once[T](self, call: Call, read: Callable[[requests.Response], T]) -> T:
        query = urlencode(call.query)
        response = self._exchange(call, query)
        if response.status_code in call.expected:
            return read(response if call.streamed else _whole(call, response))
        with response:
            refusal = Refusal(response.status_code, response.headers, self._body(call, response), len(query))
        raise error_of(call.operation, refusal, self._clock.now())

    def _exchange(self, call: Call, query: str) -> requests.Response:
        try:
            return self._session.request(
                call.method,
                f"{self._base}{call.api}{call.path}" + (f"?{query}" if query else ""),
                headers=_AS_BYTES if call.streamed else _AS_JSON,
                json=call.body,
                auth=self._caller.header(call.operation),
                timeout=self._timeouts.pair,
                allow_redirects=False,
                stream=True,  # so that the status is known where the body breaks off
            )
        except FOREIGN_ERRORS as error:
            problem = translated(call.operation, error)
        raise problem

    def _body(self, call: Call, response: requests.Response) -> bytes:
        """Read the body of a refusal; one that breaks off leaves its status standing."""
        try:
            return response.content
        except FOREIGN_ERRORS:
            return b""


def _whole(call: Call, response: requests.Response) -> requests.Response:
    """Read the whole body of an answer, and give the answer."""
    with response:
        try:
            _ = response.content
        except FOREIGN_ERRORS as error:
            problem = half_an_answer(call.operation, error, response.status_code)
        else:
            return response
    raise problem
