"""The control route: commands, seeding, truth, counts."""

import hashlib
import threading

import pytest
import requests

from local.custom_vision.control import EmulatorControl
from local.custom_vision.errors import ControlError
from local.custom_vision.model import Image
from local.custom_vision.scope import Page, View
from local.custom_vision.server import RunningEmulator, running_emulator
from local.custom_vision.switches import Switches
from tests.emulator.conftest import Api, picture


def test_truth_tells_what_there_is_down_to_the_bytes(api: Api, control: EmulatorControl) -> None:
    project = api.project()
    tag = api.tag(project, "cat")
    uploaded = api.upload(project, picture(3), tagIds=[tag], metadata={"subject": "s1"})
    api.json("POST", f"/projects/{project}/train")
    (told,) = control.truth()["projects"]
    (row,) = told["workspace"]["images"]
    assert row["id"] == uploaded["images"][0]["image"]["id"]
    assert (row["tags"], row["metadata"], row["blob_exists"]) == (["cat"], {"subject": "s1"}, True)
    assert row["sha256"] == hashlib.sha256(picture(3)).hexdigest()
    assert told["iterations"][0]["images"] == [row]
    assert "images" not in control.truth(images=False)["projects"][0]["workspace"]


def test_a_hundred_thousand_images_are_no_strain(api: Api, control: EmulatorControl) -> None:
    project = control.seed("Big", 100_000, metadata={"subject": ["a", "b"]}, untagged_every=10)["project"]
    path = f"/projects/{project}/images"
    for skip in range(0, 100_000, 5_000):
        assert len(api.json("GET", f"{path}?take=256&skip={skip}")) == 256
    assert api.json("GET", f"{path}/untagged/count") == 10_000


def test_a_list_is_filtered_once_and_not_for_every_page(emulator: RunningEmulator, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 1_000)
    looks = 0

    def looked_at(image: Image) -> bool:
        nonlocal looks
        looks += 1
        return True

    scope = emulator.world.projects[seeded["project"]].workspace
    for skip in range(0, 1_000, 100):
        assert len(scope.page(View(condition_text="all", condition=looked_at), Page(False, skip, 100))) == 100
    assert looks == 1_000


def test_seeded_patterns_are_as_asked_for(control: EmulatorControl) -> None:
    seeded = control.seed(
        "Pets",
        6,
        tags=["cat", "dog"],
        untagged_every=3,
        metadata={"subject": ["a", "b"], "number": "n{n}"},
        pictures=[picture(1), picture(2, "PNG")],
        unique_bytes=True,
        iterations=2,
        publish="live",
        predictions=3,
    )
    (told,) = control.truth()["projects"]
    rows = told["workspace"]["images"]
    assert [row["id"] for row in rows] == seeded["images"]
    assert [row["tags"] for row in rows] == [[], ["dog"], ["cat"], [], ["cat"], ["dog"]]
    assert [row["metadata"]["number"] for row in rows] == [f"n{number}" for number in range(6)]
    assert [row["media_type"] for row in rows] == ["image/jpeg", "image/png"] * 3
    assert len({row["sha256"] for row in rows}) == 6
    assert [one["status"] for one in told["iterations"]] == ["Completed", "Completed"]
    assert (told["publish_names"], len(told["predictions"])) == (["live"], 3)


def test_seeded_images_may_share_their_blobs(api: Api, control: EmulatorControl) -> None:
    seeded = control.seed("Pets", 50, share_blobs=True)
    assert control.truth()["blobs"] == 8
    api.json("DELETE", f"/projects/{seeded['project']}/images?imageIds={','.join(seeded['images'][:49])}")
    assert control.truth()["blobs"] == 2
    api.json("DELETE", f"/projects/{seeded['project']}/images?imageIds={seeded['images'][49]}")
    assert control.truth()["blobs"] == 0


