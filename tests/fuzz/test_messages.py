"""Whatever is put on the public queues: nothing crashes, each message is accepted or refused with a reason."""

import base64
import hashlib
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueServiceClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delete_function.intake import INTAKE as ERASURES
from export_function.intake import INTAKE as EXPORTS
from request_function.openapi_words import REASONS
from shared.domain.subject_request import RequestStatus
from shared.intake import Intake
from shared.services import Services
from tests.acceptance.stack import eventually
from tests.fuzz.conftest import Running
from tests.fuzz.hostile import JSON_TEXTS, MARK, bodies_with_tricks, forging, messages
from tests.fuzz.test_bodies import ERASURES as ERASURE_BODIES
from tests.fuzz.test_bodies import EXPORTS as EXPORT_BODIES
from tests.fuzz.test_bodies import VALID_ERASURES, VALID_EXPORTS, one_change
from tests.verify.ledgers import Ledger

INTAKES = pytest.mark.parametrize("intake", [EXPORTS, ERASURES], ids=["exports", "erasures"])
NOTE = {"subject_request_id", "reason", "message_sha256"}
FORGED = st.sampled_from([body for _, body in forging()])
BODIES = st.one_of(
    one_change(*VALID_EXPORTS, *VALID_ERASURES),
    EXPORT_BODIES,
    ERASURE_BODIES,
    st.sampled_from([*VALID_EXPORTS, *VALID_ERASURES]),
    st.sampled_from(list(bodies_with_tricks())),
    st.builds(lambda body, forged: forged | body, st.sampled_from(VALID_EXPORTS), FORGED),
)


def written(value: Any) -> bytes:
    """Write JSON as most senders do."""
    return json.dumps(value).encode()


def cut(content: bytes, at: int) -> bytes:
    """Give a message that was damaged at some place."""
    return content[:at] + b"\xff" + content[at + 1 :]


PLAIN = BODIES.map(written)
CONTENTS = st.one_of(
    PLAIN,
    PLAIN.map(base64.b64encode),
    st.builds(cut, PLAIN, st.integers(0, 200)),
    st.binary(max_size=200),
    st.binary(max_size=200).map(base64.b64encode),
    st.sampled_from(list(JSON_TEXTS.values())),
)


def dealt_with(services: Services, intake: Intake, content: bytes) -> None:
    """Take a message twice, as it may be delivered, and hold what it leaves."""
    message_id = str(uuid.uuid4())
    first, again = (intake.from_queue(services, content, message_id) for _ in range(2))
    assert (again.subject_request_id, again.status) == (first.subject_request_id, first.status)
    notes = list(services.queues.receive(f"{intake.queue}-poison"))
    for note in notes:
        services.queues.remove(f"{intake.queue}-poison", note)
    if first.origin != "refused_message":
        assert notes == []
        return
    assert first.status is RequestStatus.FAILED
    assert first.reason in REASONS
    (note,) = notes
    told = json.loads(note.content)
    assert told.keys() == NOTE
    assert told["message_sha256"] == hashlib.sha256(content).hexdigest()
    assert (told["subject_request_id"], told["reason"]) == (first.subject_request_id, first.reason)
    assert services.ledger.blobs.read(f"{first.subject_request_id}/selector.json") is None


@INTAKES
@settings(suppress_health_check=list(HealthCheck))
@given(content=CONTENTS)
def test_any_message_is_accepted_or_refused_with_a_reason(intake: Intake, content: bytes) -> None:
    dealt_with(Ledger().services(), intake, content)


@INTAKES
@pytest.mark.parametrize("content", messages().values(), ids=messages().keys())
def test_no_hostile_message_is_accepted_or_repeated(intake: Intake, content: bytes) -> None:
    ledger = Ledger()
    services = ledger.services()
    assert intake.from_queue(services, content, "1").reason == "bad_message"
    (note,) = services.queues.receive(f"{intake.queue}-poison")
    everything = b"".join(ledger.read(name) for name in ledger.names()) + note.content
    assert MARK.encode() not in everything
    assert services.queues.receive("export-work") == services.queues.receive("deletion-work") == []


@INTAKES
@pytest.mark.parametrize("body", [*VALID_EXPORTS, *VALID_ERASURES])
def test_a_valid_message_is_accepted_where_it_belongs(intake: Intake, body: dict[str, Any]) -> None:
    record = intake.from_queue(Ledger().services(), written(body), "1")
    belongs = ("level" in body["scope"]) == (intake is ERASURES) and body["scope"].get("level") != "account"
    assert (record.origin != "refused_message") == belongs


@pytest.fixture
def put(running: Running) -> Iterator[Callable[[str, bytes], None]]:
    with QueueServiceClient.from_connection_string(running.storage) as queues:
        for name in ("export-requests", "deletion-requests"):
            with suppress(ResourceExistsError):
                queues.create_queue(name)

        def to(queue: str, content: bytes) -> None:
            queues.get_queue_client(queue).send_message(content.decode())

        yield to


def refused(running: Running) -> dict[str, int]:
    """Count the refused messages that the API lists, by type."""
    counts = {"access": 0, "erasure": 0}
    continuation = ""
    while True:
        query = {"limit": "200", "status": "failed", "continuation": continuation}
        page = running.http.get(f"{running.url}/api/requests", params=query, timeout=60).json()
        for request in page["requests"]:
            if request["reason"] in ("bad_message", "id_in_use", "delivery_exhausted"):
                counts[request["subject_request_type"]] += 1
        continuation = page["continuation"] or ""
        if not continuation:
            return counts


def test_a_host_survives_hostile_messages_and_gives_each_a_reason(
    running: Running, put: Callable[[str, bytes], None]
) -> None:
    before, hostile = refused(running), messages()
    for content in hostile.values():
        put("export-requests", content)
        put("deletion-requests", content)

    def all_told() -> bool:
        running.http.post(f"{running.url}/admin/functions/poison_watch", json={"input": ""}, timeout=30)
        now = refused(running)
        return all(now[type_] - before[type_] >= len(hostile) for type_ in before)

    eventually(all_told, "a reason for every message", 90)
    assert {type_: count - before[type_] for type_, count in refused(running).items()} == dict.fromkeys(
        before, len(hostile)
    )
    assert running.host.is_running()
    assert MARK not in running.host.log()
