"""
The accounts behind the data: `account.json`, and `account-keys.json` where the values of keys were asked for.

With an ARM id the account is read from Azure Resource Manager (account, usages, names of keys, deleted accounts that
can be recovered); without one from GetAccountInfo of the Training API v1.2, which Microsoft's table of personal data
names and which need not answer any more. What is refused stands in the entry and in the gaps; the rest is exported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from export_function.unit_work import ATTEMPTS, Result, failure, gap, raise_if_worth_waiting
from shared.domain.account import AccountId, key_names, may_hold_custom_vision, says_absent, without_secrets
from shared.domain.errors import ConfigurationError, ServiceRefusal, TransientError
from shared.domain.resources import Row
from shared.packages import PackageStore
from shared.ports_account import AccountInfoReader, PreviewReader, ResourceManager
from shared.settings import VisionResource

STORE = "account"
ACCOUNT_FILE = "account.json"
KEYS_FILE = "account-keys.json"
HIDDEN_SETTINGS = ("exportModelContainerUri", "notificationQueueUri")

_RETIRED = frozenset({400, 404, 405, 410})
"""Answers of a version of the API that is no more; 401 and 403 are about the caller."""


@dataclass
class _Entry:
    """
    What one resource gave: an entry of `account.json`, its keys, and what was refused (part, then error).

    `label` is the host of a configured resource, else the ARM id.
    """

    label: str
    facts: dict[str, Any]
    keys: Mapping[str, Any] | None = None
    word: str = "written"
    refusals: list[tuple[str, ServiceRefusal | TransientError]] = field(default_factory=list)

    def part(self, name: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401 - any JSON value
        """Read one part; None, and the refusal kept, if it is refused."""
        try:
            return read()
        except (ServiceRefusal, TransientError) as error:
            self.refusals.append((name, error))
            self.word = "failed"
            return None

    def as_json(self) -> dict[str, Any]:
        """Write the entry, refusals included."""
        refused = [
            {"part": part, "operation": error.operation, "status": error.status, "code": error.code}
            for part, error in self.refusals
        ]
        return {**self.facts, "refused": refused}

    def keys_as_json(self) -> dict[str, Any]:
        """Write the values of the keys, and whose they are."""
        whose = {name: self.facts[name] for name in ("resource", "resource_id")}
        return {**whose, "keys": dict(self.keys or {})}


def export_account(
    manager: ResourceManager | None,
    clients: Mapping[str, AccountInfoReader],
    resources: Sequence[VisionResource],
    packages: PackageStore,
    request_id: str,
    *,
    include_keys: bool,
    time: str,
    attempt: int = ATTEMPTS,
    prediction_resources: Iterable[str] = (),
) -> Result:
    """
    Write the files of the accounts and give their rows, counts (one per entry), gaps and failures.

    `clients` by the host of the resource; `prediction_resources`: ARM ids that iterations name as the target of their
    publishing. `attempt` counts the deliveries of the unit: before the last one a transient error is raised,
    so that the whole is read again. Errors: `TransientError`, `ConfigurationError` for a resource id that is none.
    """
    entries = _read(manager, clients, resources, prediction_resources)
    raise_if_worth_waiting(_passing(entries), attempt)
    result = Result()
    for entry in entries:
        _count(result, entry)
    for path, (operation, content) in _files(entries, include_keys=include_keys).items():
        result.files.append(packages.write_json(request_id, path, content, operation=operation, ids={}, time=time))
    return result


def account_facts(
    manager: ResourceManager | None,
    clients: Mapping[str, AccountInfoReader],
    resources: Sequence[VisionResource],
    prediction_resources: Iterable[str] = (),
) -> list[dict[str, Any]] | None:
    """Give what `account.json` would hold now; None while some of it cannot be read, though it may be later."""
    entries = _read(manager, clients, resources, prediction_resources)
    return None if _passing(entries) else [entry.as_json() for entry in entries]


def _read(
    manager: ResourceManager | None,
    clients: Mapping[str, AccountInfoReader],
    resources: Sequence[VisionResource],
    prediction_resources: Iterable[str],
) -> list[_Entry]:
    reader = _Reader(manager, clients)
    entries = [reader.configured(resource) for resource in resources]
    others = _others(resources, prediction_resources) if manager else ()
    return [*entries, *(reader.prediction(account) for account in others)]


def _passing(entries: Iterable[_Entry]) -> list[TransientError]:
    errors = [error for entry in entries for _, error in entry.refusals]
    return [error for error in errors if isinstance(error, TransientError)]


def _files(entries: Sequence[_Entry], *, include_keys: bool) -> dict[str, tuple[str, list[dict[str, Any]]]]:
    """Give path to operation and content; the values of keys get into a file of their own, or into none."""
    files = {ACCOUNT_FILE: ("Accounts - Get", [entry.as_json() for entry in entries])}
    if include_keys:
        keys = [entry.keys_as_json() for entry in entries if entry.keys is not None]
        files[KEYS_FILE] = ("Accounts - List Keys", keys)
    return files


def preview_settings(client: PreviewReader, project_id: str) -> dict[str, Any]:
    """
    Give the settings of a project that only v3.4-preview shows, without secrets; empty if none is set.

    `exportModelContainer` and `notificationQueue` (`…Uri` in the API) say where the customer's own storage gets models
    and messages: scheme, host and path; a signature that was part of the address is left out. Errors: those of
    GetProject.
    """
    settings = client.get_project_preview(project_id).get("settings")
    if not isinstance(settings, dict):
        return {}  # nothing hidden, or nothing that could be shown without secrets
    shown: dict[str, Any] = without_secrets({name: settings[name] for name in HIDDEN_SETTINGS if settings.get(name)})
    return shown


class _Reader:
    """Reads resources one after the other; deleted accounts once per subscription."""

    def __init__(self, manager: ResourceManager | None, clients: Mapping[str, AccountInfoReader]) -> None:
        self._manager, self._clients = manager, clients
        self._deleted: dict[str, list[Row]] = {}

    def configured(self, resource: VisionResource) -> _Entry:
        """Read one of the installation's own resources, by the way that its settings allow."""
        host = urlsplit(resource.endpoint).netloc.lower()
        facts: dict[str, Any] = {"resource": host, "resource_id": resource.resource_id, "role": "configured"}
        entry = _Entry(host, facts)
        if self._manager is None or resource.resource_id is None:
            return self._by_account_info(entry, self._clients[host])
        account = AccountId.parse(resource.resource_id)
        if account is None:
            raise ConfigurationError(["CUSTOM_VISION_RESOURCE_ID must hold ARM ids of accounts"])
        self._by_arm(entry, self._manager, account)
        facts["deleted_accounts"] = entry.part("deleted_accounts", lambda: self._recoverable(account.subscription))
        return entry

    def prediction(self, account: AccountId) -> _Entry:
        """Read an account that iterations are published to; it may be gone since, which is no fault."""
        facts: dict[str, Any] = {"resource": None, "resource_id": account.path, "role": "prediction"}
        entry = _Entry(account.path, facts)
        if self._manager is not None:
            self._by_arm(entry, self._manager, account)
        entry.word = "vanished" if entry.word == "not_available" else entry.word
        return entry

    def _by_arm(self, entry: _Entry, manager: ResourceManager, account: AccountId) -> None:
        row = entry.part("account", lambda: manager.get_account(account))
        entry.facts |= {"source": "Azure Resource Manager", "account": without_secrets(row)}
        if row is None and _is_gone(entry, says_absent):
            entry.word = "not_available"
            return
        usages = entry.part("usages", lambda: list(manager.usages(account)))
        entry.keys = entry.part("keys", lambda: manager.list_keys(account))
        names = None if entry.keys is None else key_names(entry.keys)
        entry.facts |= {"usages": without_secrets(usages), "key_names": names}

    def _by_account_info(self, entry: _Entry, client: AccountInfoReader) -> _Entry:
        row = entry.part("account", client.get_account_info)
        entry.facts |= {"source": "GetAccountInfo v1.2", "account": without_secrets(row)}
        if row is None:
            entry.word = "not_available" if _is_gone(entry, lambda error: error.status in _RETIRED) else "failed"
            return entry
        entry.keys = next((value for name, value in row.items() if name.lower() == "keys"), {})
        entry.facts["key_names"] = key_names(entry.keys)
        return entry

    def _recoverable(self, subscription: str) -> list[Row]:
        if subscription not in self._deleted and self._manager is not None:
            found = self._manager.deleted_accounts(subscription)
            rows = [without_secrets(one.row) for one in found if may_hold_custom_vision(one.kind)]
            self._deleted[subscription] = rows
        return self._deleted[subscription]


