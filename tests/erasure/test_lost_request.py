"""What was asked is lost, or cannot be compared any more, in the middle of an erasure: it ends and says what it did."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from delete_function.export_first import child_id
from local.verify_receipt.numbers import contradictions
from request_function.reading import cancel
from request_function.retry import retry
from shared.lifecycle import LAST_DELIVERY, handle
from tests.erasure.gallery import Gallery, gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.packages import exported, naming
from tests.erasure.readings import ANNA, ending, words
from tests.erasure.test_account import PATH
from tests.erasure.world import ACCOUNT_NAME, FULFILMENTS, ID, Driver, World, erasure
from tests.unit.in_process import Process


def images_left(world: World, there: Gallery) -> set[str]:
    return {key[-1] for key in world.facts() if key[0] == "image"}.intersection(there.anna)


class PatientDriver(Driver):
    """Delivers as the host does: a message whose function raises comes again, five times in all."""

    def deliver_visible(self) -> bool:
        queues = self.process.region.queues
        there = [(queue, message) for queue in FULFILMENTS for message in queues.receive(queue)]
        for queue, message in there:
            for delivery in range(1, LAST_DELIVERY + 1):
                if self._deliver(queue, message.content, delivery):
                    break
            queues.remove(queue, message)
        return bool(there)

    def _deliver(self, queue: str, content: bytes, delivery: int) -> bool:
        services = self.process.erasing if queue == "deletion-work" else self.process.services
        try:
            handle(services, FULFILMENTS[queue], content, delivery)
        except Exception:
            if delivery == LAST_DELIVERY:
                raise
            return False
        return True


# the selector is gone


@pytest.mark.parametrize("phase", ["images", "images_check", "last_look"])
def test_an_erasure_whose_selector_is_lost_says_what_it_had_erased(world: World, phase: str) -> None:
    there = gallery(world)
    exported(world)
    driver = PatientDriver(world.process())
    driver.process.post(erasure(images=ANNA))
    driver.reach_phase(phase)
    driver.process.services.ledger.delete_selector(ID)
    assert ending(driver.finish()) == ("partially_completed", "bad_message")
    told = words(world.receipt())
    erased = 0 if phase == "images" else len(there.anna)
    assert (told["deleted"], told["failed"], told["verified"]) == (erased, len(there.anna) - erased, False)
    assert len(images_left(world, there)) == told["failed"]
    assert contradictions(world.receipt()) == []


def test_an_erasure_whose_selector_is_lost_before_it_began_erases_nothing_and_says_so(world: World) -> None:
    there = gallery(world)
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(images=ANNA, export_first=True))
    driver.reach("exporting")
    driver.process.services.ledger.delete_selector(ID)
    assert ending(driver.finish()) == ("failed", "bad_message")
    assert words(world.receipt(), "images", "found", "failed") == dict.fromkeys(("found", "failed"), len(there.anna))
    assert difference(before, world.facts()) == NOTHING


# the key is another one


def under_another_key(process: Process) -> Process:
    """Give the app after its LEDGER_HASH_KEY was changed."""

    def changed(services: Any) -> Any:
        return replace(services, settings=replace(services.settings, ledger_hash_key="another key"))

    return Process(process.region, changed(process.services), changed(process.erasing))


def retried(world: World, images: Mapping[str, Any]) -> tuple[Driver, str]:
    """Let an erasure fail and ask for its retry."""
    world.control.switch(delete_effect="never")
    driver = Driver(world.process())
    driver.process.post(erasure(images=images))
    driver.finish()
    world.control.switch(delete_effect="delayed")
    return driver, retry(driver.process.erasing, ID, None).subject_request_id


def test_a_retry_that_is_planned_under_another_hash_key_fails_instead_of_finding_nothing(world: World) -> None:
    gallery(world)
    before = world.facts()
    driver, again = retried(world, {"tags": ["anna"]})
    assert ending(PatientDriver(under_another_key(driver.process)).finish(again)) == ("failed", "bad_message")
    assert difference(before, world.facts()) == NOTHING


def test_a_retry_that_works_under_another_hash_key_calls_nothing_no_longer_matching(world: World) -> None:
    there = gallery(world)
    before = world.facts()
    driver, again = retried(world, {"tags": ["anna"]})
    driver.reach_phase("images", again)
    assert ending(PatientDriver(under_another_key(driver.process)).finish(again)) == (
        "partially_completed",
        "bad_message",
    )
    told = words(world.receipt(again))
    assert (told["failed"], told["no_longer_matching"], told["verified"]) == (len(there.anna), 0, False)
    assert difference(before, world.facts()) == NOTHING


def test_a_retry_of_what_was_asked_for_by_id_does_not_mind_another_hash_key(world: World) -> None:
    there = gallery(world)
    driver, again = retried(world, {"ids": list(there.anna)})
    assert ending(Driver(under_another_key(driver.process)).finish(again)) == ("completed", None)
    assert images_left(world, there) == set()


# given up before it began


def test_an_account_that_was_never_reached_counts_as_not_attempted(world: World) -> None:
    world = World(world.emulator, world.session, {**world.settings, "CUSTOM_VISION_RESOURCE_ID": PATH})
    world.control.seed_account(ACCOUNT_NAME, serves=True)
    there = gallery(world)
    world.control.read_only(there.pets)
    driver = Driver(world.process())
    driver.process.post(erasure("account", account=PATH))
    status = driver.finish()
    assert ending(status) == ("partially_completed", "blocked")
    assert words(world.receipt(), "account", "found", "deleted", "failed") == {"found": 1, "deleted": 0, "failed": 1}
    assert ("account", "present", ACCOUNT_NAME) in world.facts()


@pytest.mark.parametrize("level", ["items", "projects"])
def test_an_erasure_that_is_given_up_while_it_exports_counts_what_was_planned_as_failed(
    world: World, level: str
) -> None:
    gallery(world)
    parts: dict[str, Any] = {"images": ANNA} if level == "items" else {}
    before, driver = world.facts(), Driver(world.process())
    driver.process.post(erasure(level, export_first=True, **parts))
    driver.reach("exporting")
    given_up = b'{"subject_request_id": "%s", "attempt": 1, "poisoned": 4}' % ID.encode()
    handle(driver.process.erasing, FULFILMENTS["deletion-work"], given_up, 1)
    assert ending(driver.finish(ID, child_id(ID))) == ("failed", "delivery_exhausted")
    assert words(world.receipt(), "images", "found")["found"] > 0
    for told in world.receipt()["stores"].values():
        assert told["found"] == told["failed"]
    assert contradictions(world.receipt()) == []
    assert difference(before, world.facts()) == NOTHING


def test_a_package_that_was_exported_first_outlives_the_erasure_that_is_taken_back(world: World) -> None:
    there = gallery(world)
    driver = Driver(world.process())
    driver.process.post(erasure(images=ANNA, export_first=True, require_approval=True))
    driver.reach("awaiting_approval")
    cancel(driver.process.services, ID)
    assert ending(driver.finish()) == ("cancelled", None)
    assert driver.status()["links"]["export_first"] == f"/api/requests/{child_id(ID)}"
    assert naming(world, there.fresh, request_id=child_id(ID))
