"""Queues deliver at least once: with two hosts and every message put twice, nothing happens twice."""

import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from local.azurite.server import Azurite
from local.custom_vision.wire import Request
from local.functions_host.process import HostProcess, running_host
from tests.acceptance.gallery import EXTENSIONS, Gallery
from tests.acceptance.package import Package
from tests.acceptance.people import ANNA, erasure, people, truth_without
from tests.acceptance.stack import PUBLIC_QUEUES, ROOT, WORK_QUEUES, Stack, eventually, running_stack
from tests.acceptance.storage_proxy import Fate, StorageCall, StorageProxy, storage_proxy

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]


@pytest.fixture(scope="module")
def proxy(azurite: Azurite) -> Iterator[StorageProxy]:
    """What puts every message of an internal queue twice."""
    with storage_proxy(azurite) as running:
        running.decide = lambda call: Fate.TWICE if call.puts_message(*WORK_QUEUES) else Fate.PASS
        yield running


@pytest.fixture(scope="module")
def stack(azurite: Azurite, proxy: StorageProxy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with that between."""
    with running_stack(azurite, tmp_path_factory.mktemp("stack"), proxy=proxy) as running:
        yield running


@pytest.fixture(scope="module")
def second_host(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostProcess]:
    """Another instance of the same installation."""
    log = tmp_path_factory.mktemp("second") / "host.log"
    with running_host(ROOT, stack.settings, log_path=log, start_seconds=60) as host:
        yield host


def assert_each_outcome_once(stack: Stack, request_id: str, unit_kinds: set[str]) -> None:
    """Every planned unit has one outcome, and the log of what is finished counts none twice."""
    names = stack.names(stack.ledger, f"{request_id}/units/")
    outcomes = [name.rsplit("/")[-1] for name in names if name.endswith(".json")]
    plan = json.loads(stack.read(stack.ledger, f"{request_id}/plan.json"))
    planned = [unit for project in plan["projects"] for unit in project["units"]]
    assert Counter(outcomes) == Counter(f"{unit}.json" for unit in planned)
    assert {unit.rpartition("-")[0] for unit in planned} >= unit_kinds


def is_empty(stack: Stack, queue: str) -> bool:
    """Whether a queue holds nothing, not even invisibly."""
    return stack.waiting(queue) == 0


def test_an_export_delivered_twice_is_the_same_package(stack: Stack, second_host: HostProcess) -> None:
    seeded = [stack.control.seed(f"Twice {n}", 10, unique_bytes=True)["project"] for n in range(3)]
    body = {"scope": {"projects": seeded}, "options": {"package": "none"}}
    request_id = stack.post("/api/exports", body)
    status, package = stack.finished(request_id), Package(stack, request_id)
    assert status["reason"] is None, status
    assert status["failures"] == []
    for truth in stack.control.truth()["projects"]:
        if truth["id"] in seeded:
            images = truth["workspace"]["images"]
            assert package.pictures(truth["id"]).keys() == {f"{i['id']}.{EXTENSIONS[i['media_type']]}" for i in images}
            assert package.image_rows(truth["id"]).keys() == {i["id"] for i in images}
    assert package.manifest["stores"]["images"]["written"] == 30
    package.assert_manifest_is_true()
    assert_each_outcome_once(stack, request_id, {"project", "images"})


def test_a_late_second_delivery_does_not_change_what_the_manifest_says(stack: Stack, second_host: HostProcess) -> None:
    project = stack.control.seed("Late", 3, unique_bytes=True)["project"]
    request_id = "c0ffee00-0000-4000-8000-000000000002"
    arrived = threading.Semaphore(0)
    calls = itertools.count()

    def has_outcome() -> bool:
        """Planning was delivered twice as well, so the unit may have any number."""
        names = stack.names(stack.ledger, f"{request_id}/units/project-")
        return any(name.endswith(".json") for name in names)

    def react(request: Request) -> None:
        if request.method == "GET" and request.path.endswith(f"/projects/{project}/tags") and next(calls) == 0:
            eventually(has_outcome, "the outcome of the other delivery")
            gallery.tag(project, "came later")
            arrived.release()

    gallery = Gallery(stack.emulator)
    end = stack.on_service_call(react)
    body = {"scope": {"projects": [project]}, "options": {"package": "none"}, "subject_request_id": request_id}
    stack.post("/api/exports", body)
    assert arrived.acquire(timeout=60), "the unit did not run twice"
    stack.finished(request_id)
    eventually(partial(is_empty, stack, "export-work"), "the end of the late delivery")
    end()
    gallery.close()
    Package(stack, request_id).assert_manifest_is_true()


def test_an_erasure_delivered_twice_is_told_as_one(stack: Stack, second_host: HostProcess) -> None:
    gallery = Gallery(stack.emulator)
    family = people(stack, gallery, "Twice erased")
    expected = truth_without(stack.control.truth(), family.anna)
    request_id = stack.post("/api/erasures", erasure(family.project, ANNA))
    status, receipt = stack.finished(request_id), stack.receipt(request_id)
    assert (status["request_status"], status["reason"]) == ("completed", None)
    assert truth_without(stack.control.truth(), ()) == expected
    images = receipt["stores"]["images"]
    assert (images["found"], images["deleted"], images["already_absent"], images["rounds"]) == (5, 5, 0, 1)
    assert_each_outcome_once(stack, request_id, {"images"})
    gallery.close()


def test_a_cancellation_that_comes_too_late_takes_nothing_from_a_finished_package(
    stack: Stack, proxy: StorageProxy, second_host: HostProcess
) -> None:
    project = stack.control.seed("Too late", 3, unique_bytes=True)["project"]
    request_id = "c0ffee00-0000-4000-8000-000000000003"
    moments = itertools.count()
    cancelled: list[bool] = []

    def cancel() -> bool:
        return stack.call("DELETE", f"/api/requests/{request_id}").status_code == 202

    def after(call: StorageCall) -> None:
        if call.method == "PUT" and f"{request_id}/receipt.json" in call.target and next(moments) == 0:
            cancelled.append(eventually(cancel, "a cancellation in the moment between receipt and record"))

    proxy.after = after
    body = {"scope": {"projects": [project]}, "options": {"package": "none"}, "subject_request_id": request_id}
    stack.post("/api/exports", body)
    status = stack.finished(request_id)
    proxy.after = lambda _: None
    eventually(partial(is_empty, stack, "export-work"), "the end of the messages")
    assert cancelled == [True]
    assert status["request_status"] == stack.receipt(request_id)["request_status"]
    if status["request_status"] == "cancelled":
        assert stack.names(stack.packages, f"{request_id}/") == []
    else:
        package = Package(stack, request_id)
        assert len(package.pictures(project)) == 3
        package.assert_manifest_is_true()


def test_a_request_put_twice_on_a_public_queue_is_one_request(
    stack: Stack, proxy: StorageProxy, second_host: HostProcess
) -> None:
    request_id = "c0ffee00-0000-4000-8000-000000000001"
    body = {"subject_request_id": request_id, "scope": {"projects": "all", "images": {"tags": ["nobody"]}}}
    text = json.dumps(body | {"options": {"package": "none"}})
    for _ in range(10):
        stack.send("export-requests", text)
    assert stack.finished(request_id)["reason"] == "nothing_matched"
    eventually(partial(is_empty, stack, "export-requests"), "the end of the messages")
    listed = [one["subject_request_id"] for one in stack.get("/api/requests?limit=200")["requests"]]
    assert listed.count(request_id) == 1
    assert stack.messages("export-requests-poison") == []


def test_nothing_is_left_on_any_queue(stack: Stack, second_host: HostProcess) -> None:
    for queue in (*PUBLIC_QUEUES, *WORK_QUEUES):
        eventually(partial(is_empty, stack, queue), f"the end of {queue}")
        assert stack.waiting(f"{queue}-poison") == 0
    assert "failed" not in second_host.log()


def test_a_lost_message_is_sent_again_by_the_watchdog(azurite: Azurite, folder: Path) -> None:
    with storage_proxy(azurite) as proxy:
        swallowed: list[StorageCall] = []

        def decide(call: StorageCall) -> Fate:
            if call.puts_message(*WORK_QUEUES) and len(swallowed) < 2 and call.body not in [c.body for c in swallowed]:
                swallowed.append(call)
                return Fate.SWALLOW
            return Fate.PASS

        proxy.decide = decide
        with running_stack(azurite, folder, {"WATCHDOG_AFTER_SECONDS": "1"}, proxy=proxy) as stack:
            stack.control.seed("Lost", 3, unique_bytes=True)
            request_id = stack.post("/api/exports", {"scope": {"projects": "all"}, "options": {"package": "none"}})

            def look() -> bool | None:
                stack.run_function("watchdog")
                return stack.status(request_id)["completed_time"] is not None or None

            eventually(look, "the end of the request")
            assert len(swallowed) == 2
            assert stack.status(request_id)["reason"] in (None, "not_supported_yet")
            assert Package(stack, request_id).manifest["stores"]["images"]["written"] == 3
