"""Refusals: limits, states, keys, and the three shapes of errors."""

import base64
from typing import Any

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from tests.emulator.conftest import Api, picture

UNKNOWN = "00000000-0000-4000-a000-000000000000"
TARGET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a-Prediction"


def _ids(number: int) -> str:
    return ",".join([UNKNOWN] * number)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", f"/images/id?imageIds={_ids(257)}", 400, "BadRequestExceededBatchSize"),
        ("GET", f"/images?tagIds={_ids(21)}", 400, "BadRequestExceededBatchSize"),
        ("GET", "/images?take=257", 400, "BadRequest"),
        ("GET", "/images?take=-1", 400, "BadRequest"),
        ("GET", "/images?orderBy=Best", 400, "BadRequest"),
        ("GET", f"/images?iterationId={UNKNOWN}", 404, "NotFoundIteration"),
        ("GET", "/images?iterationId=workspace", 400, "BadRequestInvalidIds"),
        ("GET", f"/tags/{UNKNOWN}", 404, "NotFoundTag"),
        ("GET", f"/iterations/{UNKNOWN}/performance", 404, "NotFoundIteration"),
        ("GET", "/artifacts", 400, "BadRequestRequiredParamIsNull"),
        ("GET", "/artifacts?path=/i-other/i-one", 400, "BadRequestInvalidArtifactUri"),
        ("DELETE", f"/images?imageIds={_ids(257)}", 400, "BadRequestExceededBatchSize"),
        ("DELETE", "/images", 400, "BadRequestInvalidIds"),
        ("DELETE", f"/images?allImages=true&imageIds={UNKNOWN}", 400, "BadRequestInvalidIds"),
        ("DELETE", f"/images/tags?imageIds={_ids(65)}&tagIds={UNKNOWN}", 400, "BadRequestExceededBatchSize"),
        ("DELETE", f"/images/regions?regionIds={_ids(65)}", 400, "BadRequestExceededBatchSize"),
        ("DELETE", f"/predictions?ids={_ids(65)}", 400, "BadRequestPredictionIdsExceededCount"),
        ("DELETE", "/predictions", 400, "BadRequestPredictionIdsMissing"),
        ("POST", "/tags", 400, "BadRequestTagName"),
        ("POST", "/tags?name=cat", 400, "BadRequestTagNameNotUnique"),
        ("POST", "/quicktest/image", 400, "BadRequestIterationIsNotTrained"),
    ],
)
def test_a_call_that_breaks_a_rule_is_refused_by_the_service(
    api: Api, method: str, path: str, status: int, code: str
) -> None:
    project = api.project()
    api.tag(project, "cat")
    answer = api.call(method, f"/projects/{project}{path}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/images/files", {"images": [{"name": "a", "contents": ""}] * 65}, "BadRequestExceededBatchSize"),
        ("/images/files", {"images": []}, "BadRequestImageBatch"),
        ("/images/tags", {"tags": [{"imageId": UNKNOWN, "tagId": UNKNOWN}] * 65}, "BadRequestExceededBatchSize"),
        ("/images/tags", {"tags": [{"imageId": UNKNOWN, "tagId": UNKNOWN}]}, "NotFoundImage"),
        (f"/images/metadata?imageIds={UNKNOWN}", {f"key {n}": "" for n in range(51)}, "BadRequestImageMetadataKey"),
        (f"/images/metadata?imageIds={UNKNOWN}", {"key": "x" * 513}, "BadRequestImageMetadataValue"),
        ("/predictions/query", {"tags": [{"id": UNKNOWN}] * 3}, "BadRequestPredictionTagsExceededCount"),
        ("/predictions/query", {"orderBy": "Best"}, "BadRequestPredictionInvalidQueryParameters"),
        ("/predictions/query", {"continuation": "?"}, "BadRequestPredictionInvalidQueryParameters"),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused(api: Api, path: str, body: Any, code: str) -> None:
    answer = api.call("POST", f"/projects/{api.project()}{path}", json=body)
    assert answer.status_code in (400, 404)
    assert answer.json()["code"] == code