def test_reset_leaves_nothing(api: Api, control: EmulatorControl) -> None:
    control.seed("Pets", 3)
    control.switch(sas_seconds=5)
    control.fault("status")
    control.reset()
    status = control.status()
    assert (status["switches"], status["faults"], status["calls"]) == (Switches().as_dict(), [], {})
    assert control.truth()["blobs"] == 0
    assert api.json("GET", "/projects") == []


def test_calls_are_counted_by_operation_and_status(api: Api, control: EmulatorControl) -> None:
    project = api.project()
    for path in ("/tags", "/tags", "/tags/x"):
        api.call("GET", f"/projects/{project}{path}")
    assert control.calls() == {"CreateProject": {"200": 1}, "GetTags": {"200": 2}, "GetTag": {"400": 1}}
    control.reset_calls()
    assert control.calls() == {}


def test_several_commands_run_in_order(control: EmulatorControl) -> None:
    first, second = control.run({"command": "advance", "seconds": 10}, {"command": "advance", "seconds": 10})
    assert 9 < second - first < 12


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ({"command": "dance"}, "one of reset, seed"),
        ({"command": "switch", "name": "colour", "value": 1}, "unknown switch"),
        ({"command": "switch", "name": "links", "value": "bent"}, "one of good, expired, broken"),
        ({"command": "switch", "name": "sas_seconds", "value": "long"}, "a number"),
        ({"command": "switch", "name": "training_minimums", "value": 1}, "true or false"),
        ({"command": "delete_blob", "project": "none", "id": "x"}, "no such project"),
        ({"command": "advance"}, "needs the field 'seconds'"),
        ({"command": "seed", "name": "x", "colour": 1}, "unknown fields"),
        ({"command": "seed", "name": "x", "domain": "dance"}, "domain is"),
        ({"command": "seed", "name": "x", "images": 1, "pictures": ["bm8="]}, "JPEG, PNG, BMP or GIF"),
        ({"command": "seed", "name": "x", "predictions": 1}, "need an iteration"),
    ],
)
def test_a_command_that_cannot_be_done_says_why(
    control: EmulatorControl, command: dict[str, object], reason: str
) -> None:
    with pytest.raises(ControlError, match=reason):
        control.run(command)


def test_the_control_routes_need_no_key_and_know_no_others(emulator: RunningEmulator) -> None:
    statuses = [
        requests.get(f"{emulator.url}/__{name}", timeout=10).status_code for name in ("control", "truth", "dance")
    ]
    assert statuses == [200, 200, 404]
    assert requests.post(f"{emulator.url}/__control", data=b"{", timeout=10).status_code == 400


def test_the_state_is_at_hand_in_this_process(emulator: RunningEmulator, api: Api) -> None:
    project = api.project()
    with emulator.world.lock:
        assert emulator.world.projects[project].name == "Pets"


def test_the_same_seed_makes_the_same_ids() -> None:
    made = []
    for _ in range(2):
        with running_emulator(seed=7) as running:
            made.append(EmulatorControl(running.url).seed("Pets", 3)["images"])
    assert made[0] == made[1]


def test_many_threads_lose_nothing(emulator: RunningEmulator, control: EmulatorControl) -> None:
    project = control.seed("Pets", 400)["project"]
    failed: list[str] = []

    def work(number: int) -> None:
        api = Api(emulator)
        with api.session:
            for step in range(10):
                row = api.upload(project, picture(number * 10 + step, size=(256 + number, 256 + step)))["images"][0]
                listed = len(api.json("GET", f"/projects/{project}/images?take=256"))
                if row["status"] != "OK" or listed != 256:
                    failed.append(row["status"])
                api.json("DELETE", f"/projects/{project}/images?imageIds={row['image']['id']}&allIterations=true")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    control.advance(5)
    truth = control.truth()
    assert failed == []
    assert (truth["projects"][0]["workspace"]["image_count"], truth["blobs"]) == (400, 800)
