"""The routes of the contract over real HTTP: what they answer, refuse, and remember."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from local.azurite.server import Azurite
from local.custom_vision.wire import Request
from tests.acceptance.gallery import Gallery
from tests.acceptance.people import ANNA, People, erasure, people
from tests.acceptance.stack import TRAINING_KEY, Stack, eventually, running_stack

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]
UNKNOWN = "b52a4a1e-5d0e-4f7a-9c55-ffffffffffff"
EXPORT: Json = {"scope": {"projects": "all", "images": {"tags": ["nobody"]}}, "options": {"package": "none"}}
ACCEPTED = {
    "subject_request_id",
    "subject_request_type",
    "request_status",
    "received_time",
    "expected_completion_time",
}
SUMMARY = {
    *ACCEPTED,
    *("regulation", "reason", "retry_of", "unchanged_since", "dry_run", "requested_by", "updated_time"),
    *("completed_time", "counts", "failures", "drift", "links"),
}


@pytest.fixture(scope="module")
def family(stack: Stack, gallery: Gallery) -> People:
    """Anna and Ben."""
    return people(stack, gallery, "Family of test_http")


def problem(answer: requests.Response, status: int) -> Json:
    """The problem body of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    body = dict(answer.json())
    assert body.keys() >= {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    return body


def pointers(answer: requests.Response) -> set[str]:
    """Where the violations of a 400 are."""
    return {entry["pointer"] for entry in problem(answer, 400)["errors"]}


def test_a_post_answers_202_with_a_place_to_look(stack: Stack, family: People) -> None:
    answer = stack.call("POST", "/api/exports", EXPORT)
    assert answer.status_code == 202
    assert answer.json().keys() >= ACCEPTED
    request_id = answer.json()["subject_request_id"]
    assert answer.headers["Location"] == f"/api/requests/{request_id}"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["subject_request_type"] == "access"
    first = stack.call("GET", answer.headers["Location"])
    assert first.json().keys() >= {*SUMMARY, "progress"}
    assert ("Retry-After" in first.headers) is (first.json()["completed_time"] is None)
    stack.finished(request_id)
    assert "Retry-After" not in stack.call("GET", f"/api/requests/{request_id}").headers


def test_the_same_request_again_is_the_same_answer_and_another_body_is_409(stack: Stack, family: People) -> None:
    request_id = "C0FFEE00-0000-4000-8000-00000000000A"
    ids = [family.anna[0], family.anna[1]]
    body = {"subject_request_id": request_id, "scope": {"projects": [family.project], "images": {"ids": ids}}}
    body |= {"options": {"package": "none"}}
    first = stack.call("POST", "/api/exports", body)
    turned = json.loads(json.dumps(body).replace(ids[0], ids[0].upper()))
    turned["scope"]["images"]["ids"].reverse()
    turned |= {"regulation": "gdpr", "subject_request_id": request_id.lower()}
    assert first.status_code == 202
    stack.finished(request_id.lower())
    again = stack.call("POST", "/api/exports", turned)
    assert again.status_code == 202
    assert again.json()["received_time"] == first.json()["received_time"]
    other = turned | {"scope": {"projects": "all"}}
    problem(stack.call("POST", "/api/exports", other), 409)
    problem(stack.call("POST", "/api/erasures", erasure("all", ANNA) | {"subject_request_id": request_id}), 409)


def test_one_request_posted_many_times_at_once_is_one_request(stack: Stack, family: People) -> None:
    body = EXPORT | {"subject_request_id": "c0ffee00-0000-4000-8000-00000000000d"}

    def post(_: int) -> requests.Response:
        return requests.post(f"{stack.host.url}/api/exports", json=body, timeout=30)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(post, range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["received_time"] for answer in answers}) == 1
    stack.finished(body["subject_request_id"])
    listed = [one["subject_request_id"] for one in stack.get("/api/requests?limit=200")["requests"]]
    assert listed.count(body["subject_request_id"]) == 1


