"""What the application needs from Azure Resource Manager, and the readers of Custom Vision that only accounts need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

from shared.domain.account import AccountId, AccountState, DeletedAccount
from shared.domain.resources import Row
from shared.ports import CustomVision


@dataclass(frozen=True, slots=True)
class Operation:
    """
    A deletion that Azure works on: what it is, and where to ask about it.

    `path` is the operation's address below ARM's endpoint without its query: it names subscription, region and the
    operation, and holds no secret. It may stand in a record's notes, but in no log and no message for people.
    """

    kind: Literal["delete", "purge"]
    path: str

    def to_note(self) -> dict[str, str]:
        """Write it as JSON."""
        return {"kind": self.kind, "path": self.path}

    @classmethod
    def from_note(cls, note: Mapping[str, object]) -> Self | None:
        """Read what `to_note` wrote; None if it is something else."""
        kind, path = note.get("kind"), note.get("path")
        if kind not in ("delete", "purge") or not isinstance(path, str):
            return None
        return cls("delete" if kind == "delete" else "purge", path)


@dataclass(frozen=True, slots=True)
class DeletionStart:
    """
    How a deletion or a purge was answered.

    `state`: "done" (200), "running" (202), "absent" (there was nothing: 204, or a 404 that says so). A running one may
    have an `operation` to ask, and the seconds that Azure wants to be left alone until then. Whatever the answer: only
    `ResourceManager.account_state` proves that the account is gone.
    """

    state: Literal["done", "running", "absent"]
    operation: Operation | None = None
    retry_after: float | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class OperationProgress:
    """
    What Azure says about a running operation.

    "unknown": it no longer answers for it; the account's state decides. `code`: why it failed, Azure's own word.
    """

    state: Literal["running", "succeeded", "failed", "unknown"]
    retry_after: float | None = None
    code: str | None = None


class ResourceManager(Protocol):
    """
    Azure Resource Manager, as far as accounts are concerned.

    Every method may raise `TransientError` and `ServiceRefusal`: `AccessDenied` for a missing role (code
    `AuthorizationFailed`) and for a policy (`RequestDisallowedByPolicy`), `StateConflict` for a lock (`ScopeLocked`)
    or another operation on the account (`RequestConflict`), `ResourceAbsent` for what is not there.
    """

    def get_account(self, account: AccountId) -> Row:
        """Accounts - Get."""
        ...

    def usages(self, account: AccountId) -> Sequence[Row]:
        """Accounts - List Usages."""
        ...

    def list_keys(self, account: AccountId) -> Mapping[str, str]:
        """Accounts - List Keys: name to value. The values are secrets."""
        ...

    def accounts(self, subscription: str) -> Sequence[Row]:
        """Accounts - List of a subscription, all pages."""
        ...

    def deleted_accounts(self, subscription: str) -> Sequence[DeletedAccount]:
        """Deleted Accounts - List of a subscription, all pages."""
        ...

    def account_exists(self, account: AccountId) -> bool:
        """Say whether Accounts - Get finds it; a 404 that is not about the account itself is raised."""
        ...

    def account_state(self, account: AccountId) -> AccountState:
        """Say where the account stands, by Accounts - Get and, when that finds nothing, Deleted Accounts - List."""
        ...

    def find_deleted(self, account: AccountId) -> DeletedAccount | None:
        """Find it among the deleted accounts that can be recovered."""
        ...

    def delete_account(self, account: AccountId) -> DeletionStart:
        """Accounts - Delete: it can be recovered for 48 hours afterwards."""
        ...

    def purge_account(self, account: AccountId, location: str) -> DeletionStart:
        """Deleted Accounts - Purge: for good. `location`: that of the deleted account."""
        ...

    def progress(self, operation: Operation) -> OperationProgress:
        """Ask once how a running operation stands; never waits."""
        ...


class PreviewReader(Protocol):
    """Reads a project as v3.4-preview of the Training API shows it."""

    def get_project_preview(self, project_id: str) -> Row:
        """GetProject of v3.4-preview, whole; its addresses may hold secrets."""
        ...


class AccountInfoReader(Protocol):
    """Reads the account as v1.2 of the Training API showed it."""

    def get_account_info(self) -> Row:
        """GetAccountInfo of v1.2, whole, keys included. `ServiceRefusal` where it no longer answers."""
        ...


class TrainingResource(CustomVision, PreviewReader, AccountInfoReader, Protocol):
    """One training resource with everything that is read of it, in whichever version of its API."""
