"""
The settings of an installation, read once from a mapping; every problem is found at once.

Nothing here reads the environment: `function_app` hands it over. Problems name settings and rules, never values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from shared.domain.account import AccountId
from shared.domain.addresses import is_endpoint, place_of
from shared.domain.errors import ConfigurationError, InvalidRequest, Violation
from shared.domain.json_input import parse_json

_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,20})?(e[+-]?\d{1,2})?", re.ASCII)
"""With the exponent that languages write of small numbers: a second is 0.0002 hours, a tenth of it 2.7e-05."""
_SURROGATE = re.compile("[\ud800-\udfff]")
"""What Python makes of bytes in the environment that are no UTF-8: nothing can be encoded with it."""
_CONTAINER = re.compile(r"[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9]")


@dataclass(frozen=True, kw_only=True)
class VisionResource:
    """One Custom Vision training resource: endpoint, key (None = Entra ID) and ARM id (None = not given)."""

    endpoint: str
    key: str | None
    resource_id: str | None

    def __repr__(self) -> str:
        """Show the endpoint only; a key never gets into a log."""
        return f"VisionResource({self.endpoint!r})"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of an installation, typed. Durations are timedeltas, schedules are texts or None (off)."""

    resources: tuple[VisionResource, ...]
    arm_endpoint: str
    calls_per_second: float
    requests_container: str
    exports_container: str
    export_schedule: str | None
    export_scope: Mapping[str, Any]
    export_retention: timedelta
    package_link_life: timedelta
    copy_concurrency: int
    erasure_requires_approval: bool
    approval_expires: timedelta
    trust_platform_identity: bool
    verify_interval: timedelta
    verify_deadline: timedelta
    watchdog_after: timedelta
    watchdog_schedule: str
    allow_account_deletion: bool
    allow_key_export: bool
    ledger_hash_key: str | None
    receipt_signing_key: str | None
    receipt_retired_keys: str | None

    def __repr__(self) -> str:
        """Show no values; some are secrets."""
        return f"Settings({len(self.resources)} resource(s))"

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Settings:
        """Read all settings; `ConfigurationError` with every problem."""
        settings, problems = cls.read_with_problems(environ)
        if problems:
            raise ConfigurationError(problems)
        return settings

    @classmethod
    def read_with_problems(cls, environ: Mapping[str, str]) -> tuple[Settings, list[str]]:
        """Read all settings, a malformed one as if it were absent, and say what is wrong with them."""
        reader = _Reader(environ)
        settings = cls(
            resources=reader.resources(),
            arm_endpoint=reader.endpoint("ARM_ENDPOINT", "https://management.azure.com"),
            calls_per_second=reader.number("CUSTOM_VISION_CALLS_PER_SECOND", 10, at_least=0.1),
            requests_container=reader.container("REQUESTS_CONTAINER", "gdpr-requests"),
            exports_container=reader.container("EXPORTS_CONTAINER", "gdpr-exports"),
            export_schedule=reader.text("EXPORT_SCHEDULE"),
            export_scope=reader.scope("EXPORT_SCOPE"),
            export_retention=timedelta(days=reader.number("EXPORT_RETENTION_DAYS", 30)),
            package_link_life=timedelta(
                minutes=reader.number("PACKAGE_LINK_MINUTES", 15, at_least=SHORTEST_LINK, at_most=LONGEST_LINK)
            ),
            copy_concurrency=reader.whole_number("COPY_CONCURRENCY", 8, at_most=MOST_COPIES),
            erasure_requires_approval=reader.flag("ERASURE_REQUIRES_APPROVAL"),
            approval_expires=timedelta(days=reader.number("APPROVAL_EXPIRES_DAYS", 14)),
            trust_platform_identity=reader.flag("TRUST_PLATFORM_IDENTITY"),
            verify_interval=timedelta(seconds=reader.number("ERASURE_VERIFY_INTERVAL_SECONDS", 300)),
            verify_deadline=timedelta(hours=reader.number("ERASURE_VERIFY_DEADLINE_HOURS", 72)),
            watchdog_after=timedelta(seconds=reader.number("WATCHDOG_AFTER_SECONDS", 1200)),
            watchdog_schedule=reader.text("WATCHDOG_SCHEDULE") or DEFAULT_WATCHDOG_SCHEDULE,
            allow_account_deletion=reader.flag("ALLOW_ACCOUNT_DELETION"),
            allow_key_export=reader.flag("ALLOW_KEY_EXPORT"),
            ledger_hash_key=reader.text("LEDGER_HASH_KEY"),
            receipt_signing_key=reader.text("RECEIPT_SIGNING_KEY"),
            receipt_retired_keys=reader.text("RECEIPT_RETIRED_KEYS"),
        )
        if settings.requests_container == settings.exports_container:  # a package is deleted by the id of its request
            reader.problems.append("EXPORTS_CONTAINER must be another container than REQUESTS_CONTAINER")
        return settings, reader.problems


