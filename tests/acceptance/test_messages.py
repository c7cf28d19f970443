"""Bad messages on the public queues: each is accounted for, shows nothing, and blocks nobody."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.stack import Stack, base64_of, eventually

pytestmark = [pytest.mark.azurite, pytest.mark.acceptance]
type Json = dict[str, Any]
SECRET = "anna-4711"
EXPORT: Json = {"scope": {"projects": "all", "images": {"tags": [SECRET]}}, "options": {"package": "none"}}
ERASURE: Json = {
    "scope": {"level": "items", "projects": "all", "images": {"tags": [SECRET]}},
    "options": {"trained_iterations": "keep"},
}
GOOD = {"export-requests": EXPORT, "deletion-requests": ERASURE}
BAD: dict[str, str] = {
    "no JSON": f"{SECRET} is no JSON",
    "empty": "",
    "base64 of no JSON": base64.b64encode(SECRET.encode()).decode(),
    "a list": json.dumps([SECRET]),
    "a text": json.dumps(SECRET),
    "wrong fields": json.dumps({"subject": SECRET, "scope": {"projects": "all"}}),
    "metadata of a message": json.dumps({"id": SECRET, "dequeueCount": 99, "note": SECRET}),
    "metadata with wrong types": json.dumps({"id": {"a": SECRET}, "dequeueCount": "many", "insertionTime": SECRET}),
    "metadata that is null": json.dumps({"id": None, "dequeueCount": None, "popReceipt": None, "note": SECRET}),
    "an unknown request": json.dumps({"subject_request_id": "b52a4a1e-5d0e-4f7a-9c55-eeeeeeeeeeee"}),
    "deep": "[" * 5000,
    "twice the same field": '{"scope": {"projects": "all"}, "scope": {"projects": "all"}}',
}


def entries(stack: Stack, kind: str) -> list[Json]:
    """What is recorded of one kind."""
    return list(stack.get(f"/api/requests?limit=200&type={kind}")["requests"])


def notes(stack: Stack, queue: str) -> list[Json]:
    """The notes on the poison queue of a public queue."""
    return [json.loads(text) for text in stack.messages(f"{queue}-poison")]


@pytest.mark.parametrize(("queue", "kind"), [("export-requests", "access"), ("deletion-requests", "erasure")])
def test_every_bad_message_is_a_failed_entry_with_a_reason_and_a_note_without_the_body(
    stack: Stack, queue: str, kind: str
) -> None:
    for text in BAD.values():
        stack.send(queue, text)
    stack.send(queue, json.dumps(GOOD[queue]))

    def all_accounted_for() -> bool:
        stack.run_function("poison_watch")
        return len(entries(stack, kind)) == len(BAD) + 1 and stack.waiting(queue) == 0

    eventually(all_accounted_for, f"an entry for each of {len(BAD)} messages")
    failed = [entry for entry in entries(stack, kind) if entry["request_status"] == "failed"]
    assert len(failed) == len(BAD)
    assert {entry["reason"] for entry in failed} <= {"bad_message", "delivery_exhausted"}
    eventually(lambda: stack.waiting(f"{queue}-poison") == len(BAD), "the notes")
    good = [entry for entry in entries(stack, kind) if entry["request_status"] != "failed"]
    assert stack.finished(good[0]["subject_request_id"])["reason"] == "nothing_matched"


def test_a_note_names_the_entry_its_reason_and_the_hash_of_the_message(stack: Stack) -> None:
    before = {entry["subject_request_id"] for entry in entries(stack, "access")}
    stack.send("export-requests", f"{SECRET} once more")
    eventually(lambda: len(entries(stack, "access")) > len(before), "the entry")
    [fresh] = [e for e in entries(stack, "access") if e["subject_request_id"] not in before]

    def note() -> Json | None:
        found = [
            one for one in notes(stack, "export-requests") if one["subject_request_id"] == fresh["subject_request_id"]
        ]
        return found[0] if found else None

    found = eventually(note, "the note")
    assert found.keys() == {"subject_request_id", "reason", "message_sha256"}
    assert (found["reason"], fresh["reason"]) == ("bad_message", "bad_message")


@pytest.mark.parametrize("write", [json.dumps, base64_of], ids=["plain", "base64"])
def test_ten_messages_with_one_id_are_one_request_and_ten_without_are_ten(
    stack: Stack, write: Callable[[object], str]
) -> None:
    before = {entry["subject_request_id"] for entry in entries(stack, "portability")}
    body = EXPORT | {"subject_request_type": "portability"}
    named = body | {"subject_request_id": f"c0ffee00-0000-4000-8000-0000000000{'aa' if write is base64_of else 'bb'}"}
    for _ in range(10):
        stack.send("export-requests", write(named))
        stack.send("export-requests", write(body))

    def new() -> list[Json]:
        return [e for e in entries(stack, "portability") if e["subject_request_id"] not in before]

    eventually(lambda: stack.waiting("export-requests") == 0, "the end of the messages")
    made = new()
    assert len(made) == 11
    assert [entry["subject_request_id"] for entry in made].count(named["subject_request_id"]) == 1
    for entry in made:
        assert stack.finished(entry["subject_request_id"])["reason"] == "nothing_matched"


def test_an_id_that_another_request_has_is_an_entry_of_its_own_and_leaves_the_other_alone(stack: Stack) -> None:
    request_id = "c0ffee00-0000-4000-8000-0000000000cc"
    stack.post("/api/exports", EXPORT | {"subject_request_id": request_id})
    first = stack.finished(request_id)
    stack.send("deletion-requests", json.dumps(ERASURE | {"subject_request_id": request_id}))

    def refused() -> list[Json]:
        return [entry for entry in entries(stack, "erasure") if entry["reason"] == "id_in_use"]

    [entry] = eventually(refused, "the refusal")
    assert entry["subject_request_id"] != request_id
    assert stack.status(request_id) == first


def test_a_message_with_the_id_alone_wakes_a_known_request(stack: Stack) -> None:
    request_id = stack.post("/api/exports", EXPORT)
    stack.finished(request_id)
    before = len(entries(stack, "access"))
    stack.send("export-requests", json.dumps({"subject_request_id": request_id.upper()}))
    eventually(lambda: stack.waiting("export-requests") == 0, "the end of the message")
    assert len(entries(stack, "access")) == before


def test_a_broken_message_on_a_work_queue_blocks_nobody_and_is_dropped_at_last(stack: Stack) -> None:
    for queue in ("export-work", "deletion-work"):
        stack.send(queue, f"{SECRET} is no work")
        stack.send(queue, json.dumps({"subject_request_id": "b52a4a1e-5d0e-4f7a-9c55-dddddddddddd", "attempt": 1}))
    assert stack.finished(stack.post("/api/exports", EXPORT))["reason"] == "nothing_matched"

    def gone() -> bool:
        stack.run_function("poison_watch")
        return not any(stack.waiting(q) for q in ("export-work", "deletion-work", "export-work-poison"))

    eventually(gone, "the end of the broken messages")


def test_no_value_of_a_message_is_in_ledger_log_notes_or_names(stack: Stack) -> None:
    stack.assert_nowhere(SECRET)
    for queue in GOOD:
        assert all(SECRET not in text for text in stack.messages(f"{queue}-poison"))