def test_every_violation_is_told_at_once_with_its_place(stack: Stack) -> None:
    body = {
        "subject_request_id": "no id",
        "regulation": "hipaa",
        "surprise": "anna-4711",
        "scope": {"projects": [], "images": {"tags": [], "metadata": {}}, "level": "items"},
        "options": {"package": "tar", "checksums": 1},
    }
    found = pointers(stack.call("POST", "/api/exports", body))
    assert found >= {
        *("/subject_request_id", "/regulation", "/surprise", "/scope/projects", "/scope/images/tags"),
        *("/scope/images/metadata", "/scope/level", "/options/package", "/options/checksums"),
    }
    assert "anna-4711" not in stack.call("POST", "/api/exports", body).text
    erasing = {"scope": {"level": "items", "projects": "all", "images": {}}}
    assert pointers(stack.call("POST", "/api/erasures", erasing)) >= {"/scope/images", "/options/trained_iterations"}


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b'{"scope": {"projects": "all"}}', "text/plain", 415),
        (b"not json", "application/json", 400),
        (b'{"scope": {"projects": "all"}, "scope": {"projects": ["x"]}}', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"scope": {"projects": ["\\ud800"]}}', "application/json", 400),
        (b'{"scope": {"projects": "all"}, "options": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b"null", "application/json", 400),
        (b"", "application/json", 400),
        (b" " * (1024 * 1024 + 1), "application/json", 413),
    ],
    ids=["text", "garbage", "twice", "not-utf8", "deep", "surrogate", "huge-number", "null", "empty", "too-large"],
)
def test_what_is_no_request_is_refused_in_kind(stack: Stack, content: bytes, media_type: str, status: int) -> None:
    for path in ("/api/exports", "/api/erasures"):
        answer = stack.call("POST", path, data=content, headers={"Content-Type": media_type})
        problem(answer, status)


@pytest.mark.parametrize("suffix", ["", "/plan", "/receipt", "/package"])
def test_an_unknown_request_is_404(stack: Stack, suffix: str) -> None:
    for request_id in (UNKNOWN, "no-guid", "record.json", "..%2F..%2Fx", "_index", "%00", "é"):
        assert stack.call("GET", f"/api/requests/{request_id}{suffix}").status_code == 404
    problem(stack.call("GET", f"/api/requests/{UNKNOWN}{suffix}"), 404)
    problem(stack.call("DELETE", f"/api/requests/{UNKNOWN}"), 404)


def test_a_list_is_paged_newest_first_and_filtered(stack: Stack, family: People) -> None:
    posted = [stack.post("/api/exports", EXPORT) for _ in range(3)]
    posted.append(stack.post("/api/erasures", erasure("all", {"tags": ["nobody"]})))
    for request_id in posted:
        stack.finished(request_id)
    page = stack.get("/api/requests?limit=2")
    assert [one["subject_request_id"] for one in page["requests"]] == posted[:1:-1]
    assert all(one.keys() >= SUMMARY and "progress" not in one for one in page["requests"])
    following = stack.get(f"/api/requests?limit=2&continuation={page['continuation']}")
    assert [one["subject_request_id"] for one in following["requests"]] == posted[1::-1]
    erasures = stack.get("/api/requests?limit=200&type=erasure&status=completed")["requests"]
    assert posted[-1] in [one["subject_request_id"] for one in erasures]
    assert {(one["subject_request_type"], one["request_status"]) for one in erasures} == {("erasure", "completed")}
    page = stack.get("/api/requests?limit=3")
    everything = [one["subject_request_id"] for one in page["requests"]]
    while page["continuation"]:
        page = stack.get(f"/api/requests?limit=3&continuation={page['continuation']}")
        everything += [one["subject_request_id"] for one in page["requests"]]
    assert len(everything) == len(set(everything)) == len(stack.get("/api/requests?limit=200")["requests"])


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=-1", "status=done", "type=export", "continuation=%%%"]
)
def test_a_bad_query_is_400(stack: Stack, query: str) -> None:
    problem(stack.call("GET", f"/api/requests?{query}"), 400)