def test_a_project_with_a_published_iteration_cannot_be_deleted_nor_the_iteration(
    api: Api, control: EmulatorControl
) -> None:
    seeded = control.seed("Pets", 3, iterations=1, publish="live")
    project = f"/projects/{seeded['project']}"
    iteration = f"{project}/iterations/{seeded['iterations'][0]}"
    for path in (project, iteration):
        answer = api.call("DELETE", path)
        assert (answer.status_code, answer.json()["code"]) == (400, "BadRequestIterationIsPublished")
        assert answer.json()["message"] == "Iteration is already published as: live"
    again = api.call("POST", f"{iteration}/publish?publishName=other&predictionId={TARGET}&overwrite=true")
    assert again.json()["code"] == "BadRequestIterationIsPublished"
    assert api.call("DELETE", f"{iteration}/publish").status_code == 204
    assert api.call("DELETE", f"{iteration}/publish").json()["code"] == "BadRequestIterationNotPublished"
    assert api.call("DELETE", iteration).status_code == 204
    assert api.call("DELETE", project).status_code == 204


def test_an_iteration_in_training_is_not_deleted_published_or_measured(api: Api, control: EmulatorControl) -> None:
    project = f"/projects/{control.seed('Pets', 3)['project']}"
    iteration = f"{project}/iterations/{api.json('POST', f'{project}/train')['id']}"
    codes = [
        api.call("DELETE", iteration).json()["code"],
        api.call("POST", f"{project}/train").json()["code"],
        api.call("POST", f"{iteration}/publish?publishName=live&predictionId={TARGET}").json()["code"],
        api.call("GET", f"{iteration}/performance").json()["code"],
        api.call("GET", f"{project}/export").json()["code"],
    ]
    assert codes == [
        "BadRequestTrainingAlreadyInProgress",
        "BadRequestTrainingAlreadyInProgress",
        "BadRequestIterationIsNotTrained",
        "BadRequestIterationIsNotTrained",
        "BadRequestExportWhileTraining",
    ]
    control.advance(5)
    assert api.call("POST", f"{project}/train").json()["code"] == "BadRequestTrainingNotNeeded"


def test_a_read_only_project_can_be_read_and_not_changed(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 3)
    project = f"/projects/{seeded['project']}"
    control.read_only(seeded["project"])
    assert api.json("GET", project)["drModeEnabled"] is True
    assert len(api.json("GET", f"{project}/images")) == 3
    for method, path in (("DELETE", ""), ("DELETE", "/images?allImages=true"), ("POST", "/tags?name=x")):
        answer = api.call(method, project + path)
        assert (answer.status_code, answer.json()["code"]) == (403, "ForbiddenDRModeEnabled")
    control.read_only(seeded["project"], False)
    assert api.call("DELETE", project).status_code == 204


def test_only_pictures_are_taken_and_every_refusal_stands_in_the_row(api: Api) -> None:
    project = api.project()
    large = b"\xff\xd8" + bytes(6 * 1024 * 1024)
    answer = api.upload(project, picture(1), b"no picture", large, picture(1))
    assert [row["status"] for row in answer["images"]] == ["OK", "ErrorImageFormat", "ErrorImageSize", "OKDuplicate"]
    assert answer["isBatchSuccessful"] is False
    assert answer["images"][3]["image"]["id"] == answer["images"][0]["image"]["id"]
    assert api.json("GET", f"/projects/{project}/images/count") == 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "GIF"])
def test_width_and_height_come_from_the_bytes(api: Api, kind: str) -> None:
    row = api.upload(api.project(), picture(5, kind, (300, 270)))["images"][0]["image"]
    assert (row["width"], row["height"]) == (300, 270)
    blob = requests.get(row["originalImageUri"], timeout=10)
    assert (blob.content, blob.headers["Content-Type"]) == (picture(5, kind, (300, 270)), f"image/{kind.lower()}")


