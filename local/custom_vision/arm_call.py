"""One call of Azure Resource Manager: the account that it names, and what stands in its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.custom_vision.accounts import Account, find
from local.custom_vision.wire import Answer, Request, error_answer
from local.custom_vision.world import World

PROVIDER = "Microsoft.CognitiveServices"


class ArmError(Exception):
    """A refusal by Azure Resource Manager."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status, self.code, self.message = status, code, message

    def answer(self) -> Answer:
        """The refusal in ARM's shape."""
        return error_answer(self.status, self.code, self.message, "gateway")


@dataclass(frozen=True)
class ArmCall:
    """One call: the world (locked), the request, the values of its path."""

    world: World
    request: Request
    path: Mapping[str, str]

    @property
    def base(self) -> str:
        """The address under which the caller reached the emulator."""
        return f"http://{self.request.headers.get('host', '127.0.0.1')}"

    def account(self, action: str) -> Account:
        """The account of the path, if there is one and nothing stands in the way of the action."""
        found = self._find(self.world.accounts.present)
        if found is None:
            raise account_not_found(self.path["group"], self.path["name"])
        check(found, action)
        return found

    def account_or_none(self) -> Account | None:
        """The account of the path, None if there is none in a known resource group."""
        return self._find(self.world.accounts.present)

    def deleted(self) -> Account | None:
        """The deleted account of the path, None if there is none."""
        return self._find(self.world.accounts.recoverable)

    def _find(self, accounts: Mapping[Any, Account]) -> Account | None:
        check_group(self)
        return find(accounts, self.path["subscription"], self.path["group"], self.path["name"])


def check_group(call: ArmCall) -> None:
    """404 for a resource group that the emulator has never heard of."""
    check_subscription(call)
    subscription, group = call.path["subscription"], call.path["group"]
    if (subscription.lower(), group.lower()) not in call.world.accounts.groups:
        raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def check_subscription(call: ArmCall) -> None:
    """404 for a subscription that the emulator has never heard of."""
    subscription = call.path["subscription"]
    if not call.world.accounts.has_subscription(subscription):
        text = f"The subscription '{subscription}' could not be found."
        raise ArmError(404, "SubscriptionNotFound", text)


def check(account: Account, action: str) -> None:
    """Refuse what a missing role, a lock or a policy forbids, in the order in which Azure looks."""
    if action in account.denied:
        text = (
            "The client 'emulated' with object id 'emulated' does not have authorization to perform action "
            f"'{PROVIDER}/accounts/{action}' over scope '{account.id}' or the scope is invalid."
        )
        raise ArmError(403, "AuthorizationFailed", text)
    if account.policy and action in ("delete", "purge"):
        raise ArmError(403, "RequestDisallowedByPolicy", f"Resource '{account.name}' was disallowed by policy.")
    locked_out = {"none": (), "CanNotDelete": ("delete",), "ReadOnly": ("delete", "listKeys")}
    if action in locked_out[account.lock]:
        text = (
            f"The scope '{account.id}' cannot perform {action} operation because following scope(s) are locked: "
            f"'{account.id}'. Please remove the lock and try again."
        )
        raise ArmError(409, "ScopeLocked", text)


def account_not_found(group: str, name: str) -> ArmError:
    """No such account in the resource group."""
    text = f"The Resource '{PROVIDER}/accounts/{name}' under resource group '{group}' was not found."
    return ArmError(404, "ResourceNotFound", text)
