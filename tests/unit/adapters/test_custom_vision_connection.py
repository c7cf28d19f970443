"""The client on a real socket against a service that fails in every way it can."""

import json
import logging
import traceback
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ServiceRequestError

from shared.adapters.call_budget import Purpose, UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.custom_vision_caller import TOKEN_SCOPE
from shared.adapters.http_exchange import Timeouts
from shared.domain.errors import (
    AccessDenied,
    ConfigurationError,
    GdprError,
    OutcomeUnknown,
    RequestTooLong,
    ResourceAbsent,
    ServiceUnavailable,
    StorageUnavailable,
    Throttled,
    TransientError,
    UnexpectedResponse,
)
from shared.ports import CustomVision, DeletionAnswer
from tests.fakes import SettableClock
from tests.unit.adapters.conftest import KEY
from tests.unit.adapters.scripted_server import HANG_UP, JSON, RESET, SILENCE, Asked, Reply, ScriptedServer

PROJECT = "11111111-2222-3333-4444-555555555555"
OTHER = "aaaaaaaa-2222-3333-4444-555555555555"
ROW = {"id": PROJECT, "name": "Anna"}


def answer(value: object, status: int = 200) -> Reply:
    return Reply(status, json.dumps(value).encode(), JSON)


def refusal(status: int, code: str, message: str = "", **headers: str) -> Reply:
    return Reply(status, json.dumps({"code": code, "message": message}).encode(), {**JSON, **headers})


def query_of(asked: Asked) -> dict[str, list[str]]:
    return parse_qs(urlsplit(asked.target).query)


def ids(count: int) -> list[str]:
    return [f"00000000-0000-0000-0000-{number:012x}" for number in range(count)]


# Repetition


@pytest.mark.parametrize("failure", [RESET, HANG_UP, SILENCE, Reply(503), Reply(500), Reply(429), Reply(408)])
def test_a_read_is_repeated_after_a_failure_that_may_pass(
    client: CustomVisionClient, server: ScriptedServer, slept: list[float], failure: Reply
) -> None:
    server.script(failure, failure, answer([ROW]))
    assert [project.name for project in client.get_projects()] == ["Anna"]
    assert slept == [1.0, 2.0]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [(RESET, OutcomeUnknown), (HANG_UP, OutcomeUnknown), (SILENCE, OutcomeUnknown), (Reply(502), ServiceUnavailable)],
)
def test_a_read_is_given_back_after_three_tries(
    client: CustomVisionClient, server: ScriptedServer, failure: Reply, expected: type[GdprError]
) -> None:
    server.script(failure)
    with pytest.raises(expected):
        client.get_projects()
    assert len(server.asked) == 3


@pytest.mark.parametrize("failure", [RESET, HANG_UP, SILENCE])
def test_a_delete_without_an_answer_is_never_repeated_here(
    client: CustomVisionClient, server: ScriptedServer, failure: Reply
) -> None:
    server.script(failure, Reply(204))
    with pytest.raises(OutcomeUnknown) as raised:
        client.delete_project(PROJECT)
    assert raised.value.operation == "DeleteProject"
    assert len(server.asked) == 1


@pytest.mark.parametrize("failure", [Reply(429), Reply(503), Reply(500)])
def test_a_delete_that_was_answered_is_repeated(
    client: CustomVisionClient, server: ScriptedServer, failure: Reply
) -> None:
    server.script(failure, Reply(204))
    client.delete_project(PROJECT)
    assert len(server.asked) == 2


def test_a_service_that_is_not_there_is_unavailable_and_nothing_was_sent(
    session: requests.Session, refused_port: int
) -> None:
    client = make(f"http://127.0.0.1:{refused_port}", session)
    with pytest.raises(ServiceUnavailable) as raised:
        client.delete_project(PROJECT)
    assert raised.value.status is None


def test_a_wish_of_seconds_is_honoured_in_process(
    client: CustomVisionClient, server: ScriptedServer, slept: list[float]
) -> None:
    server.script(refusal(429, "429", "Please retry after 3 seconds."), answer([]))
    client.get_projects()
    assert slept == [3.0]


def test_a_longer_wish_goes_back_with_the_error(
    client: CustomVisionClient, server: ScriptedServer, slept: list[float]
) -> None:
    server.script(Reply(429, headers={"Retry-After": "30", "apim-request-id": "R-1"}))
    with pytest.raises(Throttled) as raised:
        client.get_projects()
    assert (raised.value.retry_after, raised.value.request_id, raised.value.status) == (30.0, "R-1", 429)
    assert slept == []


