"""What the work on an erasure unit goes by: the unit with all that it needs, and what a look at it showed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from delete_function.late_lists import project_is_there
from shared.domain.record import RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.domain.work import WorkUnit
from shared.ports import CustomVision, DeletionAnswer
from shared.services import Services


@dataclass(frozen=True, kw_only=True)
class Found:
    """
    What a unit's look showed: `present` ids that are meant, `kept` ids that are there and no longer meant.

    `totals` counts by word where ids are too many to write down (all images of a project). `learned`: iterations that
    are not in the plan and were trained with what is present. `arrived`: ids of what `totals` counts as arrived.
    """

    present: Sequence[str]
    kept: Sequence[str] = ()
    totals: Mapping[str, int] | None = None
    learned: Sequence[str] = ()
    arrived: Sequence[str] = ()

    def seen(self) -> dict[str, Any]:
        """Give what is recorded before the first delete."""
        totals = None if self.totals is None else dict(self.totals)
        ids = {"present": self.present, "learned": self.learned, "arrived": self.arrived}
        return {"totals": totals} | {name: list(found) for name, found in ids.items()}


@dataclass(frozen=True, kw_only=True)
class UnitWork:
    """One unit with everything that it needs."""

    services: Services
    record: RequestRecord
    request: SubjectRequest
    unit: WorkUnit
    round: int
    request_ids: list[str] = field(default_factory=list)

    @property
    def client(self) -> CustomVision:
        """The client of the unit's resource."""
        return self.services.resource(self.unit.resource)

    @property
    def project_id(self) -> str:
        """The unit's project."""
        return self.unit.project_id or ""

    @property
    def whole(self) -> bool:
        """Whether the whole project goes."""
        return bool(self.unit.details.get("whole"))

    def note(self, answers: Iterable[DeletionAnswer]) -> None:
        """Keep the service's request ids of deletes."""
        self.request_ids.extend(answer.request_id for answer in answers if answer.request_id)

    def project_is_there(self) -> bool:
        """Whether the service still has the project."""
        return project_is_there(self.client, self.project_id)

    def iteration_ids(self) -> list[str]:
        """Give the project's iterations as they are now."""
        return [iteration.id for iteration in self.client.get_iterations(self.project_id)]
