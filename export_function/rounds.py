"""
The rounds of an export: which units a project has over all of them, and what its lists held when last read. Reads only.

A project's own data (details, tags, list of iterations) are written anew with every round, so that they name what the
round brings; items and iterations belong to the round that brought them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from export_function.plan import PROJECT
from shared.domain.record import RequestRecord
from shared.domain.work import UnitOutcome, add_counts, kind_of
from shared.services import Services


def outcomes_of(services: Services, record: RequestRecord, project: Mapping[str, Any]) -> Iterator[UnitOutcome]:
    """Read the outcomes of a project's units, rounds included; of its own data, read in every round, as one outcome."""
    rounds = [(unit_id, round_) for units, round_ in _rounds(record, project) for unit_id in units]
    own_units = [entry for entry in rounds if kind_of(entry[0]) == PROJECT]
    others = [entry for entry in rounds if kind_of(entry[0]) != PROJECT]
    outcomes = services.ledger.outcomes_by_round(record.subject_request_id, [*own_units, *others])
    for is_own, found in groupby(outcomes, lambda outcome: kind_of(outcome.unit_id) == PROJECT):
        if is_own:
            yield latest_of(list(found))
        else:
            yield from found


def latest_of(outcomes: Sequence[UnitOutcome]) -> UnitOutcome:
    """
    Give what stands of a project's own data that were written several times (oldest first).

    A file is as it was written last. What the last time could not be had is named, and keeps the count of its file
    from before.
    """
    last, counts = outcomes[-1], dict(outcomes[-1].counts)
    for earlier in reversed(outcomes[:-1]):
        for store, words in earlier.counts.items():
            if words.get("written") and not counts.get(store, {}).get("written"):
                counts = add_counts(counts, {store: words})
    files = {row["path"]: row for outcome in outcomes for row in outcome.files}
    return replace(last, counts=counts, files=list(files.values()))


def counted_last(record: RequestRecord, project: Mapping[str, Any]) -> int:
    """Give the service's count of the workspace as it was last read."""
    return int(last_sources(record, project)[0]["counted"] or 0)


def _rounds(record: RequestRecord, project: Mapping[str, Any]) -> Iterator[tuple[Sequence[str], int]]:
    """Give the units of a project by round."""
    yield project["units"], 1
    for entry in _entries(record, project):
        yield entry["units"], entry["round"]


def all_units(record: RequestRecord, project: Mapping[str, Any]) -> Iterator[str]:
    """Give a project's units, the newest first: what came last is in the last ones."""
    return (unit_id for units, _ in reversed(list(_rounds(record, project))) for unit_id in reversed(units))


def _entries(record: RequestRecord, project: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for entry in record.notes.get("caught_up", ()) if entry["project_id"] == project["id"]]


def last_sources(record: RequestRecord, project: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Give what a project's lists held when they were last read, the workspace first."""
    sources: Sequence[Mapping[str, Any]] = [project, *_entries(record, project)][-1]["sources"]
    return sources


def last_units(record: RequestRecord, project: Mapping[str, Any]) -> frozenset[str]:
    """Give the units of a project's last round: those that its lists were planned for when they were last read."""
    return frozenset([project, *_entries(record, project)][-1]["units"])


def iterations_of(sources: Sequence[Mapping[str, Any]]) -> set[str]:
    """Give the ids of the iterations among the sources of a project."""
    return {source["iteration_id"] for source in sources if source["iteration_id"] is not None}
