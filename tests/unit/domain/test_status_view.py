from dataclasses import replace

import pytest

from shared.domain.status_view import accepted_view, status_view, summary_view
from shared.domain.subject_request import FINAL, RequestStatus, RequestType
from shared.domain.work import Tally
from tests.unit.domain.records import ID, later, new_record

NOTHING_YET = Tally(units=frozenset(), failed_units=frozenset(), counts={})
SOME = Tally(
    units=frozenset({"images-00001", "images-00002"}),
    failed_units=frozenset({"images-00002"}),
    counts={"images": {"deleted": 250, "failed": 6}},
)
SUMMARY = {
    "subject_request_id",
    "subject_request_type",
    "regulation",
    "request_status",
    "reason",
    "retry_of",
    "unchanged_since",
    "dry_run",
    "requested_by",
    "received_time",
    "expected_completion_time",
    "updated_time",
    "completed_time",
    "counts",
    "failures",
    "drift",
    "links",
}


def test_what_was_accepted_is_said() -> None:
    assert accepted_view(new_record()) == {
        "subject_request_id": ID,
        "subject_request_type": "erasure",
        "request_status": "pending",
        "received_time": "2026-11-24T09:00:00.000Z",
        "expected_completion_time": "2026-12-24T09:00:00.000Z",
    }
    ended = replace(new_record(), status=RequestStatus.COMPLETED)
    assert accepted_view(ended) == accepted_view(new_record())
    assert accepted_view(new_record(retry_of="x"))["retry_of"] == "x"


def test_a_list_shows_everything_but_the_progress() -> None:
    assert summary_view(new_record()).keys() == SUMMARY
    assert status_view(new_record(), NOTHING_YET).keys() == SUMMARY | {"progress"}


def test_progress_moves_with_the_units_that_have_their_outcome() -> None:
    record = new_record(phase="images", phase_units=8, counts={"images": {"found": 2000}})
    view = status_view(record, SOME)
    assert view["progress"] == {"phase": "images", "units_total": 8, "units_done": 2, "units_failed": 1}
    assert view["counts"] == {"images": {"found": 2000, "deleted": 250, "failed": 6}}


def test_the_counts_of_a_final_request_are_those_of_its_receipt() -> None:
    ended = new_record().evolve(later(1), status=RequestStatus.COMPLETED, counts={"images": {"deleted": 256}})
    assert status_view(ended, SOME)["counts"] == {"images": {"deleted": 256}}


@pytest.mark.parametrize("status", list(RequestStatus))
@pytest.mark.parametrize("type_", list(RequestType))
def test_links_lead_only_to_what_can_be_there(status: RequestStatus, type_: RequestType) -> None:
    links = summary_view(new_record(status=status, subject_request_type=type_))["links"]
    assert links["self"] == f"/api/requests/{ID}"
    assert links["plan"] == f"/api/requests/{ID}/plan"
    assert links["receipt"] == (f"/api/requests/{ID}/receipt" if status in FINAL else None)
    has_package = type_ is not RequestType.ERASURE and status is not RequestStatus.CANCELLED
    assert links["package"] == (f"/api/requests/{ID}/package" if has_package else None)
    assert links["export_first"] is None


def test_who_asked_is_shown_with_whether_that_is_known() -> None:
    view = summary_view(new_record(requested_by={"id": "a", "verified": True}))
    assert view["requested_by"] == {"id": "a", "verified": True}


def test_what_is_known_of_an_ended_request_is_shown() -> None:
    failure = {"store": "images", "id": "x", "code": "refused", "operation": "DeleteImages", "status": 403}
    record = new_record(
        level="items",
        reason="items_failed",
        completed_time=later(5),
        failures=(failure,),
        drift=2,
        unchanged_since="earlier",
        notes={"export_first": "another"},
    )
    view = summary_view(record)
    assert view["completed_time"] == "2026-11-24T09:05:00.000Z"
    assert (view["failures"], view["drift"], view["reason"]) == ([failure], 2, "items_failed")
    assert (view["unchanged_since"], view["links"]["export_first"]) == ("earlier", "another")


def test_a_request_that_goes_on_has_no_time_of_its_end() -> None:
    assert summary_view(new_record())["completed_time"] is None
