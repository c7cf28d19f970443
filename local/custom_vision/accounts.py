"""Accounts as Azure Resource Manager keeps them: present, being deleted, deleted and recoverable, purged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RECOVERABLE_SECONDS = 48 * 3600.0
SUBSCRIPTION = "5ab5c411-0000-4000-a000-000000000001"
KINDS = ("CustomVision.Training", "CustomVision.Prediction", "CognitiveServices", "AIServices", "TextAnalytics")

Key = tuple[str, str, str]
Lock = Literal["none", "CanNotDelete", "ReadOnly"]
Kind = Literal["delete", "purge"]


@dataclass
class Account:
    """
    One account. `serves`: whether this emulator's projects (or, of a prediction account, its predictions) are its own.

    `denied` are operations that the caller has no role for, `lock` and `policy` stand in the way of changes. `created`
    and `deleted` in seconds of the emulator's clock.
    """

    name: str
    kind: str = KINDS[0]
    group: str = "emulated"
    subscription: str = SUBSCRIPTION
    location: str = "westeurope"
    tags: dict[str, str] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    keys: tuple[str, str] = ("", "")
    serves: bool = False
    lock: Lock = "none"
    policy: bool = False
    denied: list[str] = field(default_factory=list)
    created: float = 0.0
    deleted: float | None = None
    state: str = "Succeeded"

    @property
    def key(self) -> Key:
        """What tells accounts apart: Azure compares names in any case."""
        return account_key(self.subscription, self.group, self.name)

    @property
    def id(self) -> str:
        """ARM id of the account, also while it is deleted."""
        provider = "providers/Microsoft.CognitiveServices"
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}/{provider}/accounts/{self.name}"

    @property
    def deleted_id(self) -> str:
        """ARM id of the account among the deleted ones."""
        place = f"providers/Microsoft.CognitiveServices/locations/{self.location}/resourceGroups/{self.group}"
        return f"/subscriptions/{self.subscription}/{place}/deletedAccounts/{self.name}"


@dataclass
class ArmOperation:
    """A deletion or purge under way. `status`: InProgress, Succeeded or Failed, then with a `code`."""

    id: str
    kind: Kind
    subscription: str
    location: str
    status: str = "InProgress"
    code: str | None = None


class Accounts:
    """All accounts of one emulator. Guarded by the world's lock."""

    def __init__(self) -> None:
        self.present: dict[Key, Account] = {}
        self.recoverable: dict[Key, Account] = {}
        self.operations: dict[str, ArmOperation] = {}
        self.groups: set[tuple[str, str]] = set()
        self.served: list[Account] = []

    def add(self, account: Account) -> None:
        """Put an account there, with its resource group."""
        self.present[account.key] = account
        if account.serves:
            self.served.append(account)
        self.groups.add((account.subscription.lower(), account.group.lower()))

    def has_subscription(self, subscription: str) -> bool:
        """Whether any resource group is known in the subscription."""
        return any(known == subscription.lower() for known, _ in self.groups)

    def soft_delete(self, account: Account, now: float) -> None:
        """From present to recoverable."""
        self.present.pop(account.key, None)
        account.deleted, account.state = now, "Deleted"
        self.recoverable[account.key] = account

    def recover(self, account: Account) -> None:
        """From recoverable to present."""
        self.recoverable.pop(account.key, None)
        account.deleted, account.state = None, "Succeeded"
        self.present[account.key] = account

    def expired(self, now: float) -> list[Account]:
        """Deleted accounts that nobody can recover any more."""
        return [one for one in self.recoverable.values() if now - (one.deleted or now) >= RECOVERABLE_SECONDS]

    def gone(self, kind: str) -> bool:
        """Whether an account of this kind was behind the emulator's API and is there no more."""
        of_kind = [one for one in self.served if one.kind == kind]
        return bool(of_kind) and not any(one.key in self.present for one in of_kind)

    def truth(self) -> dict[str, Any]:
        """Ids of all accounts, and how the operations stand."""
        return {
            "present": [one.id for one in self.present.values()],
            "recoverable": [one.id for one in self.recoverable.values()],
            "operations": [{"kind": one.kind, "status": one.status} for one in self.operations.values()],
        }


def account_key(subscription: str, group: str, name: str) -> Key:
    """Key of an account by the parts of its id."""
    return subscription.lower(), group.lower(), name.lower()


def find(accounts: Mapping[Key, Account], subscription: str, group: str, name: str) -> Account | None:
    """The account with this id, in any case."""
    return accounts.get(account_key(subscription, group, name))
