import inspect
import logging
import ssl
from urllib.parse import urlsplit

import pytest
import requests
import urllib3.exceptions
from requests import exceptions as foreign

from shared.adapters.http_exchange import FATES, Fate, Timeouts, fate_of, is_permitted, make_session, translated
from shared.domain.errors import ConfigurationError, OutcomeUnknown, ServiceUnavailable

ADDRESS = "https://host.example/customvision/v3.3?sig=secret-signature"


def exception_classes() -> list[type[BaseException]]:
    return [
        one
        for one in vars(foreign).values()
        if inspect.isclass(one) and issubclass(one, foreign.RequestException) and one.__module__ == foreign.__name__
    ]


def test_the_listing_of_foreign_exceptions_finds_them() -> None:
    assert {foreign.ConnectionError, foreign.ReadTimeout, foreign.JSONDecodeError} <= set(exception_classes())


@pytest.mark.parametrize("kind", exception_classes(), ids=lambda kind: kind.__name__)
def test_every_exception_of_requests_has_a_decided_fate(kind: type[BaseException]) -> None:
    assert kind in FATES, "a new release of requests: decide whether such a request may have been carried out"


def pool() -> urllib3.HTTPConnectionPool:
    return urllib3.HTTPConnectionPool("host.example")


def wrapped(kind: type[foreign.RequestException], reason: Exception) -> BaseException:
    return kind(urllib3.exceptions.MaxRetryError(pool(), ADDRESS, reason))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (foreign.ConnectTimeout(ADDRESS), Fate.NOT_SENT),
        (foreign.ReadTimeout(ADDRESS), Fate.MAYBE_DONE),
        (foreign.ConnectionError(ADDRESS), Fate.MAYBE_DONE),
        (
            wrapped(foreign.ConnectionError, urllib3.exceptions.NewConnectionError(None, ADDRESS)),  # type: ignore[arg-type]
            Fate.NOT_SENT,
        ),
        (
            wrapped(foreign.ConnectionError, urllib3.exceptions.ProtocolError(ADDRESS, ConnectionResetError())),
            Fate.MAYBE_DONE,
        ),
        (foreign.ConnectionError(urllib3.exceptions.ProtocolError("aborted", BrokenPipeError())), Fate.MAYBE_DONE),
        (
            wrapped(foreign.SSLError, urllib3.exceptions.SSLError(ssl.SSLCertVerificationError("self-signed"))),
            Fate.NOT_SENT,
        ),
        (wrapped(foreign.SSLError, urllib3.exceptions.SSLError(ssl.SSLEOFError("EOF"))), Fate.MAYBE_DONE),
        (wrapped(foreign.ProxyError, urllib3.exceptions.ProxyError("tunnel", OSError())), Fate.NOT_SENT),
        (foreign.ChunkedEncodingError(ADDRESS), Fate.MAYBE_DONE),
        (urllib3.exceptions.DecodeError(ADDRESS), Fate.MAYBE_DONE),
        (foreign.InvalidHeader(ADDRESS), Fate.NOT_POSSIBLE),
        (OSError("no CA bundle"), Fate.NOT_SENT),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value.value,
)
def test_not_sent_is_told_from_maybe_done(error: BaseException, expected: Fate) -> None:
    assert fate_of(error) is expected
    ours = translated("GetTags", error)
    kinds = {Fate.NOT_SENT: ServiceUnavailable, Fate.MAYBE_DONE: OutcomeUnknown, Fate.NOT_POSSIBLE: ConfigurationError}
    assert type(ours) is kinds[expected]
    assert type(error).__name__ in ours.__notes__[0]
    assert "secret" not in str(ours) + str(ours.__notes__)


def test_a_request_that_cannot_be_made_is_a_matter_of_settings(session: requests.Session) -> None:
    with pytest.raises(foreign.RequestException) as raised:
        session.get("http://[broken")
    assert fate_of(raised.value) is Fate.NOT_POSSIBLE


@pytest.mark.parametrize(
    ("address", "permitted"),
    [
        ("https://name.cognitiveservices.azure.com", True),
        ("http://127.0.0.1:7080/x", True),
        ("http://127.9.9.9", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("http://name.cognitiveservices.azure.com", False),
        ("http://localhost.example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("ftp://127.0.0.1/x", False),
        ("file:///etc/passwd", False),
        ("/i-project/i-image", False),
        ("//host.example/x", False),
        ("https:///x", False),
        ("", False),
    ],
)
def test_bytes_travel_by_https_or_inside_this_machine_only(address: str, permitted: bool) -> None:
    assert is_permitted(urlsplit(address)) is permitted


def test_the_session_verifies_keeps_no_cookie_and_retries_nothing() -> None:
    with make_session(7) as session:
        adapter = session.get_adapter("https://host.example")
        assert session.verify is True
        assert isinstance(adapter, requests.adapters.HTTPAdapter)
        assert adapter.max_retries.total == 0
        assert adapter.poolmanager.connection_pool_kw["maxsize"] == 7


def test_the_loggers_that_print_addresses_are_silent_even_when_everything_else_speaks() -> None:
    with make_session(1):
        for name in ("urllib3", "urllib3.connectionpool", "urllib3.connection", "requests"):
            assert not logging.getLogger(name).isEnabledFor(logging.WARNING)


def test_timeouts_are_always_there() -> None:
    assert Timeouts().pair == (5.0, 60.0)
