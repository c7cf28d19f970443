"""The checks after a storm find what is wrong: each is shown a ledger in which one thing is."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from delete_function.export_first import child_id
from shared.domain.identifiers import id_of_message
from tests.acceptance.stack import QUEUES
from tests.chaos import leftover_checks, package_checks, request_checks, truth_checks
from tests.chaos.deciding import send_again
from tests.chaos.expecting import STATES
from tests.chaos.log import Log, Posted
from tests.chaos.remains import Remains, Stored
from tests.chaos.scenario import Ask
from tests.chaos.schedule import Schedule
from tests.chaos.settling import Ended
from tests.chaos.wire import Wire
from tests.erasure.oracle import Expectation
from tests.erasure.truth import Facts

ID, OTHER, IMAGE = (f"0f8fad5b-d9cb-469f-a165-{number:012d}" for number in range(3))
DONE: dict[str, Any] = {
    "subject_request_id": ID,
    "subject_request_type": "erasure",
    "request_status": "completed",
    "reason": None,
    "unchanged_since": None,
}
SCHEDULE = Schedule(datetime(2026, 11, 24, 9, tzinfo=UTC), 2)
INDEX = {f"_index/1_{ID}": {"state": "final"}}
JOURNAL: dict[str, Any] = {"owner": None, "waiting": {}, "batch": {}}


def remains_of(
    ledger: Mapping[str, object] | None = None,
    *,
    leases: Iterable[str] = (),
    messages: Mapping[str, list[str]] | None = None,
    tombstones: Iterable[str] = (),
    index: Mapping[str, Mapping[str, str]] = INDEX,
    packages: Mapping[str, bytes] | None = None,
    sent: Iterable[tuple[str, str]] = (),
    after: Facts | None = None,
    **request: Any,
) -> Remains:
    """What a run has left in which one erasure was done, with these things besides."""
    stored = {name: Stored(json.dumps(value).encode(), {}, "available") for name, value in (ledger or {}).items()}
    stored |= {name: Stored(b"", metadata, "available") for name, metadata in index.items()}
    stored |= {name: Stored(b"", {}, "leased") for name in leases}
    kept = {name: Stored(content, {}, "available") for name, content in (packages or {}).items()}
    settings = {"REQUESTS_CONTAINER": "ledger", "EXPORTS_CONTAINER": "packages"}
    world = SimpleNamespace(settings=settings, wire=Wire(cast(Any, None), Random(), sent=list(sent)), schedule=SCHEDULE)
    ended = Ended({ID: DONE | request})
    waiting = {queue: (messages or {}).get(queue, []) for queue in QUEUES}
    blobs = {"ledger": stored, "packages": kept}
    return Remains(cast(Any, world), Log(), ended, blobs, waiting, list(tombstones), after or {})


def erasure(*images: str, level: str = "items", account: str | None = None) -> Posted:
    """An erasure that was to erase these images, or an account."""
    ask = Ask(ID, "http", {"scope": {"level": level}, "options": {}}, account=account)
    return Posted(ask, {}, expected=Expectation({}, images=set(images)))


def note_about(text: str, reason: str) -> tuple[str, str]:
    """A note about a message, with the queue that it is on."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    note = {"subject_request_id": ID, "reason": reason, "message_sha256": digest}
    return "export-requests-poison", json.dumps(note)


def test_where_nothing_is_wrong_nothing_is_found() -> None:
    remains = remains_of({f"{ID}/record.json": {}, f"{ID}/cleaning.json": JOURNAL})
    assert list(leftover_checks.leftovers(remains)) == []
    remains.log.posted[ID] = erasure()
    assert list(request_checks.lost(remains)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"leases": [f"{ID}/record.json"]},
        {"tombstones": [f"erased/{OTHER}/{ID}-00001.jsonl"]},
        {"ledger": {f"{ID}/selector.json": {}}},
        {"ledger": {f"{OTHER}/record.json": {}}},
        {"ledger": {"something/else.json": {}}},
        {"ledger": {f"{ID}/cleaning.json": JOURNAL | {"owner": "somebody"}}},
        {"ledger": {f"{ID}/cleaning.json": JOURNAL | {"batch": {ID: {}}}}},
        {"messages": {"export-work": ["{}"]}},
        {"messages": {"deletion-work-poison": ["{}"]}},
        {"messages": {"export-requests": ["{}"]}},
        {"index": {f"_index/1_{ID}": {"state": "open"}}},
        {"index": INDEX | {f"_index/2_{ID}": {"state": "final"}}},
    ],
    ids=str,
)
def test_what_is_left_over_is_found(wrong: dict[str, Any]) -> None:
    assert len(list(leftover_checks.leftovers(remains_of(**wrong)))) == 1


