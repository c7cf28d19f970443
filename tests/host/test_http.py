"""The HTTP side over real sockets: routing, what the function sees, what goes out."""

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.host.conftest import Kitchen

pytestmark = pytest.mark.azurite


def echo(kitchen: Kitchen, suffix: str = "", **options: Any) -> dict[str, Any]:
    answer = requests.request(options.pop("method", "GET"), f"{kitchen.url}/api/echo{suffix}", timeout=10, **options)
    assert answer.status_code == 200
    seen: dict[str, Any] = answer.json()
    return seen


def get(kitchen: Kitchen, path: str, **options: Any) -> requests.Response:
    return requests.get(kitchen.url + path, timeout=10, **options)


def test_the_first_function_by_name_wins_not_the_more_specific_route(kitchen: Kitchen) -> None:
    assert get(kitchen, "/api/items/latest").text == "any"


def test_the_next_function_is_asked_where_the_first_does_not_take_the_method(kitchen: Kitchen) -> None:
    assert requests.post(f"{kitchen.url}/api/items/latest", timeout=10).text == "latest"


def test_a_wrong_method_is_404(kitchen: Kitchen) -> None:
    assert requests.post(f"{kitchen.url}/api/items/5", timeout=10).status_code == 404


def test_an_unknown_route_is_404(kitchen: Kitchen) -> None:
    assert get(kitchen, "/api/unknown").status_code == 404
    assert get(kitchen, "/items/5").status_code == 404


def test_a_constraint_that_does_not_hold_is_404(kitchen: Kitchen) -> None:
    assert get(kitchen, "/api/things/12").text == "number 12"
    assert get(kitchen, "/api/things/twelve").status_code == 404


def test_a_disabled_function_is_404(kitchen: Kitchen) -> None:
    assert get(kitchen, "/api/off").status_code == 404


def test_the_homepage_answers_200_in_html(kitchen: Kitchen) -> None:
    answer = get(kitchen, "/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")


def test_empty_query_values_are_dropped_and_repeated_ones_joined(kitchen: Kitchen) -> None:
    assert echo(kitchen, "?a=1&b=&A=2&c=x%20y&d")["params"] == {"a": "1,2", "c": "x y"}


def test_route_values_are_decoded(kitchen: Kitchen) -> None:
    assert echo(kitchen, "/%C3%BC/b")["route_params"] == {"rest": "ü/b"}


def test_the_url_is_as_received(kitchen: Kitchen) -> None:
    assert echo(kitchen, "/%C3%BC?x=a%20b&y=")["url"] == f"{kitchen.url}/api/echo/%C3%BC?x=a%20b&y="


def test_header_names_are_in_lower_case_and_repeated_headers_joined(kitchen: Kitchen) -> None:
    connection = http.client.HTTPConnection(urlsplit(kitchen.url).netloc, timeout=10)
    connection.putrequest("GET", "/api/echo")
    for value in ("one", "two"):
        connection.putheader("X-Many", value)
    connection.endheaders()
    seen = json.loads(connection.getresponse().read())
    connection.close()
    assert seen["headers"]["x-many"] == "one,two"
    assert all(name == name.lower() for name in seen["headers"])


def test_key_and_code_reach_the_function_unchanged(kitchen: Kitchen) -> None:
    seen = echo(kitchen, "?code=abc", headers={"x-functions-key": "def"})
    assert (seen["params"]["code"], seen["headers"]["x-functions-key"]) == ("abc", "def")


def test_a_body_of_any_type_arrives_as_bytes(kitchen: Kitchen) -> None:
    seen = echo(kitchen, method="POST", data=b"\x00\xff", headers={"content-type": "application/json"})
    assert seen["body"] == "\x00\xff"


def test_a_chunked_body_is_empty_for_the_function(kitchen: Kitchen) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"first"
        yield b"second"

    seen = echo(kitchen, method="POST", data=chunks())
    assert seen["headers"]["transfer-encoding"] == "chunked"
    assert seen["body"] == ""


