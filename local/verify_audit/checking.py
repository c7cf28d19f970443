"""Reads the whole ledger, a few hundred requests at a time, and says everything that is wrong with it."""

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import batched

from shared.domain.audit import Head, StoredFile, file_problems, read_record
from shared.domain.audit_plan import plan_problems
from shared.domain.audit_record import StoredRequest, request_problems
from shared.domain.identifiers import guid
from shared.domain.record import RequestRecord
from shared.index_entries import index_name
from shared.ledger import RequestLedger

READERS = 16
AT_A_TIME = 256


@dataclass
class Audit:
    """
    What was looked at: names of the files, how many requests, how many of them no file names yet.

    `being_accepted`: index entries whose record is not there (yet): the entry is written first.
    """

    files: list[str] = field(default_factory=list)
    requests: int = 0
    unnamed: int = 0
    being_accepted: int = 0


@dataclass(frozen=True)
class Known:
    """What the files of heads say: every head of every request, and the newest readable file's entries."""

    heads: Mapping[str, Collection[str]]
    newest: Mapping[str, Head]


def check(ledger: RequestLedger, audit: Audit) -> Iterator[str]:
    """Yield what is wrong, file by file and request by request; `audit` is filled in meanwhile."""
    heads: dict[str, set[str]] = {}
    newest: Mapping[str, Head] = {}
    for file, problems in _files(ledger):
        audit.files.append(file.name)
        yield from problems
        newest = newest if file.audit is None else file.audit.heads
        for request_id, head in {} if file.audit is None else file.audit.heads.items():
            heads.setdefault(request_id, set()).add(head.head)
    yield from _requests(ledger, Known(heads, newest), audit)


def _files(ledger: RequestLedger) -> Iterator[tuple[StoredFile, list[str]]]:
    before: StoredFile | None = None
    for name in ledger.audit_names():
        blob = ledger.audit_file(name)
        if blob is not None:
            file = StoredFile.read(name, blob.content)
            yield file, file_problems(file, before)
            before = file


def _requests(ledger: RequestLedger, known: Known, audit: Audit) -> Iterator[str]:
    listed: dict[str, dict[str, str]] = {}
    for entry in ledger.index():
        listed.setdefault(entry.request_id, {})[entry.name] = entry.state
    everything = sorted(listed.keys() | known.heads.keys())
    audit.requests, audit.unnamed = len(everything), len(listed.keys() - known.heads.keys())
    with ThreadPoolExecutor(READERS) as readers:
        for some in batched(everything, AT_A_TIME, strict=False):
            reading = readers.map(lambda one: _read(ledger, one, listed.get(one, {})), some)
            for request_id, stored in zip(some, reading, strict=True):
                if _is_being_accepted(stored, listed.get(request_id, {}), known):
                    audit.being_accepted += 1
                else:
                    yield from _problems(request_id, stored, known)


def _is_being_accepted(stored: StoredRequest | None, states: Mapping[str, str], known: Known) -> bool:
    """No record, but nothing that says that there ever was one: no file names it, the index does not call it ended."""
    never_seen = stored is not None and stored.record is None and stored.request_id not in known.heads
    return never_seen and set(states.values()) == {"open"}


def _read(ledger: RequestLedger, request_id: str, index: Mapping[str, str]) -> StoredRequest | None:
    """Read what there is of a request; `index`: the state of each of its index entries, by their name."""
    if guid(request_id) != request_id:
        return None
    content = ledger.record_bytes(request_id)
    record = None if content is None else read_record(content)
    own = None if record is None else index_name(record.received_time, request_id)
    plan = [] if record is None else _plan_problems(ledger, record, has_pages="expired" not in index.values())
    return StoredRequest(
        request_id=request_id,
        record=content,
        receipt=ledger.receipt_bytes(request_id),
        signature=ledger.signature(request_id),
        indexed=own is None or own in index,
        plan=plan,
    )


def _plan_problems(ledger: RequestLedger, record: RequestRecord, *, has_pages: bool) -> list[str]:
    request_id = record.subject_request_id
    if guid(request_id) != request_id:  # the record is told to be another's anyway
        return []
    return plan_problems(record, ledger.plan_bytes(request_id), partial(ledger.units, request_id), has_pages=has_pages)


def _problems(request_id: str, stored: StoredRequest | None, known: Known) -> list[str]:
    if stored is None:
        return [f"{request_id!r}: is listed, and can be the id of no request"]
    return request_problems(stored, known.heads.get(request_id, ()), known.newest.get(request_id))
