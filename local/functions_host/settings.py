"""Where the host's settings come from: the environment first, then `local.settings.json`; host.json beside them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PERCENT = re.compile(r"%([^%]+)%")
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?", re.ASCII)
_LONGEST_SECONDS = 7 * 24 * 3600
"""The longest for which a queue hides a message."""


class SettingsError(Exception):
    """A setting or file that the host cannot start with; the text is one sentence for a person."""


class AppSettings(Mapping[str, str]):
    """App settings whose names are compared without case, as the host's configuration does."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = {name.lower(): value for name, value in values.items()}

    def __getitem__(self, name: str) -> str:
        try:
            return self._values[name.lower()]
        except KeyError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def is_true(self, name: str) -> bool:
        """Whether the setting says `true` or `1`."""
        return self.get(name, "").strip().lower() in ("true", "1")


def resolve_percent(text: str, settings: Mapping[str, str]) -> str:
    """Replace each `%NAME%` by that app setting; raises KeyError with the first name that is not set."""
    return _PERCENT.sub(lambda found: settings[found[1]], text)


def read_json_file(path: Path) -> dict[str, Any]:
    """The file's JSON object, or an empty one where there is no file; SettingsError when it is something else."""
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise SettingsError(f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(content, dict):
        raise SettingsError(f"{path.name} must hold a JSON object.")
    return content


def local_values(content: Mapping[str, Any]) -> dict[str, str]:
    """The `Values` of a `local.settings.json`; SettingsError for encrypted files and values that are not strings."""
    if content.get("IsEncrypted"):
        raise SettingsError("local.settings.json is encrypted; decrypt it with Core Tools or set IsEncrypted to false.")
    values = content.get("Values") or {}
    wrong = [name for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise SettingsError(f"local.settings.json: Values must be strings, but {', '.join(wrong)} is not.")
    return dict(values)


def merge_settings(environment: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    """The variables to run with: a variable that is already set wins over the same name in `Values`."""
    defaults = {"AZURE_FUNCTIONS_ENVIRONMENT": "Development", "FUNCTIONS_WORKER_RUNTIME": "python"}
    return {**defaults, **values, **environment}


@dataclass(frozen=True)
class LocalSettings:
    """The settings of this local host alone (times in seconds)."""

    lease_seconds: int
    drain_seconds: float
    keys: tuple[str, ...]
    body_limit_bytes: int
    development: bool


def local_settings(settings: AppSettings) -> LocalSettings:
    """Read them with their defaults; SettingsError names a number that is none."""
    keys = tuple(key.strip() for key in settings.get("LOCAL_HOST_KEYS", "").split(",") if key.strip())
    return LocalSettings(
        lease_seconds=_whole(settings, "LOCAL_HOST_LEASE_SECONDS", 600, 1, _LONGEST_SECONDS),
        drain_seconds=_number(settings, "LOCAL_HOST_DRAIN_SECONDS", 30, 0, _LONGEST_SECONDS),
        keys=keys,
        body_limit_bytes=_whole(settings, "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT", 104_857_600, 0, 10**12),
        development=settings.get("AZURE_FUNCTIONS_ENVIRONMENT", "").lower() == "development",
    )


def _number(settings: AppSettings, name: str, default: float, least: int, most: int) -> float:
    text = settings.get(name, "").strip() or str(default)
    if not _NUMBER.fullmatch(text) or not least <= float(text) <= most:
        raise SettingsError(f"{name} must be a number from {least} to {most}.")
    return float(text)


def _whole(settings: AppSettings, name: str, default: int, least: int, most: int) -> int:
    number = _number(settings, name, default, least, most)
    if not number.is_integer():
        raise SettingsError(f"{name} must be a whole number.")
    return int(number)
