"""The queue side on Azurite: what functions see, outputs, failures, poison queues."""

import base64
import json
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import requests

from local.azurite.server import running_azurite
from local.functions_host.process import running_host
from tests.host.conftest import APPS, Kitchen, Queues, StartApp, eventually

pytestmark = pytest.mark.azurite


def put_over_http(kitchen: Kitchen, kind: str, body: bytes) -> int:
    return requests.post(f"{kitchen.url}/api/put/{kind}", data=body, timeout=20).status_code


def test_a_message_runs_its_function_and_is_deleted(kitchen: Kitchen) -> None:
    kitchen.queues.put("seen", "hello")
    seen = json.loads(kitchen.queues.take("seen-out")[0])
    assert (seen["body"], seen["dequeue_count"]) == ("hello", 1)
    eventually(lambda: kitchen.queues.length("seen") == 0, "the deletion")


def test_the_lease_is_ten_minutes_whatever_host_json_says_of_visibility(kitchen: Kitchen) -> None:
    now = time.time()
    kitchen.queues.put("seen", "when")
    seen = json.loads(kitchen.queues.take("seen-out")[0])
    next_visible = datetime.fromisoformat(seen["times"][2]).timestamp()
    assert 595 <= next_visible - now <= 620


def test_sync_functions_run_in_the_workers_thread_pool(kitchen: Kitchen) -> None:
    kitchen.queues.put("seen", "where")
    assert "ThreadPoolExecutor" in json.loads(kitchen.queues.take("seen-out")[0])["thread"]


def test_properties_of_the_body_overwrite_the_messages_id(kitchen: Kitchen) -> None:
    kitchen.queues.put("seen", '{"id": "of the body"}')
    assert json.loads(kitchen.queues.take("seen-out")[0])["id"] == "of the body"


@pytest.mark.parametrize("body", ['{"dequeueCount": "x"}', '{"insertionTime": "2026-01-02T03:04:05Z"}'])
def test_a_property_that_spoils_the_metadata_ends_as_poison(kitchen: Kitchen, body: str) -> None:
    kitchen.queues.put("seen", body)
    assert kitchen.queues.take("seen-poison") == [body]


def test_bytes_go_out_untouched(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "raw", b'{"a":1}') == 200
    assert kitchen.queues.take("put-raw") == ['{"a":1}']


def test_json_text_goes_out_rewritten_and_the_last_set_wins(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "text", b'{"a":1}') == 200
    assert kitchen.queues.take("put-text") == ['{\n  "a": 1\n}']


def test_a_json_array_becomes_one_message_per_element(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "text", b'["x",{"a":1}]') == 200
    assert set(kitchen.queues.take("put-text", 2)) == {"x", '{\n  "a": 1\n}'}


def test_json_lines_fail_the_invocation_and_the_caller_gets_500(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "text", b'{"a":1}\n{"b":2}') == 500
    assert "put failed BadOutput" in kitchen.host.log()


def test_a_list_goes_out_as_untouched_messages(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "many", b'["{\\"a\\":1}", "b"]') == 200
    assert sorted(kitchen.queues.take("put-many", 2)) == ["b", '{"a":1}']


def test_a_queue_message_as_output_is_an_object_of_id_and_body(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "message", b"text") == 200
    assert json.loads(kitchen.queues.take("put-message")[0]) == {"id": "7", "body": "text"}


def test_an_output_that_is_too_large_fails_the_invocation(kitchen: Kitchen) -> None:
    assert put_over_http(kitchen, "raw", b"x" * 65_537) == 500
    assert "413" in kitchen.host.log()


def test_when_the_function_raises_no_output_is_written(kitchen: Kitchen) -> None:
    before = kitchen.queues.length("put-raw")
    assert put_over_http(kitchen, "raise", b"x") == 500
    assert kitchen.queues.length("put-raw") == before


def test_a_returned_text_goes_to_the_return_queue_in_lower_case(kitchen: Kitchen) -> None:
    kitchen.queues.put("returns", "back")
    assert kitchen.queues.take("returned") == ["back"]


