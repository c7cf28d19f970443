"""The queue functions: one message, one request, however often it comes; what is none leaves a reason."""

import base64
import hashlib
import json
import uuid
from codecs import BOM_UTF8
from typing import Any

import pytest

from shared.domain.errors import InvalidRequest
from tests.functions.conftest import App, MakeApp, json_of

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
EXPORT = {"scope": {"projects": "all"}}
ERASURE = {
    "scope": {"level": "items", "projects": "all", "images": {"tags": ["anna"]}},
    "options": {"trained_iterations": "keep"},
}
BOTH = [
    ("take_export_request", EXPORT, "export-requests", "export-work"),
    ("take_erasure_request", ERASURE, "deletion-requests", "deletion-work"),
]

pytestmark = pytest.mark.azurite


def listed(app: App) -> list[dict[str, Any]]:
    return list(json_of(app.call("list_requests"))["requests"])


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
def test_a_message_delivered_twice_is_one_request(
    app: App, name: str, body: dict[str, Any], public: str, work: str
) -> None:
    message_id = str(uuid.uuid4())
    for count in (1, 2):
        app.deliver(name, body, message_id=message_id, count=count)
    (request,) = listed(app)
    assert {message["subject_request_id"] for message in app.taken(work)} == {request["subject_request_id"]}
    assert app.taken(f"{public}-poison") == []


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
def test_ten_messages_are_ten_requests_and_with_one_id_one(
    app: App, name: str, body: dict[str, Any], public: str, work: str
) -> None:
    for _ in range(10):
        app.deliver(name, body)
    assert len(listed(app)) == 10
    for _ in range(10):
        app.deliver(name, body | {"subject_request_id": ID})
    assert len(listed(app)) == 11


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
def test_a_message_may_be_base64_of_json(app: App, name: str, body: dict[str, Any], public: str, work: str) -> None:
    app.deliver(name, base64.b64encode(json.dumps(body | {"subject_request_id": ID}).encode()))
    assert [request["subject_request_id"] for request in listed(app)] == [ID]


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
@pytest.mark.parametrize("in_base64", [False, True])
def test_a_byte_order_mark_before_a_message_is_passed_over(
    app: App, name: str, body: dict[str, Any], public: str, work: str, in_base64: bool
) -> None:
    text = json.dumps(body | {"subject_request_id": ID}).encode()
    app.deliver(name, BOM_UTF8 + (base64.b64encode(text) if in_base64 else text))
    assert [request["subject_request_id"] for request in listed(app)] == [ID]


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_base64_may_be_cut_into_lines_as_command_line_tools_do(
    app: App, name: str, body: dict[str, Any], public: str, work: str, end: bytes
) -> None:
    lines = base64.encodebytes(json.dumps(body | {"subject_request_id": ID}).encode())
    app.deliver(name, lines.replace(b"\n", end))
    assert [request["subject_request_id"] for request in listed(app)] == [ID]


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
def test_a_message_with_an_id_alone_wakes_a_known_request(
    app: App, name: str, body: dict[str, Any], public: str, work: str
) -> None:
    app.deliver(name, body | {"subject_request_id": ID})
    app.taken(work)
    app.deliver(name, {"subject_request_id": ID})
    assert app.taken(work) == [{"subject_request_id": ID, "attempt": 1}]
    assert len(listed(app)) == 1


