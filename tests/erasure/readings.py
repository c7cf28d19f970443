"""How the tests of this folder read the end of an erasure."""

from typing import Any

from tests.erasure.world import Driver, World

ANNA = {"metadata": {"subject": "anna"}}


def words(receipt: dict[str, Any], store: str = "images", *names: str) -> dict[str, Any]:
    names = names or ("found", "deleted", "already_absent", "no_longer_matching", "failed", "verified")
    return {name: receipt["stores"][store][name] for name in names}


def ending(status: dict[str, Any]) -> tuple[str, str | None]:
    return status["request_status"], status["reason"]


def residuals(world: World) -> dict[str, list[str]]:
    return {entry["code"]: entry["ids"] for entry in world.receipt()["residuals"]}


def waiting(world: World, body: dict[str, Any]) -> Driver:
    """Bring a request that needs approval to it, and stop there."""
    driver = Driver(world.process())
    driver.process.post(body)
    driver.reach("awaiting_approval")
    return driver


def approved(world: World, body: dict[str, Any]) -> Driver:
    """Stop a request at its approval, whether the body asks for one or not."""
    body["options"]["require_approval"] = True
    return waiting(world, body)
