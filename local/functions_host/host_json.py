"""What host.json says about HTTP and queues, with the app settings that override it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.functions_host.settings import SettingsError
from local.functions_host.timespan import parse_timespan

_OVERRIDE_PREFIX = "azurefunctionsjobhost__"
_QUEUES = "extensions.queues"


@dataclass(frozen=True)
class QueueOptions:
    """The section `extensions.queues`; the names are those of host.json."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    visibility_timeout: timedelta
    max_polling_interval: timedelta
    message_encoding: str


@dataclass(frozen=True)
class HostOptions:
    """What the local host uses of host.json."""

    route_prefix: str
    queues: QueueOptions
    has_extension_bundle: bool


def read_host_options(content: Mapping[str, Any], settings: Mapping[str, str], cores: int) -> HostOptions:
    """Parse host.json, overridden by `AzureFunctionsJobHost__section__name` settings; SettingsError says what is wrong.

    `cores` counts into the default of newBatchThreshold, the environment into that of maxPollingInterval.
    """
    merged = _with_overrides(_lowered(content), settings)
    if str(merged.get("version")) != "2.0":
        raise SettingsError('host.json must exist in the app\'s folder and hold "version": "2.0".')
    development = settings.get("AZURE_FUNCTIONS_ENVIRONMENT", "").lower() == "development"
    prefix = _section(merged, "extensions", "http").get("routeprefix", "api")
    return HostOptions(
        route_prefix=str(prefix).strip("/"),
        queues=_queue_options(_section(merged, "extensions", "queues"), cores, development),
        has_extension_bundle=bool(_section(merged, "extensionbundle").get("id")),
    )


def _queue_options(section: Mapping[str, Any], cores: int, development: bool) -> QueueOptions:
    batch_size = _whole(section, "batchSize", 16, 1, 32)
    encoding = str(section.get("messageencoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise SettingsError(f"host.json {_QUEUES}.messageEncoding must be base64 or none.")
    polling = _span(section, "maxPollingInterval", "00:00:02" if development else "00:01:00")
    if polling < timedelta(milliseconds=100):
        raise SettingsError(f"host.json {_QUEUES}.maxPollingInterval must be at least 100 milliseconds.")
    visibility = _span(section, "visibilityTimeout", "00:00:00")
    if visibility > timedelta(days=7):
        raise SettingsError(f"host.json {_QUEUES}.visibilityTimeout must be at most 7 days.")
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_whole(section, "newBatchThreshold", batch_size // 2 * cores, 0, None),
        max_dequeue_count=_whole(section, "maxDequeueCount", 5, 1, None),
        visibility_timeout=visibility,
        max_polling_interval=polling,
        message_encoding=encoding,
    )


def _lowered(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name).lower(): _lowered(inner) if isinstance(inner, Mapping) else inner for name, inner in content.items()
    }


def _with_overrides(content: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    for name in settings:
        if name.lower().startswith(_OVERRIDE_PREFIX):
            *path, last = name.lower().removeprefix(_OVERRIDE_PREFIX).split("__")
            target = content
            for part in path:
                if not isinstance(target.get(part), dict):
                    target[part] = {}
                target = target[part]
            target[last] = settings[name]
    return content


def _section(content: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for part in path:
        inner = content.get(part)
        content = inner if isinstance(inner, Mapping) else {}
    return content


def _whole(section: Mapping[str, Any], name: str, default: int, least: int, most: int | None) -> int:
    text = str(section.get(name.lower(), default)).strip()
    number = int(text) if text.isdecimal() else None
    if number is None or number < least or (most is not None and number > most):
        limits = f"from {least} to {most}" if most is not None else f"of at least {least}"
        raise SettingsError(f"host.json {_QUEUES}.{name} must be a whole number {limits}.")
    return number


def _span(section: Mapping[str, Any], name: str, default: str) -> timedelta:
    try:
        return parse_timespan(str(section.get(name.lower(), default)))
    except ValueError as error:
        raise SettingsError(f"host.json {_QUEUES}.{name}: {error}.") from error
