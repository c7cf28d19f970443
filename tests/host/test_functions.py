"""The host's own checks of functions: one in error leaves the others alone."""

from typing import Any

import pytest

from local.functions_host.functions import FunctionDefinition, FunctionError, HttpTrigger, define_functions
from local.functions_host.settings import AppSettings
from local.functions_host.values import IndexedFunction


def http(route: str = "r", *, methods: list[str] | None = None, name: str = "req") -> dict[str, Any]:
    return {"type": "httpTrigger", "name": name, "route": route, "methods": methods, "authLevel": "ANONYMOUS"}


def queue(queue_name: str = "q", *, kind: str = "queueTrigger", name: str = "msg") -> dict[str, Any]:
    return {"type": kind, "name": name, "queueName": queue_name, "connection": "AzureWebJobsStorage"}


def define(
    functions: dict[str, list[dict[str, Any]]], settings: dict[str, str] | None = None, *, bundle: bool = True
) -> tuple[list[FunctionDefinition], list[FunctionError]]:
    indexed = [IndexedFunction(name, name, tuple(bindings)) for name, bindings in functions.items()]
    found = AppSettings(settings or {})
    return define_functions(indexed, found, route_prefix="api", has_extension_bundle=bundle)


@pytest.mark.parametrize(
    ("name", "bindings", "reason"),
    [
        ("1st", [http()], "name"),
        ("host", [http()], "name"),
        ("f" * 129, [http()], "name"),
        ("f", [http(name="a__b")], "binding"),
        ("f", [http(name="1a")], "binding"),
        ("f", [http(name="x"), queue(kind="queue", name="X")], "same name"),
        ("f", [queue(kind="queue")], "one trigger"),
        ("f", [http(), queue()], "one trigger"),
        ("f", [http("admin/x")], "admin"),
        ("f", [http("Runtime")], "runtime"),
        ("f", [http("{id")], "route"),
        ("f", [queue("%MISSING%")], "MISSING"),
        ("f", [queue("a_b")], "queue name"),
        ("f", [{"type": "timerTrigger", "name": "t", "schedule": "0 0 0 * * 7"}], "schedule"),
        ("f", [{"type": "timerTrigger", "name": "t", "schedule": "%MISSING%"}], "MISSING"),
        ("f", [{"type": "blobTrigger", "name": "b"}], "blobTrigger"),
    ],
)
def test_a_function_in_error_is_named_and_does_not_stop_the_others(
    name: str, bindings: list[dict[str, Any]], reason: str
) -> None:
    defined, errors = define({name: bindings, "good": [http("good")]})
    assert [function.name for function in defined] == ["good"]
    assert [error.name for error in errors] == [name]
    assert reason in errors[0].reason


def test_queue_bindings_need_the_extension_bundle() -> None:
    defined, errors = define({"q": [queue()], "h": [http()]}, bundle=False)
    assert [function.name for function in defined] == ["h"]
    assert "extensionBundle" in errors[0].reason


def test_functions_are_in_alphabetical_order_without_case() -> None:
    defined, _ = define({"b": [http("1")], "C": [http("2")], "A": [http("3")]})
    assert [function.name for function in defined] == ["A", "b", "C"]


def test_two_functions_cannot_share_a_route_and_a_method() -> None:
    defined, errors = define({"a": [http("Items")], "b": [http("items", methods=["GET"])]})
    assert [function.name for function in defined] == ["a"]
    assert "function a" in errors[0].reason


def test_two_functions_can_share_a_route_with_different_methods() -> None:
    defined, errors = define({"a": [http("items", methods=["POST"])], "b": [http("items", methods=["GET"])]})
    assert len(defined) == 2
    assert errors == []


@pytest.mark.parametrize("setting", ["AzureWebJobs.f.Disabled", "AzureWebJobs__F__Disabled"])
def test_a_setting_disables_a_function(setting: str) -> None:
    defined, _ = define({"f": [http()], "g": [http("g")]}, {setting: "true"})
    assert [function.disabled for function in defined] == [True, False]


def test_the_route_is_the_functions_name_unless_given_and_settings_are_filled_in() -> None:
    binding = http()
    del binding["route"]
    defined, _ = define({"f": [binding], "g": [http("%ROUTE%/x")]}, {"ROUTE": "things"})
    routes = [function.trigger.route.text for function in defined if isinstance(function.trigger, HttpTrigger)]
    assert routes == ["api/f", "api/things/x"]


def test_queue_names_are_made_lower_case() -> None:
    defined, _ = define({"f": [queue("Orders")]})
    assert getattr(defined[0].trigger, "queue_name", "") == "orders"
