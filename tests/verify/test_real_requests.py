"""Receipts and records of requests that the whole app has worked through, against the emulator, are sound and whole."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from export_function.fulfilment import ExportFulfilment
from local.verify_audit.checking import Audit, check
from local.verify_receipt.__main__ import sound
from local.verify_receipt.signature import signed_content
from request_function.audit import write_heads
from request_function.keys import key_set
from shared.lifecycle import handle
from tests.unit.in_process import Process, Region, region
from tests.verify.ledgers import key_pair

ANNA = {"metadata": {"subject": "anna"}}
REQUESTS: dict[str, dict[str, Any]] = {
    "an export": {"scope": {"projects": "all"}},
    "an export of one person": {"scope": {"projects": "all", "images": ANNA}},
    "an erasure of one person": {
        "scope": {"level": "items", "projects": "all", "images": ANNA},
        "options": {"trained_iterations": "keep"},
    },
    "an erasure with its iterations": {
        "scope": {"level": "items", "projects": ["Pets"], "images": ANNA},
        "options": {"trained_iterations": "delete"},
    },
    "a dry run": {
        "scope": {"level": "items", "projects": "all", "images": ANNA},
        "options": {"trained_iterations": "keep", "dry_run": True},
    },
    "an erasure of nobody": {
        "scope": {"level": "items", "projects": "all", "images": {"tags": ["nobody"]}},
        "options": {"trained_iterations": "keep"},
    },
    "an erasure of a project": {
        "scope": {"level": "projects", "projects": ["Birds"]},
        "options": {"confirm": {"projects": ["Birds"]}},
    },
    "an erasure that does not fit": {
        "scope": {"level": "projects", "projects": ["Birds"]},
        "options": {"confirm": {"projects": ["Pets"]}},
    },
}


@pytest.fixture(scope="module")
def living() -> Iterator[Region]:
    with region(RECEIPT_SIGNING_KEY=key_pair().private) as one:
        yield one


@pytest.fixture
def process(living: Region) -> Process:
    """The app on an empty storage account, and a service with two small projects."""
    living.control.reset()
    new = Region(living.emulator, living.session, living.settings)
    for name in ("Pets", "Birds"):
        new.control.seed(name, 4, metadata={"subject": ["anna", "ben"]}, iterations=1)
    return new.process()


def receipt_of(process: Process, request_id: str) -> dict[str, Any]:
    """Give a receipt out of its signature, once it is proven and sound."""
    signature = process.services.ledger.signature(request_id)
    assert signature is not None
    return sound(signed_content(signature, key_set(process.services)).content)


@pytest.mark.parametrize("body", REQUESTS.values(), ids=REQUESTS.keys())
def test_its_receipt_is_signed_and_sound_and_its_record_whole(process: Process, body: dict[str, Any]) -> None:
    request_id = process.post(body)
    status = process.finish(request_id)
    assert receipt_of(process, request_id)["request_status"] == status["request_status"]
    assert list(check(process.services.ledger, Audit())) == []


@pytest.mark.parametrize("phase", ["planning", "data", "derived", "closing", "zip"])
def test_the_receipt_of_an_export_that_was_given_up_is_sound(process: Process, phase: str) -> None:
    request_id = process.post({"scope": {"projects": "all"}})
    process.work_until(lambda: process.status(request_id)["progress"]["phase"] in (phase, "zip"))
    message = {"subject_request_id": request_id, "poisoned": 4}
    handle(process.services, ExportFulfilment(), json.dumps(message).encode(), 1)
    receipt = receipt_of(process, request_id)
    assert (receipt["request_status"], receipt["reason"]) == ("failed", "delivery_exhausted")
    assert list(check(process.services.ledger, Audit())) == []


def test_a_ledger_of_many_requests_is_whole_after_every_day(process: Process) -> None:
    for body in REQUESTS.values():
        request_id = process.post(body)
        write_heads(process.services)
        process.finish(request_id)
        process.region.pass_time(24 * 3600)
    audit = Audit()
    assert list(check(process.services.ledger, audit)) == []
    assert (len(audit.files), audit.requests) == (len(REQUESTS), len(REQUESTS))
