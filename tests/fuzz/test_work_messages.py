"""Whatever is put on the queues of the app's own work: nothing is done that no record asks for, nothing crashes."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from delete_function.fulfilment import ErasureFulfilment
from export_function.fulfilment import ExportFulfilment
from export_function.rebuilding import REBUILD
from request_function.poison import watch_poison_queues
from shared.acceptance import accept
from shared.domain.errors import InvalidRequest
from shared.domain.subject_request import RequestStatus
from shared.domain.validation import validate_export
from shared.fulfilment import Fulfilment
from shared.lifecycle import handle
from tests.fuzz.hostile import JSON_TEXTS, MARK, TRICKS
from tests.unit.domain.bodies import export_body
from tests.verify.ledgers import Ledger, request_id

ERASURE, EXPORT = request_id(1), request_id(2)
FULFILMENTS: dict[str, Fulfilment] = {
    "deletion-work": ErasureFulfilment(REBUILD),
    "export-work": ExportFulfilment(),
}
QUEUES = pytest.mark.parametrize("queue", sorted(FULFILMENTS))
COUNTERS: st.SearchStrategy[Any] = st.integers(-2, 10**7) | st.sampled_from([None, True, "1", 1.5, 1e300, [], {}])
UNITS = st.sampled_from(
    [*TRICKS, "images-00001", "images-1", "images-٠٠٠٠١", "a" * 50 + "-00001", None, 7, ["images-00001"]]
)
IDS: st.SearchStrategy[Any] = st.sampled_from([*TRICKS, ERASURE.upper(), EXPORT, request_id(9), None, 7, {}])
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "subject_request_id": IDS,
        "unit_id": UNITS,
        "attempt": COUNTERS,
        "waits": COUNTERS,
        "round": COUNTERS,
        "unknown": st.just(MARK),
    },
)


def ledger_with_both() -> Ledger:
    """Give a ledger with an erasure and an export, neither of which has begun."""
    ledger = Ledger()
    ledger.accepted(ERASURE)
    body = export_body() | {"subject_request_id": EXPORT}
    accept(ledger.services(), validate_export(body, default_package="zip", account_by_default=False), origin="http")
    return ledger


def contents(ledger: Ledger) -> dict[str, bytes]:
    return {name: ledger.read(name) for name in ledger.names()}


@QUEUES
@pytest.mark.parametrize("content", JSON_TEXTS.values(), ids=JSON_TEXTS.keys())
def test_what_is_no_message_goes_to_poison_and_is_dropped_there(queue: str, content: bytes) -> None:
    ledger = ledger_with_both()
    before, services = contents(ledger), ledger.services()
    for delivery in (1, 5):
        with pytest.raises(InvalidRequest) as refused:
            handle(services, FULFILMENTS[queue], content, delivery)
        assert MARK not in str(refused.value)
    services.queues.send(f"{queue}-poison", {"content": content[:20_000].decode("latin-1")})
    watch_poison_queues(services)
    assert list(services.queues.receive(queue)) == list(services.queues.receive(f"{queue}-poison")) == []
    assert contents(ledger) == before


@QUEUES
@settings(suppress_health_check=list(HealthCheck))
@given(message=MESSAGES)
def test_no_message_of_a_unit_that_was_not_planned_does_anything(queue: str, message: dict[str, Any]) -> None:
    ledger = ledger_with_both()
    before, services = contents(ledger), ledger.services()
    try:
        handle(services, FULFILMENTS[queue], json.dumps({"unit_id": "images-00001"} | message).encode(), 1)
    except InvalidRequest:
        pass  # the host puts it into the poison queue
    else:
        assert message.get("unit_id", "images-00001") in (None, "images-00001")
    if message.get("unit_id", "") is not None:
        assert contents(ledger) == before


@pytest.mark.parametrize(("queue", "of"), [("deletion-work", EXPORT), ("export-work", ERASURE)])
@pytest.mark.parametrize(
    "more", [{}, {"poisoned": 4}, {"poisoned": 4, "unit_id": "images-00001"}, {"attempt": 999_999}]
)
def test_a_message_on_the_queue_of_the_other_kind_changes_nothing(queue: str, of: str, more: dict[str, Any]) -> None:
    ledger = ledger_with_both()
    before, services = contents(ledger), ledger.services()
    handle(services, FULFILMENTS[queue], json.dumps({"subject_request_id": of} | more).encode(), 1)
    assert contents(ledger) == before
    assert list(services.queues.receive("deletion-work")) == list(services.queues.receive("export-work")) == []


def test_a_request_that_a_message_gives_up_says_that_it_failed() -> None:
    ledger = ledger_with_both()
    services = ledger.services()
    message = json.dumps({"subject_request_id": ERASURE, "poisoned": 4}).encode()
    handle(services, FULFILMENTS["deletion-work"], message, 1)
    record = services.ledger.read(ERASURE).record
    assert (record.status, record.reason) == (RequestStatus.FAILED, "delivery_exhausted")
