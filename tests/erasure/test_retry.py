"""A retry judges an image as the request before it did, although that one's selector is gone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from request_function.retry import retry
from shared.domain.errors import Conflict
from tests.erasure.gallery import Gallery, gallery
from tests.erasure.packages import exported, naming
from tests.erasure.readings import ending, words
from tests.erasure.truth import described, retagged
from tests.erasure.world import ID, Driver, World, approve, erasure

BY_CONTENT = ("tag name", "tag id", "metadata")


def failed(world: World, there: Gallery, images: Mapping[str, Any], **options: Any) -> Driver:
    """Let an erasure fail whose deletes never come true, and let the service be well again."""
    world.control.switch(delete_effect="never")
    driver = Driver(world.process())
    driver.process.post(erasure(images=images, **options))
    driver.finish()
    world.control.switch(delete_effect="delayed")
    return driver


def corrected(world: World, there: Gallery) -> None:
    """Make Anna's newest picture Ben's, as somebody does who sees that the tag was wrong."""
    retagged(world.emulator, there.pets, [there.fresh], "ben")
    described(world.emulator, there.pets, [there.fresh], subject="ben")


def is_there(world: World, there: Gallery, image_id: str) -> bool:
    return any(key[0] == "image" and key[-1] == image_id for key in world.facts())


@pytest.mark.parametrize("way", BY_CONTENT)
def test_an_image_whose_tag_was_corrected_since_the_first_try_is_left_by_the_retry(world: World, way: str) -> None:
    there = gallery(world)
    driver = failed(world, there, there.selector(way))
    corrected(world, there)
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    assert is_there(world, there, there.fresh)
    others = len(there.anna) - 1
    assert words(world.receipt(again), "images", "found", "deleted") == {"found": others, "deleted": others}


@pytest.mark.parametrize("way", BY_CONTENT)
def test_a_retry_erases_all_of_a_person_where_nothing_was_corrected(world: World, way: str) -> None:
    there = gallery(world)
    driver = failed(world, there, there.selector(way))
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    assert not any(is_there(world, there, one) for one in there.anna)


def test_an_image_corrected_after_the_retry_was_approved_is_left_as_no_longer_matching(world: World) -> None:
    there = gallery(world)
    driver = failed(world, there, {"tags": ["anna"]}, require_approval=False)
    again = retry(driver.process.erasing, ID, None).subject_request_id
    driver.reach_phase("images", again)
    corrected(world, there)
    driver.finish(again)
    assert is_there(world, there, there.fresh)
    assert world.receipt(again)["stores"]["images"]["no_longer_matching"] == 1


def test_the_retry_of_a_retry_still_knows_whose_images_were_meant(world: World) -> None:
    there = gallery(world)
    driver = failed(world, there, {"tags": ["anna"]})
    world.control.switch(delete_effect="never")
    second = retry(driver.process.erasing, ID, None).subject_request_id
    driver.finish(second)
    world.control.switch(delete_effect="delayed")
    corrected(world, there)
    third = retry(driver.process.erasing, second, None).subject_request_id
    assert ending(driver.finish(third)) == ("completed", None)
    assert is_there(world, there, there.fresh)
    assert not any(is_there(world, there, one) for one in there.anna if one != there.fresh)


def test_an_image_asked_for_by_its_id_is_erased_by_the_retry_whatever_its_tag_is_now(world: World) -> None:
    there = gallery(world)
    driver = failed(world, there, {"ids": [there.fresh], "tags": ["anna"]})
    corrected(world, there)
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    assert not any(is_there(world, there, one) for one in there.anna)


def test_an_image_that_only_an_iteration_still_holds_is_erased_by_the_retry(world: World) -> None:
    there = gallery(world)
    driver = failed(world, there, {"tags": ["anna"]})
    world.control.delete_images(there.pets, [there.anna[1]], everywhere=False)
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    assert not any(is_there(world, there, one) for one in there.anna)


def test_a_retry_that_exports_first_exports_what_it_is_about_to_erase(world: World) -> None:
    there = gallery(world)
    driver = failed(world, there, {"tags": ["anna"]}, export_first=True)
    corrected(world, there)
    again = retry(driver.process.erasing, ID, None).subject_request_id
    assert ending(driver.finish(again)) == ("completed", None)
    child = driver.status(again)["links"]["export_first"].rpartition("/")[2]
    exported = {name for name in world.everything_kept() if f"/{child}/" in name and "/images/files/" in name}
    assert len(exported) == len(there.anna) - 1
    assert not [name for name in exported if there.fresh in name]


def test_a_retry_under_another_hash_key_is_refused_since_nothing_would_match(world: World) -> None:
    there = gallery(world)
    services = failed(world, there, {"tags": ["anna"]}).process.erasing
    with pytest.raises(Conflict, match="LEDGER_HASH_KEY"):
        retry(replace(services, settings=replace(services.settings, ledger_hash_key="another")), ID, None)


def test_nothing_of_a_selector_but_digests_stays_for_its_retry(world: World) -> None:
    there = gallery(world)
    driver = failed(world, there, {"tags": ["anna"], "metadata": {"subject": "anna"}})
    retry(driver.process.erasing, ID, None)
    kept = {name: body for name, body in world.everything_kept().items() if "selector" not in name or ID not in name}
    assert not [name for name, body in kept.items() if b"anna" in body or b'subject"' in body]


@pytest.mark.parametrize("way", BY_CONTENT)
def test_an_erasure_that_is_cut_off_before_the_packages_says_so_and_its_retry_goes_through_them(
    world: World, way: str
) -> None:
    there = gallery(world)
    driver = exported(world)
    driver.process.post(erasure(images=there.selector(way), require_approval=True))
    driver.reach("awaiting_approval")
    world.control.fault("status", operation="GetImages", status=403, code="Forbidden")
    approve(driver.process)
    assert ending(driver.finish()) == ("partially_completed", "blocked")
    assert words(world.receipt(), "own_exports", "deleted", "packages", "verified") == {
        "deleted": 0,
        "packages": 0,
        "verified": False,
    }
    world.control.clear_faults()
    again = retry(driver.process.erasing, ID, None).subject_request_id
    driver.reach("awaiting_approval", again)
    approve(driver.process, again)
    assert ending(driver.finish(again)) == ("completed", None)
    assert naming(world, *there.anna) == []
    assert naming(world, *there.ben)
