"""A gallery of two people in three projects, with everything that makes finding one of them hard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tests.erasure.truth import described, published, retagged, trained
from tests.erasure.world import World

type Published = Literal["none", "old", "new", "both"]


@dataclass(frozen=True)
class Gallery:
    """
    `pets` holds Anna and Ben, `birds` holds Ben alone, `empty` nobody.

    Of `anna`: `snapshot` is in the old iteration only, `fresh` in the workspace only. `doubtful` is Anna's by the old
    iteration and Ben's by the workspace. `old` and `new` are the iterations of `pets`.
    """

    pets: str
    birds: str
    empty: str
    anna: tuple[str, ...]
    snapshot: str
    fresh: str
    doubtful: str | None
    ben: tuple[str, ...]
    old: str
    new: str
    anna_tag: str
    ben_tag: str
    predictions: tuple[str, ...]

    def selector(self, kind: str) -> dict[str, Any]:
        """Give what makes a scope select Anna, in one of the ways there are."""
        ids = {"ids": sorted({self.snapshot, self.fresh})}
        ways: dict[str, dict[str, Any]] = {
            "ids": ids,
            "tag name": {"tags": ["anna"]},
            "tag id": {"tags": [self.anna_tag]},
            "metadata": {"metadata": {"subject": "anna"}},
            "union": {"ids": [self.ben[0]], "tags": ["anna"], "metadata": {"subject": "anna"}},
        }
        return ways[kind]


def gallery(world: World, *, conflict: bool = False, publish: Published = "none", predictions: int = 2) -> Gallery:
    """Fill a world."""
    people = {"tags": ["anna", "ben"], "metadata": {"subject": ["anna", "ben"]}, "unique_bytes": True}
    pets = world.control.seed("Pets", 6, predictions=predictions, iterations=1, **people)
    project, images = pets["project"], pets["images"]
    if conflict:
        retagged(world.emulator, project, [images[2]], "ben")
        described(world.emulator, project, [images[2]], subject="ben")
    world.control.delete_images(project, [images[0]], everywhere=False)
    one = {"tags": ["anna"], "metadata": {"subject": "anna"}, "unique_bytes": True}
    added = world.control.add_images(project, 2, name="more", **one)
    new = trained(world.emulator, project)
    fresh = world.control.add_images(project, 1, name="fresh", **one)
    birds = world.control.seed(
        "Birds", 4, iterations=1, publish="birds", predictions=predictions, tags=["ben"], metadata={"subject": "ben"}
    )
    empty = world.control.seed("Empty", 0)
    _publish(world, project, {"old": pets["iterations"][0], "new": new}, publish)
    anna = [images[0], *([] if conflict else [images[2]]), images[4], *added, *fresh]
    return Gallery(
        pets=project,
        birds=birds["project"],
        empty=empty["project"],
        anna=tuple(anna),
        snapshot=images[0],
        fresh=fresh[0],
        doubtful=images[2] if conflict else None,
        ben=(images[1], images[3], images[5], *birds["images"]),
        old=pets["iterations"][0],
        new=new,
        anna_tag=pets["tags"]["anna"],
        ben_tag=pets["tags"]["ben"],
        predictions=(*pets["predictions"], *birds["predictions"]),
    )


def _publish(world: World, project_id: str, iterations: dict[str, str], which: Published) -> None:
    with world.emulator.world.lock:
        there = world.emulator.world.projects[project_id].iterations
        for name, iteration_id in iterations.items():
            if which in (name, "both"):
                published(there[iteration_id], name)