def test_every_try_is_counted_by_the_budget(server: ScriptedServer, session: requests.Session) -> None:
    asked: list[Purpose] = []

    class Counting:
        def acquire(self, purpose: Purpose) -> None:
            asked.append(purpose)

    server.script(Reply(503), Reply(503), answer([]))
    make(server.url, session, budget=Counting(), purpose="erasure").get_projects()
    assert asked == ["erasure"] * 3


def test_no_call_is_made_while_calls_cannot_be_counted(server: ScriptedServer, session: requests.Session) -> None:
    class Broken:
        def acquire(self, purpose: Purpose) -> None:
            raise StorageUnavailable("budget")

    with pytest.raises(StorageUnavailable):
        make(server.url, session, budget=Broken()).get_projects()
    assert server.asked == []


# Answers


@pytest.mark.parametrize(
    "half",
    [
        Reply(200, b'[{"id": "1111', JSON),  # whole by its length, not by its content
        Reply(200, b'[{"id"', JSON, announced=500, then="close"),
        Reply(200, b'[{"id"', JSON, announced=500, then="reset"),
        Reply(200, b"ff\r\n[{", {**JSON, "Transfer-Encoding": "chunked"}, announced=-1, then="close"),
    ],
)
def test_half_an_answer_to_a_read_is_asked_for_again(
    client: CustomVisionClient, server: ScriptedServer, half: Reply
) -> None:
    server.script(half, answer([ROW]))
    assert len(client.get_projects()) == 1
    server.script(half)
    with pytest.raises(OutcomeUnknown):
        client.get_projects()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"null", b'"text"', b"12", b"{}", b"[1]", b"[[]]", b'[{"name": "x"}]', b'[{"id": "../x"}]']
)
def test_a_list_of_another_kind_is_unexpected(client: CustomVisionClient, server: ScriptedServer, body: bytes) -> None:
    server.script(Reply(200, body, {"Request-Id": "R-2"}))
    with pytest.raises(UnexpectedResponse) as raised:
        client.get_projects()
    assert (raised.value.operation, raised.value.status, raised.value.request_id) == ("GetProjects", 200, "R-2")
    assert len(server.asked) == 1


@pytest.mark.parametrize("body", [b"true", b"1.5", b"-1", b"[]", b'"1"', b"null"])
def test_a_count_is_a_whole_number(client: CustomVisionClient, server: ScriptedServer, body: bytes) -> None:
    server.script(Reply(200, body, JSON))
    with pytest.raises(UnexpectedResponse):
        client.get_image_count(PROJECT)


@pytest.mark.parametrize("body", [b"[]", b'{"token": {}}', b'{"results": [1]}', b'{"token": 1, "results": []}'])
def test_a_page_of_predictions_has_its_two_parts(
    client: CustomVisionClient, server: ScriptedServer, body: bytes
) -> None:
    server.script(Reply(200, body, JSON))
    with pytest.raises(UnexpectedResponse):
        client.query_predictions(PROJECT)


def test_rows_are_kept_whole_with_what_nobody_knows(client: CustomVisionClient, server: ScriptedServer) -> None:
    row = {"id": PROJECT.upper(), "new": {"deep": [1, None, 8.79471951e-13]}, "tags": None}
    server.script(answer([row]))
    (project,) = client.get_projects()
    assert project.row == row
    assert project.id == PROJECT


@pytest.mark.parametrize("location", ["/elsewhere", "http://[broken", ""])
def test_a_redirect_is_not_followed(client: CustomVisionClient, server: ScriptedServer, location: str) -> None:
    server.script(Reply(302, headers={"Location": location}), answer([]))
    with pytest.raises(UnexpectedResponse):
        client.get_projects()
    assert len(server.asked) == 1


def test_a_refusal_whose_body_breaks_off_keeps_its_status_where_it_was_read_as_a_stream(
    client: CustomVisionClient, server: ScriptedServer
) -> None:
    server.script(Reply(404, b'{"co', JSON, announced=100, then="close"))
    with pytest.raises(ResourceAbsent), client.artifact(PROJECT, "/i-x/i-y"):
        pass


# Requests


