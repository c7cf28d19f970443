"""Faults on demand, and the rate limit."""

import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from local.custom_vision.errors import ControlError
from tests.emulator.conftest import Api, picture


def _statuses(api: Api, number: int, path: str = "/projects") -> list[int]:
    return [api.call("GET", path).status_code for _ in range(number)]


@pytest.mark.parametrize(
    ("choice", "statuses"),
    [
        ({}, [503, 503, 503, 503]),
        ({"nth": 2}, [200, 503, 200, 200]),
        ({"every": 2}, [200, 503, 200, 503]),
        ({"first": 2}, [503, 503, 200, 200]),
        ({"times": 1}, [503, 200, 200, 200]),
        ({"every": 2, "times": 1}, [200, 503, 200, 200]),
    ],
)
def test_a_fault_hits_the_chosen_calls(
    api: Api, control: EmulatorControl, choice: dict[str, int], statuses: list[int]
) -> None:
    control.fault("status", operation="GetProjects", status=503, **choice)
    assert _statuses(api, 4) == statuses
    (rule,) = control.status()["faults"]
    assert (rule["seen"], rule["hits"]) == (4, statuses.count(503))


def test_a_probable_fault_hits_the_same_calls_with_the_same_seed(api: Api, control: EmulatorControl) -> None:
    runs = []
    for seed in (1, 1, 2):
        control.clear_faults()
        control.fault("status", operation="GetProjects", probability=0.5, seed=seed)
        runs.append(_statuses(api, 20))
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {200, 500}


def test_a_fault_matches_by_route_query_and_ids(api: Api, control: EmulatorControl) -> None:
    one, two = control.seed("Pets", 2)["images"]
    project = control.truth()["projects"][0]["id"]
    control.fault("status", route=r"^GET .*/images/id$", query="imageIds=", ids=[two], status=418)
    path = f"/projects/{project}/images"
    assert api.call("GET", path).status_code == 200
    assert api.call("GET", f"{path}/id?imageIds={one}").status_code == 200
    assert api.call("GET", f"{path}/id?imageIds={one}%2C{two}").status_code == 418


def test_a_fault_of_one_operation_of_several_spares_the_others(api: Api, control: EmulatorControl) -> None:
    control.fault("status", operation=["GetDomains", "GetTags"])
    assert api.call("GET", "/domains").status_code == 500
    assert api.call("GET", "/projects").status_code == 200


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("service", {"code": "ErrorUnknown", "message": "no"}),
        ("gateway", {"error": {"code": "ErrorUnknown", "message": "no"}}),
        ("v1.2", {"Code": "ErrorUnknown", "Message": "no"}),
    ],
)
def test_an_error_comes_in_the_asked_for_shape(api: Api, control: EmulatorControl, shape: str, body: Any) -> None:
    control.fault("status", operation="GetProjects", shape=shape, message="no", retry_after=7, status=429)
    answer = api.call("GET", "/projects")
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, body, "7")


def test_a_reset_reaches_the_client_as_a_reset(api: Api, control: EmulatorControl) -> None:
    control.fault("reset", operation="CreateProject")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        api.call("POST", "/projects?name=Pets")
    assert api.json("GET", "/projects") == []
    assert control.calls()["CreateProject"] == {"reset": 1}


@pytest.mark.parametrize(("kind", "status"), [("work_then_status", 500), ("work_then_reset", None)])
def test_work_can_be_done_though_the_answer_says_otherwise(
    api: Api, control: EmulatorControl, kind: str, status: int | None
) -> None:
    control.fault(kind, operation="CreateProject", nth=1)
    if status is None:
        with pytest.raises(requests.ConnectionError):
            api.call("POST", "/projects?name=Pets")
    else:
        assert api.call("POST", "/projects?name=Pets").status_code == status
    assert [one["name"] for one in api.json("GET", "/projects")] == ["Pets"]


