"""What the host finds when it indexes the app: names, routes, queues, schedules, who may call."""

from typing import Any

import pytest
from azure.functions.decorators.function_app import Function

from tests.functions.conftest import App, app_of

STORAGE = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "CUSTOM_VISION_ENDPOINT": "http://127.0.0.1:9"}
ROUTES = {
    ("POST", "exports"),
    ("POST", "erasures"),
    ("GET", "requests"),
    ("GET", "requests/{request_id}"),
    ("DELETE", "requests/{request_id}"),
    ("GET", "requests/{request_id}/plan"),
    ("GET", "requests/{request_id}/receipt"),
    ("GET", "requests/{request_id}/package"),
    ("GET", "health"),
}
FURTHER_ROUTES = {
    ("POST", "requests/{request_id}/approval"),
    ("POST", "requests/{request_id}/retry"),
    ("GET", "keys"),
    ("GET", "openapi.json"),
}
"""Routes of the contract that may be there."""
ANONYMOUS = {"health", "keys", "openapi.json"}


def trigger_of(function: Function) -> dict[str, Any]:
    trigger = function.get_trigger()
    assert trigger is not None
    return dict(trigger.get_dict_repr())


def triggers(app: App, kind: str) -> dict[str, dict[str, Any]]:
    found = {name: trigger_of(one) for name, one in app.functions.items()}
    return {name: trigger for name, trigger in found.items() if trigger["type"] == kind}


def methods_of(trigger: dict[str, Any]) -> list[str]:
    return [getattr(method, "value", method) for method in trigger["methods"]]


@pytest.mark.parametrize("environ", [{}, STORAGE], ids=["nothing set", "set"])
def test_the_routes_are_the_contracts(environ: dict[str, str]) -> None:
    http = triggers(app_of(environ), "httpTrigger").values()
    routes = {(method, trigger["route"]) for trigger in http for method in methods_of(trigger)}
    assert ROUTES <= routes <= ROUTES | FURTHER_ROUTES


def test_a_key_is_needed_everywhere_but_where_the_contract_says() -> None:
    for trigger in triggers(app_of({}), "httpTrigger").values():
        level = getattr(trigger["authLevel"], "value", trigger["authLevel"]).upper()
        assert level == ("ANONYMOUS" if trigger["route"] in ANONYMOUS else "FUNCTION")


def test_the_queues_are_the_contracts() -> None:
    queues = triggers(app_of({}), "queueTrigger").values()
    assert sorted(trigger["queueName"] for trigger in queues) == [
        "deletion-requests",
        "deletion-work",
        "export-requests",
        "export-work",
    ]
    assert {trigger["connection"] for trigger in queues} == {"AzureWebJobsStorage"}


def test_the_timers_have_the_names_of_the_contract() -> None:
    names = {"watchdog", "retention", "poison_watch"}
    assert names <= triggers(app_of({}), "timerTrigger").keys() <= names | {"audit_heads"}


def test_without_a_schedule_there_is_no_scheduled_export() -> None:
    assert "scheduled_export" not in app_of({}).functions
    scheduled = app_of({"EXPORT_SCHEDULE": "0 0 3 * * *"}).functions["scheduled_export"]
    assert trigger_of(scheduled)["schedule"] == "0 0 3 * * *"


def test_a_malformed_schedule_breaks_no_function() -> None:
    app = app_of({"EXPORT_SCHEDULE": "every day", "WATCHDOG_SCHEDULE": "often"})
    assert "scheduled_export" not in app.functions
    assert trigger_of(app.functions["watchdog"])["schedule"] == "0 */5 * * * *"


def test_no_schedule_is_an_unresolved_setting() -> None:
    app = app_of(STORAGE | {"EXPORT_SCHEDULE": "0 0 3 * * *"})
    schedules = [trigger["schedule"] for trigger in triggers(app, "timerTrigger").values()]
    assert all("%" not in schedule and len(schedule.split()) == 6 for schedule in schedules)


def test_no_timer_runs_at_every_start_of_a_host() -> None:
    for trigger in triggers(app_of({"EXPORT_SCHEDULE": "0 0 3 * * *"}), "timerTrigger").values():
        assert trigger.get("runOnStartup") is False
