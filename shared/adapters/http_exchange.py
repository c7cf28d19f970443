"""
HTTP as this application wants it: one pooled session, timeouts always, foreign errors translated in one place.

`requests` prints addresses (with ids and SAS) and header values (keys) in its exceptions. So no exception of it is
kept, not even as a cause: the error that is raised carries the class names of what happened as a note, nothing else.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import requests
import urllib3.exceptions
from requests import exceptions as foreign
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from shared.adapters.lean_connections import LeanAdapter
from shared.domain.addresses import is_loopback
from shared.domain.errors import ConfigurationError, OutcomeUnknown, ServiceUnavailable

if TYPE_CHECKING:
    from requests import PreparedRequest

HEAD = 512
"""How many bytes of a picture show what it is."""
_HOSTS = 16
FOREIGN_ERRORS = (foreign.RequestException, urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection, and for the next byte."""

    connect: float = 5.0
    read: float = 60.0

    @property
    def pair(self) -> tuple[float, float]:
        """The two as `requests` takes them."""
        return (self.connect, self.read)


class NoAuth(AuthBase):
    """Adds nothing; its presence keeps `requests` from sending what a netrc file holds for a host."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Leave the request as it is."""
        return request


class StraightSession(requests.Session):
    """
    Sees no redirects: even unfollowed ones are prepared by `requests`, which fails on addresses it cannot read.

    `heads`: lean connections beside its own, for the first bytes of pictures; closed with it.
    """

    def __init__(self, heads: LeanAdapter) -> None:
        super().__init__()
        self.heads = heads

    def close(self) -> None:
        """Close all sockets."""
        super().close()
        self.heads.close()

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """See none."""
        return None


def make_session(pool_size: int) -> StraightSession:
    """
    Make a session with `pool_size` kept connections per host; safe to share among threads.

    TLS is verified, redirects are not followed, cookies are not kept, nothing is retried here. Proxies and
    `REQUESTS_CA_BUNDLE` of the environment count. The URL-printing loggers of urllib3 are silenced for the process.
    """
    session = StraightSession(LeanAdapter(hosts=_HOSTS, pool_size=pool_size, most_bytes=HEAD))
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = HTTPAdapter(pool_connections=_HOSTS, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    _silence_addresses()
    return session


def _silence_addresses() -> None:
    """Its DEBUG lines and its warning about unreadable headers print whole addresses, SAS included."""
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    logging.getLogger("requests").setLevel(logging.ERROR)


def is_permitted(address: SplitResult) -> bool:
    """Tell whether bytes may travel there: https, or http to this machine itself; absolute, with a host."""
    if not address.hostname:
        return False
    return address.scheme == "https" or (address.scheme == "http" and is_loopback(address.hostname))


def split_address(text: str) -> SplitResult | None:
    """Take an address apart; None if it is none."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # a port that is no number shows only here
    except ValueError:
        return None
    return parts


class Fate(Enum):
    """What is known about a request that got no usable answer."""

    NOT_SENT = "not sent"
    MAYBE_DONE = "maybe done"
    NOT_POSSIBLE = "not possible"


# Every public exception of requests has its line; a test fails when a new release adds one.
FATES: dict[type[BaseException], Fate] = {
    foreign.RequestException: Fate.MAYBE_DONE,
    foreign.ConnectionError: Fate.MAYBE_DONE,
    foreign.ConnectTimeout: Fate.NOT_SENT,
    foreign.ProxyError: Fate.NOT_SENT,
    foreign.SSLError: Fate.MAYBE_DONE,
    foreign.Timeout: Fate.MAYBE_DONE,
    foreign.ReadTimeout: Fate.MAYBE_DONE,
    foreign.ChunkedEncodingError: Fate.MAYBE_DONE,
    foreign.ContentDecodingError: Fate.MAYBE_DONE,
    foreign.StreamConsumedError: Fate.MAYBE_DONE,
    foreign.RetryError: Fate.MAYBE_DONE,
    foreign.HTTPError: Fate.MAYBE_DONE,
    foreign.JSONDecodeError: Fate.MAYBE_DONE,
    foreign.TooManyRedirects: Fate.MAYBE_DONE,
    foreign.UnrewindableBodyError: Fate.MAYBE_DONE,
    foreign.InvalidJSONError: Fate.NOT_POSSIBLE,
    foreign.URLRequired: Fate.NOT_POSSIBLE,
    foreign.MissingSchema: Fate.NOT_POSSIBLE,
    foreign.InvalidSchema: Fate.NOT_POSSIBLE,
    foreign.InvalidURL: Fate.NOT_POSSIBLE,
    foreign.InvalidHeader: Fate.NOT_POSSIBLE,
    foreign.InvalidProxyURL: Fate.NOT_POSSIBLE,
    urllib3.exceptions.HTTPError: Fate.MAYBE_DONE,
    OSError: Fate.NOT_SENT,  # outside requests' own: raised before a connection is made (a missing CA file)
}

# requests gives one class for "could not connect" and "connection broke"; the reason below it tells them apart.
_BEFORE_SENDING = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    ssl.SSLCertVerificationError,
)


def fate_of(error: BaseException) -> Fate:
    """Say what is known about the request that ended in this exception; the most specific class wins."""
    if any(isinstance(reason, _BEFORE_SENDING) for reason in reasons(error)):
        return Fate.NOT_SENT
    return next(FATES[kind] for kind in type(error).__mro__ if kind in FATES)


def reasons(error: BaseException) -> Iterator[BaseException]:
    """Give the exception and everything it was raised for, outermost first, each once."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop(0)
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            below = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
            waiting.extend(part for part in below if isinstance(part, BaseException))


def translated(operation: str, error: BaseException) -> ServiceUnavailable | OutcomeUnknown | ConfigurationError:
    """Turn a foreign exception of one exchange into ours, without its text."""
    ours: ServiceUnavailable | OutcomeUnknown | ConfigurationError
    match fate_of(error):
        case Fate.NOT_SENT:
            ours = ServiceUnavailable(operation)
        case Fate.MAYBE_DONE:
            ours = OutcomeUnknown(operation)
        case Fate.NOT_POSSIBLE:
            ours = ConfigurationError([f"{operation}: endpoint, proxy or key cannot be used in a request"])
    return _noted(ours, error)


def half_an_answer(operation: str, error: BaseException, status: int) -> OutcomeUnknown:
    """
    Turn a foreign exception that ended the reading of a body into ours, without its text.

    The status says that somebody has answered: what fails is this one call, and not the way to the whole service.
    """
    return _noted(OutcomeUnknown(operation, status=status), error)


def _noted[E: Exception](ours: E, error: BaseException) -> E:
    ours.add_note("after " + ", ".join(type(reason).__name__ for reason in reasons(error)))
    return ours