SECRET = "anna-of-the-bad-message"
BAD = [
    SECRET.encode(),
    b"\xff\xfe" + SECRET.encode(),
    json.dumps({"scope": {"projects": SECRET}}).encode(),
    json.dumps([SECRET]).encode(),
    base64.b64encode(SECRET.encode()),
    b'{"subject_request_id": "' + ID.encode() + b'", "scope": "' + SECRET.encode() + b'"}',
]


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
def test_a_bad_message_leaves_a_reason_and_no_value(
    app: App, name: str, body: dict[str, Any], public: str, work: str, content: bytes
) -> None:
    message_id = str(uuid.uuid4())
    for count in (1, 2):
        app.deliver(name, content, message_id=message_id, count=count)
    (request,) = listed(app)
    assert (request["request_status"], request["reason"]) == ("failed", "bad_message")
    assert request["subject_request_id"] != ID
    assert request["subject_request_type"] == ("access" if public == "export-requests" else "erasure")
    assert app.taken(f"{public}-poison") == [
        {
            "subject_request_id": request["subject_request_id"],
            "reason": "bad_message",
            "message_sha256": hashlib.sha256(content).hexdigest(),
        }
    ]
    assert app.taken(work) == []
    receipt = json_of(app.call("get_receipt", request_id=request["subject_request_id"]))
    assert receipt["reason"] == "bad_message"
    assert SECRET not in json.dumps([request, receipt])


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
def test_an_id_that_another_request_has_is_refused_and_the_other_is_left_alone(
    app: App, name: str, body: dict[str, Any], public: str, work: str
) -> None:
    app.deliver(name, body | {"subject_request_id": ID})
    before = json_of(app.call("get_request", request_id=ID))
    app.deliver(name, body | {"subject_request_id": ID, "regulation": "ccpa"})
    reasons = {request["reason"] for request in listed(app)}
    assert reasons == {None, "id_in_use"}
    assert json_of(app.call("get_request", request_id=ID)) == before


@pytest.mark.parametrize(("name", "body", "public", "work"), BOTH)
def test_waking_what_nobody_knows_is_a_bad_message(
    app: App, name: str, body: dict[str, Any], public: str, work: str
) -> None:
    app.deliver(name, {"subject_request_id": ID})
    assert [request["reason"] for request in listed(app)] == ["bad_message"]


def test_an_erasure_cannot_be_woken_by_the_queue_of_exports(app: App) -> None:
    app.deliver("take_erasure_request", ERASURE | {"subject_request_id": ID})
    app.taken("deletion-work")
    app.deliver("take_export_request", {"subject_request_id": ID})
    assert app.taken("deletion-work") + app.taken("export-work") == []
    assert {request["reason"] for request in listed(app)} == {None, "id_in_use"}


@pytest.mark.parametrize(("name", "work"), [("work_export", "export-work"), ("work_erasure", "deletion-work")])
def test_work_for_a_request_that_nobody_knows_is_dropped(app: App, name: str, work: str) -> None:
    app.deliver(name, {"subject_request_id": ID, "attempt": 1})
    assert app.taken(work) == []


@pytest.mark.parametrize("name", ["work_export", "work_erasure"])
def test_work_that_is_no_message_goes_to_the_hosts_poison_queue(app: App, name: str) -> None:
    for count in (1, 5):
        with pytest.raises(InvalidRequest):
            app.deliver(name, b"anything", count=count)


def test_a_service_that_does_not_answer_is_asked_again_later_and_the_message_is_dealt_with(app: App) -> None:
    request_id = json_of(app.call("post_export", EXPORT), 202)["subject_request_id"]
    (message,) = app.taken("export-work")
    app.deliver("work_export", message)
    view = json_of(app.call("get_request", request_id=request_id))
    assert view["request_status"] == "planning"
    assert app.taken("export-work") == []  # it is there, and hidden until the service may be back


def test_a_bad_scheduled_run_is_one_request_however_often_it_fires(make_app: MakeApp) -> None:
    app = make_app(EXPORT_SCHEDULE="0 0 3 1 1 *")
    for _ in range(3):
        app.fire("scheduled_export")
    (request,) = listed(app)
    assert request["subject_request_type"] == "access"
    assert {message["subject_request_id"] for message in app.taken("export-work")} == {request["subject_request_id"]}


def test_what_the_host_poisoned_on_a_public_queue_is_accounted_for(app: App) -> None:
    app.queues.send("export-requests-poison", EXPORT | {"subject_request_id": ID})
    app.fire("poison_watch")
    (request,) = listed(app)
    assert (request["request_status"], request["reason"]) == ("failed", "delivery_exhausted")
    assert request["subject_request_id"] != ID


def test_what_the_host_poisoned_on_a_work_queue_is_sent_again(app: App) -> None:
    app.queues.send("export-work-poison", {"subject_request_id": ID, "attempt": 1})
    app.fire("poison_watch")
    sent = [message for message in app.taken("export-work") if message["subject_request_id"] == ID]
    assert sent == [{"subject_request_id": ID, "attempt": 1, "poisoned": 1}]
    assert app.taken("export-work-poison") == []
