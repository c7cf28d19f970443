import json
from typing import Any

import pytest

from shared.domain.receipt import Ending, looked_at, receipt_of, residual
from shared.domain.subject_request import RequestStatus, RequestType
from tests.unit.domain.records import ID, later, new_record

ENDING = Ending(
    status=RequestStatus.PARTIALLY_COMPLETED,
    reason="items_failed",
    stores={"images": {"found": 2, "deleted": 1, "failed": 1, "verified": False, "rounds": 1}},
    residuals=[residual("kept_export", ["b", "a"])],
    drift=3,
    looked_at={"projects": 1, "iterations": 2, "images": 30},
    selectors_without_match=1,
    service_request_ids=["r1"],
)


def test_a_receipt_says_what_the_contract_wants() -> None:
    record = new_record(
        plan_hash="sha256:1", requested_by={"id": "a", "verified": False}, notes={"approved_by": {"id": "b"}}
    )
    receipt = receipt_of(record, ENDING, later(5))
    assert receipt["residuals"][0].keys() == {"code", "ids", "detail", "source"}
    assert receipt["residuals"][0]["ids"] == ["a", "b"]
    assert {name: receipt[name] for name in receipt if name != "residuals"} == {
        "subject_request_id": ID,
        "subject_request_type": "erasure",
        "request_status": "partially_completed",
        "reason": "items_failed",
        "regulation": "gdpr",
        "dry_run": False,
        "received_time": "2026-11-24T09:00:00.000Z",
        "completed_time": "2026-11-24T09:05:00.000Z",
        "requested_by": {"id": "a", "verified": False},
        "approved_by": {"id": "b"},
        "retry_of": None,
        "plan_hash": "sha256:1",
        "looked_at": {"projects": 1, "iterations": 2, "images": 30},
        "selectors_without_match": 1,
        "stores": {"images": {"found": 2, "deleted": 1, "failed": 1, "verified": False, "rounds": 1}},
        "drift": 3,
        "api_versions": ["v3.3"],
        "service_request_ids": ["r1"],
        "history_head": record.history_head,
        "signed": False,
    }


def test_a_receipt_holds_the_head_before_the_final_entry() -> None:
    record = new_record()
    receipt = receipt_of(record, ENDING, later(5))
    final = record.evolve(later(5), status=ENDING.status)
    assert receipt["history_head"] == final.history[-1].previous


def test_a_receipt_of_a_request_that_ended_before_it_looked_says_so() -> None:
    ending = Ending(status=RequestStatus.FAILED, reason="project_not_found")
    receipt = receipt_of(new_record(subject_request_type=RequestType.ACCESS), ending, later(1))
    assert receipt["looked_at"] == {"projects": 0, "iterations": 0, "images": 0}
    assert (receipt["stores"], receipt["plan_hash"], receipt["residuals"]) == ({}, None, [])
    json.dumps(receipt)


@pytest.mark.parametrize(
    ("projects", "expected"),
    [
        pytest.param([], {"projects": 0, "iterations": 0, "images": 0}, id="no project"),
        pytest.param(
            [{"iterations": [{}, {}], "looked_at": 3}, {"iterations": [{}], "looked_at": 4}],
            {"projects": 2, "iterations": 3, "images": 7},
            id="an erasure counts the iterations that it plans for",
        ),
        pytest.param(
            [{"iterations": [], "sources": [{}, {}, {}], "looked_at": 3}],
            {"projects": 1, "iterations": 2, "images": 3},
            id="an export counts the lists beside the workspace's, also where it found nothing in them",
        ),
    ],
)
def test_what_was_looked_at_is_what_was_read_for_the_plan(
    projects: list[dict[str, Any]], expected: dict[str, int]
) -> None:
    assert looked_at({"projects": projects}) == expected


@pytest.mark.parametrize(
    "code",
    [
        "exported_models",
        "project_data_30_days",
        "trained_model_learned_from_items",
        "copies_of_project",
        "tag_named_after_person",
        "stored_predictions_not_searched",
        "kept_export",
        "service_backups",
    ],
)
def test_a_residual_says_what_remains_and_where_that_is_from(code: str) -> None:
    entry = residual(code, ["2", "1"])
    assert (entry["code"], entry["ids"]) == (code, ["1", "2"])
    assert entry["detail"].endswith(".")
    assert entry["source"].startswith(("https://learn.microsoft.com/", "docs/"))


def test_a_code_that_is_none_has_no_entry() -> None:
    with pytest.raises(KeyError):
        residual("anything")
