"""What goes wrong with the service while an erasure runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.erasure.gallery import Gallery
from tests.erasure.world import World

DELETES = (
    "UnpublishIteration",
    "DeletePrediction",
    "DeleteImages",
    "DeleteIteration",
    "DeleteTag",
    "DeleteProject",
    "AccountsDelete",
    "DeletedAccountsPurge",
)

type Fault = Callable[[World, Gallery], None]


def _none(world: World, there: Gallery) -> None:
    """Nothing goes wrong."""


def _done_then_500(world: World, there: Gallery) -> None:
    for operation in DELETES:
        world.control.fault("work_then_status", operation=operation, times=1)


def _done_then_reset(world: World, there: Gallery) -> None:
    for operation in DELETES:
        world.control.fault("work_then_reset", operation=operation, times=1)


def _throttled(world: World, there: Gallery) -> None:
    world.control.fault("status", status=429, every=4, code="429", shape="gateway", message="Retry after 2 seconds.")


def _burst(world: World, there: Gallery) -> None:
    for operation in DELETES:
        world.control.fault("status", status=503, operation=operation, first=7)


def _late(world: World, there: Gallery) -> None:
    world.control.switch(delete_delay_seconds=40, arm_seconds=40)


def _unknown_is_404(world: World, there: Gallery) -> None:
    """Somebody is faster than the first delete, and the service then refuses the batch."""
    world.control.switch(unknown_ids="not_found")
    gone = {"command": "delete_image", "project": there.pets, "ids": [there.snapshot]}
    world.control.fault("commands", operation="DeleteImages", commands=[gone], when="before", times=1)


def _vanishing(world: World, there: Gallery) -> None:
    """An image of each person goes while the lists are read."""
    commands = [
        {"command": "delete_image", "project": there.pets, "ids": [there.fresh]},
        {"command": "delete_image", "project": there.birds, "ids": [there.ben[-1]]},
    ]
    reads = ["GetImages", "GetImagesByIds"]
    world.control.fault("commands", operation=reads, commands=commands, when="after", times=1)


FAULTS: Mapping[str, Fault] = {
    "none": _none,
    "500 after": _done_then_500,
    "reset after": _done_then_reset,
    "429": _throttled,
    "503 burst": _burst,
    "late": _late,
    "404": _unknown_is_404,
    "vanishing": _vanishing,
}
