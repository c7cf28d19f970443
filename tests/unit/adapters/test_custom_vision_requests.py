"""What the client sends, seen on a real socket."""

import json
from collections.abc import Callable
from itertools import islice

import pytest

from shared.adapters.custom_vision import CustomVisionClient
from shared.domain.errors import (
    RequestTooLong,
    UnexpectedResponse,
)
from shared.ports import DeletionAnswer
from tests.unit.adapters.conftest import KEY
from tests.unit.adapters.scripted_server import Asked, Reply, ScriptedServer
from tests.unit.adapters.service_answers import OTHER, PROJECT, ROW, answer, ids, query_of


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
    assert [len(one) for one in pages] == [256, 256, 120]
    assert list(dict.fromkeys(image.id for one in pages for image in one)) == ids(600)
    assert {query_of(asked)["orderBy"][0] for asked in server.asked} == {"Newest"}


@pytest.mark.parametrize(("rows", "lengths"), [(0, [0]), (256, [256, 16]), (512, [256, 256, 32])])
def test_a_full_last_page_is_followed_by_a_short_one(
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


@pytest.mark.parametrize(("rows", "expected"), [(600, 600), (600, 0), (600, 5000), (600, 200), (512, 512), (0, 300)])
def test_a_list_is_read_whole_and_in_order_whatever_length_was_expected(
    client: CustomVisionClient, server: ScriptedServer, rows: int, expected: int
) -> None:
    all_rows = [{"id": one} for one in ids(rows)]

    def page(asked: Asked) -> Reply:
        skip = int(query_of(asked)["skip"][0])
        return answer(all_rows[skip : skip + 256])

    server.answer = page
    pages = list(client.image_pages(PROJECT, expected=expected))
    assert list(dict.fromkeys(image.id for one in pages for image in one)) == ids(rows)
    needed, ahead_of_the_last = max(0, rows - 16) // 240 + 1, 3
    assert needed <= len(server.asked) <= needed + (ahead_of_the_last if expected > rows else 0)


@pytest.mark.parametrize("rows", [256, 257, 1000])
def test_a_list_that_gives_the_same_rows_for_every_page_is_refused_whatever_their_number(
    client: CustomVisionClient, server: ScriptedServer, rows: int
) -> None:
    server.script(answer([{"id": one} for one in ids(rows)]))
    with pytest.raises(UnexpectedResponse):
        list(islice(client.image_pages(PROJECT), 9))
    assert len(server.asked) == 2


@pytest.mark.parametrize("one_id", [None, ["odd"], {"odd": 1}, 7], ids=["absent", "list", "object", "number"])
def test_rows_of_odd_ids_are_read_to_their_end_and_no_further(
    client: CustomVisionClient, server: ScriptedServer, one_id: object
) -> None:
    rows = [{"id": one_id, "probability": number} for number in range(600)]

    def page(asked: Asked) -> Reply:
        skip = int(query_of(asked)["skip"][0])
        return answer(rows[skip : skip + 256])

    server.answer = page
    pages = list(client.image_performance_pages(PROJECT, OTHER))
    assert {row["probability"] for one in pages for row in one} == set(range(600))
    server.script(answer(rows[:256]))
    with pytest.raises(UnexpectedResponse):
        list(islice(client.image_performance_pages(PROJECT, OTHER), 9))


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


def test_an_artifact_is_read_as_a_stream_with_the_key(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(Reply(200, b"x" * 600_000))
    with client.artifact(PROJECT, "/i-1/i-2") as chunks:
        assert sum(len(chunk) for chunk in chunks) == 600_000
    (asked,) = server.asked
    assert asked.target.endswith("/artifacts?path=%2Fi-1%2Fi-2")
    assert asked.headers["training-key"] == KEY


def test_cookies_are_not_kept(client: CustomVisionClient, server: ScriptedServer) -> None:
    server.script(Reply(200, b"[]", {"Set-Cookie": "who=client; Path=/"}))
    client.get_projects()
    client.get_projects()
    assert "cookie" not in server.asked[1].headers
