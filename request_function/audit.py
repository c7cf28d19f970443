"""The daily file of heads: what every record says of itself today, chained to what was written before."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from shared.domain.audit import AuditFile, Head, StoredFile, audit_name, head_of, may_follow, read_record, sha256_of
from shared.domain.errors import AlreadyExists, Superseded, UnknownRequest
from shared.services import Services

_log = logging.getLogger(__name__)

SLICE = timedelta(seconds=60)
"""After how long what has been read is written: a run that is killed loses no more than that."""
LONGEST_RUN = timedelta(minutes=7)
"""A function is stopped after ten minutes (host.json); the rest of a very large ledger is for the next run."""


def write_heads(services: Services) -> str | None:
    """
    Write today's file of heads and give its name; None if none could be written, and the log says why.

    A second run on the same day extends the file, under its ETag: all that it names stays. Requests known as ended are
    not read again, so a run costs one read per request that was open or is new (two for one that has ended since). The
    first run on a large ledger writes what it has read once a minute, and ends after some minutes whatever is left;
    the next one goes on.
    """
    today = services.now().date()
    names = services.ledger.audit_names()
    newest = names[-1] if names else None
    if newest is not None and newest > audit_name(today):
        _log.error("no heads are written: %s is of a later day than today", newest)
        return None
    run = _Run(services)
    name = _extend(run, today) if newest == audit_name(today) else _begin(run, today, newest)
    while name is not None and not run.is_over:
        name = _extend(run, today)
    return name


@dataclass
class _Run:
    """One run: `seen` are the requests that it has read, `is_complete` says that these are all there are to read."""

    services: Services
    seen: set[str] = field(default_factory=set)
    is_complete: bool = False

    def __post_init__(self) -> None:
        self._began = self.services.now()

    @property
    def is_over(self) -> bool:
        """Whether everything has been read, or the time is up."""
        if not self.is_complete and self.services.now() - self._began >= LONGEST_RUN:
            _log.warning("the heads of %d requests were read; the next run goes on", len(self.seen))
            return True
        return self.is_complete

    def heads(self, known: Mapping[str, Head]) -> dict[str, Head]:
        """Give all heads known, moved on where the record goes on from them, with those that a slice of time finds."""
        heads, until = dict(known), self.services.now() + SLICE
        for request_id in self._to_read(known):
            if self.services.now() >= until:
                return heads
            self.seen.add(request_id)
            found = _head(self.services, request_id, known.get(request_id))
            if found is not None:
                heads[request_id] = found
        self.is_complete = True
        return heads

    def _to_read(self, known: Mapping[str, Head]) -> Iterator[str]:
        """Give what no file names yet, then what was open: else the latter might take up every run."""
        for is_new in (True, False):
            for entry in self.services.ledger.index():
                before = known.get(entry.request_id)
                is_wanted = before is None if is_new else before is not None and not before.final
                if is_wanted and entry.request_id not in self.seen:
                    yield entry.request_id


def _begin(run: _Run, today: date, newest: str | None) -> str | None:
    ledger = run.services.ledger
    before = None if newest is None else ledger.audit_file(newest)
    stored = None if newest is None or before is None else StoredFile.read(newest, before.content)
    if stored is not None and stored.audit is None:
        _log.error("%s cannot be read any more; all heads are read anew", stored.name)
    known = stored.audit.heads if stored is not None and stored.audit is not None else {}
    previous = None if stored is None else {"name": stored.name, "sha256": sha256_of(stored.content)}
    audit = AuditFile(day=today, previous=previous, heads=run.heads(known))
    try:
        ledger.create_audit_file(audit.name, audit.to_bytes())
    except AlreadyExists:
        _log.warning("%s was written at the same instant by another run", audit.name)
        run.is_complete = True
    return audit.name


def _extend(run: _Run, today: date) -> str | None:
    name = audit_name(today)
    blob = run.services.ledger.audit_file(name)
    stored = None if blob is None else StoredFile.read(name, blob.content)
    if blob is None or stored is None or stored.audit is None:
        _log.error("%s cannot be read any more, and is left as it is", name)
        return None
    audit = AuditFile(day=today, previous=stored.audit.previous, heads=run.heads(stored.audit.heads))
    try:
        run.services.ledger.replace_audit_file(name, audit.to_bytes(), blob.etag)
    except Superseded:
        _log.warning("%s was written at the same instant by another run", name)
        run.is_complete = True
    return name


def _head(services: Services, request_id: str, known: Head | None) -> Head | None:
    try:
        content = services.ledger.record_bytes(request_id)
    except UnknownRequest:
        _log.error("the index has an entry that can be of no request")
        return None
    record = None if content is None else read_record(content)
    if content is None or record is None or not may_follow(known, record):
        return None
    receipt = services.ledger.receipt_bytes(request_id) if record.status.is_final else None
    return head_of(record, content, receipt)
