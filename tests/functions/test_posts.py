"""POST /api/exports and /api/erasures: checked in form only, recorded, started, answered."""

import gzip
import json
import uuid
from typing import Any

import pytest

from shared.domain.json_input import MAX_BODY_BYTES
from shared.domain.times import parse_rfc3339
from tests.functions.conftest import App, MakeApp, json_of, problem_of

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXPORT = {"scope": {"projects": "all"}}
ERASURE = {
    "scope": {"level": "items", "projects": "all", "images": {"tags": ["anna"]}},
    "options": {"trained_iterations": "keep"},
}
BOTH = [("post_export", EXPORT, "export-work"), ("post_erasure", ERASURE, "deletion-work")]
ACCEPTED = {
    "subject_request_id",
    "subject_request_type",
    "request_status",
    "received_time",
    "expected_completion_time",
}

pytestmark = pytest.mark.azurite


@pytest.mark.parametrize(("name", "body", "queue"), BOTH)
def test_a_request_is_accepted_recorded_and_started(app: App, name: str, body: dict[str, Any], queue: str) -> None:
    answer = app.call(name, body)
    accepted = json_of(answer, 202)
    assert accepted.keys() == ACCEPTED
    request_id = accepted["subject_request_id"]
    assert str(uuid.UUID(request_id)) == request_id
    assert answer.headers["Location"] == f"/api/requests/{request_id}"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    assert app.taken(queue) == [{"subject_request_id": request_id, "attempt": 1}]
    assert json_of(app.call("get_request", request_id=request_id))["request_status"] == "pending"


@pytest.mark.parametrize(("name", "body", "queue"), BOTH)
def test_the_same_id_and_body_is_the_same_request(app: App, name: str, body: dict[str, Any], queue: str) -> None:
    first = json_of(app.call(name, body | {"subject_request_id": ID}), 202)
    turned = {key: (body | {"subject_request_id": ID.upper()})[key] for key in [*reversed(body), "subject_request_id"]}
    assert json_of(app.call(name, turned), 202) == first
    assert {message["subject_request_id"] for message in app.taken(queue)} == {ID}
    assert len(json_of(app.call("list_requests"))["requests"]) == 1


@pytest.mark.parametrize(("name", "body", "queue"), BOTH)
def test_the_same_id_and_another_body_is_a_conflict(app: App, name: str, body: dict[str, Any], queue: str) -> None:
    app.call(name, body | {"subject_request_id": ID})
    app.taken(queue)
    answer = app.call(name, body | {"subject_request_id": ID, "regulation": "ccpa"})
    assert problem_of(answer)["status"] == 409
    assert app.taken(queue) == []


def test_exports_and_erasures_share_their_ids(app: App) -> None:
    app.call("post_export", EXPORT | {"subject_request_id": ID})
    assert problem_of(app.call("post_erasure", ERASURE | {"subject_request_id": ID}))["status"] == 409


@pytest.mark.parametrize(("name", "body", "queue"), BOTH)
def test_all_violations_are_answered_and_nothing_is_recorded(
    app: App, name: str, body: dict[str, Any], queue: str
) -> None:
    problem = problem_of(app.call(name, {"regulation": "x", "scope": {"projects": []}, "requested_by": "a@b", "y": 1}))
    assert problem["status"] == 400
    assert {"/regulation", "/scope/projects", "/requested_by", "/y"} <= {e["pointer"] for e in problem["errors"]}
    assert app.taken(queue) == []
    assert json_of(app.call("list_requests"))["requests"] == []


@pytest.mark.parametrize("name", ["post_export", "post_erasure"])
@pytest.mark.parametrize(
    ("raw", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b"\xff", {}, 400),
        (b'{"scope": {}, "scope": {}}', {}, 400),
        (b'{"scope": NaN}', {}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": ""}, 415),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b" " * (MAX_BODY_BYTES + 1), {}, 413),
        (gzip.compress(b"{}", mtime=0), {"Content-Encoding": "gzip"}, 415),
        (b"{}", {"Content-Encoding": "br"}, 415),
    ],
)
def test_what_is_no_json_is_refused(app: App, name: str, raw: bytes, headers: dict[str, str], status: int) -> None:
    assert problem_of(app.call(name, raw=raw, headers=headers))["status"] == status


@pytest.mark.parametrize("name", ["post_export", "post_erasure"])
def test_a_body_that_is_not_there_is_told_from_one_that_is_no_json(app: App, name: str) -> None:
    [error] = problem_of(app.call(name, raw=b""))["errors"]
    assert error == {"pointer": "", "detail": "the body is empty; one sent in chunks, without Content-Length, is lost"}


@pytest.mark.parametrize(("name", "body", "queue"), BOTH)
def test_a_dry_run_asked_for_in_the_query_is_refused(app: App, name: str, body: dict[str, Any], queue: str) -> None:
    problem = problem_of(app.call(name, body, params={"dry_run": "true"}))
    assert (problem["status"], [error["pointer"] for error in problem["errors"]]) == (400, ["/dry_run"])
    assert app.taken(queue) == []


