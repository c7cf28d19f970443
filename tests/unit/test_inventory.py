"""Lists that move while they are read: what is believed is whole, and what is not whole is said to be so."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from shared.domain.resources import Image
from shared.domain.subject_request import ImageSelector
from shared.domain.work import UNIT_SIZE
from shared.image_finder import Finder
from shared.inventory import list_images, page_digest
from shared.ports import CustomVision
from shared.projects import resolve_projects
from tests.erasure.truth import retagged
from tests.unit.in_process import Region

IMAGES = 600  # three pages


@pytest.fixture
def world(living: Region) -> Region:
    living.control.reset()
    return living


def client_of(world: Region) -> CustomVision:
    (client,) = world.process().services.vision.values()
    return client


def truth(world: Region) -> set[str]:
    (project,) = world.control.truth()["projects"]
    return {image["id"] for image in project["workspace"]["images"]}


class NotedReads:
    """A client of whose reads by id the numbers of ids are noted."""

    def __init__(self, client: CustomVision) -> None:
        self._client = client
        self.read: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_images_by_ids(
        self, project_id: str, image_ids: Sequence[str], *, iteration_id: str | None = None
    ) -> Sequence[Image]:
        self.read.append(len(image_ids))
        return self._client.get_images_by_ids(project_id, image_ids, iteration_id=iteration_id)


@pytest.mark.parametrize("ties", ["stable", "unstable"])
def test_a_list_that_stands_still_is_read_whole(world: Region, ties: str) -> None:
    world.control.switch(tie_order=ties)
    project = world.control.seed("Pets", IMAGES)["project"]
    listed = list_images(client_of(world), project)
    assert listed.stable
    assert set(listed.ids) == truth(world)
    assert listed.service_count == IMAGES


def test_a_list_with_ties_that_stands_still_is_read_once(world: Region) -> None:
    world.control.switch(tie_order="unstable")
    project = world.control.seed("Pets", IMAGES)["project"]
    world.control.reset_calls()
    list_images(client_of(world), project)
    assert sum(world.control.calls()["GetImages"].values()) == 3


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_image_that_vanishes_between_two_pages_is_not_believed_in(world: Region, nth: int) -> None:
    world.control.switch(tie_order="stable")
    seeded = world.control.seed("Pets", IMAGES)
    gone = {"command": "delete_image", "project": seeded["project"], "ids": seeded["images"][:3]}
    world.control.fault("commands", operation="GetImages", nth=nth, commands=[gone], when="after")
    listed = list_images(client_of(world), seeded["project"])
    assert listed.stable
    assert set(listed.ids) == truth(world)


@pytest.mark.parametrize("passes", [1, 2])
def test_whichever_way_a_list_was_read_its_newest_page_is_known(world: Region, passes: int) -> None:
    world.control.switch(tie_order="stable")
    seeded = world.control.seed("Pets", IMAGES)
    client, project = client_of(world), seeded["project"]
    if passes == 2:  # the first one misses its count, so that the second goes from the newest end
        gone = {"command": "delete_image", "project": project, "ids": seeded["images"][:3]}
        world.control.fault("commands", operation="GetImages", nth=1, commands=[gone], when="after")
    listed = list_images(client, project)
    newest = next(iter(client.image_pages(project, order="Newest")))
    assert listed.newest == page_digest(image.id for image in newest)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_image_that_appears_between_two_pages_is_found(world: Region, when: str) -> None:
    project = world.control.seed("Pets", IMAGES)["project"]
    more = {"command": "add_image", "project": project, "images": 2}
    world.control.switch(tie_order="stable")
    world.control.fault("commands", operation="GetImages", nth=2, commands=[more], when=when)
    listed = list_images(client_of(world), project)
    assert listed.stable
    assert set(listed.ids) == truth(world)


def test_a_list_that_never_stands_still_is_said_to_be_so(world: Region) -> None:
    project = world.control.seed("Pets", IMAGES)["project"]
    more = {"command": "add_image", "project": project, "images": 1}
    world.control.fault("commands", operation="GetImageCount", commands=[more], when="before")
    listed = list_images(client_of(world), project)
    assert not listed.stable
    assert listed.service_count > IMAGES


def test_every_row_is_shown_to_whoever_looks(world: Region) -> None:
    world.control.switch(tie_order="stable")
    project = world.control.seed("Pets", 300)["project"]
    seen: set[str] = set()
    listed = list_images(client_of(world), project, observe=lambda rows: seen.update(row.id for row in rows))
    assert seen == set(listed.ids)


def test_an_erasure_of_a_list_that_never_stands_still_erases_nothing(world: Region) -> None:
    project = world.control.seed("Pets", 4, tags=["anna"])["project"]
    more = {"command": "add_image", "project": project, "images": 1, "tags": ["anna"]}
    world.control.fault("commands", operation="GetImageCount", commands=[more], when="before")
    fresh = Region(world.emulator, world.session)
    process = fresh.process()
    ended = process.finish(
        process.post(
            {
                "scope": {"level": "items", "projects": "all", "images": {"tags": ["anna"]}},
                "options": {"trained_iterations": "keep"},
            }
        )
    )
    assert (ended["request_status"], ended["reason"]) == ("failed", "inventory_unstable")
    assert "DeleteImages" not in world.control.calls()


def test_of_a_person_who_is_on_every_image_the_rows_of_one_page_are_held_at_a_time(world: Region) -> None:
    seeded = world.control.seed("Pets", IMAGES, tags=["anna"], iterations=2)
    services = world.process().services
    (client,) = services.vision.values()
    noted: Any = NotedReads(client)
    (resolved,) = resolve_projects(services, "all")
    found = Finder(ImageSelector(tags=frozenset({"anna"})), "a key").find(noted, resolved)
    assert max(noted.read) == UNIT_SIZE
    assert [item.item_id for item in found.items] == sorted(seeded["images"])
    sources = ["", *seeded["iterations"]]
    assert {source: len(found.matching(source)) for source in sources} == dict.fromkeys(sources, IMAGES)
    assert found.held_by == {source: found.matching(source) for source in sources}
    assert not found.conflicting


SELECTORS = [
    ImageSelector(tags=frozenset({"anna"})),
    ImageSelector(metadata={"subject": "s-1"}),
    ImageSelector(tags=frozenset({"anna"}), metadata={"subject": "s-2"}),
]


@pytest.mark.parametrize("selector", SELECTORS, ids=["tag", "metadata", "both"])
def test_what_the_list_of_the_workspace_shows_is_judged_like_what_is_read_again_by_id(
    world: Region, selector: ImageSelector
) -> None:
    metadata = {"subject": ["s-1", "s-2", "s-3"]}
    seeded = world.control.seed("Pets", IMAGES, tags=["anna", "ben"], iterations=2, metadata=metadata)
    project, images = seeded["project"], seeded["images"]
    world.control.delete_images(project, images[:20], everywhere=False)  # their newest rows are an iteration's now
    (resolved,) = resolve_projects(world.process().services, "all")
    listed = Finder(selector, "a key", reads_again=False).find(client_of(world), resolved)
    read = Finder(selector, "a key").find(client_of(world), resolved)
    assert len(read.items) > 100
    assert listed == read
    assert [*listed.items] == [*read.items]


class ChangedBetweenPasses(NotedReads):
    """A client behind which something happens when a list has been read for the first time."""

    def __init__(self, client: CustomVision, change: Callable[[], None]) -> None:
        super().__init__(client)
        self._change = change
        self._passes = 0

    def image_pages(self, project_id: str, **options: Any) -> Iterator[Sequence[Image]]:
        self._passes += 1
        yield from self._client.image_pages(project_id, **options)
        if self._passes == 1:
            self._change()


def test_an_image_whose_row_changes_between_two_passes_is_judged_by_the_last(world: Region) -> None:
    seeded = world.control.seed("Pets", 300, tags=["anna", "ben"])
    project, anna = seeded["project"], seeded["images"][::2]
    corrected, gone = anna[:2]

    def change() -> None:
        retagged(world.emulator, project, [corrected], "ben")
        world.control.delete_images(project, [gone])

    client: Any = ChangedBetweenPasses(client_of(world), change)
    (resolved,) = resolve_projects(world.process().services, "all")
    found = Finder(SELECTORS[0], "a key", reads_again=False).find(client, resolved)
    assert found.stable
    assert set(found.items.ids) == set(anna[2:])


def test_an_id_that_goes_while_the_list_is_read_is_not_taken_for_found(world: Region) -> None:
    seeded = world.control.seed("Pets", 300, tags=["anna", "ben"])
    gone = seeded["images"][0]
    client: Any = ChangedBetweenPasses(client_of(world), lambda: world.control.delete_images(seeded["project"], [gone]))
    selector = ImageSelector(ids=frozenset({gone}), tags=frozenset({"anna"}))
    (resolved,) = resolve_projects(world.process().services, "all")
    finder = Finder(selector, "a key", reads_again=False)
    assert gone not in finder.find(client, resolved).items.ids
    assert finder.tracker.missing_ids == {gone}  # so that it is looked for in packages
