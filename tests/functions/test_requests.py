"""The routes about requests: one, list, cancel, plan, receipt, package, health."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from request_function.reading import continuation_to
from tests.functions.conftest import App, MakeApp, json_of, problem_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"
EXPORT = {"scope": {"projects": "all"}}
ERASURE = {
    "scope": {"level": "items", "projects": "all", "images": {"tags": ["anna"]}},
    "options": {"trained_iterations": "keep"},
}

pytestmark = pytest.mark.azurite


def posted(app: App, name: str = "post_export", **fields: Any) -> str:
    body = (EXPORT if name == "post_export" else ERASURE) | fields
    return str(json_of(app.call(name, body), 202)["subject_request_id"])


def cancelled(app: App, **fields: Any) -> str:
    """Post an export, take it back and let the work function finish that."""
    request_id = posted(app, **fields)
    json_of(app.call("cancel_request", request_id=request_id), 202)
    for message in app.taken("export-work"):
        app.deliver("work_export", message)
    assert json_of(app.call("get_request", request_id=request_id))["request_status"] == "cancelled"
    return request_id


@pytest.mark.parametrize("name", ["get_request", "cancel_request", "get_plan", "get_receipt", "get_package"])
@pytest.mark.parametrize("request_id", [UNKNOWN, "not-an-id", "..", "%2e%2e", "_index"])
def test_an_unknown_id_is_404(app: App, name: str, request_id: str) -> None:
    assert problem_of(app.call(name, request_id=request_id))["status"] == 404


def test_a_request_shows_its_status_and_when_to_ask_again(app: App) -> None:
    request_id = posted(app)
    answer = app.call("get_request", request_id=request_id.upper())
    view = json_of(answer)
    assert int(answer.headers["Retry-After"]) > 0
    assert (view["subject_request_id"], view["request_status"], view["completed_time"]) == (request_id, "pending", None)
    assert view["progress"] == {"phase": None, "units_total": 0, "units_done": 0, "units_failed": 0}
    assert view["links"]["self"] == f"/api/requests/{request_id}"


def test_an_export_is_taken_back_at_once_and_finally(app: App) -> None:
    request_id = cancelled(app)
    answer = app.call("get_request", request_id=request_id)
    assert "Retry-After" not in answer.headers
    assert json_of(app.call("cancel_request", request_id=request_id), 202)["request_status"] == "cancelled"
    assert problem_of(app.call("get_package", request_id=request_id))["status"] == 404


def test_an_erasure_that_has_not_begun_is_taken_back(app: App) -> None:
    request_id = posted(app, "post_erasure")
    assert json_of(app.call("cancel_request", request_id=request_id), 202)["request_status"] == "cancelling"
    for message in app.taken("deletion-work"):
        app.deliver("work_erasure", message)
    assert json_of(app.call("get_request", request_id=request_id))["request_status"] == "cancelled"


def test_a_cancelled_request_has_a_receipt(app: App) -> None:
    request_id = cancelled(app)
    receipt = json_of(app.call("get_receipt", request_id=request_id))
    assert (receipt["subject_request_id"], receipt["request_status"]) == (request_id, "cancelled")


def test_a_receipt_that_is_not_signed_cannot_be_had_signed(app: App) -> None:
    answer = app.call("get_receipt", request_id=cancelled(app), headers={"Accept": "application/jose"})
    assert problem_of(answer)["status"] == 406


@pytest.mark.parametrize("name", ["get_plan", "get_receipt", "get_package"])
def test_what_is_not_there_yet_is_a_conflict(app: App, name: str) -> None:
    assert problem_of(app.call(name, request_id=posted(app)))["status"] == 409


def test_an_erasure_has_no_package(app: App) -> None:
    assert problem_of(app.call("get_package", request_id=posted(app, "post_erasure")))["status"] == 404


def test_requests_are_listed_newest_first_without_progress(app: App) -> None:
    ids = [posted(app), posted(app, "post_erasure"), posted(app, subject_request_type="portability")]
    listed = json_of(app.call("list_requests"))
    assert [one["subject_request_id"] for one in listed["requests"]] == ids[::-1]
    assert listed["continuation"] is None
    assert not any("progress" in one for one in listed["requests"])


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"type": "access"}, ["access"]),
        ({"type": "portability"}, ["portability"]),
        ({"type": "erasure"}, ["erasure"]),
        ({"status": "pending", "type": "erasure"}, ["erasure"]),
        ({"status": "completed"}, []),
        ({"status": "", "type": "", "limit": "", "continuation": ""}, ["portability", "erasure", "access"]),
    ],
)
def test_a_list_is_narrowed_by_type_and_status(app: App, params: dict[str, str], expected: list[str]) -> None:
    for name, fields in (
        ("post_export", {}),
        ("post_erasure", {}),
        ("post_export", {"subject_request_type": "portability"}),
    ):
        posted(app, name, **fields)
    listed = json_of(app.call("list_requests", params=params))["requests"]
    assert [one["subject_request_type"] for one in listed] == expected


def test_pages_follow_each_other_without_gap_or_repetition(app: App) -> None:
    ids = [posted(app) for _ in range(5)]
    seen, continuation = [], ""
    for _ in range(5):
        page = json_of(app.call("list_requests", params={"limit": "2", "continuation": continuation}))
        seen += [one["subject_request_id"] for one in page["requests"]]
        continuation = page["continuation"] or ""
        if not continuation:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize(
    ("params", "pointers"),
    [
        ({"limit": "0"}, ["/limit"]),
        ({"limit": "201"}, ["/limit"]),
        ({"limit": "-1"}, ["/limit"]),
        ({"limit": "ten"}, ["/limit"]),
        ({"limit": "1" * 5000}, ["/limit"]),
        ({"limit": "000001" + "0" * 5000}, ["/limit"]),
        ({"limit": "0001000"}, ["/limit"]),
        ({"limit": "٣"}, ["/limit"]),
        ({"status": "done"}, ["/status"]),
        ({"type": "export"}, ["/type"]),
        ({"continuation": "%%%"}, ["/continuation"]),
        ({"continuation": "YW55dGhpbmc="}, ["/continuation"]),
        ({"statuss": "failed"}, ["/statuss"]),
        ({"Status": "failed", "LIMIT": "1", "code": "key", "clientId": "default"}, ["/LIMIT", "/Status"]),
        ({"a/b~": "1", "limit": "0", "x\u202ey": "2"}, ["/a~1b~0", "/limit", "/x\ufffdy"]),
        ({"continuation": "AAAA"}, ["/continuation"]),
        ({"continuation": "w6Q="}, ["/continuation"]),
        ({"continuation": "eHh4" * 3000}, ["/continuation"]),
        (
            {"status": "x", "type": "y", "limit": "z", "continuation": "?"},
            ["/continuation", "/limit", "/status", "/type"],
        ),
    ],
)
def test_a_bad_query_is_400_with_every_violation(app: App, params: dict[str, str], pointers: list[str]) -> None:
    problem = problem_of(app.call("list_requests", params=params))
    assert problem["status"] == 400
    assert sorted(error["pointer"] for error in problem["errors"]) == pointers


def test_a_forged_continuation_is_no_error_of_ours(app: App) -> None:
    posted(app)
    answer = app.call("list_requests", params={"continuation": continuation_to("anything")})
    assert answer.status_code in (200, 400)


@pytest.mark.parametrize("change", [lambda text: text[:-4], lambda text: text[4:], lambda text: "AAAA" + text])
def test_a_continuation_that_was_cut_or_mixed_up_is_refused_and_never_an_empty_page(
    app: App, change: Callable[[str], str]
) -> None:
    for _ in range(3):
        posted(app)
    given = json_of(app.call("list_requests", params={"limit": "1"}))["continuation"]
    problem = problem_of(app.call("list_requests", params={"limit": "1", "continuation": change(given)}))
    assert (problem["status"], [error["pointer"] for error in problem["errors"]]) == (400, ["/continuation"])


def test_a_page_goes_on_under_another_filter_and_another_limit(app: App) -> None:
    ids = [posted(app, name) for name in ("post_export", "post_erasure", "post_export")]
    given = json_of(app.call("list_requests", params={"limit": "1"}))["continuation"]
    page = json_of(app.call("list_requests", params={"type": "erasure", "limit": "200", "continuation": given}))
    assert [one["subject_request_id"] for one in page["requests"]] == [ids[1]]


@pytest.mark.parametrize("limit", ["1", "200"])
def test_the_limits_themselves_are_allowed(app: App, limit: str) -> None:
    assert json_of(app.call("list_requests", params={"limit": limit}))["requests"] == []


@pytest.mark.parametrize(
    "name", ["get_request", "cancel_request", "get_plan", "get_receipt", "get_package", "post_approval", "post_retry"]
)
def test_a_query_parameter_that_is_not_read_is_named_and_nothing_is_done(app: App, name: str) -> None:
    request_id = posted(app, "post_erasure")
    problem = problem_of(app.call(name, params={"prat": "2", "code": "a key"}, request_id=request_id))
    assert (problem["status"], [error["pointer"] for error in problem["errors"]]) == (400, ["/prat"])
    assert json_of(app.call("get_request", request_id=request_id))["request_status"] == "pending"


def test_health_is_ok_with_settings_and_storage(app: App) -> None:
    health = json_of(app.call("get_health"))
    assert health["status"] == "ok"
    assert health["checks"]["storage"] == "ok"


def test_health_is_degraded_where_the_storage_does_not_answer(make_app: MakeApp) -> None:
    nowhere = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:9/a;"
    app = make_app(DATA_STORAGE=nowhere + "QueueEndpoint=http://127.0.0.1:9/a;")
    health = json_of(app.call("get_health"), 503)
    assert health["status"] == "degraded"
    assert health["checks"]["storage"] != "ok"
    assert "a2V5" not in json.dumps(health)


def test_every_answer_forbids_to_be_cached(app: App) -> None:
    request_id = posted(app)
    answers = [app.call(name, request_id=request_id) for name in ("get_request", "get_plan", "get_receipt")]
    answers += [app.call("get_health"), app.call("list_requests"), app.call("get_request", request_id=UNKNOWN)]
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_ids_given_by_the_app_differ(app: App) -> None:
    assert len({uuid.UUID(posted(app)) for _ in range(3)}) == 3