def _is_gone(entry: _Entry, says_so: Callable[[ServiceRefusal], bool]) -> bool:
    error = entry.refusals[-1][1]
    return isinstance(error, ServiceRefusal) and says_so(error)


def _others(resources: Sequence[VisionResource], named: Iterable[str]) -> list[AccountId]:
    """Give the accounts that are named and are none of the installation's own, each once."""
    known = [one for one in (AccountId.parse(resource.resource_id or "") for resource in resources) if one]
    others: list[AccountId] = []
    for account in (AccountId.parse(text) for text in named):
        if account and not any(account.same_as(one) for one in [*known, *others]):
            others.append(account)
    return others


def _count(result: Result, entry: _Entry) -> None:
    if entry.facts["role"] == "prediction" and entry.word == "failed":
        # It is named because an iteration points to it; what more could be read is extra, and its refusal stands there.
        result.count(STORE, found=1, written=1)
        return
    result.count(STORE, found=1, **{entry.word: 1})
    code = {"not_available": "gone", "vanished": "vanished"}.get(entry.word, "refused")
    for part, error in entry.refusals:
        result.gaps.append(gap(STORE, entry.label, code, f"{part}: {error}"))
        if entry.word == "failed":
            result.failures.append(failure(STORE, entry.label, code, error, error.operation))