def test_links_to_other_machines_are_never_followed(api: Api) -> None:
    body = {"images": [{"url": "http://192.0.2.1/picture.jpg"}, {"url": "file:///etc/hostname"}]}
    answer = api.json("POST", f"/projects/{api.project()}/images/urls", json=body)
    assert [row["status"] for row in answer["images"]] == ["ErrorSource", "ErrorSource"]


def test_negative_tags_stand_alone(api: Api) -> None:
    project = api.project()
    regular = api.tag(project, "cat")
    negative = api.json("POST", f"/projects/{project}/tags?name=none&type=Negative")["id"]
    again = api.call("POST", f"/projects/{project}/tags?name=never&type=Negative")
    assert again.json()["code"] == "BadRequestMultipleNegativeTag"
    both = {"images": [{"name": "a", "contents": base64.b64encode(picture()).decode()}], "tagIds": [regular, negative]}
    answer = api.call("POST", f"/projects/{project}/images/files", json=both)
    assert answer.json()["code"] == "BadRequestNegativeAndRegularTagOnSameImage"


def test_the_small_tier_has_two_projects(api: Api, control: EmulatorControl) -> None:
    control.switch(tier="F0")
    api.project("one")
    api.project("two")
    assert api.call("POST", "/projects?name=three").json()["code"] == "BadRequestExceedProjectLimit"


def test_project_names_are_unique_unless_switched(api: Api, control: EmulatorControl) -> None:
    api.project("Pets")
    assert api.call("POST", "/projects?name=Pets").json()["code"] == "BadRequestProjectNameNotUnique"
    control.switch(unique_project_names=False)
    api.project("Pets")
    assert len(api.json("GET", "/projects")) == 2


@pytest.mark.parametrize(
    "headers",
    [{}, {"Training-Key": "wrong"}, {"Prediction-Key": "emulator-training-key"}, {"Authorization": "Basic x"}],
)
def test_without_the_right_key_the_gateway_answers_401(emulator: RunningEmulator, headers: dict[str, str]) -> None:
    answer = requests.get(f"{emulator.url}/customvision/v3.3/training/projects", headers=headers, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "401"
    assert answer.json()["error"]["message"].startswith("Access denied due to invalid subscription key")


def test_bearer_tokens_are_taken_or_refused_as_switched(emulator: RunningEmulator, control: EmulatorControl) -> None:
    url, headers = f"{emulator.url}/customvision/v3.3/training/projects", {"Authorization": "Bearer token"}
    assert requests.get(url, headers=headers, timeout=10).status_code == 200
    control.switch(bearer="refuse")
    refused = requests.get(url, headers=headers, timeout=10)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "401")


def test_keys_can_be_turned_off(api: Api, control: EmulatorControl) -> None:
    control.switch(keys="refuse")
    assert api.call("GET", "/projects").status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/customvision/v3.3/TRAINING/Projects",
        "//customvision/v3.0/training/projects",
        "/CustomVision/v3.4-preview/Training/projects/",
    ],
)
def test_paths_are_taken_in_any_case_with_doubled_slash_and_any_v3(api: Api, path: str) -> None:
    assert api.session.get(api.emulator.url + path, timeout=10).json() == []


@pytest.mark.parametrize("path", ["/", "/customvision/v2.2/Training/projects", "/customvision/v3.3/training/nothing"])
def test_unknown_routes_are_404_of_the_gateway(api: Api, path: str) -> None:
    answer = api.session.get(api.emulator.url + path, timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "404")


def test_a_known_route_with_another_method_is_404(api: Api) -> None:
    assert api.call("DELETE", "/domains").status_code == 404


def test_every_answer_names_its_request(api: Api) -> None:
    first, second = (api.call("GET", "/projects").headers for _ in range(2))
    assert first["apim-request-id"] == first["Request-Id"] != second["Request-Id"]
    assert first["Content-Type"] == "application/json; charset=utf-8"
