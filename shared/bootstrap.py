"""From settings to services: the one module that knows the adapters. Built once, when a function first needs them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from threading import RLock
from typing import Any

from croniter import croniter

from shared.adapters.blob_direct_copies import DirectCopies
from shared.adapters.blob_direct_lists import DirectLists
from shared.adapters.blob_direct_small import DirectSmallBlobs
from shared.adapters.blob_store import AzureBlobStore
from shared.adapters.call_budget import SharedCallBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.custom_vision_caller import KeyCaller
from shared.adapters.custom_vision_connection import base_address
from shared.adapters.http_exchange import make_session
from shared.adapters.load_meter import LoadMeter
from shared.adapters.picture_source import HttpPictureSource
from shared.adapters.receipt_signer import PemReceiptKeys
from shared.adapters.resource_manager import ResourceManagerClient
from shared.adapters.storage_connection import StorageConnection, default_credential
from shared.adapters.storage_queues import AzureStorageQueues
from shared.adapters.storage_settings import Service, StorageSettings, is_configured
from shared.copy_pace import CopyPace
from shared.domain.errors import ConfigurationError
from shared.domain.validation import validate_export
from shared.ledger import RequestLedger
from shared.packages import PackageStore
from shared.ports import BlobStore
from shared.services import Services
from shared.settings import Settings, VisionResource, check_scheduled_scope


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """Give the present time."""
        return datetime.now(UTC)


class Installation:
    """
    One installation of the app: its settings as they were found, and the services made from them.

    Making it does nothing; the first call of `services` reads the settings and raises `ConfigurationError` with every
    problem, and each later one again, so that a malformed setting is an answer and not a dead app.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._lock = RLock()

    def services(self, *, erasure: bool = False) -> Services:
        """Give the services; `erasure` has the share of the call budget that exports leave free."""
        with self._lock:
            return self._for_erasure if erasure else self._for_export

    def schedule(self, name: str, default: str | None = None) -> str | None:
        """Give a timer's schedule: the default where the setting is malformed, which `problems` then names."""
        value = self._environ.get(name, "").strip() or default
        return value if value is None or _is_schedule(value) else default

    def problems(self) -> list[str]:
        """Give everything that is wrong with the settings, in names only."""
        found = [
            f"{name} is not a schedule of six fields (NCRONTAB)"
            for name in ("EXPORT_SCHEDULE", "WATCHDOG_SCHEDULE")
            if (value := self._environ.get(name, "").strip()) and not _is_schedule(value)
        ]
        found += _problems_of(lambda: self._storage("AzureWebJobsStorage"))
        if self._data_name == "DATA_STORAGE":
            found += _problems_of(lambda: self._storage("DATA_STORAGE"))
        settings, problems = Settings.read_with_problems(self._environ)
        found += [*problems, *check_scheduled_scope(settings, _validate_scope)]
        found += _problems_of(lambda: [KeyCaller(resource.key) for resource in settings.resources if resource.key])
        return found + _problems_of(_receipt_keys(settings).check)

    @property
    def _data_name(self) -> str:
        """The connection of the blobs: its own where it is given, else the host's."""
        return "DATA_STORAGE" if is_configured(self._environ, "DATA_STORAGE") else "AzureWebJobsStorage"

    def _storage(self, name: str) -> StorageSettings:
        needs: list[Service] = ["queue"] if name == "AzureWebJobsStorage" else []
        needs += ["blob"] if name == self._data_name else []
        return StorageSettings.from_mapping(self._environ, name, needs=tuple(needs))

    @cached_property
    def _settings(self) -> Settings:
        problems = self.problems()
        if problems:
            raise ConfigurationError(problems)
        return Settings.read(self._environ)

    @cached_property
    def _for_export(self) -> Services:
        return self._services(erasure=False)

    @cached_property
    def _for_erasure(self) -> Services:
        return self._services(erasure=True)

    def _services(self, *, erasure: bool) -> Services:
        settings = self._settings
        return Services(
            settings=settings,
            ledger=RequestLedger(self._requests_blobs),
            packages=PackageStore(self._exports_blobs),
            queues=self._queues,
            clock=SystemClock(),
            vision=dict(self._client(resource, erasure=erasure) for resource in settings.resources),
            pictures=HttpPictureSource(self._session),
            copy_pace=self._copy_pace,
            accounts=self._accounts,
            receipt_keys=_receipt_keys(settings),
        )

    @cached_property
    def _copy_pace(self) -> CopyPace:
        return CopyPace(LoadMeter().load)

    @cached_property
    def _accounts(self) -> ResourceManagerClient | None:
        settings = self._settings
        if not settings.allow_account_deletion and not any(resource.resource_id for resource in settings.resources):
            return None
        return ResourceManagerClient(
            settings.arm_endpoint, credential=default_credential(None), session=self._session, clock=SystemClock()
        )

    @cached_property
    def _session(self) -> Any:  # noqa: ANN401 - the HTTP library's own type stays in the adapters
        return make_session(max(16, 2 * self._settings.copy_concurrency))

    @cached_property
    def _queues(self) -> AzureStorageQueues:
        return AzureStorageQueues(self._connection("AzureWebJobsStorage").queues())

    @cached_property
    def _data(self) -> StorageConnection:
        return self._connection(self._data_name)

    @cached_property
    def _requests_blobs(self) -> BlobStore:
        name = self._settings.requests_container
        return AzureBlobStore(
            self._data.blobs(), name, lists=DirectLists(self._data, name), small=DirectSmallBlobs(self._data, name)
        )

    @cached_property
    def _exports_blobs(self) -> BlobStore:
        name = self._settings.exports_container
        return AzureBlobStore(
            self._data.blobs(),
            name,
            copies=DirectCopies(self._data, name),
            lists=DirectLists(self._data, name),
            small=DirectSmallBlobs(self._data, name),
        )

    def _connection(self, name: str) -> StorageConnection:
        return StorageConnection(self._storage(name), pool_size=max(16, 2 * self._settings.copy_concurrency))

    @cached_property
    def _budgets(self) -> dict[str, SharedCallBudget]:
        return {}

    def _client(self, resource: VisionResource, *, erasure: bool) -> tuple[str, CustomVisionClient]:
        host = base_address(resource.endpoint)[1]
        if host not in self._budgets:
            rate = self._settings.calls_per_second
            budget = SharedCallBudget(self._requests_blobs, host, calls_per_second=rate, clock=SystemClock())
            self._budgets[host] = budget
        client = CustomVisionClient(
            resource.endpoint,
            key=resource.key,
            credential=None if resource.key else default_credential(None),
            session=self._session,
            budget=self._budgets[host],
            purpose="erasure" if erasure else "export",
            clock=SystemClock(),
        )
        return client.host, client


