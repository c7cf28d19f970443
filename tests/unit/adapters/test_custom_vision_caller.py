"""Who calls, where to, and that neither is told to anybody else."""

import traceback

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.adapters.custom_vision_caller import TOKEN_SCOPE
from shared.domain.errors import (
    AccessDenied,
    ConfigurationError,
    GdprError,
    ServiceUnavailable,
)
from shared.ports import CustomVision
from tests.unit.adapters.scripted_server import ScriptedServer
from tests.unit.adapters.service_answers import Credential, answer, make


def test_without_a_key_the_identity_calls(server: ScriptedServer, session: requests.Session) -> None:
    server.script(answer([]))
    credential = Credential()
    make(server.url, session, key=None, credential=credential).get_projects()
    assert credential.scopes == [TOKEN_SCOPE]
    assert server.asked[0].headers["authorization"] == "Bearer a-token"
    assert "training-key" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (ClientAuthenticationError("tenant https://login.example/secret"), AccessDenied),
        (ServiceRequestError("cannot reach https://login.example/secret"), ServiceUnavailable),
    ],
)
def test_a_token_that_cannot_be_had_is_ours_to_name(
    server: ScriptedServer, session: requests.Session, failure: Exception, expected: type[GdprError]
) -> None:
    with pytest.raises(expected) as raised:
        make(server.url, session, key=None, credential=Credential(failure)).get_projects()
    assert "secret" not in "".join(traceback.format_exception(raised.value))
    assert server.asked == []


def test_a_netrc_file_does_not_replace_who_we_are(
    server: ScriptedServer,
    session: requests.Session,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.script(answer([]))
    make(server.url, session, key=None, credential=Credential()).get_projects()
    make(server.url, session).get_projects()
    assert [asked.headers.get("authorization") for asked in server.asked] == ["Bearer a-token", None]


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://name.cognitiveservices.azure.com",
        "name.cognitiveservices.azure.com",
        "https://",
        "https://user:secret@name.example",
        "https://name.example?secret=1",
        "https://name.example:port",
        "",
    ],
)
def test_an_endpoint_that_is_not_safe_is_refused_without_showing_it(endpoint: str, session: requests.Session) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make(endpoint, session)
    assert "CUSTOM_VISION_ENDPOINT" in str(raised.value)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(("key", "credential"), [(None, None), ("", None), ("a\nb", None), ("a b", None), ("ä", None)])
def test_a_key_that_cannot_be_one_is_refused_without_showing_it(
    key: str | None, credential: None, session: requests.Session
) -> None:
    with pytest.raises(ConfigurationError) as raised:
        make("https://name.example", session, key=key, credential=credential)
    assert raised.value.problems[0].startswith("CUSTOM_VISION_TRAINING_KEY")
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        ("https://Name.cognitiveservices.azure.com/", "name.cognitiveservices.azure.com"),
        ("https://name.example//", "name.example"),
        ("http://127.0.0.1:7080", "127.0.0.1:7080"),
    ],
)
def test_the_host_is_named_without_slash_and_in_lower_case(endpoint: str, host: str, session: requests.Session) -> None:
    client: CustomVision = make(endpoint, session)
    assert client.host == host
