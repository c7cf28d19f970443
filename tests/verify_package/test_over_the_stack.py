"""What the app really writes, downloaded as a person does it: by the links to the zips, and blob by blob."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from local.azurite.accounts import ACCOUNT_KEYS, APP_ACCOUNT
from local.azurite.server import running_azurite
from tests.acceptance.gallery import Gallery, picture
from tests.acceptance.stack import ROOT, Stack, running_stack
from tests.verify_package.conftest import Verify

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack with an Azurite of its own, whose accounts are named as the acceptance tests name theirs."""
    accounts = {f"installation{number}": ACCOUNT_KEYS[APP_ACCOUNT] for number in range(100)}
    with (
        running_azurite(accounts={**ACCOUNT_KEYS, **accounts}) as azurite,
        running_stack(azurite, tmp_path_factory.mktemp("stack")) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def subject(stack: Stack) -> str:
    """Two people's pictures in two projects, one trained; gives the tag of one person."""
    gallery = Gallery(stack.emulator)
    for project, detection in ((gallery.project("first"), False), (gallery.project("second", detection=True), True)):
        anna, ben = gallery.tag(project, "anna"), gallery.tag(project, "ben <b>")
        gallery.upload(project, [picture(n) for n in range(8)], tags=[] if detection else [anna])
        gallery.upload(project, [picture(n) for n in range(20, 27)], tags=[] if detection else [ben])
        if not detection:
            gallery.train(project)
    gallery.close()
    return "anna"


def exported(stack: Stack, body: object) -> str:
    request_id = stack.post("/api/exports", body)
    assert stack.finished(request_id)["request_status"] in ("completed", "partially_completed")
    return request_id


def downloaded_zips(stack: Stack, request_id: str, folder: Path) -> Path:
    """Follow the links to the parts until there is no more."""
    folder.mkdir()
    for part in range(1, 100):
        answer = stack.call("GET", f"/api/requests/{request_id}/package?part={part}")
        if answer.status_code == 404:
            break
        assert answer.status_code == 302
        content = requests.get(answer.headers["Location"], timeout=30).content
        (folder / f"package-{part:03d}.zip").write_bytes(content)
    return folder


def downloaded_blobs(stack: Stack, request_id: str, folder: Path) -> Path:
    for name, content in stack.files(stack.packages, f"{request_id}/"):
        path = folder / name.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.mark.usefixtures("subject")
def test_a_whole_export_is_what_its_manifest_says(stack: Stack, tmp_path: Path, verified: Verify) -> None:
    request_id = exported(stack, {"scope": {"projects": "all"}})
    zips = downloaded_zips(stack, request_id, tmp_path / "zips")
    assert [path.name for path in zips.iterdir()] == ["package-001.zip"]
    assert (verified(zips).findings, verified(zips).notes) == ([], [])
    blobs = verified(downloaded_blobs(stack, request_id, tmp_path / "blobs"))
    assert (blobs.findings, blobs.notes) == ([], [])


def test_an_export_of_one_person_is_what_its_manifest_says(
    stack: Stack, subject: str, tmp_path: Path, verified: Verify
) -> None:
    request_id = exported(stack, {"scope": {"projects": ["first"], "images": {"tags": [subject]}}})
    assert verified(downloaded_zips(stack, request_id, tmp_path / "zips")).findings == []


@pytest.mark.usefixtures("subject")
def test_an_export_without_zips_is_what_its_manifest_says(stack: Stack, tmp_path: Path, verified: Verify) -> None:
    request_id = exported(stack, {"scope": {"projects": "all"}, "options": {"package": "none"}})
    told = verified(downloaded_blobs(stack, request_id, tmp_path / "blobs"))
    assert (told.findings, told.notes) == ([], [])


def test_the_command_says_so_and_exits_with_0_and_with_1_after_damage(folder: Path) -> None:
    command = [sys.executable, "-m", "local.verify_package", str(folder)]
    sound = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (sound.returncode, sound.stderr) == (0, "")
    assert sound.stdout.splitlines()[-1].startswith("The package is what its manifest says")
    (folder / "index.html").write_bytes(b"")
    damaged = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert damaged.returncode == 1
    assert "WRONG  index.html: has 0 bytes" in damaged.stdout


def test_make_hands_the_folder_on_as_one_word() -> None:
    command = ["make", "-n", "verify-package", "DIR=my downloads"]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert '-m local.verify_package "my downloads"' in told.stdout