def test_a_request_that_is_not_in_the_list_is_found() -> None:
    remains = remains_of()
    remains.log.posted[OTHER] = erasure()
    assert list(request_checks.lost(remains)) == [f"request {OTHER} is not in the list"]


def test_a_bad_message_without_a_note_and_a_note_without_an_entry_are_found() -> None:
    text = "no request"
    told = [note_about(text, "bad_message")]
    for sent, status in (([], "completed"), (told, "completed"), (told, "failed")):
        remains = remains_of(sent=sent, request_status=status)
        remains.log.malformed.append(text)
        assert len(list(request_checks.lost(remains))) == 1
    remains = remains_of(sent=told, request_status="failed", reason="bad_message")
    remains.log.malformed.append(text)
    assert list(request_checks.lost(remains)) == []


@pytest.mark.parametrize(
    ("words", "is_right"),
    [
        ({"deleted": 1}, True),
        ({"already_absent": 1}, True),
        ({"deleted": 1, "verified": False}, False),
        ({"deleted": 2}, False),
        ({"deleted": 1, "found": 2}, False),
        ({"deleted": 0, "failed": 1}, False),
        ({"deleted": 0, "no_longer_matching": 1}, False),
    ],
)
def test_a_receipt_whose_numbers_are_not_those_of_plan_and_service_is_found(words: Any, is_right: bool) -> None:
    images = {"found": 1, "deleted": 0, "already_absent": 0, "no_longer_matching": 0, "failed": 0, "verified": True}
    receipt = {"request_status": "completed", "stores": {"images": images | words}}
    remains = remains_of({f"{ID}/receipt.json": receipt, **plan()})
    remains.log.posted[ID] = erasure(IMAGE)
    assert bool(list(truth_checks.untrue_receipts(remains))) != is_right


@pytest.mark.parametrize("state", ["present", "recoverable", None])
@pytest.mark.parametrize(
    ("words", "status", "is_right_where_it_is_gone", "is_right_where_it_is_there"),
    [
        ({"deleted": 1}, "completed", True, False),
        ({"deleted": 1, "verified": False}, "completed", False, False),
        ({"already_absent": 1}, "completed", False, False),
        ({"failed": 1, "verified": False}, "partially_completed", True, True),
        ({"failed": 1, "verified": False}, "completed", False, False),
        ({"deleted": 1, "failed": 1}, "partially_completed", False, False),
        ({"deleted": 1, "found": 2}, "completed", False, False),
    ],
)
def test_a_receipt_that_is_not_true_of_the_account_is_found(
    state: str | None, words: Any, status: str, is_right_where_it_is_gone: bool, is_right_where_it_is_there: bool
) -> None:
    account = {"found": 1, "deleted": 0, "already_absent": 0, "failed": 0, "verified": True} | words
    receipt = {"request_status": status, "stores": {"account": account}}
    there: Facts = {("account", state, "doomed"): "kind"} if state else {}
    remains = remains_of({f"{ID}/receipt.json": receipt}, after=there | {("account", "present", "other"): "kind"})
    remains.log.posted[ID] = erasure(level="account", account="doomed")
    is_right = is_right_where_it_is_there if state else is_right_where_it_is_gone
    assert bool(list(truth_checks.untrue_accounts(remains))) != is_right


