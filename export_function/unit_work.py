"""What every unit of an export shares: its surroundings, how it writes, and when it is worth another try."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.domain.errors import (
    GdprError,
    ResourceAbsent,
    ServiceRefusal,
    ServiceUnavailable,
    SourceRefusal,
    TransientError,
)
from shared.domain.record import RequestRecord
from shared.domain.resources import Image
from shared.domain.retry import redelivery_delay
from shared.domain.subject_request import SubjectRequest
from shared.domain.times import rfc3339
from shared.domain.work import Counts, UnitOutcome, WorkUnit, add_counts
from shared.packages import project_path
from shared.ports_account import TrainingResource
from shared.services import Services
from shared.tombstones import Tombstones

ATTEMPTS = 4
"""Deliveries of a unit before what cannot be had is recorded as failed (an outage of the service waits longer)."""


def gap(store: str, item_id: str | None, code: str, detail: str) -> dict[str, Any]:
    """Make one entry of the gaps."""
    return {"store": store, "id": item_id, "code": code, "detail": detail}


def failure(store: str, item_id: str | None, code: str, error: object, operation: str) -> dict[str, Any]:
    """Make the entry of one failed item; operation and status come from the error where it has them."""
    status = error.status if isinstance(error, TransientError | ServiceRefusal | SourceRefusal) else None
    named = error.operation if isinstance(error, TransientError | ServiceRefusal) else operation
    return {"store": store, "id": item_id, "code": code, "operation": named, "status": status}


def refusal_code(error: object) -> str:
    """Give the gap code of something that could not be read: gone, or refused for whatever reason."""
    return "gone" if isinstance(error, ResourceAbsent) else "refused"


def raise_if_worth_waiting(errors: Iterable[object], attempt: int) -> None:
    """Raise if another delivery of the unit may bring what is missing; return when it is time to record it."""
    found = list(errors)
    for error in found:
        if isinstance(error, TransientError) and redelivery_delay(attempt, error) is not None:
            raise error
    if found and attempt < ATTEMPTS:
        raise ServiceUnavailable(f"export unit ({found[0]})", retry_after=1)


@dataclass
class Result:
    """What a unit gathers for its outcome."""

    counts: Counts = field(default_factory=dict)
    files: list[Mapping[str, Any]] = field(default_factory=list)
    gaps: list[Mapping[str, Any]] = field(default_factory=list)
    failures: list[Mapping[str, Any]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)

    def count(self, store: str, **words: int) -> None:
        """Add to the counts of a store."""
        self.counts = add_counts(self.counts, {store: words})

    def add(self, other: Result) -> None:
        """Take in what another one has gathered."""
        self.counts = add_counts(self.counts, other.counts)
        for name in ("files", "gaps", "failures"):
            getattr(self, name).extend(getattr(other, name))
        self.details |= other.details

    def fail(
        self, store: str, item_id: str | None, code: str, error: GdprError, operation: str, *, word: str = "failed"
    ) -> None:
        """Count one item of a store as failed, or a whole list as `not_available`, and name it."""
        self.count(store, **{word: 1})
        self.gaps.append(gap(store, item_id, code, f"it could not be had: {error}"))
        self.failures.append(failure(store, item_id, code, error, operation))

    def outcome(self, unit: WorkUnit) -> UnitOutcome:
        """Give the outcome."""
        return UnitOutcome(
            unit_id=unit.unit_id,
            counts=self.counts,
            files=self.files,
            gaps=self.gaps,
            failures=self.failures,
            details=self.details,
        )


@dataclass(frozen=True, kw_only=True)
class UnitWork:
    """
    One unit with everything that it needs.

    `attempt` counts its deliveries from 1; `erased` is what erasures take away of the project. `rows_begun` gives the
    rows of its images whose reading began together with the unit's own; None where they are still to be read.
    """

    services: Services
    record: RequestRecord
    request: SubjectRequest
    unit: WorkUnit
    attempt: int
    erased: Tombstones = field(default_factory=Tombstones)
    rows_begun: Callable[[], Sequence[Image]] | None = None

    @property
    def client(self) -> TrainingResource:
        """The client of the unit's resource."""
        return self.services.resource(self.unit.resource)

    @property
    def request_id(self) -> str:
        """The request's id."""
        return self.record.subject_request_id

    @property
    def project_id(self) -> str:
        """The unit's project."""
        return self.unit.project_id or ""

    @property
    def iteration_id(self) -> str | None:
        """The iteration that the unit is about, None for the workspace."""
        return self.unit.details.get("iteration_id")

    @property
    def ids(self) -> dict[str, str]:
        """What the unit's files are about."""
        own = {"project_id": self.project_id}
        return own if self.iteration_id is None else own | {"iteration_id": self.iteration_id}

    @property
    def folder(self) -> str:
        """The folder of the unit's files in the package: the project's, or its iteration's."""
        return "" if self.iteration_id is None else f"iterations/{self.iteration_id}/"

    def now(self) -> str:
        """Give the present time as it stands in a manifest."""
        return rfc3339(self.services.now())

    def write_json(self, name: str, value: object, operation: str) -> Mapping[str, Any]:
        """Write a JSON file of the project or iteration, and give its row."""
        path = project_path(self.project_id, self.folder + name)
        return self.services.packages.write_json(
            self.request_id, path, value, operation=operation, ids=self.ids, time=self.now()
        )

    def write_rows(self, name: str, rows: Sequence[Mapping[str, Any]], operation: str) -> Mapping[str, Any]:
        """Write rows of the project or iteration as JSON lines, and give the file's row."""
        path = project_path(self.project_id, self.folder + name)
        return self.services.packages.write_rows(
            self.request_id, path, rows, operation=operation, ids=self.ids, time=self.now()
        )
