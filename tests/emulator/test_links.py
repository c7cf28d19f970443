"""Links to bytes: what they look like, what they answer, when they are refused; and relative paths instead."""

import base64
import hashlib
import re

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from tests.emulator.conftest import Api, picture


def _row(api: Api, number: int = 0) -> dict[str, str]:
    project = api.project(f"Pets {number}")
    row: dict[str, str] = api.upload(project, picture(number))["images"][0]["image"]
    return row | {"project": project}


def _get(link: str, **headers: str) -> requests.Response:
    return requests.get(link, headers=headers, timeout=10)


def test_original_and_resized_are_one_blob_and_the_thumbnail_another(api: Api) -> None:
    row = _row(api)
    assert row["originalImageUri"] == row["resizedImageUri"]
    pattern = (
        r"http://127\.0\.0\.1:\d+/blobs/i-[0-9a-f]{32}/([it])-[0-9a-f]{32}\?sv=2017-04-17&sr=b&sig=[^&]+&se=[^&]+&sp=r"
    )
    kinds = [re.fullmatch(pattern, row[name]) for name in ("originalImageUri", "thumbnailUri")]
    assert [kind[1] if kind else None for kind in kinds] == ["i", "t"]


def test_a_link_answers_bytes_with_etag_and_md5(api: Api) -> None:
    answer = _get(_row(api)["originalImageUri"])
    assert answer.content == picture()
    md5 = base64.b64encode(hashlib.md5(picture(), usedforsecurity=False).digest()).decode()
    assert (answer.headers["Content-MD5"], answer.headers["Content-Type"]) == (md5, "image/jpeg")
    assert answer.headers["ETag"]


def test_head_answers_the_length_and_no_bytes(api: Api) -> None:
    answer = requests.head(_row(api)["originalImageUri"], timeout=10)
    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(picture())))


