"""What a package holds when its export ends: the outcomes that stand, and their files that are really there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from export_function.erased_meanwhile import ErasedMeanwhile, marks_seen
from export_function.plan import IMAGES
from export_function.rounds import outcomes_of
from export_function.written_pictures import PICTURES, Listing, is_there
from shared.domain.record import RequestRecord
from shared.domain.subject_request import SubjectRequest
from shared.domain.work import UnitOutcome
from shared.reading_ahead import together, with_first_read
from shared.services import Services
from shared.tombstones import Marks

type Json = dict[str, Any]
type Row = Mapping[str, Any]
type Reading = tuple[Iterator[UnitOutcome], Mapping[str, Listing]]
"""The outcomes of a project, to be gone through once, beside what there is of its pictures."""


@dataclass(frozen=True)
class Contents:
    """One package, less what erasures have taken away by the time it is first asked for its projects."""

    services: Services
    record: RequestRecord
    request: SubjectRequest
    plan: Json

    @cached_property
    def marks(self) -> Marks:
        """The last look at the tombstones: what comes after it, the erasure cleans itself."""
        return marks_seen(self.services, self.plan)

    @cached_property
    def erased(self) -> ErasedMeanwhile:
        """What erasures have taken away by now; it is taken out of the package when it is first asked for."""
        formats = self.request.options["formats"]
        return ErasedMeanwhile.taken_out(self.services, self.record, self.plan, formats, self.marks)

    @cached_property
    def projects(self) -> list[Json]:
        """The planned projects but those that an erasure takes away as a whole."""
        return [project for project in self.plan["projects"] if project["id"] not in self.erased.whole_projects]

    @property
    def caught_up(self) -> list[Json]:
        """What the further rounds brought to those projects."""
        left = {project["id"] for project in self.projects}
        return [entry for entry in self._all_caught_up if entry["project_id"] in left]

    @property
    def counts_of_whole_projects(self) -> list[Mapping[str, int]]:
        """What was planned, or came in further rounds, of the projects that an erasure takes away as a whole."""
        gone = self.erased.whole_projects
        planned = [project["counts"] for project in self.plan["projects"] if project["id"] in gone]
        return planned + [entry["counts"] for entry in self._all_caught_up if entry["project_id"] in gone]

    @property
    def _all_caught_up(self) -> list[Json]:
        return list(self.record.notes.get("caught_up", ()))

    def outcomes(self, project: Json) -> Iterator[UnitOutcome]:
        """Read the outcomes of a project's units, then those of the rounds that caught up."""
        return outcomes_of(self.services, self.record, project)

    def extra_outcomes(self) -> Iterator[UnitOutcome]:
        """Read the outcomes of the units that belong to no project."""
        return self.services.ledger.outcomes(self.record.subject_request_id, self.plan["extra_units"])

    def listings(self, project: Json) -> dict[str, Listing]:
        """Give what there is of a project's pictures, by the name of their id, to be walked once."""
        return {
            name: Listing(self.services, self.record.subject_request_id, project["id"], folder)
            for name, (_, folder) in PICTURES.items()
        }

    def read(self, project: Json) -> Reading:
        """Begin to read both of a project, so that they need not be waited for one after the other."""
        listings = self.listings(project)
        begin = listings["image_id"].begin if project["counts"][IMAGES] else lambda: None
        outcomes, _ = together(lambda: with_first_read(self.outcomes(project)), begin)
        return outcomes, listings

    def rows(self) -> Iterator[Row]:
        """Give the rows of all files that are really there as announced."""
        for project in self.projects:
            outcomes, listings = self.read(project)
            for outcome in outcomes:
                left = (row for row in outcome.files if not self.erased.is_gone(row))
                yield from (self.erased.as_it_is(row) for row in left if is_there(row, listings))
        for outcome in self.extra_outcomes():
            yield from outcome.files
