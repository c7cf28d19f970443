"""
Calls to Blob Storage without the Storage SDK's pipeline, on lean connections.

For the calls that an export makes once per picture, or that bring a row per picture, and for the small blobs of the
ledger: the pipeline and its models are most of their CPU time. All else stays as it is with the SDK:
certificates, proxies, credential, API version, and the errors' classes.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Protocol, cast
from urllib.parse import quote, urlencode, urlsplit

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from urllib3 import HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import HTTPError

from shared.adapters.lean_connections import LeanAnswer
from shared.adapters.storage_connection import (
    CONNECT_SECONDS,
    READ_SECONDS,
    RETRIES,
    RETRY_PAUSE_SECONDS,
    StorageConnection,
)

TOKEN_SCOPE = "https://storage.azure.com/.default"  # noqa: S105 (a scope, not a token)
RENEW_BEFORE_SECONDS = 300
_SIGNED_HEADERS = (
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
)
"""Standard headers in the order in which a signature covers them, each on a line, empty ones too."""
_RETRIED_STATUSES = (408, 429, 500, 502, 503, 504)


class DirectAnswer(HttpResponseError):
    """
    A refused call in the form of the SDK's exceptions, so that the one translation serves both ways.

    `was_repeated`: whether the call was sent more than once, so that it may have met its own success.
    """

    def __init__(self, status: int, headers: Mapping[str, str], *, was_repeated: bool = False) -> None:
        super().__init__(message="call refused")
        self.status_code = status
        self.error_code = headers.get("x-ms-error-code")
        self.was_repeated = was_repeated
        self.response = SimpleNamespace(status_code=status, headers=headers)


class Authorization(Protocol):
    """Gives the value of the Authorization header."""

    def header(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """
        Authorize a call.

        `path` as it is sent, `query` before it is encoded, `headers` all that are sent; names in lower case, sorted.
        """
        ...


class SharedKey:
    """Authorization by account key ("Authorize with Shared Key")."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = b64decode(key)

    def header(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """See `Authorization`."""
        standard = "".join(f"\n{_signed(headers, name)}" for name in _SIGNED_HEADERS)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items() if name.startswith("x-ms-"))
        asked = "".join(f"\n{name}:{value}" for name, value in query.items())
        text = f"{method}{standard}\n{lines}/{self._account}{path}{asked}"
        signature = hmac.digest(self._key, text.encode(), hashlib.sha256)
        return f"SharedKey {self._account}:{b64encode(signature).decode()}"


def _signed(headers: Mapping[str, str], name: str) -> str:
    """Give a header as a signature covers it: a length of nothing is left out, since the version of 2015-02-21."""
    value = headers.get(name, "")
    return "" if (name, value) == ("content-length", "0") else value


class BearerToken:
    """Authorization by Entra ID; a token serves until five minutes before its end."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def header(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str]) -> str:
        """See `Authorization`."""
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < RENEW_BEFORE_SECONDS:
                self._token = self._credential.get_token(TOKEN_SCOPE)
            return f"Bearer {self._token.token}"


class DirectCalls:
    """
    Calls to one container of a connection, for any number of threads.

    `pause_seconds` lies between the retries; only calls that may be repeated belong here.
    """

    def __init__(
        self, connection: StorageConnection, container: str, *, pause_seconds: float = RETRY_PAUSE_SECONDS
    ) -> None:
        service = connection.blobs()
        url = service.get_container_client(container).url
        self._host, self._path = urlsplit(url).netloc, urlsplit(url).path
        self._version = str(service.api_version)
        self._authorization = authorization_of(service.credential)
        self._pool: HTTPConnectionPool = connection.blob_sockets(url)
        self._timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._retries = _retries(pause_seconds)

    def send(
        self,
        method: str,
        name: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        expected: int,
    ) -> LeanAnswer:
        """
        Call for a blob (or, with an empty name, for the container) and give the whole answer.

        `headers` are x-ms- ones and conditions, names in lower case. Raises an exception of the SDK's classes if the
        status is not `expected`, or if there is no answer.
        """
        path = f"{self._path}/{quote(name, safe='~/')}" if name else self._path
        own = {"host": self._host, "x-ms-date": _date_of(int(time.time())), "x-ms-version": self._version}
        own |= {"content-length": str(len(body))} if method == "PUT" else {}
        sent, asked = dict(sorted({**(headers or {}), **own}.items())), dict(sorted((query or {}).items()))
        sent["authorization"] = self._authorization.header(method, path, asked, sent)
        target = f"{path}?{urlencode(asked, quote_via=quote)}" if asked else path
        try:
            given = self._pool.urlopen(method, target, body, sent, retries=self._retries, timeout=self._timeout)
        except HTTPError as error:
            # Its text may hold the URL; the class is all that is needed.
            raise ServiceResponseError(type(error).__name__) from None
        answer = cast("LeanAnswer", given)
        if answer.status != expected:
            raise DirectAnswer(answer.status, answer.headers, was_repeated=bool(answer.retries.history))
        return answer


@lru_cache(2)
def _date_of(second: int) -> str:
    return formatdate(second, usegmt=True)


def authorization_of(credential: Any) -> Authorization:  # noqa: ANN401 (the SDK's own type for it is Any)
    """Choose by the credential of the SDK's client: it has an account key, or gives tokens."""
    key = getattr(credential, "account_key", None)
    return SharedKey(str(credential.account_name), str(key)) if key else BearerToken(credential)


def _retries(pause_seconds: float) -> Retry:
    """Retry as the SDK's clients here do."""
    return Retry(
        total=RETRIES,
        redirect=False,
        allowed_methods=None,
        status_forcelist=_RETRIED_STATUSES,
        backoff_factor=pause_seconds,
        backoff_max=2 * pause_seconds,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
