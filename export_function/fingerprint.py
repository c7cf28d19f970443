"""
Whether anything has changed since the package before: one digest over all rows of a project, whatever their order.

Rows are added up, not concatenated, since the service's lists come in no defined order; links are left out, since they
differ with every read. Pure but for the few reads of a project's own data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from export_function.account import preview_settings
from shared.domain.canonical import canonical
from shared.domain.errors import ServiceRefusal
from shared.domain.links import without_links
from shared.domain.resources import Resource, Row
from shared.ports_account import TrainingResource

_MODULUS = 2**256

_COUNTERS = frozenset({"currentvalue", "nextresettime", "used", "timeuntilreset", "etag"})
"""Members of an account's rows that differ from day to day with nothing changed: how much is used, and until when."""


@dataclass
class Fingerprint:
    """Adds up rows; the same set of rows gives the same text, and a row seen twice counts once."""

    total: int = 0
    seen: set[bytes] = field(default_factory=set)

    def add(self, source: str, rows: Iterable[Any]) -> None:
        """Add the rows of one source; `source` keeps equal rows of two lists apart."""
        for row in rows:
            digest = hashlib.sha256(source.encode() + b"\n" + canonical(without_links(row))).digest()[:16]
            if digest not in self.seen:
                self.seen.add(digest)
                self.total = (self.total + int.from_bytes(hashlib.sha256(digest).digest())) % _MODULUS

    def add_resources(self, source: str, resources: Sequence[Resource]) -> None:
        """Add what was read of a list."""
        self.add(source, (dict(resource.row) for resource in resources))

    @property
    def text(self) -> str:
        """The digest in hex."""
        return f"{self.total:064x}"


def add_own_data(fingerprint: Fingerprint, client: TrainingResource, project_id: str) -> set[str]:
    """
    Add a project's details, hidden settings, tags and iterations, and each iteration's exported models.

    Gives the ARM ids of the accounts to which its iterations are published.
    """
    fingerprint.add("project", [dict(client.get_project(project_id).row)])
    fingerprint.add("preview", _shown(lambda: [preview_settings(client, project_id)]))
    fingerprint.add_resources("tags", client.get_tags(project_id))
    iterations = client.get_iterations(project_id)
    fingerprint.add_resources("iterations", iterations)
    for iteration in iterations:
        fingerprint.add(f"exports {iteration.id}", _exports(client, project_id, iteration.id))
    named = (iteration.row.get("originalPublishResourceId") for iteration in iterations)
    return {str(account) for account in named if account}


def _exports(client: TrainingResource, project_id: str, iteration_id: str) -> list[Any]:
    return _shown(lambda: [dict(row) for row in client.get_exports(project_id, iteration_id)])


def _shown(read: Callable[[], list[Any]]) -> list[Any]:
    """Read some rows; where that is refused, a row that says so."""
    try:
        return read()
    except ServiceRefusal as refusal:
        return [{"refused": refusal.status, "code": refusal.code}]


def fingerprint_of_accounts(facts: Sequence[Row]) -> str:
    """Give the digest of what `account.json` holds, but for counters."""
    fingerprint = Fingerprint()
    fingerprint.add("account", map(_without_counters, facts))
    return fingerprint.text


def _without_counters(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, Mapping):
        return {name: _without_counters(part) for name, part in value.items() if name.lower() not in _COUNTERS}
    if isinstance(value, list):
        return sorted(map(_without_counters, value), key=canonical)
    return value
