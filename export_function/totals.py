"""What an export comes to: the counts, gaps and failures of its units, and what the end of it adds to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from export_function.vanished import STORE as ITERATIONS
from shared.domain.record import MAX_FAILURES
from shared.domain.work import Counts, UnitOutcome, add_counts

type Json = dict[str, Any]
type Row = Mapping[str, Any]


@dataclass
class Totals:
    """
    Grows outcome by outcome; of the failures the first ones are kept, as many as a record holds.

    `erased_items`: pictures that erasures took away, which are in no count.
    """

    counts: Counts = field(default_factory=dict)
    gaps: list[Json] = field(default_factory=list)
    failures: list[Json] = field(default_factory=list)
    erased_items: int = 0
    _vanished: set[str] = field(default_factory=set)

    def count(self, store: str, **words: int) -> None:
        """Add to the counts of a store."""
        self.counts = add_counts(self.counts, {store: words})

    def add(self, outcome: UnitOutcome) -> None:
        """Count what a unit did; an iteration that several units name as deleted is named once."""
        self.counts = add_counts(self.counts, outcome.counts)
        self.gaps.extend(dict(entry) for entry in outcome.gaps if not self._is_named(entry))
        self._fail(outcome.failures)

    def miss(self, missing: Row, failed: Row, /, **words: int) -> None:
        """Name what the package lacks, as a gap and as a failure, and add to the counts of its store."""
        self.count(missing["store"], **words)
        self.gaps.append(dict(missing))
        self._fail([failed])

    def erase(self, store: str, **words: int) -> None:
        """Take one item that an erasure took away out of the counts of its store."""
        self.count(store, **words)
        self.erased_items += 1

    def _is_named(self, entry: Row) -> bool:
        """Whether another unit of the same iteration has named it as deleted."""
        if (entry["store"], entry["code"]) != (ITERATIONS, "vanished"):
            return False
        before = len(self._vanished)
        self._vanished.add(entry["id"])
        return len(self._vanished) == before

    def _fail(self, failures: Iterable[Row]) -> None:
        left = MAX_FAILURES - len(self.failures)
        self.failures.extend([dict(entry) for entry in failures][:left])