@pytest.mark.parametrize("text", ["bm9uc2Vuc2U=", "/w==", "MDAwMA=="])
def test_an_invented_continuation_is_no_server_error(stack: Stack, text: str) -> None:
    assert stack.call("GET", f"/api/requests?continuation={text}").status_code in (200, 400)


def test_before_the_end_plan_receipt_and_package_are_409(stack: Stack, family: People) -> None:
    stack.control.fault("delay", operation="GetProjects", seconds=2, first=1)
    request_id = stack.post("/api/exports", EXPORT)
    for part in ("plan", "receipt", "package"):
        problem(stack.call("GET", f"/api/requests/{request_id}/{part}"), 409)
    stack.finished(request_id)
    place = problem(stack.call("GET", f"/api/requests/{request_id}/package"), 409)
    assert (place["container"], place["prefix"]) == (stack.settings["EXPORTS_CONTAINER"], f"{request_id}/")
    assert stack.receipt(request_id)["subject_request_id"] == request_id
    answer = stack.call("GET", f"/api/requests/{request_id}/receipt", headers={"Accept": "application/jose"})
    assert answer.status_code == 406
    problem(stack.call("DELETE", f"/api/requests/{request_id}"), 409)


def test_a_cancelled_export_leaves_no_package_not_even_by_a_late_writer(stack: Stack, gallery: Gallery) -> None:
    project = stack.control.seed("Cancelled", 6)["project"]
    held: list[str] = []
    request_id = "c0ffee00-0000-4000-8000-00000000000b"

    def react(request: Request) -> None:
        if "/images/id" in request.path and not held:
            held.append(stack.call("DELETE", f"/api/requests/{request_id}").json()["request_status"])
            eventually(lambda: stack.status(request_id)["completed_time"], "the end of the cancelled request")

    end = stack.on_service_call(react)
    body = {"scope": {"projects": [project]}, "options": {"package": "none"}, "subject_request_id": request_id}
    stack.post("/api/exports", body)
    status = stack.finished(request_id)
    eventually(lambda: stack.waiting("export-work") == 0, "the end of the late writer")
    end()
    assert held == ["cancelling"]
    assert status["request_status"] == "cancelled"
    assert stack.names(stack.packages, f"{request_id}/") == []
    assert stack.call("DELETE", f"/api/requests/{request_id}").status_code == 202
    problem(stack.call("GET", f"/api/requests/{request_id}/package"), 404)
    assert f"{request_id}/selector.json" not in stack.names(stack.ledger)


def test_an_erasure_is_cancelled_before_it_begins_and_never_after(stack: Stack, family: People) -> None:
    request_id = "c0ffee00-0000-4000-8000-00000000000c"
    answers: list[int] = []

    def react(request: Request) -> None:
        if request.path.endswith("/projects") and not answers:
            answers.append(stack.call("DELETE", f"/api/requests/{request_id}").status_code)

    end = stack.on_service_call(react)
    stack.post("/api/erasures", erasure(family.project, ANNA) | {"subject_request_id": request_id})
    assert stack.finished(request_id)["request_status"] == "cancelled"
    end()
    assert answers == [202]
    assert "DeleteImages" not in stack.control.calls()
    stack.control.switch(delete_effect="until_told")
    begun = stack.post("/api/erasures", erasure(family.project, ANNA))
    eventually(lambda: stack.status(begun)["request_status"] == "in_progress", "the begin")
    problem(stack.call("DELETE", f"/api/requests/{begun}"), 409)
    eventually(stack.control.release_deletes, "a deletion that waits")
    assert stack.finished(begun)["request_status"] == "completed"
    problem(stack.call("GET", f"/api/requests/{begun}/package"), 404)


