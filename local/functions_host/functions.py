"""The functions of an app as the host knows them, and the host's own checks of them. Pure.

The worker refuses an app whole; the checks here put single functions in error and leave the others alone.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.functions_host.routes import InvalidRoute, RouteTemplate, parse_route
from local.functions_host.schedule import InvalidSchedule, Schedule, parse_schedule
from local.functions_host.settings import AppSettings, resolve_percent
from local.functions_host.values import IndexedFunction

_FUNCTION_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,127}")
_BINDING_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_NEEDS_BUNDLE = frozenset({"queueTrigger", "queue"})
_TRIGGERS = ("httpTrigger", "queueTrigger", "timerTrigger")


@dataclass(frozen=True)
class HttpTrigger:
    """An HTTP trigger; `methods` in upper case, None for all."""

    binding: str
    route: RouteTemplate
    methods: frozenset[str] | None
    anonymous: bool


@dataclass(frozen=True)
class QueueBinding:
    """A Storage queue at either end: the parameter (or `$return`), the queue's name in lower case, the connection."""

    binding: str
    queue_name: str
    connection: str
    binary: bool = False


@dataclass(frozen=True)
class TimerTrigger:
    """A timer trigger with its schedule parsed; `text` is the schedule as written, settings filled in."""

    binding: str
    text: str
    schedule: Schedule
    run_on_startup: bool
    use_monitor: bool


@dataclass(frozen=True)
class FunctionDefinition:
    """A function that the host can run."""

    name: str
    function_id: str
    trigger: HttpTrigger | QueueBinding | TimerTrigger
    outputs: tuple[QueueBinding, ...]
    disabled: bool
    bindings: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class FunctionError:
    """A function that the host leaves out, and why."""

    name: str
    reason: str


class _Refused(Exception):
    """The reason why one function cannot be run."""


def define_functions(
    indexed: Iterable[IndexedFunction], settings: AppSettings, *, route_prefix: str, has_extension_bundle: bool
) -> tuple[list[FunctionDefinition], list[FunctionError]]:
    """Check and parse what the worker listed: what can run, in alphabetical order without case, and what cannot."""
    defined: list[FunctionDefinition] = []
    errors: list[FunctionError] = []
    for function in sorted(indexed, key=lambda item: item.name.lower()):
        try:
            candidate = _define(function, settings, route_prefix, has_extension_bundle)
            _check_route_is_free(candidate, defined)
            defined.append(candidate)
        except _Refused as refusal:
            errors.append(FunctionError(function.name, str(refusal)))
    return defined, errors


def _define(
    function: IndexedFunction, settings: AppSettings, route_prefix: str, has_bundle: bool
) -> FunctionDefinition:
    _check_names(function)
    types = [str(binding.get("type")) for binding in function.bindings]
    _check_types(types, has_bundle)
    trigger = next(binding for binding in function.bindings if binding.get("type") in _TRIGGERS)
    return FunctionDefinition(
        name=function.name,
        function_id=function.function_id,
        trigger=_trigger(function.name, trigger, settings, route_prefix),
        outputs=tuple(_queue(binding, settings) for binding in function.bindings if binding.get("type") == "queue"),
        disabled=_is_disabled(function.name, settings),
        bindings=function.bindings,
    )


def _check_names(function: IndexedFunction) -> None:
    if not _FUNCTION_NAME.fullmatch(function.name) or function.name.lower() == "host":
        raise _Refused("the function's name must start with a letter, hold letters, digits, _ and -, and not be 'host'")
    names = [str(binding.get("name")) for binding in function.bindings]
    for name in names:
        if name != "$return" and ("__" in name or not _BINDING_NAME.fullmatch(name)):
            raise _Refused(f"'{name}' cannot name a binding: letters, digits and single _ only")
    if len({name.lower() for name in names}) != len(names):
        raise _Refused("two bindings have the same name")


def _check_types(types: Sequence[str], has_bundle: bool) -> None:
    triggers = [name for name in types if name.endswith("Trigger")]
    if len(triggers) != 1:
        raise _Refused(f"a function needs exactly one trigger, this one has {len(triggers)}")
    for name in types:
        if name not in (*_TRIGGERS, "queue", "http"):
            raise _Refused(f"the binding '{name}' is not known to this local host")
        if name in _NEEDS_BUNDLE and not has_bundle:
            raise _Refused(f"the binding '{name}' needs the extensionBundle section in host.json")


def _trigger(
    name: str, binding: Mapping[str, Any], settings: AppSettings, route_prefix: str
) -> HttpTrigger | QueueBinding | TimerTrigger:
    match binding["type"]:
        case "httpTrigger":
            return _http(name, binding, settings, route_prefix)
        case "queueTrigger":
            return _queue(binding, settings)
        case _:
            return _timer(binding, settings)


def _http(name: str, binding: Mapping[str, Any], settings: AppSettings, route_prefix: str) -> HttpTrigger:
    route = _resolved(str(binding.get("route") or name), settings).strip("/")
    if re.match(r"(admin|runtime)(/|$)", route, re.IGNORECASE):
        raise _Refused("a route must not start with 'admin' or 'runtime'")
    methods = frozenset(str(method).upper() for method in binding.get("methods") or ())
    try:
        template = parse_route("/".join(part for part in (route_prefix, route) if part))
    except InvalidRoute as error:
        raise _Refused(f"the route is not valid: {error}") from error
    anonymous = str(binding.get("authLevel", "FUNCTION")).upper() == "ANONYMOUS"
    return HttpTrigger(str(binding["name"]), template, methods or None, anonymous)


def _queue(binding: Mapping[str, Any], settings: AppSettings) -> QueueBinding:
    queue_name = _resolved(str(binding.get("queueName", "")), settings).lower()
    if not re.fullmatch(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*", queue_name):
        raise _Refused(f"'{queue_name}' is not a valid queue name")
    connection = str(binding.get("connection") or "AzureWebJobsStorage")
    binary = str(binding.get("dataType", "")).upper() == "BINARY"
    return QueueBinding(str(binding["name"]), queue_name, connection, binary)


def _timer(binding: Mapping[str, Any], settings: AppSettings) -> TimerTrigger:
    text = _resolved(str(binding.get("schedule", "")), settings)
    try:
        schedule = parse_schedule(text)
    except InvalidSchedule as error:
        raise _Refused(f"the schedule is not valid: {error}") from error
    monitored = binding.get("useMonitor") is not False and not schedule.runs_within_a_minute()
    return TimerTrigger(str(binding["name"]), text, schedule, bool(binding.get("runOnStartup")), monitored)


def _resolved(text: str, settings: AppSettings) -> str:
    try:
        return resolve_percent(text, settings)
    except KeyError as error:
        raise _Refused(f"the setting {error.args[0]} that it names is not set") from error


def _is_disabled(name: str, settings: AppSettings) -> bool:
    return settings.is_true(f"AzureWebJobs.{name}.Disabled") or settings.is_true(f"AzureWebJobs__{name}__Disabled")


def _check_route_is_free(candidate: FunctionDefinition, others: Iterable[FunctionDefinition]) -> None:
    if not isinstance(candidate.trigger, HttpTrigger):
        return
    for other in others:
        if isinstance(other.trigger, HttpTrigger) and _collide(candidate.trigger, other.trigger):
            raise _Refused(f"its route and a method are those of the function {other.name}")


def _collide(one: HttpTrigger, other: HttpTrigger) -> bool:
    if one.route.text.lower() != other.route.text.lower():
        return False
    return one.methods is None or other.methods is None or bool(one.methods & other.methods)
