"""Ledgers that are whole, and ways to damage them."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from local.verify_audit.checking import Audit, check
from shared.adapters.receipt_signer import PemReceiptKeys
from shared.domain.canonical import readable
from shared.domain.record import GENESIS, HistoryEntry
from shared.domain.subject_request import RequestStatus
from shared.finishing import Ending
from tests.verify.ledgers import Ledger, key_pair, request_id

OPEN, ENDED, UNSIGNED, CANCELLED = (request_id(number) for number in (1, 2, 3, 4))
SIGNING = PemReceiptKeys(key_pair().private)
DAYS = ("audit/2026-11-24.json", "audit/2026-11-25.json", "audit/2026-11-26.json")


def problems(ledger: Ledger) -> list[str]:
    """Give everything that is found."""
    return list(check(ledger.services().ledger, Audit()))


def filled(*, audits: int = 3) -> Ledger:
    """Give a ledger with one open and three ended requests, and a file of heads on each of some days."""
    ledger = Ledger(SIGNING)
    ledger.accepted(OPEN)
    ledger.finished(ENDED)
    ledger.finished(UNSIGNED, keys=PemReceiptKeys())
    ledger.finished(CANCELLED, Ending(status=RequestStatus.CANCELLED))
    for day in range(audits):
        ledger.audit(days=1 if day else 0)
    return ledger


WHOLE = filled()
BEFORE_ANY_FILE = filled(audits=0)


class Damage:
    """A ledger of which one blob is changed, or none, for the length of a `with`."""

    def __init__(self, ledger: Ledger, name: str, content: bytes | None) -> None:
        self._ledger, self._name, self._content = ledger, name, content
        (self._entry,) = [one for one in ledger.blobs.entries(name, with_metadata=True) if one.name == name]
        self._before = ledger.read(name)

    def __enter__(self) -> list[str]:
        """Do the damage and give what is found."""
        self._ledger.blobs.delete(self._name)
        if self._content is not None:
            self._ledger.blobs.put(self._name, self._content)
        return problems(self._ledger)

    def __exit__(self, *_: object) -> None:
        self._ledger.blobs.put(self._name, self._before, metadata=dict(self._entry.metadata))


def changed_at(content: bytes, place: int, by: int) -> bytes:
    """Change one byte."""
    at = place % len(content)
    return content[:at] + bytes([content[at] ^ by]) + content[at + 1 :]


def edited(content: bytes, edit: Callable[[Any], None]) -> bytes:
    """Change a JSON blob as somebody would who knows its form."""
    value = json.loads(content)
    edit(value)
    return readable(value)


def each_entry(content: bytes, change: Callable[[list[Any], int], object]) -> Iterator[bytes]:
    """Give a record once per entry of its history, each time with that one changed."""
    for at in range(len(json.loads(content)["history"])):
        value = json.loads(content)
        change(value["history"], at)
        yield readable(value)


def rehashed(record: dict[str, Any]) -> None:
    """Make a record's history whole again after a change, as somebody would who knows how it is made."""
    previous, history = GENESIS, []
    for entry in record["history"]:
        facts = {name: entry[name] for name in ("time", "status", "phase", "reason")}
        history.append(HistoryEntry.after(previous, **facts).to_json())
        previous = history[-1]["hash"]
    record["history"] = history


def spoil(entry: dict[str, Any], field: str) -> None:
    """Change one field of an entry."""
    entry[field] = "x" if entry[field] is None else None if field in ("phase", "reason") else entry[field][:-1] + "x"