def test_status_body_and_headers_of_a_response_go_out(kitchen: Kitchen) -> None:
    answer = get(kitchen, "/api/headers")
    assert (answer.status_code, answer.content) == (201, b"\x00\xff")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_of_a_repeated_header_the_last_goes_out_but_every_cookie(kitchen: Kitchen) -> None:
    answer = get(kitchen, "/api/headers")
    assert answer.headers["x-one"] == "last"
    assert answer.raw.headers.getlist("set-cookie") == ["a=1; Path=/", "b=2; HttpOnly"]


def test_a_204_has_no_body(kitchen: Kitchen) -> None:
    answer = get(kitchen, "/api/headers?status=204")
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_header_that_cannot_be_sent_is_500_and_its_value_is_not_logged(kitchen: Kitchen) -> None:
    assert get(kitchen, "/api/header-of-two-lines").status_code == 500
    assert "header_of_two_lines returned a response that cannot be sent" in kitchen.host.log()
    assert "secret" not in kitchen.host.log()


@pytest.mark.parametrize("path", ["/api/fails", "/api/nothing"])
def test_an_exception_or_a_missing_response_is_500_with_an_empty_body(kitchen: Kitchen, path: str) -> None:
    answer = get(kitchen, path)
    assert (answer.status_code, answer.content) == (500, b"")


@pytest.mark.parametrize(
    ("text", "status", "body"),
    [
        ("plain", 200, "plain"),
        ('{"a":1}', 200, '{\n  "a": 1\n}'),
        ("true", 200, "True"),
        ('{"status": 418, "body": "tea", "headers": {"x-a": "b"}}', 418, "tea"),
    ],
)
def test_a_plain_string_is_read_as_json_first(kitchen: Kitchen, text: str, status: int, body: str) -> None:
    answer = requests.post(f"{kitchen.url}/api/text", data=text.encode(), timeout=10)
    assert (answer.status_code, answer.text) == (status, body)


def test_without_configured_keys_none_is_needed(kitchen: Kitchen) -> None:
    assert get(kitchen, "/api/locked").text == "open"


def test_ping_and_status_and_the_list_of_functions(kitchen: Kitchen) -> None:
    ping = get(kitchen, "/admin/host/ping")
    assert (ping.status_code, ping.content) == (200, b"")
    status = get(kitchen, "/admin/host/status").json()
    assert status["state"] == "Running"
    assert {"version", "processUptime", "extensionBundle", "errors"} <= set(status)
    listed = {function["name"]: function["isDisabled"] for function in get(kitchen, "/admin/functions").json()}
    assert listed["switched_off"] is True
    assert listed["echo"] is False


def test_a_function_is_run_by_hand_with_its_input_and_202(kitchen: Kitchen) -> None:
    answer = requests.post(f"{kitchen.url}/admin/functions/sees", json={"input": "by hand"}, timeout=10)
    assert answer.status_code == 202
    assert json.loads(kitchen.queues.take("seen-out")[0])["body"] == "by hand"


@pytest.mark.parametrize(
    ("name", "body", "status"), [("unknown", "{}", 404), ("switched_off", "{}", 404), ("sees", "[", 400)]
)
def test_what_cannot_be_run_by_hand_says_so(kitchen: Kitchen, name: str, body: str, status: int) -> None:
    answer = requests.post(f"{kitchen.url}/admin/functions/{name}", data=body, timeout=10)
    assert answer.status_code == status


def test_nothing_of_a_request_is_in_the_log(kitchen: Kitchen) -> None:
    get(kitchen, "/api/echo/path-value?code=query-value", headers={"x-functions-key": "key-value"})
    requests.post(f"{kitchen.url}/api/echo", data=b"body-value", timeout=10)
    get(kitchen, "/api/fails?code=query-value")
    log = kitchen.host.log()
    assert "echo succeeded" in log
    assert "fails failed ValueError (function_app.py:" in log
    for value in ("path-value", "query-value", "key-value", "body-value", "secret", "code="):
        assert value not in log


def test_the_apps_own_log_lines_pass_with_their_invocation_and_the_systems_do_not(kitchen: Kitchen) -> None:
    get(kitchen, "/api/logs")
    lines = kitchen.host.log().splitlines()
    own = next(line for line in lines if "a line of the app" in line)
    done = next(line for line in lines if " logs succeeded" in line)
    assert f"[app {done.rpartition(' ')[2]}] INFO" in own
    assert not any("a line of the system" in line for line in lines)