def test_progress_moves_while_an_export_runs(stack: Stack) -> None:
    projects = [stack.control.seed(f"Progress {n}", 3)["project"] for n in range(4)]
    stack.control.fault("delay", operation="GetProject", seconds=0.5)
    request_id = stack.post("/api/exports", {"scope": {"projects": projects}, "options": {"package": "none"}})
    seen: set[int] = set()

    def look() -> bool:
        status = stack.status(request_id)
        if status["request_status"] == "exporting":
            assert status["progress"]["units_done"] <= status["progress"]["units_total"]
            seen.add(status["progress"]["units_done"])
        return status["completed_time"] is not None

    eventually(look, "the end of the export")
    assert len(seen) > 1


def test_health_is_ok_and_a_wrong_method_is_404(stack: Stack) -> None:
    health = stack.get("/api/health")
    assert (health["status"], health["checks"]["storage"]) == ("ok", "ok")
    assert stack.call("PUT", "/api/exports", EXPORT).status_code == 404
    assert stack.call("GET", "/api/nothing").status_code == 404


def test_no_person_and_no_secret_is_in_ledger_log_or_internal_queues(stack: Stack) -> None:
    stack.assert_nowhere("anna-4711", "nobody", "tag-anna", "Family of", "Cancelled")


@pytest.fixture(scope="module")
def misconfigured(azurite: Azurite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An installation with everything wrong that can be."""
    wrong = {
        "CUSTOM_VISION_ENDPOINT": "http://example.com/secret-path",
        "EXPORT_RETENTION_DAYS": "a month",
        "COPY_CONCURRENCY": "nan",
        "ERASURE_VERIFY_INTERVAL_SECONDS": "-1",
        "TRUST_PLATFORM_IDENTITY": "perhaps",
        "EXPORTS_CONTAINER": "Exports!",
        "EXPORT_SCHEDULE": "every day",
    }
    with running_stack(azurite, tmp_path_factory.mktemp("misconfigured"), wrong) as running:
        yield running


def test_malformed_settings_are_503_naming_all_of_them(misconfigured: Stack) -> None:
    health = misconfigured.call("GET", "/api/health")
    answers = [health, *(misconfigured.call("POST", path, EXPORT) for path in ("/api/exports", "/api/erasures"))]
    for answer in answers:
        assert answer.status_code == 503
        for name in (
            *("CUSTOM_VISION_ENDPOINT", "EXPORT_RETENTION_DAYS", "COPY_CONCURRENCY", "TRUST_PLATFORM_IDENTITY"),
            *("ERASURE_VERIFY_INTERVAL_SECONDS", "EXPORTS_CONTAINER", "EXPORT_SCHEDULE"),
        ):
            assert name in answer.text
        for value in (TRAINING_KEY, "secret-path", "a month", "perhaps", "every day"):
            assert value not in answer.text


def test_an_erasure_without_a_hash_key_is_503_and_an_export_works(azurite: Azurite, folder: Path) -> None:
    with running_stack(azurite, folder, {"LEDGER_HASH_KEY": "", "EXPORT_RETENTION_DAYS": "0.00004"}) as stack:
        refused = problem(stack.call("POST", "/api/erasures", erasure("all", ANNA)), 503)
        assert "LEDGER_HASH_KEY" in json.dumps(refused)
        project = stack.control.seed("Expires", 2)["project"]
        request_id = stack.post("/api/exports", {"scope": {"projects": [project]}, "options": {"package": "none"}})
        stack.finished(request_id)

        def expired() -> bool:
            stack.run_function("retention")
            return not stack.names(stack.packages, f"{request_id}/")

        eventually(expired, "the end of the package")
        problem(stack.call("GET", f"/api/requests/{request_id}/package"), 410)
        assert stack.receipt(request_id)["subject_request_id"] == request_id
        assert stack.status(request_id)["completed_time"]
