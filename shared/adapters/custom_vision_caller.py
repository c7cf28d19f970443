"""
Who calls Custom Vision: a training key, or an identity of Entra ID (on the resource's own host only).

Neither a key nor a token nor the text of a refused sign-in (it holds tenants and addresses) leaves this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from azure.core.exceptions import AzureError, ClientAuthenticationError
from requests.auth import AuthBase

from shared.domain.errors import AccessDenied, ConfigurationError, ServiceUnavailable

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from requests import PreparedRequest

TOKEN_SCOPE = "https://cognitiveservices.azure.com/.default"  # noqa: S105 (a scope, not a secret)


class _Header(AuthBase):
    """Puts one header on a request. An auth object, since anything less lets a netrc file put in its own."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.headers[self._name] = self._value
        return request


class Caller(Protocol):
    """Who calls: gives the header that says so."""

    def header(self, operation: str) -> AuthBase:
        """Give the header for one exchange. Errors: `AccessDenied`, `ServiceUnavailable` if a token cannot be had."""
        ...


class KeyCaller:
    """Calls with a training key."""

    def __init__(self, key: str) -> None:
        if not key.isascii() or not key.isprintable() or " " in key:
            raise ConfigurationError(["CUSTOM_VISION_TRAINING_KEY holds characters that no key has"])
        self._header = _Header("Training-Key", key)

    def header(self, operation: str) -> AuthBase:
        """Give `Training-Key`."""
        return self._header


class TokenCaller:
    """Calls with Entra ID; the credential keeps its tokens and renews them. `scope` says for whom the tokens are."""

    def __init__(self, credential: TokenCredential, scope: str = TOKEN_SCOPE) -> None:
        self._credential, self._scope = credential, scope

    def header(self, operation: str) -> AuthBase:
        """Give the bearer token."""
        try:
            token = self._credential.get_token(self._scope).token
        except AzureError as refused:
            problem = _token_error(operation, refused)
        else:
            return _Header("Authorization", f"Bearer {token}")
        raise problem


def _token_error(operation: str, refused: AzureError) -> AccessDenied | ServiceUnavailable:
    """Tell a refused identity from a token service that was not reached; the texts hold tenants and addresses."""
    if isinstance(refused, ClientAuthenticationError):
        return AccessDenied(operation, status=401, code="NoTokenIssued")
    return ServiceUnavailable(operation)


def make_caller(key: str | None, credential: TokenCredential | None) -> Caller:
    """Take the key if there is one, else Entra ID; `ConfigurationError` if there is neither."""
    if key:
        return KeyCaller(key)
    if credential is None:
        raise ConfigurationError(["CUSTOM_VISION_TRAINING_KEY is missing and there is no identity"])
    return TokenCaller(credential)