def test_returning_something_where_no_return_is_bound_fails(kitchen: Kitchen) -> None:
    kitchen.queues.put("speaks", "x")
    assert kitchen.queues.take("speaks-poison") == ["x"]


def test_returning_none_where_a_return_is_bound_fails(kitchen: Kitchen) -> None:
    kitchen.queues.put("returns", "none")
    assert kitchen.queues.take("returns-poison") == ["none"]


def test_a_message_that_always_fails_is_tried_five_times_and_copied_to_poison(kitchen: Kitchen) -> None:
    kitchen.queues.put("failing", '{"keep": "spelling"}')
    [message] = eventually(lambda: kitchen.queues.peek("failing-poison"), "the poison message")
    assert message.content == '{"keep": "spelling"}'
    assert message.dequeue_count == 0
    eventually(lambda: kitchen.queues.length("failing") == 0, "the deletion")
    eventually(lambda: "fails_always poisoned a message after 5 deliveries" in kitchen.host.log(), "the last line")
    log = kitchen.host.log()
    assert log.count("fails_always failed KeyError") == 5
    assert "secret" not in log
    assert "spelling" not in log


def test_an_async_function_passes_a_message_on(start_app: StartApp, queues: Queues) -> None:
    with start_app("relay") as host:
        assert requests.post(f"{host.url}/api/start", timeout=10).status_code == 202
        assert queues.take("relayed") == ["sent"]


