"""The app as a user meets it: HTTP requests to the Functions host, each with the curl command that does the same."""

import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import requests

from local.functions_host.process import HostProcess

_SECONDS = 60
_POLL_SECONDS = 0.25
_REQUEST_LIMIT_SECONDS = 150.0
_CHUNK_BYTES = 1024 * 1024
Json = dict[str, Any]


def has_ended(status: Json) -> bool:
    """Whether a request's status is final."""
    return status["completed_time"] is not None


def waits_for_approval(status: Json) -> bool:
    """Whether a request's plan waits for somebody's decision."""
    return bool(status["request_status"] == "awaiting_approval")


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
        return dict(json.loads(self.raw(path)))

    def raw(self, path: str, accept: str = "application/json") -> bytes:
        """GET `path`; the bytes of its 200."""
        answer = self._session.get(self._host.url + path, headers={"Accept": accept}, timeout=_SECONDS)
        if answer.status_code != requests.codes.ok:
            raise UnexpectedAnswerError(f"GET {path} was answered {answer.status_code}: {answer.text}")
        return answer.content

    def post(self, path: str, body: Json, expected: int = requests.codes.accepted) -> Json:
        """POST `body`; the JSON of its answer with the status `expected`, {} if it is empty."""
        answer = self._session.post(self._host.url + path, json=body, timeout=_SECONDS)
        if answer.status_code != expected:
            raise UnexpectedAnswerError(f"POST {path} was answered {answer.status_code}: {answer.text}")
        return dict(answer.json()) if answer.content else {}

    def save_redirected(self, path: str, target: Path) -> bool:
        """GET `path` and write what its 302 leads to; False where there is nothing (404).

        The link that it leads to opens a whole file to anybody: no error tells it.
        """
        answer = self._session.get(self._host.url + path, timeout=_SECONDS, allow_redirects=False)
        if answer.status_code == requests.codes.not_found:
            return False
        if answer.status_code != requests.codes.found:
            raise UnexpectedAnswerError(f"GET {path} was answered {answer.status_code}: {answer.text}")
        try:
            self._save(answer.headers["Location"], target)
        except requests.RequestException as problem:
            raise UnexpectedAnswerError(f"Where GET {path} leads to: {type(problem).__name__}.") from None
        return True

    def follow(self, request_id: str, show: Callable[[Json], None], until: Callable[[Json], bool] = has_ended) -> Json:
        """Read a request's status until it is final or `until` holds, handing each to `show`; the last one."""
        deadline = time.monotonic() + _REQUEST_LIMIT_SECONDS
        while True:
            if not self._host.is_running():
                raise UnexpectedAnswerError("The Functions host has ended.")
            status = self.get(f"/api/requests/{request_id}")
            show(status)
            if until(status) or has_ended(status):
                return status
            if time.monotonic() > deadline:
                raise UnexpectedAnswerError(
                    f"Request {request_id} did not get on in {_REQUEST_LIMIT_SECONDS:.0f} seconds."
                )
            time.sleep(_POLL_SECONDS)

    def _save(self, link: str, target: Path) -> None:
        with self._session.get(link, timeout=_SECONDS, stream=True) as answer, target.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK_BYTES):
                file.write(chunk)


def curl(url: str, body: Json | None = None, *options: str) -> str:
    """Return the curl command of a GET, or of a POST of `body`, ready to be copied; `options` as curl spells them."""
    words = shlex.join([*options, url])
    if body is None:
        return f"curl {words}"
    return f"curl {words} -H 'Content-Type: application/json' \\\n     -d {shlex.quote(json.dumps(body))}"
