"""
The account as a whole: deleted in Azure Resource Manager, then purged, each in Azure's own time.

A deleted account can be recovered for 48 hours; only a purge ends that. Deletion takes minutes: a unit looks where the
account stands, does the next thing, and comes back later from the queue until nothing of it is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from delete_function.plan import ACCOUNT
from shared.domain.account import PREDICTION, AccountId, AccountState, address_parts, kind_of, may_be_erased
from shared.domain.errors import AccessDenied, CannotFulfil, ConfigurationError, StillUnderway
from shared.domain.resources import Row
from shared.domain.subject_request import SubjectRequest
from shared.domain.work import WorkUnit
from shared.ports_account import ResourceManager
from shared.services import Services

PAUSE_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class AccountTarget:
    """An account to erase: its id, and the host of its projects (None for a prediction account)."""

    account: AccountId
    host: str | None

    def unit(self) -> WorkUnit:
        """Give the unit that erases it."""
        return WorkUnit(
            kind=ACCOUNT, number=1, resource=self.host or "", project_id=None, details={"account": self.account.path}
        )


def manager_of(services: Services) -> ResourceManager:
    """Give Azure Resource Manager; `ConfigurationError` where this installation has none."""
    if services.accounts is None:
        raise ConfigurationError(["CUSTOM_VISION_RESOURCE_ID or ALLOW_ACCOUNT_DELETION is required for accounts"])
    return services.accounts


def find_account(services: Services, request: SubjectRequest) -> AccountTarget:
    """
    Find the account of a request and hold it against every guard; nothing is changed.

    Raises `CannotFulfil`: `confirm_mismatch` (its name), `unsupported_kind` (a multi-service account holds other
    services' data too), `account_not_configured` (its projects are not reachable through an endpoint of this app, or
    Azure says that it has another one of the endpoints: the settings are in another order).
    """
    account = AccountId.parse(request.scope["account"])
    if account is None or request.options["confirm"].get("account") != account.name:
        raise CannotFulfil("confirm_mismatch")
    row = _row(services, account)
    kind = None if row is None else kind_of(row)
    if kind is not None and not may_be_erased(kind):
        raise CannotFulfil("unsupported_kind")
    if kind == PREDICTION:
        return AccountTarget(account=account, host=None)
    host = _host_of(services, account)
    if host is None or _has_another_endpoint(services, row, host):
        raise CannotFulfil("account_not_configured")
    return AccountTarget(account=account, host=host)


def is_deleted(services: Services, target: AccountTarget) -> bool:
    """Say whether the account is deleted and waits for its purge; its projects cannot be read any more."""
    return manager_of(services).account_state(target.account) == "recoverable"


def _row(services: Services, account: AccountId) -> Row | None:
    """Give what Azure says about the account, also about a deleted one; None if it does not know it at all."""
    manager = manager_of(services)
    if manager.account_exists(account):
        return manager.get_account(account)
    deleted = manager.find_deleted(account)
    return deleted.row if deleted else None


def _has_another_endpoint(services: Services, row: Row | None, host: str) -> bool:
    """Whether an account's own endpoint is configured too, as that of another account: whose projects would go?"""
    properties = (row or {}).get("properties")
    endpoint = properties.get("endpoint") if isinstance(properties, Mapping) else None
    parts = address_parts(endpoint) if isinstance(endpoint, str) else None
    return parts is not None and parts["host"] != host and parts["host"] in services.vision


def _host_of(services: Services, account: AccountId) -> str | None:
    """Give the host of the configured endpoint that is this account's."""
    for resource, host in zip(services.settings.resources, services.vision, strict=True):
        own = AccountId.parse(resource.resource_id or "")
        if own is not None and own.same_as(account):
            return host
    return None


def state_of_account(services: Services, unit: WorkUnit) -> AccountState:
    """Say where a unit's account stands."""
    return manager_of(services).account_state(_account(unit))


def proven_state_of_account(services: Services, unit: WorkUnit) -> AccountState:
    """
    Say where a unit's account stands, for a look: `recoverable` also where nobody may look among the deleted ones.

    Nothing proves the purge then. Raises whatever else Azure refuses.
    """
    try:
        return state_of_account(services, unit)
    except AccessDenied:
        if manager_of(services).account_exists(_account(unit)):
            raise
        return "recoverable"


def erase_account(services: Services, unit: WorkUnit) -> Literal["absent", "not_empty"]:
    """
    Take an account one step further and say whether it is gone; `StillUnderway` means: come back later.

    Its projects must be gone just before the DELETE. Raises what Azure refuses (a lock, a policy, a missing role).
    """
    manager, account = manager_of(services), _account(unit)
    state = manager.account_state(account)
    if state == "absent":
        return "absent"
    if state == "present":
        if unit.resource and services.resource(unit.resource).get_projects():
            return "not_empty"
        raise _come_back(manager.delete_account(account).retry_after)
    if state == "recoverable":
        deleted = manager.find_deleted(account)
        if deleted is not None:
            raise _come_back(manager.purge_account(account, deleted.location).retry_after)
    raise _come_back(None)


def _come_back(wished: float | None) -> StillUnderway:
    return StillUnderway("erase account", retry_after=wished or PAUSE_SECONDS)


def _account(unit: WorkUnit) -> AccountId:
    account = AccountId.parse(unit.details["account"])
    if account is None:
        raise CannotFulfil("bad_message")
    return account


def planned_account(target: AccountTarget | None, unit: WorkUnit | None) -> dict[str, Any] | None:
    """Give what the plan says about the account."""
    if target is None or unit is None:
        return None
    return {"name": target.account.name, "unit": unit.unit_id, "holds_projects": target.host is not None}
