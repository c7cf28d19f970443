"""Who may approve an erasure, where the platform says who calls."""

import pytest

from delete_function.intake import INTAKE
from request_function.approval import Approval, decide
from request_function.reading import plan
from shared.domain.errors import NotAllowed
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.readings import ANNA, ending
from tests.erasure.world import ID, Driver, World, erasure


@pytest.mark.parametrize("approver", ["8376ae62-8102-4bdb-a302-a3137ad28d11", "8376AE62-8102-4BDB-A302-A3137AD28D11"])
def test_who_asked_by_the_platforms_word_cannot_approve(world: World, approver: str) -> None:
    gallery(world)
    before, driver = world.facts(), Driver(world.process())
    asker, body = "8376ae62-8102-4bdb-a302-a3137ad28d11", erasure(images=ANNA, require_approval=True)
    INTAKE.from_http(driver.process.erasing, body, asker)
    driver.reach("awaiting_approval")
    word = {"decision": "approve", "plan_hash": plan(driver.process.services, ID)["plan_hash"]}
    with pytest.raises(NotAllowed):
        decide(driver.process.services, ID, Approval.read(word, approver))
    driver.deliver_visible()
    assert driver.status()["request_status"] == "awaiting_approval"
    assert difference(before, world.facts()) == NOTHING
    decide(driver.process.services, ID, Approval.read(word, "somebody-else"))
    assert ending(driver.finish()) == ("completed", None)
