"""The scan for secrets finds what is planted, wherever it is, and lets pass what may be there."""

import pytest

from tests.chaos.secret_scan import Scan, Stage

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
KEY, LINK, PERSON, NAME = "key-that-nobody-may-see", "https://a/b?sig=abc", "subject-of-somebody", "album-of-somebody"
EVERYWHERE = {
    "a selector": f"ledger/{ID}/selector.json",
    "a plan": f"ledger/{ID}/plan.json",
    "a record": f"ledger/{ID}/record.json",
    "an audit file": "ledger/audit/2026-11-24.json",
    "a manifest": f"packages/{ID}/manifest.json",
    "a page of the manifest": f"packages/{ID}/files/00001.jsonl",
    "a page of rows": f"packages/{ID}/projects/{ID}/images/00001.jsonl",
    "the host's own": "azure-webjobs-hosts/locks/somewhere",
}
MAY_HOLD_A_PERSON = {"a page of rows"}
MAY_HOLD_A_PERSON_WHILE_RUNNING = {"a selector", *MAY_HOLD_A_PERSON}


@pytest.fixture
def scan() -> Scan:
    return Scan("ledger", "packages", {"a key": KEY, "a signed link": "sig="}, {PERSON}, {NAME})


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("path", EVERYWHERE.values(), ids=EVERYWHERE.keys())
@pytest.mark.parametrize(("planted", "told"), [(KEY.upper(), "a key"), (LINK, "a signed link")])
def test_a_key_and_a_link_are_found_in_every_blob(scan: Scan, path: str, stage: Stage, planted: str, told: str) -> None:
    scan.blob(path, f"before {planted} after".encode(), stage)
    assert scan.found == {f"{path} holds {told}"}


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("where", EVERYWHERE)
def test_a_person_is_found_where_nobody_may_be(scan: Scan, where: str, stage: Stage) -> None:
    scan.blob(EVERYWHERE[where], f'{{"subject": "{PERSON}"}}'.encode(), stage)
    allowed = MAY_HOLD_A_PERSON_WHILE_RUNNING if stage is Stage.RUNNING else MAY_HOLD_A_PERSON
    assert bool(scan.found) == (where not in allowed)


@pytest.mark.parametrize(("stage", "is_found"), [(Stage.RUNNING, False), (Stage.ENDED, True)])
def test_names_are_in_a_plan_only_while_it_is_carried_out(scan: Scan, stage: Stage, is_found: bool) -> None:
    scan.blob(EVERYWHERE["a plan"], NAME.encode(), stage)
    assert bool(scan.found) == is_found


def test_a_person_in_a_plan_is_found_at_any_time(scan: Scan) -> None:
    scan.blob(EVERYWHERE["a plan"], PERSON.encode(), Stage.RUNNING)
    assert scan.found


@pytest.mark.parametrize("planted", [KEY, PERSON, NAME])
def test_a_name_of_a_blob_and_its_metadata_hold_nothing(scan: Scan, planted: str) -> None:
    scan.blob(f"packages/{ID}/images/{planted}.jpg", b"", Stage.RUNNING)
    scan.blob(f"packages/{ID}/images/1.jpg", b"", Stage.RUNNING, {"name": planted})
    assert len(scan.found) == 2


@pytest.mark.parametrize("queue", ["export-work", "deletion-work-poison", "export-requests-poison"])
def test_a_person_is_found_in_a_message_of_the_app(scan: Scan, queue: str) -> None:
    scan.message(queue, f'{{"message_sha256": "{PERSON}"}}', Stage.RUNNING)
    assert scan.found == {f"a message on {queue} holds a personal value"}


def test_a_person_may_be_in_a_message_to_the_app_and_a_key_may_not(scan: Scan) -> None:
    scan.message("deletion-requests", PERSON, Stage.RUNNING)
    assert not scan.found
    scan.message("deletion-requests", KEY, Stage.RUNNING)
    assert scan.found


def test_a_message_that_the_host_gave_up_may_name_a_person_until_a_note_takes_its_place(scan: Scan) -> None:
    scan.message("deletion-requests-poison", PERSON, Stage.RUNNING)
    assert not scan.found
    scan.message("deletion-requests-poison", PERSON, Stage.ENDED)
    assert scan.found


@pytest.mark.parametrize("planted", [KEY, LINK, PERSON, NAME])
def test_a_log_holds_nothing(scan: Scan, planted: str) -> None:
    scan.text("logs of host-0", f"something about {planted}")
    assert len(scan.found) == 1
    assert planted not in "".join(scan.found)
