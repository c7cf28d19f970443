"""The checks notice what they are there for."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator
from local.demo import proof
from local.demo.snapshot import Snapshot, still_served, take_snapshot
from local.demo.training_api import TrainingApi

KEY, PERSON, OTHER = "subject", "person-7", "person-1"
IMAGES = 12


@dataclass
class Resource:
    """An emulator with pictures of two people, and what it held at the beginning."""

    emulator: RunningEmulator
    control: EmulatorControl
    project: str
    before: Snapshot

    @property
    def theirs(self) -> list[str]:
        return sorted(self.before.ids_of(KEY, PERSON))

    @property
    def others(self) -> list[str]:
        return sorted(self.before.ids_of(KEY, OTHER))

    def erase(self, *spared: str) -> None:
        self.control.delete_images(self.project, [one for one in self.theirs if one not in spared])

    def gone(self) -> proof.Finding:
        return proof.person_is_gone(self.before, take_snapshot(self.emulator), KEY, PERSON)

    def untouched(self) -> proof.Finding:
        return proof.others_are_untouched(self.before, take_snapshot(self.emulator), KEY, PERSON)


@pytest.fixture
def resource(emulator: RunningEmulator, control: EmulatorControl) -> Resource:
    people = [OTHER, PERSON]
    seeded = control.seed("Pets", IMAGES, metadata={KEY: people}, unique_bytes=True, iterations=2, predictions=1)
    return Resource(emulator, control, seeded["project"], take_snapshot(emulator))


def test_a_true_erasure_passes(resource: Resource) -> None:
    resource.erase()
    assert resource.gone().holds
    assert resource.untouched().holds
    links = {one: resource.before.links[one] for one in resource.theirs}
    assert proof.pictures_are_gone(resource.theirs, still_served(resource.emulator, links), PERSON).holds


def test_a_picture_that_survives_everywhere_is_named(resource: Resource) -> None:
    survivor = resource.theirs[0]
    resource.erase(survivor)
    problems = resource.gone().problems
    assert len(problems) == 3  # the workspace and two iterations
    assert all(survivor in problem for problem in problems)


def test_a_picture_that_survives_in_an_iteration_is_named(resource: Resource) -> None:
    survivor = resource.theirs[0]
    resource.erase(survivor)
    with TrainingApi(resource.emulator.url, resource.emulator.key) as api:
        api.delete_images(resource.project, [survivor])
    assert [problem.split(" still")[0] for problem in resource.gone().problems] == [
        "Pets, Iteration 1",
        "Pets, Iteration 2",
    ]


def test_a_new_picture_of_the_person_is_named(resource: Resource) -> None:
    resource.erase()
    (added,) = resource.control.add_images(resource.project, metadata={KEY: PERSON})
    assert [added in problem for problem in resource.gone().problems] == [True]


def test_a_person_who_was_never_there_is_no_success(resource: Resource) -> None:
    after = take_snapshot(resource.emulator)
    assert not proof.person_is_gone(resource.before, after, KEY, "person-99").holds


def test_bytes_that_outlive_their_row_are_named(resource: Resource) -> None:
    resource.control.switch(blob_delete="never")
    resource.erase()
    links = {one: resource.before.links[one] for one in resource.theirs}
    served = still_served(resource.emulator, links)
    assert resource.gone().holds
    assert len(proof.pictures_are_gone(resource.theirs, served, PERSON).problems) == len(resource.theirs)


def lose(resource: Resource) -> None:
    resource.control.delete_images(resource.project, resource.others[:1])


def lose_from_the_workspace(resource: Resource) -> None:
    resource.control.delete_images(resource.project, resource.others[:1], everywhere=False)


def change_bytes(resource: Resource) -> None:
    resource.control.replace_blob(resource.project, resource.others[0])


def lose_bytes(resource: Resource) -> None:
    resource.control.delete_blob(resource.project, resource.others[0])


def add(resource: Resource) -> None:
    resource.control.add_images(resource.project, metadata={KEY: OTHER})


def rename(resource: Resource) -> None:
    with resource.emulator.world.lock:
        project = resource.emulator.world.projects[resource.project]
        image = project.workspace.images[resource.others[0]]
        project.workspace.put([image._replace(metadata={KEY: "person-8"})])


def unpublish(resource: Resource) -> None:
    with resource.emulator.world.lock:
        iterations = resource.emulator.world.projects[resource.project].iterations
        next(iter(iterations.values())).publish_name = "other"


def lose_predictions(resource: Resource) -> None:
    with resource.emulator.world.lock:
        resource.emulator.world.projects[resource.project].predictions.clear()


@pytest.mark.parametrize(
    "plant", [lose, lose_from_the_workspace, change_bytes, lose_bytes, add, rename, unpublish, lose_predictions]
)
def test_a_change_to_anything_else_is_noticed(resource: Resource, plant: Callable[[Resource], None]) -> None:
    resource.erase()
    plant(resource)
    assert not resource.untouched().holds
    assert resource.gone().holds


def exported(before: Snapshot) -> tuple[dict[str, str], dict[str, proof.Json]]:
    """What a faithful package of the resource would hold: digests and rows as the API writes them."""
    rows = next(rows for place, rows in before.rows.items() if not place.iteration_id)
    shown = {
        one: {"tags": [{"tagName": tag} for tag in row["tags"]], "metadata": row["metadata"]}
        for one, row in rows.items()
    }
    return {image_id: before.uploaded(image_id) for image_id in before.ids()}, shown


def test_a_faithful_package_passes(resource: Resource) -> None:
    assert proof.package_is_complete(resource.before, *exported(resource.before)).holds


def test_a_package_that_lacks_or_alters_something_is_noticed(resource: Resource) -> None:
    pictures, rows = exported(resource.before)
    one = resource.others[0]
    without = {image_id: digest for image_id, digest in pictures.items() if image_id != one}
    for wrong in (without, pictures | {one: "0" * 64}, pictures | {"unknown": "0" * 64}):
        assert len(proof.package_is_complete(resource.before, wrong, rows).problems) == 1
    for other in ({}, rows[one] | {"metadata": {}}, rows[one] | {"tags": []}):
        assert len(proof.package_is_complete(resource.before, pictures, rows | {one: other}).problems) == 1


def test_a_package_without_the_person_holds_everybody_else(resource: Resource) -> None:
    pictures, rows = exported(resource.before)
    theirs = set(resource.theirs)
    rest = resource.before.without(theirs)
    remaining = {image_id: digest for image_id, digest in pictures.items() if image_id not in theirs}
    assert proof.package_is_complete(rest, remaining, rows).holds
    assert not proof.package_is_complete(rest, pictures, rows).holds
    assert not proof.package_is_complete(rest, {one: remaining[one] for one in resource.others[1:]}, rows).holds


def test_a_package_that_still_names_the_person_is_noticed() -> None:
    names = ["projects/p/images/files/aaa.jpg", "projects/p/images/files/bbb.png", "manifest.json"]
    assert proof.package_is_cleaned(["ccc"], names, [], PERSON).holds
    assert proof.package_is_cleaned(["bbb"], names, [], PERSON).problems == ["it holds projects/p/images/files/bbb.png"]
    assert proof.package_is_cleaned(["ccc"], names, ["images.csv"], PERSON).problems == [
        f"images.csv still names {PERSON}"
    ]


def plan_of(*image_ids: str, count: int) -> proof.Json:
    return {"projects": [{"counts": {"images": count}, "image_ids": list(image_ids)}]}


def test_a_plan_of_exactly_the_persons_pictures_passes() -> None:
    assert proof.plan_is_exact(plan_of("a", "b", count=2), {"a", "b"}, PERSON).holds
    assert proof.plan_is_exact(plan_of("a", count=2), {"a", "b"}, PERSON).holds  # a plan shows the first ids only


@pytest.mark.parametrize(
    ("plan", "problem"),
    [
        (plan_of("a", "c", count=2), f"it names image c, which is not of {PERSON}"),
        (plan_of("a", count=1), f"it would erase 1 images, and 2 are of {PERSON}"),
        (plan_of("a", "b", count=3), f"it would erase 3 images, and 2 are of {PERSON}"),
    ],
)
def test_a_plan_that_names_other_or_fewer_pictures_is_noticed(plan: proof.Json, problem: str) -> None:
    assert proof.plan_is_exact(plan, {"a", "b"}, PERSON).problems == [problem]


@pytest.mark.parametrize(("ids", "kept"), [([], True), (["r"], True), (["other"], False), (None, False)])
def test_a_package_counts_as_kept_if_the_receipt_names_it_or_all(ids: list[str] | None, kept: bool) -> None:
    residuals = [{"code": "customer_storage", "ids": []}]
    residuals += [] if ids is None else [{"code": "kept_export", "ids": ids}]
    assert proof.is_kept("r", {"residuals": residuals}) is kept
