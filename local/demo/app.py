"""The app as a user meets it: HTTP requests to the Functions host, each with the curl command that does the same."""

import json
import shlex
import time
from collections.abc import Callable
from typing import Any, Self

import requests

from local.functions_host.process import HostProcess

_SECONDS = 60
_POLL_SECONDS = 0.25
_REQUEST_LIMIT_SECONDS = 150.0
Json = dict[str, Any]


class UnexpectedAnswerError(RuntimeError):
    """The app answered otherwise than it must, or not in time, or its host has ended; the text says what."""


class App:
    """Calls to the app at a running host. Use it as a context manager."""

    def __init__(self, host: HostProcess) -> None:
        self._host = host
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the shell has no business on the loopback address

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get(self, path: str) -> Json:
        """GET `path`; the JSON of its 200."""
        answer = self._session.get(self._host.url + path, timeout=_SECONDS)
        if answer.status_code != requests.codes.ok:
            raise UnexpectedAnswerError(f"GET {path} was answered {answer.status_code}: {answer.text}")
        return dict(answer.json())

    def raw(self, path: str) -> bytes:
        """GET `path`; the bytes of its 200."""
        answer = self._session.get(self._host.url + path, timeout=_SECONDS)
        if answer.status_code != requests.codes.ok:
            raise UnexpectedAnswerError(f"GET {path} was answered {answer.status_code}: {answer.text}")
        return answer.content

    def post(self, path: str, body: Json) -> Json:
        """POST a request; the JSON of its 202."""
        answer = self._session.post(self._host.url + path, json=body, timeout=_SECONDS)
        if answer.status_code != requests.codes.accepted:
            raise UnexpectedAnswerError(f"POST {path} was answered {answer.status_code}: {answer.text}")
        return dict(answer.json())

    def follow(self, request_id: str, show: Callable[[Json], None]) -> Json:
        """Read a request's status until it is final, handing each to `show`; the last one."""
        deadline = time.monotonic() + _REQUEST_LIMIT_SECONDS
        while True:
            if not self._host.is_running():
                raise UnexpectedAnswerError("The Functions host has ended.")
            status = self.get(f"/api/requests/{request_id}")
            show(status)
            if status["completed_time"]:
                return status
            if time.monotonic() > deadline:
                raise UnexpectedAnswerError(
                    f"Request {request_id} did not end in {_REQUEST_LIMIT_SECONDS:.0f} seconds."
                )
            time.sleep(_POLL_SECONDS)


def curl(url: str, body: Json | None = None) -> str:
    """Return the curl command of a GET, or of a POST of `body`, ready to be copied."""
    if body is None:
        return f"curl {url}"
    return f"curl {url} -H 'Content-Type: application/json' \\\n     -d {shlex.quote(json.dumps(body))}"
