"""How often the service is asked: bytes once, lists once to plan and once to read, and a constant for the rest."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from tests.exports.everything import fill
from tests.exports.world import Json, Package, World

type Sound = Callable[[Package], Package]

OF_RESOURCE = 3
"""GetProjects to plan and at the end, GetAccountInfo."""
OF_PROJECT = 18
"""
GetProject (v3.3 and v3.4-preview), GetTags, GetIterations four times (to plan, to list, and to see at the end, twice,
whether the project moved), and for the workspace as for every list: its first page, its count four times, its newest
page twice, a first page of units, a first page of predictions four times.
"""
OF_ITERATION = 18
"""
GetIteration, GetTags, GetExports, GetIterationPerformance, GetImagePerformanceCount twice, of its images and
performances the first pages and the counts as for the workspace, and of its predictions both ends and the newest page
twice.
"""


def allowed(*, rows: int, predictions: int, projects: int, iterations: int) -> float:
    """
    Give the most API calls of an export in which nothing fails or moves.

    `rows`: what the lists hold together (workspace, iterations, performances at 256 a call); `predictions`: each once,
    however many queries show it.
    """
    constant = OF_RESOURCE + OF_PROJECT * projects + OF_ITERATION * iterations
    return 2 * rows / 256 + 2 * predictions / 64 + constant


def api_calls(calls: dict[str, dict[str, int]]) -> int:
    return sum(sum(by.values()) for operation, by in calls.items() if operation not in ("GetBlob", "HeadBlob"))


@pytest.mark.parametrize(
    ("images", "iterations", "predictions"),
    [(0, 0, 0), (3, 1, 1), (1, 12, 0), (257, 1, 65), (300, 2, 130), (2, 3, 700)],
)
def test_calls_stay_within_the_budget(world: World, images: int, iterations: int, predictions: int) -> None:
    world.control.switch(tie_order="stable")
    seeded = world.control.seed("Big", images, iterations=iterations, predictions=predictions, share_blobs=True)
    with world.gallery() as gallery:
        path = f"/projects/{seeded['project']}/iterations"
        held_out = sum(gallery.call("GET", f"{path}/{one}/performance/images/count") for one in seeded["iterations"])
    world.control.reset_calls()
    package = world.export({"scope": {"projects": "all"}, "options": {"package": "none"}})
    assert package.ending == ("completed", None)
    rows = images * (1 + iterations) + held_out
    most = allowed(rows=rows, predictions=predictions, projects=1, iterations=iterations)
    assert api_calls(world.control.calls()) <= most, world.control.calls()


@pytest.mark.parametrize("without", ["all", "newest"])
@pytest.mark.parametrize("numbers", [(960, 0, 0), (0, 0, 960), (448, 192, 320)])
def test_a_prediction_costs_its_share_of_two_calls_whichever_query_shows_it(
    world: World, numbers: Sequence[int], without: str
) -> None:
    """One call for 64 to find them and one to read them with their links; a third would not fit under the bound."""
    seeded = world.control.seed("Shop", 2, iterations=len(numbers), predictions=sum(numbers))
    share_out(world, seeded, numbers)
    world.control.switch(predictions_without_iteration=without)
    world.control.reset_calls()
    package = world.export({"scope": {"projects": "all"}, "options": {"package": "none"}})
    assert package.pictures(seeded["project"], "predictions").keys() == set(seeded["predictions"])
    asked = sum(world.control.calls()["QueryPredictions"].values())
    assert asked <= 2 * sum(numbers) / 64 + 4 + 6 * len(numbers) < 3 * sum(numbers) / 64 + 4 * len(numbers)


def share_out(world: World, seeded: Json, numbers: Sequence[int]) -> None:
    """Let each iteration have predicted so many of the seeded predictions."""
    stored = world.emulator.emulator.world.projects[seeded["project"]].predictions
    whose = [one for one, number in zip(seeded["iterations"], numbers, strict=True) for _ in range(number)]
    for item, iteration in zip(seeded["predictions"], whose, strict=True):
        stored[item] = stored[item]._replace(iteration_id=iteration)


def test_projects_cost_what_they_hold_and_not_what_others_hold(world: World) -> None:
    world.control.switch(tie_order="stable")
    for name in ("One", "Two", "Three"):
        world.control.seed(name, 10, iterations=1)
    world.control.reset_calls()
    world.export()
    assert api_calls(world.control.calls()) <= allowed(rows=60 + 60, predictions=0, projects=3, iterations=3)


@pytest.mark.parametrize("package", ["zip", "none"])
@pytest.mark.parametrize("checksums", ["service", "sha256"])
def test_whole_bytes_are_read_from_the_service_once(world: World, package: str, checksums: str) -> None:
    album = fill(world)
    world.control.reset_calls()
    body = {"scope": {"projects": "all"}, "options": {"package": package, "checksums": checksums}}
    exported = world.export(body)
    assert exported.ending == ("completed", None)
    blobs = world.control.calls()["GetBlob"]
    pictures, models = len(album.uploaded) + len(album.predictions), 1
    assert blobs["200"] == pictures + models
    assert blobs["206"] <= pictures, "first bytes only, to tell type and size"
    assert blobs.keys() == {"200", "206"}


def test_a_virtual_network_costs_one_more_call_for_each_picture(world: World) -> None:
    world.control.switch(tie_order="stable")
    album = fill(world)
    world.control.reset_calls()
    world.export()
    plain = Counter({operation: sum(by.values()) for operation, by in world.control.calls().items()})
    world.control.virtual_network("all")
    world.control.reset_calls()
    world.export()
    network = Counter({operation: sum(by.values()) for operation, by in world.control.calls().items()})
    assert network.pop("GetArtifact") == len(album.uploaded) + len(album.predictions) + 1
    del plain["GetBlob"]
    assert network == plain
