"""The client on a real socket against a service that fails in every way it can."""

import pytest
import requests

from shared.adapters.call_budget import Purpose
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.overlapping_pages import PAGE
from shared.domain.errors import (
    GdprError,
    OutcomeUnknown,
    ResourceAbsent,
    ServiceUnavailable,
    StorageUnavailable,
    Throttled,
    UnexpectedResponse,
)
from tests.unit.adapters.scripted_server import HANG_UP, JSON, RESET, SILENCE, Reply, ScriptedServer
from tests.unit.adapters.service_answers import PROJECT, ROW, answer, make, refusal

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


def test_the_waits_in_process_are_added_up(
    client: CustomVisionClient, server: ScriptedServer, slept: list[float]
) -> None:
    server.script(refusal(429, "429", "Please retry after 4 seconds."))
    with pytest.raises(Throttled) as raised:
        client.get_projects()
    assert (slept, raised.value.retry_after) == ([4.0], 4.0)


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
    with pytest.raises(OutcomeUnknown) as raised:
        client.get_projects()
    assert (raised.value.operation, raised.value.status) == ("GetProjects", 200)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b'"text"',
        b"12",
        b"{}",
        b"[1]",
        b"[[]]",
        b'[{"name": "x"}]',
        b'[{"id": "../x"}]',
        b"[" * 200_000,
    ],
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


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_a_number_that_json_cannot_spell_again_stays_as_its_text(
    client: CustomVisionClient, server: ScriptedServer, number: str
) -> None:
    server.script(Reply(200, f'[{{"id": "{PROJECT}", "new": [{number}, 0.5, 1e3]}}]'.encode(), JSON))
    (project,) = client.get_projects()
    assert project.row["new"] == [number, 0.5, 1000.0]


@pytest.mark.parametrize("location", ["/elsewhere", "http://[broken", ""])
def test_a_redirect_is_not_followed(client: CustomVisionClient, server: ScriptedServer, location: str) -> None:
    server.script(Reply(302, headers={"Location": location}), answer([]))
    with pytest.raises(UnexpectedResponse):
        client.get_projects()
    assert len(server.asked) == 1


def test_a_refusal_whose_body_breaks_off_keeps_its_status(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(Reply(404, b'{"co', JSON, announced=100, then="close"))
    with pytest.raises(ResourceAbsent), client.artifact(PROJECT, "/i-x/i-y"):
        pass
    with pytest.raises(ResourceAbsent):
        client.get_project(PROJECT)


def test_a_list_that_answers_every_page_alike_is_refused_instead_of_read_for_ever(
    client: CustomVisionClient, server: ScriptedServer
) -> None:
    full = [{"id": f"{number:08x}{PROJECT[8:]}"} for number in range(PAGE)]
    server.script(answer(full), answer(full[::-1]))
    with pytest.raises(UnexpectedResponse) as raised:
        list(client.image_pages(PROJECT))
    assert (raised.value.operation, len(server.asked)) == ("GetImages", 2)
