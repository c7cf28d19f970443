"""Any gallery, any selector, any order of messages, any crash: what was selected is gone, all else is untouched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from local.custom_vision.model import Project
from tests.erasure.checks import check_end
from tests.erasure.oracle import expected_of_items, expected_of_projects
from tests.erasure.truth import described, retagged, trained
from tests.erasure.world import Driver, World, erasure
from tests.fakes import WorldStopped
from tests.unit.in_process import CrashAt

PEOPLE = ("anna", "ben")
KINDS = ("train", "publish", "retag", "untag", "describe", "drop", "add")

type Happening = tuple[str, int, str]


@dataclass(frozen=True)
class Story:
    """What happened to some projects before the request: for each its first images, then one thing after another."""

    projects: tuple[tuple[tuple[str, ...], tuple[Happening, ...]], ...]


happenings = st.tuples(st.sampled_from(KINDS), st.integers(0, 7), st.sampled_from(PEOPLE))
projects = st.tuples(
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=5).map(tuple), st.lists(happenings, max_size=7).map(tuple)
)
stories = st.lists(projects, min_size=1, max_size=2).map(lambda told: Story(tuple(told)))
selectors = st.fixed_dictionaries(
    {},
    optional={
        "ids": st.lists(st.integers(0, 9), min_size=1, max_size=3),
        "tags": st.lists(st.sampled_from([*PEOPLE, "carl"]), min_size=1, max_size=2),
        "metadata": st.sampled_from([{"subject": "anna"}, {"subject": "ben", "place": "x"}, {"nothing": "x"}]),
    },
).filter(bool)
options = st.fixed_dictionaries(
    {"trained_iterations": st.sampled_from(["keep", "unpublish", "delete"]), "delete_tags": st.booleans()}
)
crashes = st.lists(st.integers(1, 25), max_size=3)


def tell(world: World, story: Story) -> list[str]:
    """Let a story happen; gives the ids of all images that were ever there."""
    ever: list[str] = []
    for number, (people, happened) in enumerate(story.projects):
        seeded = world.control.seed(f"Project {number}", 0, tags=list(PEOPLE))
        ids = [_add(world, seeded["project"], person) for person in people]
        for kind, which, person in happened:
            _happen(world, world.emulator.world.projects[seeded["project"]], kind, which, person)
        ever += [
            *ids,
            *(one for scope in world.emulator.world.projects[seeded["project"]].scopes() for one in scope.images),
        ]
    return list(dict.fromkeys(ever))


def _add(world: World, project_id: str, person: str) -> str:
    return world.control.add_images(project_id, 1, name="", tags=[person], metadata={"subject": person, "place": "x"})[
        0
    ]


def _happen(world: World, project: Project, kind: str, which: int, person: str) -> None:
    images = list(project.workspace.images)
    if kind in ("train", "publish"):
        trained(world.emulator, project.id, publish=f"live {len(project.iterations)}" if kind == "publish" else None)
    elif kind == "add":
        _add(world, project.id, person)
    elif images:
        image_id = images[which % len(images)]
        if kind in ("retag", "untag"):
            retagged(world.emulator, project.id, [image_id], person if kind == "retag" else None)
        elif kind == "describe":
            described(world.emulator, project.id, [image_id], subject=person)
        else:
            world.control.delete_images(project.id, [image_id], everywhere=False)


def chosen(selector: Mapping[str, Any], ids: list[str]) -> dict[str, Any]:
    """Turn the numbers of a selector into ids of images, each once."""
    if "ids" not in selector:
        return dict(selector)
    return {**selector, "ids": sorted({ids[number % len(ids)] for number in selector["ids"]})}


def run(world: World, body: dict[str, Any], dice: int, stops: list[int]) -> Driver:
    """Run a request to its end, in lives that stop after so many writes, with mixed and doubled messages."""
    for life, writes in enumerate(stops):
        driver = Driver(world.process(CrashAt(ledger=writes)), Random(dice + life))
        try:
            driver.process.post(body)
            driver.finish()
        except WorldStopped:
            event("stopped")
            continue
        break
    driver = Driver(world.process(), Random(dice))
    driver.process.post(body)
    driver.finish()
    return driver


def test_never_an_image_outside_the_selector_whatever_happens(make_world: Callable[..., World]) -> None:
    @settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
    @given(stories, selectors, options, st.integers(0, 99), crashes)
    @example(
        Story(((("anna", "ben"), (("train", 0, "ben"), ("retag", 0, "ben"), ("describe", 0, "ben"))),)),
        {"tags": ["anna"]},
        {"trained_iterations": "delete", "delete_tags": True},
        1,
        [],
    )
    def holds(story: Story, selector: dict[str, Any], option: dict[str, Any], dice: int, stops: list[int]) -> None:
        world = make_world()
        body = erasure(images=chosen(selector, tell(world, story)), **option)
        expected = expected_of_items(world.emulator, body)
        event("something selected" if expected.images else "nothing selected")
        event("conflict" if expected.conflicting else "no conflict")
        check_end(world, run(world, body, dice, stops).process, expected)

    holds()


def test_a_whole_project_goes_and_no_other_whatever_happens(make_world: Callable[..., World]) -> None:
    @settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
    @given(stories, st.integers(0, 1), st.integers(0, 99), crashes)
    def holds(story: Story, which: int, dice: int, stops: list[int]) -> None:
        world = make_world()
        tell(world, story)
        number = which % len(story.projects)
        wanted = [one.id for one in world.emulator.world.projects.values() if one.name == f"Project {number}"]
        expected = expected_of_projects(world.emulator, wanted)
        body = erasure("projects", projects=wanted, confirm={"projects": [f"Project {number}"]})
        check_end(world, run(world, body, dice, stops).process, expected)

    holds()
