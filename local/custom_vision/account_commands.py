"""Control commands about accounts of Azure Resource Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local.custom_vision.accounts import KINDS, Account
from local.custom_vision.errors import ControlError
from local.custom_vision.model import Project

if TYPE_CHECKING:
    from local.custom_vision.emulator import Emulator

Fields = dict[str, Any]
ACCOUNT_FIELDS = frozenset(
    {"name", "kind", "group", "subscription", "location", "tags", "properties", "keys", "serves"}
    | {"lock", "policy", "denied"}
)
_CHANGEABLE = ACCOUNT_FIELDS - {"name", "group", "subscription", "kind"}


def seed_account(emulator: Emulator, fields: Fields) -> str:
    """Make an account; returns its ARM id."""
    account = Account(**_checked(fields, ACCOUNT_FIELDS))
    world = emulator.world
    with world.lock:
        account.created = world.clock.now()
        if not any(account.keys):
            account.keys = _keys(emulator, account)
        world.accounts.add(account)
    return account.id


def change_account(emulator: Emulator, fields: Fields) -> None:
    """Change an account, present or deleted: locks, policies, missing roles, properties."""
    given = dict(fields)
    name = str(given.pop("name", "")).lower()
    changes = _checked(given, _CHANGEABLE)
    accounts = emulator.world.accounts
    with emulator.world.lock:
        found = [
            one for one in [*accounts.present.values(), *accounts.recoverable.values()] if one.name.lower() == name
        ]
        if not found:
            raise ControlError("there is no such account")
        for field, value in changes.items():
            setattr(found[0], field, value)


def storage_integration(project: Project, fields: Fields) -> None:
    """Set or clear where a project sends its models and notifications; the addresses may hold secrets."""
    given = {name: fields.get(name) for name in ("exportModelContainerUri", "notificationQueueUri")}
    project.storage_integration = {name: str(value) for name, value in given.items() if value}


def _checked(given: Fields, allowed: frozenset[str]) -> Fields:
    unknown = set(given) - allowed
    if unknown:
        raise ControlError(f"an account has no field {', '.join(sorted(unknown))} that can be given here")
    if given.get("kind", KINDS[0]) not in KINDS:
        raise ControlError(f"the kind of an account is one of {', '.join(KINDS)}")
    if given.get("lock", "none") not in ("none", "CanNotDelete", "ReadOnly"):
        raise ControlError("the lock of an account is none, CanNotDelete or ReadOnly")
    return {name: tuple(value) if name == "keys" else value for name, value in given.items()}


def _keys(emulator: Emulator, account: Account) -> tuple[str, str]:
    """Keys of its own; the account behind this emulator has the keys that its API takes."""
    first = f"{account.name}-key"
    if account.serves:
        first = emulator.prediction_key if account.kind == "CustomVision.Prediction" else emulator.training_key
    return first, f"{account.name}-second-key"
