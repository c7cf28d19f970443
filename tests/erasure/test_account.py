"""The account as a whole: guarded, deleted, purged, and never called gone while it is not."""

from collections.abc import Callable
from typing import Any

import pytest

from request_function.retry import retry
from tests.erasure.gallery import gallery
from tests.erasure.oracle import NOTHING, difference
from tests.erasure.truth import facts_of
from tests.erasure.world import ACCOUNT_NAME, ID, Driver, World, approve, erasure

SUBSCRIPTION = "/subscriptions/5ab5c411-0000-4000-a000-000000000001/resourceGroups/emulated"
PATH = f"{SUBSCRIPTION}/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT_NAME}"
type MakeWorld = Callable[..., World]


@pytest.fixture
def served(make_world: MakeWorld) -> World:
    """A world whose projects belong to a configured account."""
    world = make_world(CUSTOM_VISION_RESOURCE_ID=PATH)
    world.control.seed_account(ACCOUNT_NAME, serves=True)
    gallery(world)
    return world


def ended(world: World, **parts: Any) -> tuple[str, str | None]:
    driver = Driver(world.process())
    driver.process.post(erasure("account", **({"account": PATH} | parts)))
    status = driver.finish()
    return status["request_status"], status["reason"]


def account_words(world: World, request_id: str = ID) -> dict[str, Any]:
    words = world.receipt(request_id)["stores"]["account"]
    return {name: words[name] for name in ("found", "deleted", "failed", "verified")}


def codes(world: World, request_id: str = ID) -> set[str]:
    return {entry["code"] for entry in world.receipt(request_id)["residuals"]}


@pytest.mark.parametrize("kind", ["CognitiveServices", "AIServices", "TextAnalytics"])
def test_an_account_that_holds_other_services_is_refused(make_world: MakeWorld, kind: str) -> None:
    world = make_world(CUSTOM_VISION_RESOURCE_ID=PATH)
    gallery(world)
    world.control.seed_account(ACCOUNT_NAME, kind=kind)
    before = world.facts()
    assert ended(world) == ("failed", "unsupported_kind")
    assert difference(before, world.facts()) == NOTHING


def test_an_account_whose_projects_are_not_configured_here_is_refused(make_world: MakeWorld) -> None:
    world = make_world()
    gallery(world)
    world.control.seed_account(ACCOUNT_NAME)
    before = world.facts()
    assert ended(world) == ("failed", "account_not_configured")
    assert difference(before, world.facts()) == NOTHING


def test_the_configured_account_is_not_meant_by_another_name(served: World) -> None:
    served.control.seed_account("other")
    before = served.facts()
    other = PATH.replace(ACCOUNT_NAME, "other")
    assert ended(served, account=other, confirm={"account": "other"}) == ("failed", "account_not_configured")
    assert difference(before, served.facts()) == NOTHING


@pytest.mark.parametrize("name", ["Gallery", "gallery2", "g"])
def test_a_wrong_confirmation_erases_nothing(served: World, name: str) -> None:
    before = served.facts()
    assert ended(served, confirm={"account": name}) == ("failed", "confirm_mismatch")
    assert difference(before, served.facts()) == NOTHING


def test_a_prediction_account_goes_alone(served: World) -> None:
    served.control.seed_account("predictions", kind="CustomVision.Prediction")
    before = served.facts()
    path = PATH.replace(ACCOUNT_NAME, "predictions")
    assert ended(served, account=path, confirm={"account": "predictions"}) == ("completed", None)
    before.pop(("account", "present", "predictions"))
    assert difference(before, served.facts()) == NOTHING


@pytest.mark.parametrize("lock", ["CanNotDelete", "ReadOnly"])
def test_a_locked_account_is_waited_for(served: World, lock: str) -> None:
    served.control.change_account(ACCOUNT_NAME, lock=lock)
    driver = Driver(served.process())
    driver.process.post(erasure("account", account=PATH))
    driver.reach_phase("account")
    for _ in range(12):
        driver.deliver_visible()
        served.wait_for_something(driver.process)
    assert driver.status()["request_status"] == "in_progress"
    served.control.change_account(ACCOUNT_NAME, lock="none")
    assert driver.finish()["request_status"] == "completed"
    assert served.facts() == {}


@pytest.mark.parametrize("change", [{"lock": "CanNotDelete"}, {"policy": True}, {"denied": ["delete"]}])
def test_an_account_that_stays_locked_is_named(served: World, change: dict[str, Any]) -> None:
    served.control.change_account(ACCOUNT_NAME, **change)
    assert ended(served) == ("partially_completed", "blocked")
    assert ("account", "present", ACCOUNT_NAME) in served.facts()
    assert account_words(served) == {"found": 1, "deleted": 0, "failed": 1, "verified": False}
    assert "account_recoverable_48_hours" not in codes(served)