UNRESOLVED = "@microsoft.keyvault("
"""How a setting begins, in any case, whose secret App Service could not read: it hands on the reference's own text."""
DEFAULT_WATCHDOG_SCHEDULE = "0 */5 * * * *"
MAX_NUMBER = 100_000.0
MOST_COPIES = 256
"""A unit of work holds no more pictures."""
SHORTEST_LINK = 0.05
"""Minutes. A link's end is written in whole seconds: one that lived for less than a few would be dead on arrival."""
LONGEST_LINK = 7 * 24 * 60.0
"""Minutes. A link that an identity signs cannot live longer, and none should."""


class _Reader:
    """Reads single settings and collects what is wrong; an empty text counts as absent."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        value = self._environ.get(name, "").strip()
        if value.lower().startswith(UNRESOLVED):  # else a text that is no secret would be taken for one
            self.problems.append(f"{name} is a reference to Key Vault that the platform could not resolve")
            return None
        if _SURROGATE.search(value):
            self.problems.append(f"{name} is no UTF-8")
            return None
        return value or None

    def flag(self, name: str) -> bool:
        value = (self.text(name) or "false").lower()
        if value not in ("true", "false"):
            self.problems.append(f"{name} must be true or false")
        return value == "true"

    def number(self, name: str, default: float, *, at_least: float = 0, at_most: float = MAX_NUMBER) -> float:
        text = self.text(name)
        value = default if text is None else float(text) if _NUMBER.fullmatch(text) else -1
        if not at_least <= value <= at_most:
            self.problems.append(f"{name} must be a number from {at_least} to {at_most:g}")
            return default
        return value

    def whole_number(self, name: str, default: int, *, at_most: int) -> int:
        text = self.text(name) or str(default)
        value = float(text) if _NUMBER.fullmatch(text) else 0
        if not value.is_integer() or not 1 <= value <= at_most:
            self.problems.append(f"{name} must be a whole number from 1 to {at_most}")
            return default
        return int(value)

    def container(self, name: str, default: str) -> str:
        value = self.text(name) or default
        if not _CONTAINER.fullmatch(value):
            self.problems.append(f"{name} must be a container name (3 to 63 lower-case letters, digits, dashes)")
        return value

    def endpoint(self, name: str, default: str) -> str:
        value = (self.text(name) or default).rstrip("/")
        if not is_endpoint(value):
            self.problems.append(f"{name} must be an https:// address (http:// on loopback only)")
        return value

    def scope(self, name: str) -> Mapping[str, Any]:
        text = self.text(name)
        if text is None:
            return {"projects": "all"}
        try:
            value = parse_json(text.encode())
        except InvalidRequest:
            value = None
        if not isinstance(value, dict):
            self.problems.append(f"{name} must be a JSON object")
            return {"projects": "all"}
        return value

    def resources(self) -> tuple[VisionResource, ...]:
        endpoints = self._list("CUSTOM_VISION_ENDPOINT")
        if not endpoints:
            self.problems.append("CUSTOM_VISION_ENDPOINT is required")
        if not all(is_endpoint(endpoint) for endpoint in endpoints):
            self.problems.append("CUSTOM_VISION_ENDPOINT must hold https:// addresses (http:// on loopback only)")
        if len({place_of(endpoint) for endpoint in endpoints}) < len(endpoints):
            self.problems.append("CUSTOM_VISION_ENDPOINT names an endpoint twice")
        keys = self._beside("CUSTOM_VISION_TRAINING_KEY", endpoints)
        ids = self._beside("CUSTOM_VISION_RESOURCE_ID", endpoints)
        if any(value is not None and AccountId.parse(value) is None for value in ids):
            self.problems.append(
                "CUSTOM_VISION_RESOURCE_ID must hold ARM ids of accounts (/subscriptions/.../accounts/...)"
            )
        return tuple(
            VisionResource(endpoint=endpoint.rstrip("/"), key=key, resource_id=resource_id)
            for endpoint, key, resource_id in zip(endpoints, keys, ids, strict=True)
        )

    def _beside(self, name: str, endpoints: list[str]) -> list[str | None]:
        values = self._list(name, keep_empty=True)
        if not values or not endpoints:
            return [None] * len(endpoints)
        if len(values) != len(endpoints):
            self.problems.append(f"{name} must have as many entries as CUSTOM_VISION_ENDPOINT, in the same order")
            return [None] * len(endpoints)
        return [value or None for value in values]

    def _list(self, name: str, *, keep_empty: bool = False) -> list[str]:
        text = self.text(name)
        parts = [part.strip() for part in text.split(",")] if text else []
        return parts if keep_empty else [part for part in parts if part]


def check_scheduled_scope(settings: Settings, validate: Callable[[object], object]) -> list[str]:
    """Say what is wrong with EXPORT_SCOPE, by the rules of the export body; nothing if no schedule is set."""
    if settings.export_schedule is None:
        return []
    try:
        validate({"scope": settings.export_scope})
    except InvalidRequest as error:
        return [f"EXPORT_SCOPE: {', '.join(map(_told, error.violations))}"]
    return []


def _told(violation: Violation) -> str:
    return f"{violation.pointer.removeprefix('/scope') or '/'} {violation.detail}"
