"""
Accounts of Azure that hold Custom Vision data: their ids, their kinds, and their rows without secrets. Pure.

Sources: OpenAPI of `Microsoft.CognitiveServices` 2021-04-30 (accounts, deletedAccounts), and Microsoft's page on
recovering and purging deleted resources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from shared.domain.errors import ServiceRefusal
from shared.domain.resources import Row

TRAINING = "CustomVision.Training"
PREDICTION = "CustomVision.Prediction"
MULTI_SERVICE = ("CognitiveServices", "AIServices")
"""Kinds of accounts that may hold Custom Vision projects beside the data of other services."""

ABSENT_CODES = frozenset({"ResourceNotFound", "ResourceGroupNotFound"})
"""404s that say the account is gone; others (SubscriptionNotFound: the wrong tenant) say nothing about it."""

RECOVERABLE_HOURS = 48

type AccountState = Literal["present", "going", "recoverable", "absent"]

_NAME = r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}"
_ACCOUNT = re.compile(
    r"/subscriptions/(?P<subscription>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
    r"/resourceGroups/(?P<group>[\w.()-]{1,90})"
    rf"/providers/Microsoft\.CognitiveServices/accounts/(?P<name>{_NAME})",
    re.IGNORECASE,
)
_DELETED = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)/providers/Microsoft\.CognitiveServices/locations/(?P<location>[^/]+)"
    r"/resourceGroups/(?P<group>[^/]+)/deletedAccounts/(?P<name>[^/]+)",
    re.IGNORECASE,
)
_LOCATION = re.compile(r"[a-z0-9]{1,40}")
_ADDRESS_NAME = re.compile(r"ur[il]$", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(.key|keys|secret|password|token|connectionstring)$", re.IGNORECASE)
_OWN_WORDS = frozenset({"tags", "metadata"})


@dataclass(frozen=True, slots=True)
class AccountId:
    """The ARM id of one account, its parts as they were written. Azure compares them in any case."""

    subscription: str
    group: str
    name: str

    @classmethod
    def parse(cls, text: str) -> AccountId | None:
        """Read `/subscriptions/…/accounts/{name}` in any case, a slash at the end allowed; None if it is no such id."""
        found = _ACCOUNT.fullmatch(text.rstrip("/"))
        if found is None or found["group"].endswith("."):
            return None
        return cls(subscription=found["subscription"].lower(), group=found["group"], name=found["name"])

    @property
    def path(self) -> str:
        """The id as an address below ARM's endpoint, quoted."""
        return f"{self.subscription_path}/resourceGroups/{quote(self.group)}{PROVIDER}/accounts/{self.name}"

    @property
    def subscription_path(self) -> str:
        """The subscription's address."""
        return f"/subscriptions/{self.subscription}"

    def same_as(self, other: AccountId | DeletedAccount) -> bool:
        """Say whether both name one account: in any case, as Azure does."""
        mine, its = (self.subscription, self.group, self.name), (other.subscription, other.group, other.name)
        return [part.lower() for part in mine] == [part.lower() for part in its]


PROVIDER = "/providers/Microsoft.CognitiveServices"


@dataclass(frozen=True, slots=True)
class DeletedAccount:
    """
    An account that was deleted and can still be recovered (48 hours, if nobody purges it).

    `location` is the region's short name; `row` is ARM's answer whole.
    """

    subscription: str
    group: str
    name: str
    location: str
    row: Row

    @classmethod
    def from_row(cls, row: Row) -> DeletedAccount | None:
        """Read a row of `deletedAccounts`; None if its id has another form."""
        found = _DELETED.fullmatch(str(row.get("id") or ""))
        location = short_location(found["location"]) if found else None
        if found is None or location is None:
            return None
        return cls(found["subscription"].lower(), found["group"], found["name"], location, row)

    @property
    def kind(self) -> str:
        """The account's kind."""
        return kind_of(self.row)


def short_location(text: str) -> str | None:
    """Give the region as it stands in addresses (`West US` is `westus`); None if it is no region's name."""
    short = text.replace(" ", "").lower()
    return short if _LOCATION.fullmatch(short) else None


def kind_of(row: Row) -> str:
    """Give the kind of an account's row, in Azure's own writing."""
    known = (TRAINING, PREDICTION, *MULTI_SERVICE)
    kind = str(row.get("kind") or "")
    return next((one for one in known if one.lower() == kind.lower()), kind)


def may_be_erased(kind: str) -> bool:
    """Say whether an account of this kind holds Custom Vision data only, so that it may go as a whole."""
    return kind in (TRAINING, PREDICTION)


def may_hold_custom_vision(kind: str) -> bool:
    """Say whether an account of this kind can hold projects or published models of Custom Vision."""
    return kind in (TRAINING, PREDICTION, *MULTI_SERVICE)


def says_absent(refusal: ServiceRefusal) -> bool:
    """Say whether ARM's refusal means that the account is not there."""
    return refusal.status == 404 and refusal.code in ABSENT_CODES


def state_of(row: Row | None, deleted: DeletedAccount | None) -> AccountState:
    """Say where an account stands, from its row (None: ARM says it is absent) and its entry among the deleted."""
    if row is not None:
        properties = row.get("properties")
        state = properties.get("provisioningState") if isinstance(properties, Mapping) else None
        return "going" if state == "Deleting" else "present"
    return "recoverable" if deleted else "absent"


def address_parts(text: str) -> dict[str, str] | None:
    """Take an address apart into scheme, host (with port) and path; the rest may be a secret. None if it is none."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        where = f"{host}:{parts.port}" if parts.port else host
    except ValueError:
        return None
    return {"scheme": parts.scheme, "host": where, "path": parts.path} if host else None


def without_secrets(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """
    Give a row of an account or of a project's settings without secrets.

    Members that are named like a key, token, password or connection string are dropped, whatever they hold (a plain
    `key` stays: it names a rule of a rate limit). An address (`…Uri`, `…Url`) becomes an object of its parts without
    query and user, under its name without that ending, so that `exportModelContainerUri` stays as
    `exportModelContainer`. `tags` are the customer's own words and stay.
    """
    if isinstance(value, Mapping):
        return dict(
            (name, member) if name in _OWN_WORDS else _plain_member(name, member)
            for name, member in value.items()
            if name in _OWN_WORDS or not _SECRET_NAME.search(name)
        )
    if isinstance(value, list):
        return [without_secrets(element) for element in value]
    return value


def _plain_member(name: str, member: Any) -> tuple[str, Any]:  # noqa: ANN401 - any JSON value
    if _ADDRESS_NAME.search(name) and isinstance(member, str):
        return name[:-3], address_parts(member)
    return name, without_secrets(member)


def key_names(keys: Any) -> list[str]:  # noqa: ANN401 - any JSON value
    """Name the keys of an answer (`key1`, or `TrainingKeys.PrimaryKey` of v1.2) without their values, in order."""
    if not isinstance(keys, Mapping):
        return []
    return sorted(
        f"{name}.{below}" if below else str(name)
        for name, member in keys.items()
        for below in (key_names(member) if isinstance(member, Mapping) else [""])
    )
