"""Trainings and publishing, projects and their settings."""

from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from tests.emulator.conftest import Api, picture

TARGET = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/a-Prediction"
STORAGE = {"exportModelContainerUri": "https://own.test/models", "notificationQueueUri": "https://own.test/queue"}


def test_a_training_takes_its_time_and_shows_no_date_before_it_is_done(api: Api, control: EmulatorControl) -> None:
    control.switch(training_seconds=600)
    project = control.seed("Pets", 3)["project"]
    path = f"/projects/{project}/iterations"
    started = api.json("POST", f"/projects/{project}/train")
    assert (started["status"], started["exportableTo"], started["domainId"]) == ("Training", None, None)
    assert "trainedAt" not in started
    control.advance(599)
    assert api.json("GET", f"{path}/{started['id']}")["status"] == "Training"
    control.advance(2)
    done = api.json("GET", f"{path}/{started['id']}")
    assert (done["status"], done["exportableTo"], done["trainedAt"] > done["created"]) == ("Completed", [], True)


def test_the_copy_is_taken_when_the_training_starts(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 3)
    path = f"/projects/{seeded['project']}"
    iteration = api.json("POST", f"{path}/train")["id"]
    api.upload(seeded["project"], picture(9))
    control.advance(5)
    assert api.json("GET", f"{path}/images/count?iterationId={iteration}") == 3


def test_a_training_may_fail(api: Api, control: EmulatorControl) -> None:
    control.switch(training_result="Failed")
    project = f"/projects/{control.seed('Pets', 3)['project']}"
    iteration = api.json("POST", f"{project}/train")["id"]
    control.advance(5)
    failed = api.json("GET", f"{project}/iterations/{iteration}")
    assert failed["status"] == "Failed"
    assert "trainedAt" not in failed
    assert api.call("GET", f"{project}/iterations/{iteration}/performance").status_code == 400
    assert api.call("DELETE", f"{project}/iterations/{iteration}").status_code == 204


@pytest.mark.parametrize(("images", "status"), [(9, 400), (10, 200)])
def test_the_service_asks_for_enough_images_where_switched(
    api: Api, control: EmulatorControl, images: int, status: int
) -> None:
    control.switch(training_minimums=True)
    project = control.seed("Pets", images)["project"]
    assert api.call("POST", f"/projects/{project}/train").status_code == status


def test_a_project_has_at_most_twenty_iterations(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 2, iterations=20)["project"]
    refused = api.call("POST", f"/projects/{project}/train?forceTrain=true")
    assert refused.json()["code"] == "BadRequestExceedIterationPerProjectLimit"


def test_a_publish_name_moves_only_with_overwrite(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 2, iterations=2, publish="live")
    path = f"/projects/{seeded['project']}/iterations"
    call = f"{path}/{seeded['iterations'][0]}/publish?publishName=live&predictionId={TARGET}"
    assert api.call("POST", call).json()["code"] == "BadRequestInvalidPublishName"
    assert api.call("POST", call + "&overwrite=true").json() is True
    names = {one["id"]: one["publishName"] for one in api.json("GET", path)}
    assert [names[one] for one in seeded["iterations"]] == ["live", None]


def test_a_copy_has_new_ids_its_own_bytes_and_no_publish_name(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Cars", 3, domain="detection", iterations=1, publish="live", metadata={"subject": "s{n}"})
    token = api.json("GET", f"/projects/{seeded['project']}/export")["token"]
    twin = api.json("POST", "/projects/import", params={"token": token, "name": "Copy"})
    assert api.call("DELETE", f"/projects/{twin['id']}").status_code == 409
    control.advance(5)
    source, copy = control.truth()["projects"]
    assert (copy["name"], copy["publish_names"]) == ("Copy", [])

    def facts(project: dict[str, Any]) -> list[Any]:
        rows = project["iterations"][0]["images"]
        return sorted((row["sha256"], row["tags"], row["metadata"]["subject"], len(row["regions"])) for row in rows)

    assert facts(copy) == facts(source)
    ids = [{row["id"] for row in one["workspace"]["images"]} for one in (source, copy)]
    assert ids[0].isdisjoint(ids[1])
    assert control.truth()["blobs"] == 13


def test_a_wrong_import_token_is_refused(api: Api) -> None:
    assert api.call("POST", "/projects/import?token=x").json()["code"] == "BadRequestInvalidImportToken"


def test_settings_of_storage_integration_show_in_the_preview_and_elsewhere_where_switched(
    emulator: RunningEmulator, api: Api, control: EmulatorControl
) -> None:
    project = api.json("POST", "/projects", params={"name": "Pets"} | STORAGE)["id"]
    preview = Api(emulator, "v3.4-preview")
    with preview.session:
        assert preview.json("GET", f"/projects/{project}")["settings"].items() >= STORAGE.items()
    assert api.json("GET", f"/projects/{project}")["settings"].keys().isdisjoint(STORAGE)
    control.switch(storage_integration_in_v33=True)
    assert api.json("GET", f"/projects/{project}")["settings"].items() >= STORAGE.items()


def test_the_kind_of_a_project_cannot_change(api: Api) -> None:
    change = {"name": "Pets", "settings": {"domainId": "da2e3a8a-40a5-4171-82f4-58522f70fbc1"}}
    refused = api.call("PATCH", f"/projects/{api.project()}", json=change)
    assert refused.json()["code"] == "BadRequestProjectUnsupportedDomainTypeChange"


def test_held_out_images_have_performances(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 200, iterations=1)
    path = f"/projects/{seeded['project']}/iterations/{seeded['iterations'][0]}/performance/images"
    rows = api.json("GET", f"{path}?take=256")
    assert 10 < len(rows) < 80
    assert len(rows) == api.json("GET", f"{path}/count")
    assert all("imageUri" in row and "originalImageUri" not in row for row in rows)
    tag = seeded["tags"]["first"]
    assert len(api.json("GET", f"{path}?take=256&tagIds={tag}")) == api.json("GET", f"{path}/count?tagIds={tag}")
