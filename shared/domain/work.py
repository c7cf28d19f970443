"""
Work units: what one queue message does, and the one outcome that it leaves.

A unit is a page of the plan (`plan/NNNNN.jsonl`): its first line is the unit itself, the others are its items. Its
outcome is a write-once blob (`units/{unit_id}.json`, later rounds `units/{unit_id}.rN.json`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any

from shared.domain.canonical import canonical
from shared.domain.errors import InvalidRequest, Violation
from shared.domain.id_set import IdSet
from shared.domain.identifiers import guid

EXPORT_WORK = "export-work"
DELETION_WORK = "deletion-work"
"""The internal queues; the public ones are made of the same words and `-requests`."""

UNIT_SIZE = 256
HASH_BYTES = 16
_UNIT_ID = re.compile(r"[a-z_]{1,40}-[0-9]{5}")

type Counts = dict[str, dict[str, int]]
"""Store -> word -> number, in the words of the manifest or the receipt."""

type Place = tuple[int, int, int]
"""A message's turn, waits and attempts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedItem:
    """One planned item: its id, and a keyed hash of the row that was seen (never the row)."""

    item_id: str
    row_hash: str | None = None


@dataclass(frozen=True)
class PlannedItems(Collection[PlannedItem]):
    """
    Many items in ascending order of id, each once, in some 36 bytes each.

    `hashes`: those of their rows in the same order, 16 bytes each; empty where none is noted.
    """

    ids: IdSet = field(default_factory=IdSet)
    hashes: bytes = b""

    def __post_init__(self) -> None:
        if self.hashes and len(self.hashes) != HASH_BYTES * len(self.ids):
            raise ValueError("each item has a hash, or none has")

    def __iter__(self) -> Iterator[PlannedItem]:
        for number, item_id in enumerate(self.ids):
            row_hash = self.hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES].hex() or None
            yield PlannedItem(item_id=item_id, row_hash=row_hash)

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, item: object) -> bool:
        return any(item == mine for mine in self)


