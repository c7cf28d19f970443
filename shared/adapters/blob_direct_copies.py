"""
Copy Blob From URL without the Storage SDK's pipeline, on the SDK's own sockets.

An export sends this one call once per picture, a hundred thousand times, and the pipeline is most of its CPU time. All
else stays as it is with the SDK: pool, certificates, proxies, credential, API version, and the errors' classes.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
from base64 import b64decode, b64encode
from collections.abc import Mapping
from email.utils import formatdate
from types import SimpleNamespace
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from azure.core.credentials import AccessToken, TokenCredential
from azure.core.exceptions import HttpResponseError, ServiceResponseError
from urllib3 import HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import HTTPError

from shared.adapters.blob_copies import OWN_METADATA
from shared.adapters.storage_connection import (
    CONNECT_SECONDS,
    READ_SECONDS,
    RETRIES,
    RETRY_PAUSE_SECONDS,
    StorageConnection,
)

TOKEN_SCOPE = "https://storage.azure.com/.default"  # noqa: S105 (a scope, not a token)
RENEW_BEFORE_SECONDS = 300
_NO_STANDARD_HEADERS = "\n" * 12
_URL_SIGNS = "%/:?#[]@!$&'()*+,;=~"
_RETRIED_STATUSES = (408, 429, 500, 502, 503, 504)


class CopyAnswer(HttpResponseError):
    """A refused copy in the form of the SDK's exceptions, so that the one translation serves both ways."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(message="copy refused")
        self.status_code = status
        self.error_code = headers.get("x-ms-error-code")
        self.response = SimpleNamespace(status_code=status, headers=headers)


class Authorization(Protocol):
    """Gives the value of the Authorization header."""

    def header(self, path: str, headers: Mapping[str, str]) -> str:
        """Authorize a PUT without a body of `path` (as sent) with these x-ms- headers, in lower case and sorted."""
        ...


class SharedKey:
    """Authorization by account key ("Authorize with Shared Key")."""

    def __init__(self, account: str, key: str) -> None:
        self._account = account
        self._key = b64decode(key)

    def header(self, path: str, headers: Mapping[str, str]) -> str:
        """See `Authorization`."""
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        text = f"PUT{_NO_STANDARD_HEADERS}{lines}/{self._account}{path}"
        signature = hmac.digest(self._key, text.encode(), hashlib.sha256)
        return f"SharedKey {self._account}:{b64encode(signature).decode()}"


class BearerToken:
    """Authorization by Entra ID; a token serves until five minutes before its end."""

    def __init__(self, credential: TokenCredential) -> None:
        self._credential = credential
        self._lock = threading.Lock()
        self._token: AccessToken | None = None

    def header(self, path: str, headers: Mapping[str, str]) -> str:
        """See `Authorization`."""
        with self._lock:
            if self._token is None or self._token.expires_on - time.time() < RENEW_BEFORE_SECONDS:
                self._token = self._credential.get_token(TOKEN_SCOPE)
            return f"Bearer {self._token.token}"


class DirectCopies:
    """`Copies` to one container of a connection, for any number of threads; `pause_seconds` between its retries."""

    def __init__(
        self, connection: StorageConnection, container: str, *, pause_seconds: float = RETRY_PAUSE_SECONDS
    ) -> None:
        service = connection.blobs()
        url = service.get_container_client(container).url
        self._path = urlsplit(url).path
        self._version = str(service.api_version)
        self._authorization = authorization_of(service.credential)
        self._pool: HTTPConnectionPool = connection.blob_sockets(url)
        self._timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        self._retries = _retries(pause_seconds)

    def copy(self, name: str, link: str, *, source_etag: str | None, source_md5: bytes | None) -> None:
        """See `Copies`."""
        path = f"{self._path}/{quote(name, safe='~/')}"
        headers = copy_headers(link, source_etag=source_etag, source_md5=source_md5, version=self._version)
        headers["authorization"] = self._authorization.header(path, headers)
        headers["content-length"] = "0"
        try:
            answer = self._pool.urlopen("PUT", path, headers=headers, timeout=self._timeout, retries=self._retries)
        except HTTPError as error:
            # Its text may hold the URL; the class is all that is needed.
            raise ServiceResponseError(type(error).__name__) from None
        if answer.status != 202:
            raise CopyAnswer(answer.status, answer.headers)


def authorization_of(credential: Any) -> Authorization:  # noqa: ANN401 (the SDK's own type for it is Any)
    """Choose by the credential of the SDK's client: it has an account key, or gives tokens."""
    key = getattr(credential, "account_key", None)
    return SharedKey(str(credential.account_name), str(key)) if key else BearerToken(credential)


def copy_headers(link: str, *, source_etag: str | None, source_md5: bytes | None, version: str) -> dict[str, str]:
    """Give the x-ms- headers of the call, sorted as the signature wants them."""
    headers = {
        # What is encoded already stays; what a header cannot hold is encoded now.
        "x-ms-copy-source": quote(link, safe=_URL_SIGNS),
        "x-ms-date": formatdate(usegmt=True),
        "x-ms-requires-sync": "true",
        "x-ms-version": version,
    }
    headers |= {f"x-ms-meta-{name}": value for name, value in OWN_METADATA.items()}
    if source_etag:
        headers["x-ms-source-if-match"] = source_etag
    if source_md5:
        headers["x-ms-source-content-md5"] = b64encode(source_md5).decode()
    return dict(sorted(headers.items()))


def _retries(pause_seconds: float) -> Retry:
    """Retry as the SDK's clients here do; a copy may be repeated, its last answer counts."""
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
