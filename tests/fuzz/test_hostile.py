"""Hostile input over HTTP: refused in form, never an error, and nothing of it comes back."""

import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from tests.fuzz.conftest import KNOWN, Running, assert_harmless
from tests.fuzz.hostile import JSON_TEXTS, MARK, TRICKS, bodies_with_tricks, forging, large

ROUTES = ("exports", "erasures")
MEDIA_TYPES = ("", "text/plain", "application/x-www-form-urlencoded", "json", MARK, "a/b+json;")
FORGED = ("YW55dGhpbmc=", "Li4vLi4v", "AAAA", "____", "Xw==", "A", "=", "é", "%00", "A" * 6000, "eHh4" * 1500)
WAITS_FOR_APPROVAL = KNOWN[4]
ONE = ("", "/plan", "/receipt", "/package")


def post(running: Running, route: str, content: bytes, media_type: str = "application/json") -> requests.Response:
    """Post bytes and see that the answer is harmless."""
    headers = {"Content-Type": media_type}
    answer = running.http.post(f"{running.url}/api/{route}", data=content, headers=headers, timeout=30)
    assert_harmless(answer.status_code, answer.headers.get("Content-Type", ""), answer.content)
    return answer


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("text", JSON_TEXTS.values(), ids=JSON_TEXTS.keys())
def test_what_is_no_request_is_refused_without_repeating_it(running: Running, route: str, text: bytes) -> None:
    answer = post(running, route, text)
    assert answer.status_code == 400
    assert MARK * 3 not in answer.text  # names of unknown fields are shown by their beginning
    assert len(answer.content) < 10_000
    assert not [character for character in answer.text if not character.isprintable() and character != "\n"]


@pytest.mark.parametrize("text", JSON_TEXTS.values(), ids=JSON_TEXTS.keys())
def test_what_is_no_decision_is_refused_and_decides_nothing(running: Running, text: bytes) -> None:
    answer = post(running, f"requests/{WAITS_FOR_APPROVAL}/approval", text)
    assert answer.status_code == 400
    assert MARK * 3 not in answer.text
    request = running.http.get(f"{running.url}/api/requests/{WAITS_FOR_APPROVAL}", timeout=30).json()
    assert request["request_status"] == "awaiting_approval"


@pytest.mark.parametrize("text", [*JSON_TEXTS.values(), b"[]", b'"x"'], ids=[*JSON_TEXTS.keys(), "a list", "a text"])
def test_a_timer_run_by_hand_takes_any_body_without_an_error(running: Running, text: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = running.http.post(f"{running.url}/admin/functions/audit_heads", data=text, headers=headers, timeout=30)
    assert answer.status_code in (202, 400)
    assert MARK not in answer.text
    assert running.host.is_running()


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if trick])
def test_no_name_of_a_function_leads_out_of_its_place(running: Running, trick: str) -> None:
    assert raw(running, "POST", f"/admin/functions/{quote(trick, safe='')}")[0] == 404


@pytest.mark.parametrize(("name", "body"), list(forging()))
def test_members_of_queue_messages_are_unknown_fields(running: Running, name: str, body: dict[str, Any]) -> None:
    answer = post(running, "exports", json.dumps(body).encode())
    assert answer.status_code == 400
    assert MARK not in answer.text


def test_no_id_leads_out_of_its_place(running: Running) -> None:
    for body in bodies_with_tricks():
        route = "erasures" if "level" in body["scope"] else "exports"
        answer = post(running, route, json.dumps(body).encode())
        assert answer.status_code == 400, body
        assert "passwd" not in answer.text


@pytest.mark.parametrize(("name", "status", "content"), list(large()), ids=[name for name, _, _ in large()])
def test_large_bodies_are_answered(running: Running, name: str, status: int, content: bytes) -> None:
    answer = post(running, "exports", content)
    assert answer.status_code == status
    assert len(answer.content) < 200_000


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_any_media_type_is_answered(running: Running, media_type: str) -> None:
    answer = post(running, "exports", b"{}", media_type)
    assert answer.status_code == (400 if media_type.startswith("a/b") else 415)
    assert MARK not in answer.text


def raw(running: Running, method: str, target: str) -> tuple[int, str, bytes]:
    """Send a request line as it is: no library tidies the path."""
    connection = http.client.HTTPConnection(urlsplit(running.url).netloc, timeout=30)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "2" if method == "POST" else "0")
        connection.endheaders(b"{}" if method == "POST" else None)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Content-Type", ""), answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("trick", [trick for trick in TRICKS if trick])
def test_no_path_leads_out_of_its_place(running: Running, trick: str) -> None:
    plain = trick if trick.isascii() and trick.isprintable() and " " not in trick else quote(trick)
    for written in {plain, quote(trick, safe=""), quote(quote(trick, safe=""))}:
        for end in ONE:
            answer = raw(running, "GET", f"/api/requests/{written}{end}")
            assert answer[0] == 404
            assert_harmless(*answer)
        for method, end in (("DELETE", ""), ("POST", "/retry"), ("POST", "/approval")):
            answer = raw(running, method, f"/api/requests/{written}{end}")
            assert answer[0] in ({400, 404} if end == "/approval" else {404})
            assert_harmless(*answer)


@pytest.mark.parametrize("trick", TRICKS)
def test_no_part_or_page_leads_out_of_its_place(running: Running, trick: str) -> None:
    for name, path in (("part", "requests/00000000-0000-4000-8000-000000000001/package"), ("limit", "requests")):
        answer = raw(running, "GET", f"/api/{path}?{name}={quote(trick)}")
        assert answer[0] in (200, 302, 400, 404, 409)
        assert (answer[0] in (200, 302)) <= (trick == "" or name == "part")
        assert_harmless(*answer)


@pytest.mark.parametrize("forged", FORGED)
def test_no_forged_continuation_is_an_error_of_ours(running: Running, forged: str) -> None:
    answer = raw(running, "GET", f"/api/requests?limit=1&continuation={quote(forged, safe='%')}")
    assert answer[0] in (200, 400)
    assert_harmless(*answer)
