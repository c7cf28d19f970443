"""Images in a storage account: the second account of an Azurite."""

from collections.abc import Iterator

import pytest
import requests

from local.azurite.accounts import SERVICE_ACCOUNT
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from tests.conftest import Storage
from tests.emulator.conftest import Api, picture

pytestmark = pytest.mark.azurite


@pytest.fixture
def stored(storage: Storage) -> Iterator[RunningEmulator]:
    with running_emulator(storage=storage.service_connection) as running:
        yield running
        EmulatorControl(running.url).reset()


@pytest.fixture
def client(stored: RunningEmulator) -> Iterator[Api]:
    api = Api(stored)
    with api.session:
        yield api


def _image(client: Api, data: bytes) -> tuple[str, dict[str, str]]:
    project = client.project()
    return project, client.upload(project, data)["images"][0]["image"]


def _get(link: str) -> requests.Response:
    return requests.get(link, timeout=10)


def test_an_uploaded_image_is_a_blob_of_the_account_behind_its_link(client: Api) -> None:
    project, image = _image(client, picture())
    answer = _get(image["originalImageUri"])
    assert f"/{SERVICE_ACCOUNT}/i-{project.replace('-', '')}/i-{image['id'].replace('-', '')}?" in answer.url
    assert (answer.content, answer.headers["Content-Type"]) == (picture(), "image/jpeg")
    assert answer.headers["Content-MD5"]


def test_links_switched_to_expired_or_broken_are_refused_by_storage(client: Api, stored: RunningEmulator) -> None:
    project, image = _image(client, picture())
    for state in ("expired", "broken"):
        EmulatorControl(stored.url).switch(links=state)
        spoilt = client.json("GET", f"/projects/{project}/images")[0]["originalImageUri"]
        assert _get(spoilt).status_code == 403
    assert _get(image["originalImageUri"]).status_code == 200


def test_a_deleted_image_loses_its_blob_and_its_thumbnail(client: Api) -> None:
    project, image = _image(client, picture())
    client.json("DELETE", f"/projects/{project}/images", params={"imageIds": image["id"]})
    assert _get(image["originalImageUri"]).status_code == 404
    assert _get(image["thumbnailUri"]).status_code == 404


def test_blobs_can_be_replaced_and_deleted_behind_the_scenes(client: Api, stored: RunningEmulator) -> None:
    project, image = _image(client, picture())
    before = _get(image["originalImageUri"]).headers["ETag"]
    EmulatorControl(stored.url).replace_blob(project, image["id"], picture(9))
    after = _get(image["originalImageUri"])
    assert after.content == picture(9)
    assert after.headers["ETag"] != before
    EmulatorControl(stored.url).delete_blob(project, image["id"])
    assert _get(image["originalImageUri"]).status_code == 404


def test_a_seeded_project_has_a_blob_for_every_image(stored: RunningEmulator) -> None:
    control = EmulatorControl(stored.url)
    control.seed("Seeded", 20, iterations=1, predictions=2)
    (project,) = control.truth()["projects"]
    rows = project["workspace"]["images"] + project["predictions"]
    assert len(rows) == 22
    assert all(row["blob_exists"] for row in rows)


def test_an_imported_project_has_its_own_copies(client: Api) -> None:
    project, _ = _image(client, picture())
    token = client.json("GET", f"/projects/{project}/export")["token"]
    twin = client.json("POST", "/projects/import", params={"token": token})["id"]
    client.json("DELETE", f"/projects/{project}")
    copied = client.json("GET", f"/projects/{twin}/images")[0]["originalImageUri"]
    assert _get(copied).content == picture()


def test_links_into_an_account_cannot_be_taken_back(stored: RunningEmulator) -> None:
    with pytest.raises(Exception, match="storage account"):
        EmulatorControl(stored.url).expire_links()


def test_of_two_emulators_in_one_account_either_can_be_reset_after_the_other(
    storage: Storage, stored: RunningEmulator
) -> None:
    """Predictions of all projects are in one container, which the first reset takes away."""
    with running_emulator(storage=storage.service_connection) as second:
        for running in (stored, second):
            EmulatorControl(running.url).seed("Seeded", 1, iterations=1, predictions=1)
        for running in (stored, second):
            EmulatorControl(running.url).reset()
            assert EmulatorControl(running.url).truth()["projects"] == []