@dataclass(frozen=True, kw_only=True)
class WorkUnit:
    """
    At most 256 items of one project that one message works through.

    `kind` names what is done with them, `resource` the endpoint's host, `number` the plan page. `details` is the
    kind's own (ids and tokens of the service, never names).
    """

    kind: str
    number: int
    resource: str
    project_id: str | None
    items: tuple[PlannedItem, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def unit_id(self) -> str:
        """The unit's id, such as `images-00007`."""
        return f"{self.kind}-{self.number:05d}"

    @property
    def item_ids(self) -> list[str]:
        """The ids of the items, in the order of the plan."""
        return [item.item_id for item in self.items]

    def to_page(self) -> bytes:
        """Write the plan page: a header line, then one line per item."""
        header = {
            "kind": self.kind,
            "number": self.number,
            "resource": self.resource,
            "project_id": self.project_id,
            "details": dict(self.details),
        }
        rows = ({"item_id": item.item_id, "row_hash": item.row_hash} for item in self.items)
        return b"".join(canonical(row) + b"\n" for row in (header, *rows))

    @classmethod
    def from_page(cls, page: bytes) -> WorkUnit:
        """Read what `to_page` wrote."""
        header, *rows = (json.loads(line) for line in page.splitlines())
        items = tuple(PlannedItem(item_id=row["item_id"], row_hash=row["row_hash"]) for row in rows)
        return cls(**header, items=items)


def number_of(unit_id: str) -> int:
    """Give the plan page of a unit id."""
    return int(unit_id[-5:])


def kind_of(unit_id: str) -> str:
    """Give the kind of a unit id."""
    return unit_id[:-6]


@dataclass(frozen=True, kw_only=True)
class UnitOutcome:
    """
    What became of one unit: counts by store, files written, gaps and failures by item.

    `files` are rows of the manifest; `gaps` and `failures` hold ids and codes only. `details` is the unit's own
    (an erasure's ids by outcome word).
    """

    unit_id: str
    counts: Counts
    files: Sequence[Mapping[str, Any]] = ()
    gaps: Sequence[Mapping[str, Any]] = ()
    failures: Sequence[Mapping[str, Any]] = ()
    request_ids: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Write the outcome."""
        return {
            "unit_id": self.unit_id,
            "counts": self.counts,
            "files": list(self.files),
            "gaps": list(self.gaps),
            "failures": list(self.failures),
            "request_ids": list(self.request_ids),
            "details": dict(self.details),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> UnitOutcome:
        """Read what `to_json` wrote."""
        return cls(**value)

    @property
    def failed(self) -> bool:
        """Whether anything of it failed."""
        return bool(self.failures)


def add_counts(total: Counts, more: Counts) -> Counts:
    """Add two tables of counts into a new one."""
    result = {store: dict(words) for store, words in total.items()}
    for store, words in more.items():
        target = result.setdefault(store, {})
        for word, number in words.items():
            target[word] = target.get(word, 0) + number
    return result


@dataclass(frozen=True, kw_only=True)
class Tally:
    """
    What the finished units of one phase and round add up to: one line each in an append blob, each unit once.

    `latest`: the unit whose line came last; all readers of the same lines agree on it.
    """

    units: frozenset[str]
    failed_units: frozenset[str]
    counts: Counts
    latest: str | None = field(default=None, compare=False)

    @classmethod
    def read(cls, lines: bytes) -> Tally:
        """Read the lines; a unit that stands there twice (a redelivery) counts once, a line cut short not at all."""
        entries: dict[str, Mapping[str, Any]] = {}
        for line in lines.splitlines(keepends=True):
            if line.endswith(b"\n"):
                entry = json.loads(line)
                entries.setdefault(entry["unit_id"], entry)
        counts: Counts = {}
        for entry in entries.values():
            counts = add_counts(counts, entry["counts"])
        failed = frozenset(unit_id for unit_id, entry in entries.items() if entry["failed"])
        return cls(units=frozenset(entries), failed_units=failed, counts=counts, latest=next(reversed(entries), None))

    @staticmethod
    def line(outcome: UnitOutcome) -> bytes:
        """Write one unit's line."""
        return canonical({"unit_id": outcome.unit_id, "counts": outcome.counts, "failed": outcome.failed}) + b"\n"


@dataclass(frozen=True, kw_only=True)
class WorkMessage:
    """
    A message of the internal queues: ids and its own counters, nothing else.

    `unit_id` None asks to take the request's next step. `round` counts the rounds of an erasure from 1, `attempt` the
    tries since something failed, with a delay between them, `waits` how often it was put off because something blocks
    or takes its time, `poisoned` how often the message came back from the poison queue. `resent` how often
    the watchdog has sent the work again without progress in between. `turn` is that of the record for which it was
    sent; 0 for one that wakes the request whatever its turn is.
    """

    request_id: str
    unit_id: str | None = None
    attempt: int = 1
    round: int = 1
    waits: int = 0
    poisoned: int = 0
    resent: int = 0
    turn: int = 0

    def to_json(self) -> dict[str, object]:
        """Write the message; no field is named like a queue's own metadata, which would overwrite it."""
        unit = {} if self.unit_id is None else {"unit_id": self.unit_id, "round": self.round}
        rare = {name: getattr(self, name) for name in ("waits", "poisoned", "resent", "turn") if getattr(self, name)}
        return {"subject_request_id": self.request_id, "attempt": self.attempt, **unit, **rare}

    def again(self) -> WorkMessage:
        """Give the message of the next attempt."""
        return replace(self, attempt=self.attempt + 1)

    @property
    def place(self) -> Place:
        """Where it stands in the row of messages of which each is sent by the one before."""
        return self.turn, self.waits, self.attempt

    def is_overtaken(self, turn: int) -> bool:
        """Whether the step that it was sent for has been taken: the record has the turn after, and a message for it."""
        return self.unit_id is None and 0 < self.turn < turn

    def waiting(self) -> WorkMessage:
        """Give the message that comes back after a wait for something that did not fail: tries count afresh."""
        return replace(self, attempt=1, waits=self.waits + 1)

    def poisoned_again(self) -> WorkMessage:
        """Give the message as it is sent again after a failure of delivery."""
        return replace(self, poisoned=self.poisoned + 1)

    @classmethod
    def from_json(cls, value: object) -> WorkMessage:
        """Read a message; `InvalidRequest` if it is none."""
        if not isinstance(value, dict) or (request_id := guid(value.get("subject_request_id"))) is None:
            raise InvalidRequest([Violation("/subject_request_id", "must be a UUID")])
        unit_id = value.get("unit_id")
        if unit_id is not None and not (isinstance(unit_id, str) and _UNIT_ID.fullmatch(unit_id)):
            raise InvalidRequest([Violation("/unit_id", "is not the id of a work unit")])
        counters = {name: value.get(name, default) for name, default in _COUNTERS.items()}
        if not all(_is_count(counter) for counter in counters.values()):
            raise InvalidRequest([Violation("/attempt", "counters must be small whole numbers")])
        return cls(request_id=request_id, unit_id=unit_id, **counters)


_COUNTERS = {"attempt": 1, "round": 1, "waits": 0, "poisoned": 0, "resent": 0, "turn": 0}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1_000_000


def in_order(items: Iterable[PlannedItem]) -> Iterable[PlannedItem]:
    """Give items in order of id, each id once; `PlannedItems`, which are in order, one at a time."""
    if isinstance(items, PlannedItems):
        return items
    return sorted({item.item_id: item for item in items}.values(), key=lambda item: item.item_id)


def partition(items: Iterable[PlannedItem], size: int = UNIT_SIZE) -> Iterator[tuple[PlannedItem, ...]]:
    """Cut items into runs of at most `size`, in order of id, each id once; a run at a time."""
    return batched(in_order(items), size, strict=False)