def test_no_more_messages_run_at_once_than_host_json_allows(
    start_app: StartApp, queues: Queues, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    limits = {"batchSize": "2", "newBatchThreshold": "1"}
    settings = {f"AzureFunctionsJobHost__extensions__queues__{name}": value for name, value in limits.items()}
    for _ in range(8):
        queues.put("held", str(done))
    with start_app("kitchen", **settings):
        # Two are fetched; that is more than one running, so nothing more is fetched before one of them ends.
        eventually(lambda: len(queues.peek("held")) == 6, "the first batch")
        _stay(lambda: len(queues.peek("held")) == 6, seconds=1)
        done.touch()
        assert len(queues.take("held-out", 8)) == 8


def test_all_sync_functions_share_the_threads_that_are_configured(
    start_app: StartApp, queues: Queues, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    with start_app("kitchen", PYTHON_THREADPOOL_THREAD_COUNT="1") as host:
        queues.put("held", str(done))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the delivery")
        assert requests.get(f"{host.url}/api/things/1", timeout=10).text == "number 1"  # async: needs no thread
        # The message has been taken, but its function may not have begun yet.
        eventually(lambda: has_no_thread(f"{host.url}/api/items/1"), "the thread in use")
        done.touch()
        assert requests.get(f"{host.url}/api/items/1", timeout=10).text == "any"


def has_no_thread(url: str) -> bool:
    try:
        requests.get(url, timeout=1)
    except requests.Timeout:
        return True
    return False


def test_the_retry_waits_for_the_visibility_timeout(start_app: StartApp, queues: Queues) -> None:
    settings = {"AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "01:00:00"}
    with start_app("kitchen", **settings) as host:
        queues.put("failing", "later")
        eventually(lambda: "fails_always failed" in host.log(), "the first failure")
        assert host.stop() == 0
        assert queues.peek("failing") == []
        assert queues.length("failing") == 1
        assert host.log().count("fails_always failed") == 1


def test_a_message_taken_too_often_goes_to_poison_without_running(start_app: StartApp, queues: Queues) -> None:
    client = queues.client("seen")
    queues.put("seen", "crashed")
    for _ in range(2):
        [message] = client.receive_messages(max_messages=1, visibility_timeout=60)
        client.update_message(message, visibility_timeout=0)
    with start_app("kitchen", AzureFunctionsJobHost__extensions__queues__maxDequeueCount="2") as host:
        assert queues.take("seen-poison") == ["crashed"]
        # The line is written after the message.
        eventually(lambda: "sees poisoned a message after 3 deliveries" in host.log(), "the line of the log")
        assert "sees succeeded" not in host.log()
    assert queues.peek("seen-out") == []


def test_what_is_not_base64_goes_to_poison_raw_without_running(start_app: StartApp, queues: Queues) -> None:
    with start_app("kitchen", AzureFunctionsJobHost__extensions__queues__messageEncoding="base64") as host:
        queues.put("seen", "plain text!")
        assert queues.take("seen-poison") == ["plain text!"]
        queues.put("seen", base64.b64encode("grüß".encode()).decode())
        seen = json.loads(base64.b64decode(queues.take("seen-out")[0]))
        assert seen["body"] == "grüß"
        assert host.log().count("sees succeeded") == 1


def test_a_message_of_a_poison_queue_is_given_up_without_a_further_queue(start_app: StartApp, queues: Queues) -> None:
    with start_app("relay") as host:
        queues.put("work-poison", "x")
        eventually(lambda: "given up" in host.log(), "the last try")
        assert host.log().count("of_poison failed RuntimeError") == 5
    assert queues.length("work-poison") == 1
    assert queues.peek("work-poison") == []


def test_the_lease_is_renewed_while_the_function_runs(start_app: StartApp, queues: Queues, tmp_path: Path) -> None:
    """With a lease of two seconds a second host would take the message, were it not renewed."""
    done = tmp_path / "done"
    with (
        start_app("kitchen", LOCAL_HOST_LEASE_SECONDS="2") as first,
        start_app("kitchen", LOCAL_HOST_LEASE_SECONDS="2") as second,
    ):
        queues.put("held", str(done))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the first delivery")
        _stay(lambda: queues.peek("held") == [], seconds=5)
        done.touch()
        assert len(queues.take("held-out")) == 1
        eventually(lambda: queues.length("held") == 0, "the deletion")
        logs = first.log() + second.log()
    assert logs.count("holds succeeded") == 1
    assert queues.peek("held-out") == []


def _stay(condition: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition()
        time.sleep(0.05)


def test_a_lost_lease_is_logged_and_passed(start_app: StartApp, queues: Queues, tmp_path: Path) -> None:
    done = tmp_path / "done"
    with start_app("kitchen") as host:
        queues.put("held", str(done))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the first delivery")
        queues.client("held").clear_messages()
        done.touch()
        eventually(lambda: "could not be settled" in host.log(), "the refused deletion")
        queues.put("seen", "still alive")
        assert json.loads(queues.take("seen-out")[0])["body"] == "still alive"


def test_many_messages_on_two_hosts_are_each_processed(start_app: StartApp, queues: Queues) -> None:
    bodies = [f"message {number}" for number in range(60)]
    with start_app("kitchen") as first, start_app("kitchen") as second:
        for body in bodies:
            queues.put("seen", body)
        seen = [json.loads(text)["body"] for text in queues.take("seen-out", len(bodies))]
        eventually(lambda: queues.length("seen") == 0, "the deletions")
        logs = (first.log(), second.log())
    assert sorted(seen) == sorted(bodies)
    assert all("sees succeeded" in log for log in logs)
    assert queues.peek("seen-poison") == []


def test_messages_of_a_killed_host_come_back_after_the_lease(
    start_app: StartApp, queues: Queues, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    with start_app("kitchen", LOCAL_HOST_LEASE_SECONDS="2") as victim:
        queues.put("held", str(done))
        eventually(lambda: queues.length("held") == 1 and queues.peek("held") == [], "the first delivery")
        killed = str(victim.pid)
        victim.kill()
        with start_app("kitchen", LOCAL_HOST_LEASE_SECONDS="2") as heir:
            done.touch()
            [pid] = queues.take("held-out")
            assert pid == str(heir.pid) != killed
            eventually(lambda: queues.length("held") == 0, "the deletion")


def test_storage_that_goes_away_is_waited_for(start_app: StartApp, queues: Queues) -> None:
    with running_azurite() as storage:
        port = storage.ports["queue"]
        settings = {"AzureWebJobsStorage": storage.connection_string(), "TAG": queues.tag}
        with running_host(APPS / "kitchen", settings) as host:
            storage.stop()
            eventually(lambda: "cannot read its queue" in host.log(), "the complaint")
            assert requests.get(f"{host.url}/api/items/1", timeout=10).text == "any"
            storage.start()
            assert storage.ports["queue"] == port
            eventually(lambda: "can read its queue again" in host.log(), "the recovery")