def _receipt_keys(settings: Settings) -> PemReceiptKeys:
    return PemReceiptKeys(settings.receipt_signing_key, settings.receipt_retired_keys)


_NO_NCRONTAB = re.compile(r"[?#]|[^\S ]|(?<![a-z])[lwrh](?![a-z])|(?<=\d)[lw]", re.IGNORECASE)
_SUNDAY_AS_7 = re.compile(r"(?<![\d/])0*7(?!\d)")
"""What croniter takes and the Functions host does not: it would leave the function out."""
_RANGE = re.compile(r"(\w+)-(\w+)")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_RANKS = {name: rank for rank, name in enumerate(_MONTHS, 1)} | {
    name: rank for rank, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))
}


def _is_schedule(value: str) -> bool:
    fields = value.split()
    if len(fields) != 6 or _NO_NCRONTAB.search(value) or _SUNDAY_AS_7.search(fields[-1]):
        return False
    return not _runs_backwards(value) and bool(croniter.is_valid(value, second_at_beginning=True))


def _runs_backwards(schedule: str) -> bool:
    """Whether a range ends before it begins: to the Functions host 22-2 is 2-22, to croniter the hours of a night."""
    return any(_rank(first) > _rank(last) for first, last in _RANGE.findall(schedule))


def _rank(value: str) -> int:
    return int(value) if value.isdecimal() else _RANKS.get(value.lower(), 0)


def _validate_scope(body: object) -> object:
    return validate_export(body, default_package="none", account_by_default=False)


def _problems_of(read: Callable[[], object]) -> list[str]:
    try:
        read()
    except ConfigurationError as error:
        return list(error.problems)
    return []