def test_an_answer_can_end_too_early(api: Api, control: EmulatorControl) -> None:
    control.fault("truncate", operation="GetDomains", nth=1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"):
        api.call("GET", "/domains")
    assert len(api.json("GET", "/domains")) == 12


def test_bytes_of_a_blob_can_end_too_early_or_be_refused(api: Api, control: EmulatorControl) -> None:
    row = api.upload(api.project(), picture())["images"][0]["image"]
    control.fault("truncate", operation="GetBlob", nth=1, keep_bytes=10)
    control.fault("status", operation="GetBlob", nth=2, status=503, ids=[row["id"]])
    with pytest.raises(requests.exceptions.ChunkedEncodingError, match="10 bytes read"):
        requests.get(row["originalImageUri"], timeout=10)
    assert requests.get(row["originalImageUri"], timeout=10).status_code == 503
    assert requests.get(row["originalImageUri"], timeout=10).content == picture()


def test_an_answer_can_be_late(api: Api, control: EmulatorControl) -> None:
    control.fault("delay", operation="GetDomains", seconds=0.3)
    begun = time.monotonic()
    assert api.call("GET", "/domains").status_code == 200
    assert time.monotonic() - begun >= 0.3


def test_images_vanish_and_appear_between_two_pages(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 30)
    project = seeded["project"]
    gone = {"command": "delete_image", "project": project, "ids": seeded["images"][:3]}
    new = {"command": "add_image", "project": project, "images": 1}
    control.fault("commands", operation="GetImages", nth=1, commands=[gone, new])
    pages = [api.json("GET", f"/projects/{project}/images?take=20&skip={skip}&orderBy=Oldest") for skip in (0, 20)]
    assert [len(page) for page in pages] == [20, 8]
    assert pages[1][-1]["id"] not in seeded["images"]


def test_commands_can_run_before_the_call(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 3)
    gone = {"command": "delete_image", "project": seeded["project"], "ids": seeded["images"][:1]}
    control.fault("commands", operation="GetImages", when="before", nth=1, commands=[gone])
    assert len(api.json("GET", f"/projects/{seeded['project']}/images")) == 2


def test_faults_can_be_dropped_one_by_one_or_all(api: Api, control: EmulatorControl) -> None:
    first = control.fault("status", operation="GetProjects", status=501)
    control.fault("status", operation="GetProjects", status=502)
    assert _statuses(api, 1) == [501]
    control.clear_faults(first)
    assert _statuses(api, 1) == [502]
    control.clear_faults()
    assert _statuses(api, 1) == [200]


@pytest.mark.parametrize("rule", [{"kind": "magic"}, {"kind": "status", "colour": 1}, {"kind": "status", "route": "("}])
def test_a_rule_that_makes_no_sense_is_refused(control: EmulatorControl, rule: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="fault"):
        control.run({"command": "fault"} | rule)


def test_a_request_line_that_is_too_long_is_414(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 256)
    path = f"/projects/{seeded['project']}/images/id?imageIds="
    assert len(api.json("GET", path + "%2C".join(seeded["images"]))) == 256
    control.switch(max_request_line=4096)
    assert api.call("GET", path + "%2C".join(seeded["images"])).status_code == 414
    assert len(api.json("GET", path + "%2C".join(seeded["images"][:64]))) == 64


@pytest.mark.parametrize(
    ("retry_after", "retry_text"), [("header", True), ("header", False), ("none", True), ("none", False)]
)
def test_too_many_calls_a_second_are_429_of_the_gateway(
    api: Api, control: EmulatorControl, retry_after: Any, retry_text: bool
) -> None:
    control.switch(tier="F0", retry_text=retry_text)
    control.throttle(3, retry_after)
    control.advance(1 - control.status()["now"] % 1)  # to the beginning of a second, so that all calls fall into it
    answers = [api.call("GET", "/projects") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    error = answers[-1].json()["error"]
    assert error["code"] == "429"
    assert "GetProjects Operation under Custom_Vision_Training_3.3" in error["message"]
    assert "F0 pricing tier" in error["message"]
    assert ("Please retry after 1 second" in error["message"]) == retry_text
    assert answers[-1].headers.get("Retry-After") == ("1" if retry_after == "header" else None)
    control.advance(1)
    assert api.call("GET", "/projects").status_code == 200


def test_blob_downloads_are_outside_the_rate_limit(api: Api, control: EmulatorControl) -> None:
    link = api.upload(api.project(), picture())["images"][0]["image"]["originalImageUri"]
    control.throttle(1)
    assert [requests.get(link, timeout=10).status_code for _ in range(4)] == [200] * 4


def test_a_chunked_request_is_read(api: Api) -> None:
    project = api.project()
    parts = (part for part in (picture()[:100], picture()[100:]))
    answer = api.call("POST", f"/projects/{project}/images", data=parts)
    assert answer.json()["images"][0]["status"] == "OK"


def test_a_connection_is_kept_for_many_calls(api: Api) -> None:
    address = urlsplit(api.emulator.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as connection:
        for _ in range(3):
            request = "GET /customvision/v3.3/training/domains HTTP/1.1\r\nHost: x\r\nTraining-Key: "
            connection.sendall((request + api.emulator.key + "\r\n\r\n").encode())
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
