"""Requests to the app before a person's eyes: each with the command that a person would type, and how it goes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.demo import words
from local.demo.app import App, UnexpectedAnswerError, curl, has_ended
from local.demo.console import Console

Json = dict[str, Any]
COMPLETED = ("completed", None)


@dataclass(frozen=True)
class Requesting:
    """`url`: where the app is."""

    app: App
    console: Console
    url: str

    def begin(self, path: str, body: Json) -> str:
        """Post a request; its id."""
        self.command(path, body)
        request_id = str(self.app.post(path, body)["subject_request_id"])
        self.console.say(f"202 Accepted, request {request_id}. How it goes, asked again and again:")
        self.command(f"/api/requests/{request_id}")
        return request_id

    def until(self, request_id: str, moment: Callable[[Json], bool]) -> None:
        """Follow a request to a moment before its end.

        Raises:
            UnexpectedAnswerError: it ended before.
        """
        status, seconds = self._followed(request_id, moment)
        self.console.end_progress(words.so_far(status, seconds))
        if not moment(status):
            raise UnexpectedAnswerError(f"Request {request_id} ended {status['request_status']}: {status['reason']}.")

    def to_the_end(self, request_id: str) -> Json:
        """Follow a request to its end; its receipt.

        Raises:
            UnexpectedAnswerError: it did not complete.
        """
        status, seconds = self._followed(request_id, has_ended)
        self.console.end_progress(words.ending(status, seconds))
        if (status["request_status"], status["reason"]) != COMPLETED:
            raise UnexpectedAnswerError(f"Request {request_id} ended {status['request_status']}: {status['reason']}.")
        return self.app.get(f"/api/requests/{request_id}/receipt")

    def command(self, path: str, body: Json | None = None, *options: str) -> None:
        """Show the curl command of a call."""
        self.console.show(f"$ {curl(self.url + path, body, *options)}")

    def _followed(self, request_id: str, moment: Callable[[Json], bool]) -> tuple[Json, float]:
        began = time.monotonic()
        status = self.app.follow(request_id, lambda seen: self.console.progress(words.progress(seen)), moment)
        return status, time.monotonic() - began