@pytest.mark.parametrize("header", ["Range", "x-ms-range"])
def test_a_range_answers_a_part(api: Api, header: str) -> None:
    link, whole = _row(api)["originalImageUri"], picture()
    part = _get(link, **{header: "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert _get(link, **{header: f"bytes={len(whole) - 5}-"}).content == whole[-5:]
    assert _get(link, **{header: f"bytes={len(whole)}-"}).status_code == 416


def test_conditions_are_honoured(api: Api) -> None:
    link = _row(api)["originalImageUri"]
    etag = _get(link).headers["ETag"]
    assert _get(link, **{"If-Match": etag}).status_code == 200
    assert _get(link, **{"If-Match": '"other"'}).status_code == 412
    assert _get(link, **{"If-None-Match": etag}).status_code == 304


def test_a_link_is_refused_once_its_life_is_over(api: Api, control: EmulatorControl) -> None:
    control.switch(sas_seconds=60)
    link = _row(api)["originalImageUri"]
    assert _get(link).status_code == 200
    control.advance(61)
    refused = _get(link)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")


def test_a_link_lives_a_day_by_default(api: Api, control: EmulatorControl) -> None:
    link = _row(api)["originalImageUri"]
    control.advance(24 * 3600 - 60)
    assert _get(link).status_code == 200
    control.advance(61)
    assert _get(link).status_code == 403


@pytest.mark.parametrize("change", [("/i-", "/t-"), ("sig=", "sig=x"), ("se=20", "se=21"), ("sp=r", "sp=w")])
def test_a_changed_link_is_refused(api: Api, change: tuple[str, str]) -> None:
    link = _row(api)["originalImageUri"]
    head, _, tail = link.rpartition(change[0])
    assert _get(head + change[1] + tail).status_code == 403
    assert _get(link.partition("?")[0]).status_code == 403


def test_links_handed_out_can_be_taken_back(api: Api, control: EmulatorControl) -> None:
    row = _row(api)
    control.expire_links()
    assert _get(row["originalImageUri"]).status_code == 403
    fresh = api.json("GET", f"/projects/{row['project']}/images/id?imageIds={row['id']}")[0]
    assert _get(fresh["originalImageUri"]).status_code == 200


@pytest.mark.parametrize("state", ["expired", "broken"])
def test_spoilt_links_are_handed_out_for_all_or_for_some(api: Api, control: EmulatorControl, state: str) -> None:
    row, other = _row(api), _row(api, 1)

    def status(one: dict[str, str]) -> int:
        return _get(api.json("GET", f"/projects/{one['project']}/images")[0]["originalImageUri"]).status_code

    control.switch(links=state)
    assert (status(row), status(other)) == (403, 403)
    control.switch(links="good")
    control.bad_links([row["id"]], "expired" if state == "expired" else "broken")
    assert (status(row), status(other)) == (403, 200)


def test_a_replaced_blob_has_other_bytes_and_another_etag_and_a_deleted_one_is_gone(
    api: Api, control: EmulatorControl
) -> None:
    row = _row(api)
    before = _get(row["originalImageUri"])
    control.replace_blob(row["project"], row["id"], picture(9))
    after = _get(row["originalImageUri"])
    assert after.content == picture(9)
    assert after.headers["ETag"] != before.headers["ETag"]
    control.delete_blob(row["project"], row["id"])
    assert _get(row["originalImageUri"]).status_code == 404


def test_in_a_virtual_network_all_or_half_of_the_links_are_paths(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Pets", 40)["project"]

    def relative() -> list[str]:
        rows = api.json("GET", f"/projects/{project}/images?take=256")
        return [row["id"] for row in rows if row["originalImageUri"].startswith("/i-")]

    control.virtual_network("mixed")
    assert 5 < len(relative()) < 35
    assert set(relative()) == set(relative())
    control.virtual_network("all")
    assert len(relative()) == 40


@pytest.mark.parametrize("slash", ["/", ""])
def test_artifacts_are_read_with_or_without_the_leading_slash(api: Api, control: EmulatorControl, slash: str) -> None:
    control.virtual_network("all")
    row = _row(api)
    path = slash + row["originalImageUri"].lstrip("/")
    answer = api.call("GET", f"/projects/{row['project']}/artifacts", params={"path": path})
    assert (answer.content, answer.headers["Content-Type"]) == (picture(), "application/octet-stream")


def test_artifacts_of_other_projects_are_not_readable(api: Api, control: EmulatorControl) -> None:
    control.virtual_network("all")
    row, other = _row(api), _row(api, 1)
    answer = api.call("GET", f"/projects/{other['project']}/artifacts", params={"path": row["originalImageUri"]})
    assert answer.json()["code"] == "BadRequestInvalidArtifactUri"


@pytest.mark.parametrize(("kind", "after_a_day"), [("fixed", 403), ("fresh", 200)])
def test_the_link_of_a_model_dies_a_day_after_the_export_or_is_always_fresh(
    api: Api, control: EmulatorControl, kind: str, after_a_day: int
) -> None:
    control.switch(model_links=kind)
    seeded = control.seed("Pets", 1, domain="0732100f-1a38-4e49-a514-c9b44c697ab5", iterations=1)
    path = f"/projects/{seeded['project']}/iterations/{seeded['iterations'][0]}/export"
    assert api.json("POST", f"{path}?platform=CoreML")["downloadUri"] is None
    again = api.call("POST", f"{path}?platform=CoreML")
    assert again.json()["code"] == "BadRequestExportAlreadyInProgress"
    control.advance(5)
    assert _get(api.json("GET", path)[0]["downloadUri"]).status_code == 200
    control.advance(25 * 3600)
    assert _get(api.json("GET", path)[0]["downloadUri"]).status_code == after_a_day


def test_links_may_stand_below_another_public_url() -> None:
    with running_emulator(public_url="http://pictures.test:1234/") as emulator:
        api = Api(emulator)
        with api.session:
            assert _row(api)["originalImageUri"].startswith("http://pictures.test:1234/blobs/i-")


def test_two_emulators_know_nothing_of_each_other(emulator: RunningEmulator, api: Api) -> None:
    row = _row(api)
    with running_emulator() as other:
        foreign = row["originalImageUri"].replace(emulator.url, other.url)
        assert _get(foreign).status_code == 403
        assert EmulatorControl(other.url).truth()["projects"] == []
