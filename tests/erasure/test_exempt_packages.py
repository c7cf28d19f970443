"""Packages that an erasure leaves alone or cannot speak for: what stays in them is named, and nothing else is."""

from typing import Any

import pytest

from local.verify_receipt.numbers import contradictions
from request_function.reading import cancel
from tests.erasure.gallery import Gallery, gallery
from tests.erasure.packages import EXPORT, export, exported, naming
from tests.erasure.readings import ending, residuals, words
from tests.erasure.world import Driver, World, erasure

LATER = "6d284093-c16d-598d-b385-cefb43efdbbb"
NOBODY = "11111111-1111-4111-8111-111111111111"


def named_as_kept(world: World, *kept: str, **parts: Any) -> list[str]:
    """Erase with `keep_exports`, and give what the receipt names as kept."""
    driver = Driver(world.process())
    driver.process.post(erasure(images={"tags": ["anna"]}, keep_exports=sorted(kept), **parts))
    driver.finish()
    return residuals(world).get("kept_export", [])


def test_an_id_that_is_no_export_keeps_nothing_and_is_not_named(world: World) -> None:
    gallery(world)
    driver = exported(world)
    driver.process.post(erasure(request_id=LATER, images={"ids": [NOBODY]}))
    driver.finish(LATER)
    assert named_as_kept(world, EXPORT, LATER, NOBODY) == [EXPORT]


def test_an_export_that_was_cancelled_or_has_expired_keeps_nothing_and_is_not_named(world: World) -> None:
    gallery(world)
    exported(world)
    world.pass_time(31 * 24 * 3600)
    driver = Driver(world.process())
    driver.process.post(export(LATER))
    cancel(driver.process.services, LATER)
    driver.finish(LATER)
    assert named_as_kept(world, EXPORT, LATER) == []


def test_a_package_of_other_projects_keeps_nothing_and_is_not_named(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post({"subject_request_id": EXPORT, "scope": {"projects": [there.birds]}})
    driver.finish(EXPORT)
    assert named_as_kept(world, EXPORT, projects=[there.pets]) == []


def test_a_dry_run_names_the_packages_that_would_be_kept_with_their_end(world: World) -> None:
    gallery(world)
    exported(world)
    assert named_as_kept(world, EXPORT, NOBODY, dry_run=True) == [EXPORT]
    entry = next(one for one in world.receipt()["residuals"] if one["code"] == "kept_export")
    assert entry["expires"].keys() == {EXPORT}


def test_a_kept_package_of_a_project_in_scope_is_named_although_nothing_is_erased_from_that_project(
    world: World,
) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post({"subject_request_id": EXPORT, "scope": {"projects": [there.birds]}})
    driver.finish(EXPORT)
    assert named_as_kept(world, EXPORT) == [EXPORT]
    assert ending(driver.status()) == ("completed", None)


# endpoints that are not configured any more


def exported_elsewhere(world: World) -> Gallery:
    """Fill a world whose package is of an endpoint that the settings do not name any more, and give what it held."""
    there = gallery(world)
    host = next(iter(exported(world).process.services.vision))
    with world.emulator.world.lock:
        world.emulator.world.projects.pop(there.pets)
    name = f"{EXPORT}/plan.json"
    blob = world.requests.read(name)
    assert blob is not None
    world.requests.put(name, blob.content.replace(host.encode(), b"gone.cognitiveservices.azure.com"))
    return there


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_a_package_of_another_endpoint_holds_is_named_and_never_called_done(world: World, dry_run: bool) -> None:
    there = exported_elsewhere(world)
    driver = Driver(world.process())
    wanted: dict[str, Any] = {
        "images": {"ids": [there.anna[0], there.ben[-1]]},
        "predictions": {"ids": [there.predictions[0]]},
    }
    driver.process.post(erasure(dry_run=dry_run, **wanted))
    status = driver.finish()
    assert ending(status) == (("completed", None) if dry_run else ("partially_completed", "items_failed"))
    assert naming(world, there.anna[0])
    assert bool(naming(world, there.ben[-1])) == dry_run
    receipt = world.receipt()
    assert receipt["selectors_without_match"] == 0
    found = words(receipt, "own_exports", "found", "failed", "verified")
    assert found == {"found": 2 if dry_run else 3, "failed": 0 if dry_run else 2, "verified": False}
    assert contradictions(receipt) == []
    assert [(one["store"], one["id"], one["code"]) for one in status["failures"]] == [
        ("own_exports", EXPORT, "endpoint_not_configured")
    ]


def test_a_person_whom_only_a_package_of_another_endpoint_holds_is_not_called_unknown(world: World) -> None:
    there = exported_elsewhere(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images={"ids": [there.anna[0]]}))
    assert ending(driver.finish()) == ("partially_completed", "items_failed")
    assert naming(world, there.anna[0])


def test_a_project_of_another_endpoint_that_is_named_by_its_id_is_not_found(world: World) -> None:
    there = exported_elsewhere(world)
    driver = Driver(world.process())
    driver.process.post(erasure(projects=[there.pets], images={"ids": [there.anna[0]]}))
    assert ending(driver.finish()) == ("failed", "project_not_found")
