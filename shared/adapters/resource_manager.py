"""
Azure Resource Manager, as far as accounts with Custom Vision data are concerned.

Implements `shared.ports_account.ResourceManager`. Deleting takes place in Azure's own time: one method starts it,
another asks once, none waits. Sources: OpenAPI of `Microsoft.CognitiveServices` 2021-04-30, Microsoft's page on
recovering and purging deleted resources, and ARM's rules for asynchronous operations (`Azure-AsyncOperation`,
`Location`).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlsplit

import requests

from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision_answers import as_row
from shared.adapters.custom_vision_caller import TokenCaller
from shared.adapters.custom_vision_connection import Call, Connection
from shared.adapters.http_exchange import Timeouts
from shared.adapters.resource_manager_answers import (
    ABSENT,
    Page,
    as_keys,
    as_page,
    as_progress,
    as_start,
    is_operation_path,
)
from shared.domain.account import (
    PROVIDER,
    AccountId,
    AccountState,
    DeletedAccount,
    says_absent,
    short_location,
    state_of,
)
from shared.domain.addresses import is_loopback
from shared.domain.errors import AccessDenied, ResourceAbsent, StateConflict, UnexpectedResponse
from shared.domain.resources import Row
from shared.ports import Clock
from shared.ports_account import DeletionStart, Operation, OperationProgress

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

API_VERSION = "2021-04-30"
"""The first stable version with deletedAccounts and purge, and the one that Microsoft's page on purging names."""

PUBLIC_ENDPOINT = "https://management.azure.com"
MAX_PAGES = 200

_STARTED = frozenset({200, 202, 204})


def token_scope(endpoint: str) -> str:
    """Give the scope of tokens for an endpoint: the endpoint's own in other clouds, Azure's on loopback."""
    parts = urlsplit(endpoint)
    own = f"{parts.scheme}://{parts.netloc.lower()}"
    return f"{PUBLIC_ENDPOINT if is_loopback(parts.hostname or '') else own}/.default"


class ResourceManagerClient:
    """
    Azure Resource Manager at one endpoint, under an identity; safe to share among threads.

    Its calls are not counted against the budget of a Custom Vision resource: ARM has limits of its own, and its 429
    with `Retry-After` is obeyed like any other.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        credential: TokenCredential,
        session: requests.Session,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._connection = Connection(
            endpoint,
            TokenCaller(credential, token_scope(endpoint)),
            session=session,
            budget=UnlimitedBudget(),
            purpose="export",
            clock=clock,
            sleep=sleep,
            jitter=jitter,
            timeouts=timeouts,
            setting="ARM_ENDPOINT",
        )
        self._clock = clock

    def get_account(self, account: AccountId) -> Row:
        """Accounts - Get."""
        call = _get("Accounts - Get", account.path)
        return self._connection.send(call, as_row(call.operation))

    def usages(self, account: AccountId) -> Sequence[Row]:
        """Accounts - List Usages."""
        return list(self._all_rows("Accounts - List Usages", f"{account.path}/usages"))

    def list_keys(self, account: AccountId) -> Mapping[str, str]:
        """Accounts - List Keys: name to value; the values are secrets."""
        call = Call("Accounts - List Keys", "POST", f"{account.path}/listKeys", _VERSION, api="")
        return self._connection.send(call, as_keys(call.operation))

    def accounts(self, subscription: str) -> Sequence[Row]:
        """Accounts - List of a subscription, all pages."""
        return list(self._all_rows("Accounts - List", f"/subscriptions/{quote(subscription)}{PROVIDER}/accounts"))

    def deleted_accounts(self, subscription: str) -> Sequence[DeletedAccount]:
        """Deleted Accounts - List of a subscription, all pages."""
        operation = "Deleted Accounts - List"
        rows = self._all_rows(operation, f"/subscriptions/{quote(subscription)}{PROVIDER}/deletedAccounts")
        return [_deleted(operation, row) for row in rows]

    def account_exists(self, account: AccountId) -> bool:
        """Say whether Accounts - Get finds it; a 404 that is not about the account itself is raised."""
        return self._row_or_none(account) is not None

    def account_state(self, account: AccountId) -> AccountState:
        """Say where the account stands: two calls once it is gone, else one."""
        row = self._row_or_none(account)
        return state_of(row, self.find_deleted(account) if row is None else None)

    def find_deleted(self, account: AccountId) -> DeletedAccount | None:
        """Find it among the deleted accounts that can be recovered."""
        return next((one for one in self.deleted_accounts(account.subscription) if account.same_as(one)), None)

    def delete_account(self, account: AccountId) -> DeletionStart:
        """Accounts - Delete. The answer may get lost after the work is done: `OutcomeUnknown`, and the state tells."""
        return self._delete("Accounts - Delete", "delete", account.path)

    def purge_account(self, account: AccountId, location: str) -> DeletionStart:
        """Deleted Accounts - Purge, for good; ValueError for a location that is no region's name."""
        region = short_location(location)
        if region is None:
            raise ValueError("a location that is not a region's name")
        where = f"{account.subscription_path}{PROVIDER}/locations/{region}/resourceGroups/{quote(account.group)}"
        return self._delete("Deleted Accounts - Purge", "purge", f"{where}/deletedAccounts/{account.name}")

    def progress(self, operation: Operation) -> OperationProgress:
        """Ask once how a running operation stands; what no longer answers for it is "unknown"."""
        if not is_operation_path(operation.path):
            raise ValueError("an address that is no operation of the provider")
        call = Call("Operation - Get", "GET", operation.path, _VERSION, expected=_STARTED, api="")
        try:
            return self._connection.send(call, as_progress(call.operation, self._clock))
        except StateConflict as conflict:
            return OperationProgress("failed", code=conflict.code or None)
        except (ResourceAbsent, AccessDenied, UnexpectedResponse) as refusal:
            return OperationProgress("unknown", code=refusal.code or None)

    def _row_or_none(self, account: AccountId) -> Row | None:
        try:
            return self.get_account(account)
        except ResourceAbsent as refusal:
            if says_absent(refusal):
                return None
            raise

    def _delete(self, operation: str, kind: Literal["delete", "purge"], path: str) -> DeletionStart:
        call = Call(operation, "DELETE", path, _VERSION, repeatable=False, expected=_STARTED, api="")
        read = as_start(kind, self._connection.host, self._clock)
        try:
            return self._connection.send(call, read)
        except ResourceAbsent as refusal:
            if says_absent(refusal):
                return DeletionStart(ABSENT, request_id=refusal.request_id)
            raise

    def _all_rows(self, operation: str, path: str) -> Iterator[Row]:
        """Follow `nextLink` page by page, on the same host only: the token travels along."""
        page = Page([], path, _VERSION)
        for _ in range(MAX_PAGES):
            call = Call(operation, "GET", page.path, page.query, api="")
            page = self._connection.send(call, as_page(operation, self._connection.host))
            yield from page.rows
            if not page.path:
                return
        raise UnexpectedResponse(operation, status=200, code="EndlessList")


_VERSION = {"api-version": API_VERSION}


def _get(operation: str, path: str) -> Call:
    return Call(operation, "GET", path, _VERSION, api="")


def _deleted(operation: str, row: Row) -> DeletedAccount:
    found = DeletedAccount.from_row(row)
    if found is None:
        raise UnexpectedResponse(operation, status=200, code="UnexpectedBody")
    return found
