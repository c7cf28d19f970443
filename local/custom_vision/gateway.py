"""What stands before the service: keys, tokens, the rate limit, the length of the request line."""

import hmac
import threading
from collections.abc import Mapping

from local.custom_vision.errors import error_body
from local.custom_vision.identity import audience_of
from local.custom_vision.switches import Switches
from local.custom_vision.wire import JSON_TYPE, Answer, error_answer

_AUDIENCE = "https://cognitiveservices.azure.com"
_BAD_KEY = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)
_UNAUTHORIZED = (
    "Unauthorized. Access token is missing, invalid, audience is incorrect "
    "(https://cognitiveservices.azure.com), or have expired."
)


def not_found() -> Answer:
    """No such route."""
    return error_answer(404, "404", "Resource not found", "gateway")


def uri_too_long() -> Answer:
    """A hop in between that does not take such a long request line; it answers no JSON."""
    return Answer(414, b"<html><body><h1>414 Request-URI Too Large</h1></body></html>", "text/html")


def refusal(headers: Mapping[str, str], header: str, key: str, switches: Switches) -> Answer | None:
    """401 unless the call carries the right key, or a bearer token while those are accepted."""
    given, authorization = headers.get(header), headers.get("authorization", "")
    if given is None and authorization.lower().startswith("bearer "):
        return None if _takes(authorization, switches) else error_answer(401, "401", _UNAUTHORIZED, "gateway")
    if given is not None and switches.keys == "accept" and hmac.compare_digest(given.encode(), key.encode()):
        return None
    return access_denied()


def access_denied() -> Answer:
    """401, as for a key that is none."""
    return error_answer(401, "401", _BAD_KEY, "gateway")


def _takes(authorization: str, switches: Switches) -> bool:
    if switches.bearer == "audience":
        return audience_of(authorization) == _AUDIENCE
    return switches.bearer == "any"


class RateLimit:
    """Calls per second of one resource, counted in whole seconds of the emulator's clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._count = 0

    def refusal(self, operation: str, now: float, switches: Switches) -> Answer | None:
        """429 in the gateway's shape when the second's calls are used up."""
        if not switches.calls_per_second:
            return None
        with self._lock:
            if int(now) != self._second:
                self._second, self._count = int(now), 0
            self._count += 1
            if self._count <= switches.calls_per_second:
                return None
        return _too_many(operation, switches)


def _too_many(operation: str, switches: Switches) -> Answer:
    wait = "Please retry after 1 second. " if switches.retry_text else ""
    text = (
        f"Requests to the {operation} Operation under Custom_Vision_Training_3.3 have exceeded rate limit of your "
        f"current Custom_Vision.Training {switches.tier} pricing tier. {wait}"
        "To increase your rate limit switch to a paid tier."
    )
    headers = {"Retry-After": "1"} if switches.retry_after == "header" else {}
    return Answer(429, error_body("429", text, "gateway"), JSON_TYPE, headers)