def test_a_request_that_nobody_made_is_found() -> None:
    remains = remains_of()
    assert list(request_checks.strangers(remains)) == [f"nobody asked for erasure {ID}"]
    assert list(request_checks.strangers(remains_of(sent=[note_about("text", "bad_message")]))) == []
    remains.log.posted[ID] = erasure()
    assert list(request_checks.strangers(remains)) == []
    remains.ended.requests[SCHEDULE.request_ids[0]] = DONE
    remains.ended.requests[child_id(ID)] = DONE
    assert list(request_checks.strangers(remains)) == []


@pytest.mark.parametrize(("reason", "times"), [("delivery_exhausted", 1), ("bad_message", 0)])
def test_a_request_that_the_hosts_gave_up_taking_is_sent_again_once(reason: str, times: int) -> None:
    text, sent = json.dumps({"scope": {}}), list[tuple[str, str]]()

    def send(*message: str) -> str:
        sent.append((message[0], message[1]))
        return "message-id"

    wire = remains_of(sent=[note_about(text, reason)]).world.wire
    world, log = cast(Any, SimpleNamespace(wire=wire, send=send)), Log()
    log.name_after("export-requests", "first-id", text)
    for _ in range(2):
        send_again(world, log, list(log.nameless))
    assert sent == [("export-requests", text)] * times
    assert list(log.nameless) == [id_of_message("export-requests", "message-id" if times else "first-id")]


@pytest.mark.parametrize(
    ("packages", "status", "is_right"),
    [
        ([OTHER], "completed", True),
        ([OTHER], "partially_completed", False),
        ([], "completed", False),
        ([OTHER, ID], "completed", False),
    ],
)
def test_an_export_that_calls_a_package_unchanged_which_is_not_whole_is_found(
    packages: list[str], status: str, is_right: bool
) -> None:
    remains = remains_of(packages={f"{one}/manifest.json": b"{}" for one in packages}, unchanged_since=OTHER)
    remains.ended.requests[OTHER] = DONE | {"request_status": status}
    assert (list(package_checks.unchanged(remains)) == []) == is_right


def plan() -> dict[str, Any]:
    """A plan of one image."""
    return {f"{ID}/plan.json": {"projects": [{"id": OTHER, "units": ["images-00001"]}]}}


@pytest.fixture(autouse=True)
def _page_of_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Remains, "planned", lambda *_: {"images": {IMAGE}})


def test_a_plan_with_an_image_that_was_not_meant_is_found() -> None:
    remains = remains_of()
    remains.log.posted[ID] = erasure(OTHER)
    assert len(list(truth_checks.planned_too_much(remains))) == 1
    remains.log.posted[ID] = erasure(IMAGE)
    assert list(truth_checks.planned_too_much(remains)) == []


def test_what_is_gone_changed_or_new_without_anybodys_doing_is_found() -> None:
    before: Facts = {("project", ID): "as it was", ("project", OTHER): "gone"}
    remains = remains_of(after={("project", ID): "as it is", ("project", IMAGE): "new"})
    remains.log.before = before
    assert len(list(truth_checks.wrongly_touched(remains))) == 3
    remains.after = before
    assert list(truth_checks.wrongly_touched(remains)) == []


def test_an_account_that_can_be_recovered_came_from_an_erasure_that_had_begun() -> None:
    remains = remains_of({f"{ID}/record.json": {"ever_in_progress": True}})
    remains.log.before, remains.after = {("account", "present", "one"): 1}, {("account", "recoverable", "one"): 1}
    assert len(list(truth_checks.wrongly_touched(remains))) == 2
    remains.log.posted[ID] = replace(erasure(), lost={("account", state, "one"): 1 for state in STATES})
    assert list(truth_checks.wrongly_touched(remains)) == []
    assert len(list(truth_checks.left_behind(remains))) == 1


def test_an_erased_image_in_a_package_is_found() -> None:
    remains = remains_of(packages={f"{OTHER}/projects/{ID}/images/00001.jsonl": f'{{"id": "{IMAGE}"}}'.encode()})
    remains.log.posted[ID] = erasure(IMAGE)
    assert len(list(package_checks.with_erased(remains))) == 1
    remains.log.posted[ID] = erasure(OTHER[:-1] + "9")
    assert list(package_checks.with_erased(remains)) == []
