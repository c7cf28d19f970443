"""What deleting does, when it does it, and what it leaves behind."""

from typing import Any

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from tests.emulator.conftest import Api, picture

UNKNOWN = "00000000-0000-4000-a000-000000000000"


def _count(api: Api, project: str, iteration: str = "") -> int:
    query = f"?iterationId={iteration}" if iteration else ""
    return int(api.json("GET", f"/projects/{project}/images/count{query}"))


def _link_status(row: dict[str, Any]) -> int:
    return requests.get(row["originalImageUri"], timeout=10).status_code


def test_deleting_by_ids_is_done_at_once_and_leaves_iterations_alone(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 3, iterations=1)
    project, (iteration,) = seeded["project"], seeded["iterations"]
    row = api.json("GET", f"/projects/{project}/images/id?imageIds={seeded['images'][0]}")[0]
    answer = api.call("DELETE", f"/projects/{project}/images?imageIds={row['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (_count(api, project), _count(api, project, iteration)) == (2, 3)
    assert _link_status(row) == 200


def test_deleting_everywhere_is_only_promised_by_the_202(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 3, iterations=2)
    project = seeded["project"]
    row = api.json("GET", f"/projects/{project}/images/id?imageIds={seeded['images'][0]}")[0]
    control.switch(delete_delay_seconds=60)
    answer = api.call("DELETE", f"/projects/{project}/images?allIterations=true&imageIds={row['id']}")
    assert (answer.status_code, answer.content) == (202, b"")
    assert _count(api, project) == 3
    control.advance(61)
    assert [_count(api, project, one) for one in ("", *seeded["iterations"])] == [2, 2, 2]
    assert _link_status(row) == 404
    assert requests.get(row["thumbnailUri"], timeout=10).status_code == 404


def test_all_images_and_all_iterations_is_everything(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 5, iterations=1)
    path = f"/projects/{seeded['project']}/images"
    api.json("DELETE", path, params={"imageIds": seeded["images"][0]})
    assert api.call("DELETE", f"{path}?allImages=true&allIterations=true").status_code == 202
    control.advance(5)
    assert _count(api, seeded["project"]) == _count(api, seeded["project"], seeded["iterations"][0]) == 0
    assert control.truth()["blobs"] == 0


def test_all_images_alone_spares_the_iterations(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 5, iterations=1)
    assert api.call("DELETE", f"/projects/{seeded['project']}/images?allImages=true").status_code == 202
    control.advance(5)
    assert (_count(api, seeded["project"]), _count(api, seeded["project"], seeded["iterations"][0])) == (0, 5)


def test_a_promised_deletion_can_wait_until_told_or_never_come(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2)
    path = f"/projects/{seeded['project']}/images?allIterations=true&imageIds="
    control.switch(delete_effect="never")
    api.json("DELETE", path + seeded["images"][0])
    control.switch(delete_effect="until_told")
    api.json("DELETE", path + seeded["images"][1])
    control.advance(10**6)
    assert _count(api, seeded["project"]) == 2
    assert control.release_deletes() == 1
    assert [row["id"] for row in api.json("GET", f"/projects/{seeded['project']}/images")] == seeded["images"][:1]


def test_blobs_may_go_late_or_never(api: Api, control: EmulatorControl) -> None:
    control.switch(blob_delete="late", blob_delete_delay_seconds=30)
    project = api.project()
    row = api.upload(project, picture())["images"][0]["image"]
    api.json("DELETE", f"/projects/{project}/images?imageIds={row['id']}")
    assert _link_status(row) == 200
    control.advance(31)
    assert _link_status(row) == 404
    control.switch(blob_delete="never")
    row = api.upload(project, picture(1))["images"][0]["image"]
    api.json("DELETE", f"/projects/{project}/images?imageIds={row['id']}")
    control.advance(10**4)
    assert _link_status(row) == 200


def test_an_image_can_come_back_once_after_its_deletion(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 1, iterations=1)
    project, (image,), (iteration,) = seeded["project"], seeded["images"], seeded["iterations"]
    control.reappear([image], seconds=30)
    for expected in (1, 0):
        api.json("DELETE", f"/projects/{project}/images?allIterations=true&imageIds={image}")
        control.advance(5)
        assert _count(api, project) == 0
        control.advance(30)
        assert (_count(api, project), _count(api, project, iteration)) == (expected, expected)
    assert control.truth()["blobs"] == 0


@pytest.mark.parametrize(
    "call",
    [
        f"/images?imageIds={UNKNOWN}",
        f"/images/tags?imageIds={UNKNOWN}&tagIds={UNKNOWN}",
        f"/images/regions?regionIds={UNKNOWN}",
        f"/predictions?ids={UNKNOWN}",
        f"/tags/{UNKNOWN}",
    ],
)
def test_unknown_ids_are_passed_over_or_refused_as_switched(api: Api, control: EmulatorControl, call: str) -> None:
    project = api.project()
    assert api.call("DELETE", f"/projects/{project}{call}").status_code == 204
    control.switch(unknown_ids="not_found")
    assert api.call("DELETE", f"/projects/{project}{call}").status_code == 404


def test_a_deleted_project_takes_everything_along(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 5, iterations=1, predictions=2)
    assert api.call("DELETE", f"/projects/{seeded['project']}").status_code == 204
    assert control.truth() == {"projects": [], "orphans": {"predictions": [], "exports": []}, "blobs": 0}


def test_predictions_may_outlive_their_project(api: Api, control: EmulatorControl) -> None:
    control.switch(predictions_survive_project=True)
    seeded = control.seed("Pets", 1, iterations=1, predictions=2)
    api.json("DELETE", f"/projects/{seeded['project']}")
    left = control.truth()["orphans"]["predictions"]
    assert [one["id"] for one in left] == seeded["predictions"]
    assert all(one["blob_exists"] for one in left)


@pytest.mark.parametrize("survive", [False, True])
def test_a_model_package_goes_with_its_iteration_or_outlives_it(
    api: Api, control: EmulatorControl, survive: bool
) -> None:
    control.switch(exports_survive_iteration=survive)
    seeded = control.seed("Pets", 1, domain="0732100f-1a38-4e49-a514-c9b44c697ab5", iterations=1)
    path = f"/projects/{seeded['project']}/iterations/{seeded['iterations'][0]}"
    api.json("POST", f"{path}/export?platform=ONNX")
    control.advance(5)
    link = api.json("GET", f"{path}/export")[0]["downloadUri"]
    api.json("DELETE", path)
    assert requests.get(link, timeout=10).status_code == (200 if survive else 404)
    assert len(control.truth()["orphans"]["exports"]) == int(survive)


def test_the_bytes_of_an_image_that_two_iterations_hold_go_with_the_last_one(
    api: Api, control: EmulatorControl
) -> None:
    seeded = control.seed("Pets", 1, iterations=2)
    path = f"/projects/{seeded['project']}"
    (row,) = api.json("GET", f"{path}/images")
    api.json("DELETE", f"{path}/images?imageIds={row['id']}")
    for iteration, status in zip(seeded["iterations"], (200, 404), strict=True):
        api.json("DELETE", f"{path}/iterations/{iteration}")
        assert _link_status(row) == status