@pytest.mark.parametrize("media_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"])
def test_every_form_of_json_is_taken(app: App, media_type: str) -> None:
    assert app.call("post_export", EXPORT, headers={"Content-Type": media_type}).status_code == 202


def test_a_body_of_just_one_mebibyte_is_taken(app: App) -> None:
    body = json.dumps(EXPORT).encode()
    raw = body + b" " * (MAX_BODY_BYTES - len(body))
    assert app.call("post_export", raw=raw).status_code == 202


def test_an_erasure_without_a_hash_key_is_503_and_names_the_setting(make_app: MakeApp) -> None:
    app = make_app(LEDGER_HASH_KEY="")
    problem = problem_of(app.call("post_erasure", ERASURE))
    assert problem["status"] == 503
    assert "LEDGER_HASH_KEY" in json.dumps(problem["errors"])
    assert app.call("post_export", EXPORT).status_code == 202


ACCOUNT_ID = (
    "/subscriptions/3f2504e0-4f89-41d3-9a0c-0305e82c3301/resourceGroups/g"
    "/providers/Microsoft.CognitiveServices/accounts/a"
)
ACCOUNT = {
    "scope": {"level": "account", "projects": "all", "account": ACCOUNT_ID},
    "options": {"confirm": {"account": "a"}},
}


@pytest.mark.parametrize(
    ("name", "body", "setting"),
    [
        ("post_erasure", ACCOUNT, "ALLOW_ACCOUNT_DELETION"),
        ("post_export", EXPORT | {"options": {"include_keys": True}}, "ALLOW_KEY_EXPORT"),
    ],
)
def test_what_a_setting_forbids_is_403_and_names_it(
    make_app: MakeApp, name: str, body: dict[str, Any], setting: str
) -> None:
    problem = problem_of(make_app().call(name, body))
    assert problem["status"] == 403
    assert setting in json.dumps(problem["errors"])
    assert make_app(**{setting: "true"}).call(name, body).status_code in (202, 400)


@pytest.mark.parametrize(("name", "body", "queue"), BOTH)
def test_who_asks_is_what_the_platform_says(make_app: MakeApp, name: str, body: dict[str, Any], queue: str) -> None:
    app = make_app(TRUST_PLATFORM_IDENTITY="true")
    assert problem_of(app.call(name, body))["status"] == 401
    said = {"X-MS-CLIENT-PRINCIPAL-ID": "principal-1"}
    problem = problem_of(app.call(name, body | {"requested_by": "someone-else"}, headers=said))
    assert [error["pointer"] for error in problem["errors"]] == ["/requested_by"]
    problem = problem_of(app.call(name, body | {"requested_by": "someone-else", "regulation": "x"}, headers=said))
    assert [error["pointer"] for error in problem["errors"]] == ["/requested_by", "/regulation"]
    request_id = json_of(app.call(name, body, headers=said), 202)["subject_request_id"]
    view = json_of(app.call("get_request", request_id=request_id))
    assert view["requested_by"] == {"id": "principal-1", "verified": True}


@pytest.mark.parametrize("said", ["", " ", "a" * 256, "two words", "ümlaut", "a\tb", "a\x00b"])
def test_what_no_platform_would_say_is_nobody(make_app: MakeApp, said: str) -> None:
    app = make_app(TRUST_PLATFORM_IDENTITY="true")
    problem = problem_of(app.call("post_export", EXPORT, headers={"X-MS-CLIENT-PRINCIPAL-ID": said}))
    assert problem["status"] == 401
    assert json_of(app.call("list_requests"))["requests"] == []


def test_without_that_setting_the_header_counts_for_nothing(app: App) -> None:
    answer = app.call("post_export", EXPORT, headers={"X-MS-CLIENT-PRINCIPAL-ID": "forged"})
    view = json_of(app.call("get_request", request_id=json_of(answer, 202)["subject_request_id"]))
    assert view["requested_by"] is None


def test_due_is_a_calendar_month_or_45_days(app: App) -> None:
    accepted = [json_of(app.call("post_export", EXPORT | {"regulation": name}), 202) for name in ("gdpr", "ccpa")]
    days = [_days(one["received_time"], one["expected_completion_time"]) for one in accepted]
    assert days[0] in (28, 29, 30, 31)
    assert days[1] == 45


def _days(received: str, due: str) -> int:
    return (parse_rfc3339(due) - parse_rfc3339(received)).days


def test_no_problem_repeats_what_was_sent(app: App) -> None:
    body = {
        "requested_by": "anna@example.com",
        "scope": {"level": "items", "projects": "anna-project", "images": {"ids": ["anna-image"], "tags": []}},
    }
    assert b"anna" not in app.call("post_erasure", body).get_body()
