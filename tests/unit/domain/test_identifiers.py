from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.identifiers import guid, id_of_message, id_of_retry, id_of_scheduled_run

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@given(st.uuids())
def test_every_uuid_is_an_id_in_lower_case(value: UUID) -> None:
    assert guid(str(value)) == guid(str(value).upper()) == str(value)


@pytest.mark.parametrize(
    "value",
    [None, 1, ID.encode(), UUID(ID), "", ID[:-1], ID + "0", ID + "\n", f" {ID}", "{" + ID + "}", f"urn:uuid:{ID}"],
)
def test_nothing_else_is_an_id(value: object) -> None:
    assert guid(value) is None


@pytest.mark.parametrize(
    "value", ["../" + ID, ID.replace("-", "/"), "０f8fad5b-d9cb-469f-a165-70867728950e", ID[:-1] + "é"]
)
def test_nothing_that_could_become_a_path_is_an_id(value: str) -> None:
    assert guid(value) is None


@given(st.text(max_size=40))
def test_an_id_is_always_36_plain_characters(value: str) -> None:
    read = guid(value)
    assert read is None or (len(read) == 36 and set(read) <= set("0123456789abcdef-"))


def test_the_same_message_is_the_same_request() -> None:
    assert id_of_message("export-requests", "m1") == id_of_message("export-requests", "m1")
    assert guid(id_of_message("export-requests", "m1")) == id_of_message("export-requests", "m1")


def test_other_queues_messages_schedules_and_times_are_other_requests() -> None:
    ids = [
        id_of_message("export-requests", "m1"),
        id_of_message("export-requests", "m2"),
        id_of_message("deletion-requests", "m1"),
        id_of_scheduled_run("0 0 3 * * *", "2026-11-24T03:00:00.000Z"),
        id_of_scheduled_run("0 0 3 * * *", "2026-11-25T03:00:00.000Z"),
        id_of_scheduled_run("0 0 4 * * *", "2026-11-24T03:00:00.000Z"),
    ]
    assert len(set(ids)) == len(ids)


def test_two_hosts_that_fire_for_one_due_time_make_one_request() -> None:
    assert id_of_scheduled_run("0 0 3 * * *", "t") == id_of_scheduled_run("0 0 3 * * *", "t")


def test_a_retry_asked_for_twice_is_one_retry() -> None:
    assert id_of_retry(ID) == id_of_retry(ID) != ID
