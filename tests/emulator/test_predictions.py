"""Stored predictions: what stores, how pages are asked for, and how the last one is known."""

from typing import Any

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from tests.emulator.conftest import Api, picture


def _pages(api: Api, project: str, **query: Any) -> tuple[list[list[str]], Any]:
    """Ids by page, and the last token."""
    token: dict[str, Any] = query
    pages = []
    while True:
        answer = api.json("POST", f"/projects/{project}/predictions/query", json=token)
        pages.append([one["id"] for one in answer["results"]])
        token = answer["token"]
        if not token["continuation"]:
            return pages, token


def _asked(api: Api, project: str, **query: Any) -> list[str]:
    return [one for page in _pages(api, project, **query)[0] for one in page]


def test_pages_follow_by_token_until_the_continuation_is_null(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2, iterations=1, predictions=10)
    pages, token = _pages(api, seeded["project"], maxCount=4, orderBy="Oldest")
    assert [len(page) for page in pages] == [4, 4, 2]
    assert [one for page in pages for one in page] == seeded["predictions"]
    assert (token["continuation"], token["session"], token["maxCount"]) == (None, "2:4193293", 4)


def test_the_end_may_be_an_empty_text(api: Api, control: EmulatorControl) -> None:
    control.switch(prediction_end="empty")
    seeded = control.seed("Pets", 2, iterations=1, predictions=3)
    pages, token = _pages(api, seeded["project"], maxCount=3)
    assert ([len(page) for page in pages], token["continuation"]) == ([3], "")


@pytest.mark.parametrize("order", ["Newest", "Oldest", "Suggested"])
def test_deleting_while_paging_drops_nothing_else(api: Api, control: EmulatorControl, order: str) -> None:
    seeded = control.seed("Pets", 2, iterations=1, predictions=9)
    path = f"/projects/{seeded['project']}/predictions"
    first = api.json("POST", f"{path}/query", json={"maxCount": 3, "orderBy": order})
    ids = [one["id"] for one in first["results"]]
    api.json("DELETE", f"{path}?ids={','.join(ids)}")
    rest = _asked(api, seeded["project"], **first["token"])
    assert set(ids) | set(rest) == set(seeded["predictions"])
    assert len(rest) == 6


def test_without_a_count_a_default_applies_and_a_maximum_may(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2, iterations=1, predictions=9)
    control.switch(prediction_default_count=5, prediction_max_count=8)
    pages, _ = _pages(api, seeded["project"], maxCount=0)
    assert [len(page) for page in pages] == [5, 4]
    refused = api.call("POST", f"/projects/{seeded['project']}/predictions/query", json={"maxCount": 9})
    assert refused.json()["code"] == "BadRequestPredictionResultsExceededCount"


def test_queries_narrow_by_iteration_time_tag_and_application(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2, iterations=2, predictions=3)
    project, (older, newer) = seeded["project"], seeded["iterations"]
    other = api.json(
        "POST", f"/projects/{project}/quicktest/image?iterationId={older}&application=door", data=picture(3)
    )
    assert _asked(api, project, iterationId=older) == [other["id"]]
    assert set(_asked(api, project, iterationId=newer)) == set(seeded["predictions"])
    assert len(_asked(api, project)) == 4
    assert _asked(api, project, startTime="2999-01-01T00:00:00Z") == []
    assert len(_asked(api, project, endTime="2999-01-01T00:00:00")) == 4
    top = other["predictions"][0]["tagId"]
    assert other["id"] in _asked(api, project, tags=[{"id": top, "minThreshold": 0.9, "maxThreshold": 1}])
    assert _asked(api, project, tags=[{"id": top, "minThreshold": 0.9999999}]) == []
    assert _asked(api, project, application="door") == [other["id"]]
    control.switch(predictions_without_iteration="newest")
    assert set(_asked(api, project)) == set(seeded["predictions"])


def test_numbers_and_rows_are_those_of_the_version(emulator: RunningEmulator, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2, iterations=1, predictions=1)
    for version, has_type in (("v3.2", False), ("v3.3", True)):
        api = Api(emulator, version)
        with api.session:
            answer = api.call("POST", f"/projects/{seeded['project']}/predictions/query", json={})
        (row,) = answer.json()["results"]
        assert ("tagType" in row["predictions"][0]) == has_type
        assert "e-" in answer.text  # tiny numbers come in exponent form
        assert row["created"].endswith("Z")
        assert "boundingBox" not in row["predictions"][0]


def test_the_bytes_of_a_prediction_go_with_it(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2, iterations=1, predictions=1)
    path = f"/projects/{seeded['project']}/predictions"
    row = api.json("POST", f"{path}/query", json={})["results"][0]
    assert f"/predictionimages/{seeded['project']}/o-" in row["originalImageUri"]
    assert requests.get(row["originalImageUri"], timeout=10).status_code == 200
    assert api.call("DELETE", f"{path}?ids={row['id']}").status_code == 204
    assert requests.get(row["originalImageUri"], timeout=10).status_code == 404


def test_the_prediction_endpoint_needs_its_own_key_a_published_name_and_the_right_kind(
    emulator: RunningEmulator, control: EmulatorControl
) -> None:
    project = control.seed("Pets", 2, iterations=1, publish="live wire")["project"]
    base = f"{emulator.url}/customvision/v3.0/Prediction/{project}"
    key = {"Prediction-Key": emulator.prediction_key}
    calls = {
        "/classify/iterations/live%20wire/image": 200,
        "/classify/iterations/dead/image": 404,
        "/detect/iterations/live%20wire/image": 400,
        "/guess/iterations/live%20wire/image": 404,
    }
    for path, status in calls.items():
        assert requests.post(base + path, data=picture(), headers=key, timeout=10).status_code == status
    wrong = {"Prediction-Key": emulator.key}
    refused = requests.post(base + next(iter(calls)), data=picture(), headers=wrong, timeout=10)
    assert refused.status_code == 401
    assert len(control.truth()["projects"][0]["predictions"]) == 1


def test_the_same_picture_is_predicted_the_same_way(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 2, iterations=1)["project"]
    first, second = (
        api.json("POST", f"/projects/{project}/quicktest/image?store=false", data=picture(4)) for _ in range(2)
    )
    assert first["predictions"] == second["predictions"]
    assert first["id"] != second["id"]
    assert control.truth()["projects"][0]["predictions"] == []
