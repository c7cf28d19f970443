"""Packages in a real storage account: an erasure takes its items out of what the app's own functions exported."""

import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from export_function.rebuilding import REBUILD
from local.azurite.accounts import SERVICE_ACCOUNT
from local.azurite.server import Azurite
from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from local.verify_package.places import download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify
from shared import tombstones
from shared.bootstrap import Installation
from shared.cleaning import OwnExports, is_being_rebuilt
from shared.services import Services
from tests.functions.conftest import App, MakeApp, json_of

EXPORT = "0f8fad5b-d9cb-469f-a165-70867728950e"
ERASURE = "1f8fad5b-d9cb-469f-a165-70867728950e"

pytestmark = pytest.mark.azurite


@pytest.fixture(scope="module")
def emulator(own_azurite: Azurite) -> Iterator[RunningEmulator]:
    with running_emulator(storage=own_azurite.connection_string(SERVICE_ACCOUNT)) as running:
        yield running


@pytest.fixture
def seeded(emulator: RunningEmulator) -> dict[str, Any]:
    control = EmulatorControl(emulator.url)
    control.reset()
    people = {"subject": ["anna", "ben"]}
    return control.seed("Pets", 12, metadata=people, iterations=1, predictions=4, unique_bytes=True)


@pytest.fixture
def exporting(make_app: MakeApp, emulator: RunningEmulator) -> App:
    return make_app(
        CUSTOM_VISION_ENDPOINT=emulator.url,
        CUSTOM_VISION_TRAINING_KEY=emulator.key,
        CUSTOM_VISION_CALLS_PER_SECOND="1000",
    )


def export(app: App) -> None:
    """Post an export and deliver its messages until it has ended."""
    body = {"subject_request_id": EXPORT, "scope": {"projects": "all"}}
    json_of(app.call("post_export", body), 202)
    for _ in range(200):
        for message in app.taken("export-work"):
            app.deliver("work_export", message, message_id=str(uuid.uuid4()))
        if json_of(app.call("get_request", request_id=EXPORT))["completed_time"]:
            return
    raise AssertionError("the export does not end")


def package(services: Services) -> dict[str, bytes]:
    prefix = f"{EXPORT}/"
    names = [entry.name for entry in services.packages.blobs.entries(prefix)]
    return {name.removeprefix(prefix): b"".join(services.packages.blobs.read_stream(name)) for name in names}


def findings(files: dict[str, bytes], folder: Path) -> list[str]:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    said: list[str] = []
    verify(download_at(folder), Report(said.append))
    return [line for line in said if line.startswith("WRONG")]


def test_an_erasure_cleans_a_package_in_a_real_storage_account(
    exporting: App, seeded: dict[str, Any], tmp_path: Path
) -> None:
    export(exporting)
    services = Installation(exporting.environ).services(erasure=True)
    annas, predictions = sorted(seeded["images"][::2]), sorted(seeded["predictions"][:1])
    tombstones.write(services.ledger.blobs, ERASURE, seeded["project"], image_ids=annas, prediction_ids=predictions)
    own = OwnExports(
        services=services,
        request_id=ERASURE,
        projects=[seeded["project"]],
        exempt=(),
        since=services.now(),
        rebuild=REBUILD,
    )
    assert own.still_there()[EXPORT].ids == {*annas, *predictions}
    progress = own.step({})
    assert (progress.is_finished, progress.counts["deleted"]) == (True, 7)
    assert own.still_there() == {}
    assert not is_being_rebuilt(services.ledger.blobs, EXPORT)

    files = package(services)
    assert findings(files, tmp_path) == []
    with zipfile.ZipFile(io.BytesIO(files["package-001.zip"])) as archive:
        zipped = {f"zip/{name}": archive.read(name) for name in archive.namelist()}
    assert {path for path in zipped if "/images/files/" in path}
    for item in [*annas, *predictions]:
        assert not [path for path, content in {**files, **zipped}.items() if item in path or item.encode() in content]
    assert json.loads(files["manifest.json"])["erased_on_request"] == 7
