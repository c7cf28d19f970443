"""A schedule that comes due some times while the storm lasts, and then no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.domain.identifiers import id_of_scheduled_run
from shared.domain.times import rfc3339


@dataclass(frozen=True)
class Schedule:
    """Due at `first`, a full minute, and each minute after it, `number` times in all."""

    first: datetime
    number: int

    @classmethod
    def beginning(cls, now: datetime, number: int) -> Schedule:
        """Begin with the minute that is running, so that one run is due from the start."""
        return cls(now.replace(second=0, microsecond=0), number)

    @property
    def text(self) -> str:
        """
        The schedule as EXPORT_SCHEDULE has it.

        Past a full hour it names minutes of the other hour too: those that have been, and those that come an hour on.
        """
        minutes = ",".join(sorted({str(due.minute) for due in self._dues}))
        hours = ",".join(sorted({str(due.hour) for due in self._dues}))
        return f"0 {minutes} {hours} * * *"

    @property
    def request_ids(self) -> list[str]:
        """The ids that the runs have, in their order."""
        return [id_of_scheduled_run(self.text, rfc3339(due)) for due in self._dues]

    @property
    def _dues(self) -> list[datetime]:
        return [self.first + timedelta(minutes=number) for number in range(self.number)]