def test_an_account_whose_purge_is_refused_is_recoverable_and_says_so(served: World) -> None:
    served.control.change_account(ACCOUNT_NAME, denied=["purge"])
    assert ended(served) == ("partially_completed", "blocked")
    assert ("account", "recoverable", ACCOUNT_NAME) in served.facts()
    assert account_words(served) == {"found": 1, "deleted": 0, "failed": 1, "verified": False}
    assert "account_recoverable_48_hours" in codes(served)


def test_an_account_whose_purge_nobody_may_look_up_counts_as_recoverable(served: World) -> None:
    served.control.change_account(ACCOUNT_NAME, denied=["deletedAccounts"])
    assert ended(served) == ("partially_completed", "blocked")
    assert ("account", "recoverable", ACCOUNT_NAME) in served.facts()
    assert account_words(served) == {"found": 1, "deleted": 0, "failed": 1, "verified": False}
    assert "account_recoverable_48_hours" in codes(served)


def test_a_purge_that_was_refused_is_made_up_for_by_a_retry(served: World) -> None:
    served.control.change_account(ACCOUNT_NAME, denied=["purge"])
    assert ended(served) == ("partially_completed", "blocked")
    served.control.change_account(ACCOUNT_NAME, denied=[])
    driver = Driver(served.process())
    again = retry(driver.process.services, ID, None).subject_request_id
    status = driver.finish(again)
    assert (status["request_status"], status["reason"]) == ("completed", None)
    assert account_words(served, again) == {"found": 1, "deleted": 1, "failed": 0, "verified": True}
    assert "account_recoverable_48_hours" not in codes(served, again)


def test_a_project_created_before_the_account_goes_keeps_it(served: World) -> None:
    driver = Driver(served.process())
    driver.process.post(erasure("account", account=PATH, require_approval=True))
    driver.reach("awaiting_approval")
    late = served.control.seed("Late", 2)["project"]
    approve(driver.process)
    status = driver.finish()
    assert (status["request_status"], status["reason"]) == ("partially_completed", "account_not_empty")
    found = served.facts()
    assert ("account", "present", ACCOUNT_NAME) in found
    assert {key[1] for key in found if key[0] == "project"} == {late}
    assert account_words(served) == {"found": 1, "deleted": 0, "failed": 1, "verified": False}


def test_a_lost_message_about_the_account_is_sent_again(served: World) -> None:
    driver = Driver(served.process())
    driver.process.post(erasure("account", account=PATH))
    driver.reach_phase("account")
    for message in served.queues.receive("deletion-work"):
        served.queues.remove("deletion-work", message)
    assert driver.finish()["request_status"] == "completed"
    assert served.facts() == {}


@pytest.mark.parametrize("mode", ["never", "failed"])
def test_a_deletion_that_never_ends_is_no_success(served: World, mode: str) -> None:
    served.control.switch(arm_deletes=mode)
    status, reason = ended(served)
    assert (status, reason is not None) == ("partially_completed", True)
    assert account_words(served) == {"found": 1, "deleted": 0, "failed": 1, "verified": False}
    assert [key[1] for key in facts_of(served.emulator) if key[0] == "account"] == ["present"]


def test_a_deletion_that_takes_azure_hours_is_waited_for(served: World) -> None:
    served.control.switch(arm_seconds=3000)  # deletion and purge: more than an hour and a half together
    assert ended(served) == ("completed", None)
    assert served.facts() == {}
    assert account_words(served) == {"found": 1, "deleted": 1, "failed": 0, "verified": True}


def test_an_outage_in_the_middle_of_a_long_deletion_is_no_end(served: World) -> None:
    served.control.switch(arm_seconds=3000)
    driver = Driver(served.process())
    driver.process.post(erasure("account", account=PATH))
    driver.reach_phase("account")
    for _ in range(30):
        driver.deliver_visible()
        served.wait_for_something(driver.process)
    fault = served.control.fault("status", operation="AccountsGet", status=500, times=4)
    status = driver.finish()
    assert (status["request_status"], status["reason"]) == ("completed", None)
    served.control.clear_faults(fault)


def test_a_deletion_that_outlasts_the_deadline_is_named_so(served: World) -> None:
    served.control.switch(arm_deletes="never")
    assert ended(served) == ("partially_completed", "verify_deadline")
    assert account_words(served) == {"found": 1, "deleted": 0, "failed": 1, "verified": False}