def test_the_key_goes_in_its_header_and_json_is_asked_for(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(answer([]))
    client.get_projects()
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("GET", "/customvision/v3.3/training/projects")
    assert asked.headers["training-key"] == KEY
    assert asked.headers["accept"] == "application/json"
    assert "authorization" not in asked.headers


def test_ids_are_sent_in_batches_with_an_encoded_comma(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(answer([]))
    client.get_images_by_ids(PROJECT, ids(600), iteration_id=OTHER)
    sent = [query_of(asked) for asked in server.asked]
    assert [len(query["imageIds"][0].split(",")) for query in sent] == [256, 256, 88]
    assert ",".join(query["imageIds"][0] for query in sent).split(",") == ids(600)
    assert all(query["iterationId"] == [OTHER] for query in sent)
    assert "%2C" in server.asked[0].target
    assert "," not in server.asked[0].target


def too_long_beyond(limit: int, reply: Reply) -> Callable[[Asked], Reply]:
    def answered(asked: Asked) -> Reply:
        if len(asked.target) > limit:
            return reply
        return Reply(202) if asked.method == "DELETE" else answer([{"id": query_of(asked)["imageIds"][0][:36]}])

    return answered


@pytest.mark.parametrize("reply", [Reply(414), Reply(431), Reply(400, b"<html>Bad Request</html>"), Reply(404)])
def test_a_hop_that_refuses_long_addresses_gets_64_ids_from_then_on(
    client: CustomVisionClient, server: ScriptedServer, reply: Reply
) -> None:
    server.answer = too_long_beyond(4096, reply)
    assert len(client.delete_images(PROJECT, ids(300), all_iterations=True)) == 5
    deleted = [query_of(asked)["imageIds"][0].split(",") for asked in server.asked]
    assert [len(batch) for batch in deleted] == [256, 64, 64, 64, 64, 44]
    assert [one for batch in deleted[1:] for one in batch] == ids(300)
    server.asked.clear()
    client.get_images_by_ids(PROJECT, ids(100))
    assert [len(query_of(asked)["imageIds"][0].split(",")) for asked in server.asked] == [64, 36]


def test_a_hop_that_refuses_even_64_ids_is_an_error(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.answer = too_long_beyond(100, Reply(414))
    with pytest.raises(RequestTooLong):
        client.delete_images(PROJECT, ids(256), all_iterations=True)
    assert len(server.asked) == 2


def test_deletes_say_everywhere_only_when_asked_to(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(Reply(204, headers={"apim-request-id": "R-3"}), Reply(202), Reply(202))
    assert client.delete_images(PROJECT, ids(1), all_iterations=False) == [DeletionAnswer(False, "R-3")]
    assert client.delete_images(PROJECT, ids(1), all_iterations=True) == [DeletionAnswer(True, None)]
    client.delete_all_images(PROJECT)
    assert [query_of(asked) for asked in server.asked] == [
        {"imageIds": ids(1)},
        {"imageIds": ids(1), "allIterations": ["true"]},
        {"allImages": ["true"], "allIterations": ["true"]},
    ]


def test_no_ids_mean_no_call_and_never_everything(client: CustomVisionClient, server: ScriptedServer) -> None:
    assert client.delete_images(PROJECT, [], all_iterations=True) == []
    assert client.delete_predictions(PROJECT, []) == []
    assert client.get_images_by_ids(PROJECT, []) == []
    assert server.asked == []


def test_predictions_are_deleted_64_at_a_time(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(Reply(204))
    assert len(client.delete_predictions(PROJECT, ids(130))) == 3
    assert [len(query_of(asked)["ids"][0].split(",")) for asked in server.asked] == [64, 64, 2]


BAD_IDS = [
    "",
    "..",
    "x",
    f"{PROJECT}/..",
    f"{PROJECT},{OTHER}",
    f"{PROJECT}\n",
    f" {PROJECT}",
    PROJECT.replace("-", ""),
]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_what_is_no_guid_never_becomes_part_of_an_address(
    client: CustomVisionClient, server: ScriptedServer, bad: str
) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: client.get_project(bad),
        lambda: client.delete_project(bad),
        lambda: client.delete_iteration(PROJECT, bad),
        lambda: client.delete_tag(PROJECT, bad),
        lambda: client.delete_images(PROJECT, [*ids(300), bad], all_iterations=True),
        lambda: client.delete_predictions(PROJECT, [*ids(70), bad]),
        lambda: client.artifact(bad, "/x").__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(ValueError, match="not a GUID"):
            attempt()
    assert server.asked == []


def test_pages_are_read_until_one_is_short(client: CustomVisionClient, server: ScriptedServer) -> None:
    rows = [{"id": one} for one in ids(600)]

    def page(asked: Asked) -> Reply:
        query = query_of(asked)
        skip = int(query["skip"][0])
        return answer(rows[skip : skip + int(query["take"][0])])

    server.answer = page
    pages = list(client.image_pages(PROJECT, order="Newest"))
    assert [len(one) for one in pages] == [256, 256, 88]
    assert [image.id for one in pages for image in one] == ids(600)
    assert {query_of(asked)["orderBy"][0] for asked in server.asked} == {"Newest"}


@pytest.mark.parametrize(("rows", "lengths"), [(0, [0]), (256, [256, 0]), (512, [256, 256, 0])])
def test_a_full_last_page_is_followed_by_an_empty_one(
    client: CustomVisionClient, server: ScriptedServer, rows: int, lengths: list[int]
) -> None:
    all_rows = [{"id": one} for one in ids(rows)]

    def page(asked: Asked) -> Reply:
        skip = int(query_of(asked)["skip"][0])
        return answer(all_rows[skip : skip + 256])

    server.answer = page
    assert [len(one) for one in client.image_pages(PROJECT)] == lengths
    assert [len(one) for one in client.image_performance_pages(PROJECT, OTHER)] == lengths


def test_pages_are_asked_for_only_when_needed(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(answer([{"id": one} for one in ids(256)]))
    pages = client.image_pages(PROJECT)
    assert server.asked == []
    next(pages)
    assert len(server.asked) == 1


@pytest.mark.parametrize("last", [{"continuation": None}, {"continuation": ""}, {}, None])
def test_predictions_go_on_with_the_token_until_the_continuation_is_empty(
    client: CustomVisionClient, server: ScriptedServer, last: dict[str, object] | None
) -> None:
    token = {"session": "2:1", "continuation": "next", "maxCount": 64, "extra": [1]}
    server.script(answer({"token": token, "results": [ROW]}), answer({"token": last, "results": []}))
    first = client.query_predictions(PROJECT, iteration_id=OTHER)
    assert first.next_token == token
    second = client.query_predictions(PROJECT, iteration_id=OTHER, token=first.next_token)
    assert second.next_token is None
    bodies = [json.loads(asked.body) for asked in server.asked]
    assert bodies == [{"maxCount": 64, "orderBy": "Oldest", "iterationId": OTHER}, token]


# Who we are, and where


class Credential:
    def __init__(self, failure: Exception | None = None) -> None:
        self.scopes: list[str] = []
        self._failure = failure

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        self.scopes += scopes
        if self._failure:
            raise self._failure
        return AccessToken("a-token", 2**40)


def make(
    endpoint: str,
    session: requests.Session,
    *,
    key: str | None = KEY,
    credential: Credential | None = None,
    budget: object = None,
    purpose: Purpose = "export",
) -> CustomVisionClient:
    return CustomVisionClient(
        endpoint,
        key=key,
        credential=credential,
        session=session,
        budget=budget or UnlimitedBudget(),  # type: ignore[arg-type]
        purpose=purpose,
        clock=SettableClock(),
        sleep=lambda _: None,
        timeouts=Timeouts(connect=2, read=2),
    )


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


# Streams


def test_an_artifact_is_read_as_a_stream_with_the_key(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(Reply(200, b"x" * 600_000))
    with client.artifact(PROJECT, "/i-1/i-2") as chunks:
        assert sum(len(chunk) for chunk in chunks) == 600_000
    (asked,) = server.asked
    assert asked.target.endswith("/artifacts?path=%2Fi-1%2Fi-2")
    assert asked.headers["training-key"] == KEY


# Logs


def all_calls(client: CustomVisionClient) -> list[Callable[[], object]]:
    return [
        client.get_projects,
        lambda: client.get_images_by_ids(PROJECT, ids(300)),
        lambda: client.delete_images(PROJECT, ids(300), all_iterations=True),
        lambda: client.query_predictions(PROJECT),
        lambda: client.artifact(PROJECT, "/secret-path").__enter__(),
    ]


FAULTS = [
    RESET,
    HANG_UP,
    Reply(429, b'{"message": "secret-body"}'),
    Reply(500, b"secret-body"),
    Reply(404, b"secret-body"),
    Reply(200, b'["secret-body'),
    Reply(200, b"secret-body"),
    Reply(200, b"secret-body", {"bad header\x01": "x"}, announced=500, then="close"),
    Reply(302, headers={"Location": "https://elsewhere.example/?sig=secret-sig"}),
]


@pytest.mark.parametrize("fault", FAULTS)
def test_neither_logs_nor_errors_show_keys_addresses_or_bodies(
    client: CustomVisionClient, server: ScriptedServer, caplog: pytest.LogCaptureFixture, fault: Reply
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(fault)
    told = ""
    for call in all_calls(client):
        try:
            call()
        except (GdprError, TransientError) as error:
            told += "".join(traceback.format_exception(error)) + repr(vars(error))
    told += caplog.text
    assert server.asked
    for secret in (KEY, "http://", "https://", "secret", "imageIds", ids(2)[1]):
        assert secret not in _without_source(told)


def _without_source(told: str) -> str:
    """Drop the lines of code that a traceback quotes: they are the program, not the data."""
    return "\n".join(line for line in told.splitlines() if not line.startswith("    "))
