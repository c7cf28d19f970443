"""Two resources behind one installation: each project is erased where it is, and an account takes only its own."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from local.custom_vision.control import EmulatorControl
from local.custom_vision.server import RunningEmulator, running_emulator
from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.services import Services
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.readings import ending, words
from tests.erasure.test_account import PATH, MakeWorld
from tests.erasure.truth import Facts, facts_of
from tests.erasure.world import ACCOUNT_NAME, Driver, World, erasure
from tests.unit.in_process import Process

ANNA = {"tags": ["anna"], "unique_bytes": True}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[RunningEmulator]:
    with running_emulator(seed=8) as running:
        yield running


@dataclass(frozen=True)
class Pair:
    """A world whose installation has a second resource."""

    world: World
    second: RunningEmulator

    @property
    def control(self) -> EmulatorControl:
        """The second one's control."""
        return EmulatorControl(self.second.url)

    def driver(self) -> Driver:
        """Start the app with both."""
        process = self.world.process()
        return Driver(Process(self.world, self._both(process.services), self._both(process.erasing)))

    def _both(self, services: Services) -> Services:
        world, first = self.world, services.settings.resources[0]
        client = CustomVisionClient(
            self.second.url,
            key=self.second.key,
            credential=None,
            session=world.session,
            budget=UnlimitedBudget(),
            clock=world.clock,
            sleep=world.pass_time,
        )
        resources = (first, replace(first, endpoint=self.second.url, resource_id=None))
        return replace(
            services,
            vision={**services.vision, client.host: client},
            settings=replace(services.settings, resources=resources),
        )

    def facts(self) -> tuple[Facts, Facts]:
        """Give what each of them holds."""
        return self.world.facts(), facts_of(self.second)

    def end(self, level: str = "items", **parts: Any) -> tuple[str, str | None]:
        """Carry out an erasure."""
        driver = self.driver()
        driver.process.post(erasure(level, **parts))
        return ending(driver.finish())


@pytest.fixture
def pair(make_world: MakeWorld, elsewhere: RunningEmulator) -> Pair:
    both = Pair(make_world(CUSTOM_VISION_RESOURCE_ID=PATH), elsewhere)
    both.control.reset()
    both.control.switch(delete_delay_seconds=0)
    return both


def images(facts: Facts) -> set[str]:
    return {key[-1] for key in facts if key[0] == "image"}


def unchanged(before: tuple[Facts, Facts], after: tuple[Facts, Facts]) -> list[bool]:
    return [difference(one, other) == NOTHING for one, other in zip(before, after, strict=True)]


def test_a_person_in_projects_of_one_name_on_both_is_erased_from_both(pair: Pair) -> None:
    pair.world.control.seed("Pets", 4, iterations=1, **ANNA)
    pair.control.seed("Pets", 3, iterations=1, **ANNA)
    assert pair.end(images={"tags": ["anna"]}) == ("completed", None)
    assert [images(facts) for facts in pair.facts()] == [set(), set()]
    assert words(pair.world.receipt(), "images", "found", "deleted") == {"found": 7, "deleted": 7}


def test_one_name_on_both_is_no_name_to_erase_by(pair: Pair) -> None:
    pair.world.control.seed("Pets", 2, **ANNA)
    pair.control.seed("Pets", 2, **ANNA)
    before = pair.facts()
    assert pair.end(projects=["Pets"], images={"tags": ["anna"]}) == ("failed", "ambiguous_name")
    assert unchanged(before, pair.facts()) == [True, True]


def test_nothing_is_erased_while_one_of_them_does_not_list_its_projects(pair: Pair) -> None:
    pair.world.control.seed("Pets", 2, **ANNA)
    pair.control.seed("Birds", 2, **ANNA)
    pair.control.fault("status", operation="GetProjects", status=403, code="Forbidden")
    before = pair.facts()
    assert pair.end(images={"tags": ["anna"]})[0] == "failed"
    assert unchanged(before, pair.facts()) == [True, True]


@pytest.mark.parametrize("level", ["items", "account"])
def test_one_project_that_both_show_is_nothing_to_erase_by_all(pair: Pair, level: str) -> None:
    seeded = pair.world.control.seed("Pets", 2, **ANNA)
    other = pair.control.seed("Pets", 2, **ANNA)
    pair.world.control.seed_account(ACCOUNT_NAME)
    with pair.second.world.lock:
        there = pair.second.world.projects.pop(other["project"])
        there.id = seeded["project"]
        pair.second.world.projects[there.id] = there
    before = pair.facts()
    parts: dict[str, Any] = {"images": {"tags": ["anna"]}} if level == "items" else {"account": PATH}
    assert pair.end(level, **parts) == ("failed", "ambiguous_name")
    assert unchanged(before, pair.facts()) == [True, True]


def test_an_account_goes_with_its_own_projects_alone(pair: Pair) -> None:
    pair.world.control.seed_account(ACCOUNT_NAME, serves=True)
    pair.world.control.seed("Pets", 2, **ANNA)
    pair.control.seed("Pets", 2, **ANNA)
    before = pair.facts()
    assert pair.end("account", account=PATH) == ("completed", None)
    assert unchanged(before, pair.facts()) == [False, True]
    assert images(pair.world.facts()) == set()


def test_an_account_that_has_the_other_endpoint_by_azures_word_is_not_erased(pair: Pair) -> None:
    pair.world.control.seed_account(ACCOUNT_NAME, properties={"endpoint": f"{pair.second.url}/"})
    pair.world.control.seed("Pets", 2, **ANNA)
    pair.control.seed("Pets", 2, **ANNA)
    before = pair.facts()
    assert pair.end("account", account=PATH) == ("failed", "account_not_configured")
    assert unchanged(before, pair.facts()) == [True, True]
